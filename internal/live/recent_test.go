package live

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// What is in memory of a group is compared with a plain list of all that was
// said: whatever it answers is what the list has, and the bytes are counted.
func TestRecentIsTheEndOfThePlainList(t *testing.T) {
	t.Parallel()
	users := []chat.UserID{"ann", "bob", "cid"}
	rapid.Check(t, func(t *rapid.T) {
		var budget recentBudget
		r := recent{budget: &budget}
		next := chat.MsgSeq(rapid.IntRange(1, 5).Draw(t, "start"))
		r.begin(next)
		var all []chat.Message // since it began
		early := make(map[chat.MsgSeq]bool)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(t, "number") {
					m := chat.Message{Seq: next, From: users[int(next)%3], Time: int64(next), Body: []byte(`["x"]`)}
					r.add(&m)
					if early[next] {
						m.Flags |= chat.FlagRecalled
					}
					all = append(all, m)
					next++
				}
			},
			"take back": func(t *rapid.T) {
				seq := chat.MsgSeq(rapid.IntRange(1, int(next)+20).Draw(t, "seq"))
				r.takeBack([]chat.MsgSeq{seq})
				early[seq] = early[seq] || seq >= next
				for i := range all {
					if all[i].Seq == seq {
						all[i].Flags |= chat.FlagRecalled
					}
				}
			},
			"erase": func(t *rapid.T) {
				user := rapid.SampledFrom(users).Draw(t, "user")
				r.erase([]chat.UserID{user})
				for i := range all {
					if all[i].From == user {
						all[i].Body, all[i].Flags = []byte(chat.EmptyBody), all[i].Flags|chat.FlagErased
					}
				}
			},
			"shrink": func(t *rapid.T) {
				n := rapid.IntRange(0, 300).Draw(t, "kept")
				r.mu.Lock()
				r.shrink(n)
				r.mu.Unlock()
			},
			"clear": func(t *rapid.T) { r.clear() },
			"page": func(t *rapid.T) {
				newest := chat.MsgSeq(rapid.IntRange(1, int(next)+2).Draw(t, "newest"))
				limit := rapid.IntRange(1, min(20, int(newest))).Draw(t, "limit")
				page, ok := r.page(newest, limit)
				if !ok {
					return
				}
				var want []chat.Message
				for seq := newest; seq > newest-chat.MsgSeq(limit); seq-- {
					i := slices.IndexFunc(all, func(m chat.Message) bool { return m.Seq == seq })
					if i < 0 {
						t.Fatalf("it answers for %d, which it never had", seq)
					}
					want = append(want, all[i])
				}
				a, _ := json.Marshal(page)
				b, _ := json.Marshal(want)
				if string(a) != string(b) {
					t.Fatalf("from %d, %d: %s, want %s", newest, limit, a, b)
				}
			},
			"last": func(t *rapid.T) {
				now := rapid.IntRange(0, int(next)+200).Draw(t, "now")
				list := r.last(time.Unix(int64(now), 0), "ann")
				for i, m := range list {
					if m.Time < int64(now)-120 || m.Flags&(chat.FlagRecalled|chat.FlagErased) != 0 || i > 0 && m.Seq <= list[i-1].Seq || len(list) > roomRecent {
						t.Fatalf("%d messages, one of them %+v", len(list), m)
					}
				}
			},
			"": func(t *rapid.T) {
				var bytes int64
				for i := range r.list {
					bytes += sizeOf(&r.list[i])
				}
				if r.bytes != bytes || budget.used.Load() != bytes || len(r.list) >= 2*groupRecent+1 {
					t.Fatalf("%d messages of %d bytes, counted as %d and %d", len(r.list), bytes, r.bytes, budget.used.Load())
				}
			},
		})
		r.end()
		m := chat.Message{Seq: next}
		if r.add(&m); budget.used.Load() != 0 {
			t.Fatal("what has ended still takes memory")
		}
	})
}
