package chat_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

func TestDeliveriesComeBackFromTheirRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chat.Attempted {
			a := chat.Attempted{
				Seq: chat.Sequence(rapid.Uint64Range(1, 5000).Draw(t, "seq")), Attempt: rapid.IntRange(1, 99).Draw(t, "attempt"),
				At: rapid.Int64Range(0, 1<<45).Draw(t, "at"), Duration: rapid.Int64Range(0, 30_000).Draw(t, "duration"),
				Status: rapid.IntRange(100, 599).Draw(t, "status"), Replay: rapid.Bool().Draw(t, "replay"),
			}
			if rapid.Bool().Draw(t, "has one before") {
				a.Previous = chat.Sequence(rapid.Uint64Range(0, uint64(a.Seq)-1).Draw(t, "previous"))
			}
			if b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "answer"); len(b) > 0 {
				a.Answer = b
			}
			return a
		}), 0, 50).Draw(t, "list")
		want := make(map[chat.Sequence][]chat.Attempted)
		for _, a := range list {
			want[a.Seq] = append(want[a.Seq], a)
		}
		got := make(map[chat.Sequence][]chat.Attempted)
		for _, c := range chat.EncodeDelivered(list) {
			part, err := chat.DecodeDelivered(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range part {
				if chat.ChunkOf(a.Seq) != c.Chunk {
					t.Fatalf("%d in chunk %d", a.Seq, c.Chunk)
				}
				got[a.Seq] = append(got[a.Seq], a)
			}
			bare, err := chat.StripAnswers(c)
			if err != nil {
				t.Fatal(err)
			}
			if bare != nil {
				part, err = chat.DecodeDelivered(chat.DeliveredChunk{Chunk: c.Chunk, Body: bare})
				for _, a := range part {
					if err != nil || a.Answer != nil {
						t.Fatalf("stripped: %+v, %v", a, err)
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzDeliveries(f *testing.F) {
	for _, c := range chat.EncodeDelivered([]chat.Attempted{{Seq: 5, Attempt: 1, At: 9, Status: 200, Answer: []byte("x")}}) {
		f.Add(c.Body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := chat.DecodeDelivered(chat.DeliveredChunk{Body: body})
		if err == nil && len(list) > len(body) {
			t.Fatalf("%d deliveries of %d bytes", len(list), len(body))
		}
	})
}
