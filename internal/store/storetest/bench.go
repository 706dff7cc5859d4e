package storetest

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

var sizes = []int{1, 32, 256}

// BenchPutAccepted measures whole transactions of accepted sends to ten groups,
// Lock, Put and Commit with Maintain between them, by batch size. An operation
// is one send.
func BenchPutAccepted(b *testing.B, open func(b *testing.B) chat.Store) {
	benchPut(b, open, func(head chat.Head, groups []chat.GroupKey, n int, next *int, now int64) chat.Rows {
		rows := chat.Rows{Next: head.Next, Time: now * 1000, Totals: head.Totals}
		for i := range n {
			g := head.Groups[groups[i%len(groups)]]
			a := chat.AttemptID(key(*next))
			rows.Messages = append(rows.Messages, chat.Message{Group: g.Key, Seq: g.Next, From: "user123", Random: uint32(*next), Time: now,
				Priority: chat.Normal, Attempt: a,
				Body: []byte(`[{"MsgContent":{"Text":"hello there, this is a message of normal size for a chat"},"MsgType":"TIMTextElem"}]`)})
			rows.Repeats = append(rows.Repeats, chat.Repeat{Key: key(*next), Attempt: a, Seq: g.Next, Time: now})
			g.Next, g.Time = g.Next+1, now
			head.Groups[g.Key] = g
			*next++
		}
		for _, g := range head.Groups {
			rows.Groups = append(rows.Groups, g)
		}
		rows.Totals.Accepted += uint64(n)
		return rows
	})
}

// BenchPutRefused measures whole transactions of refused sends likewise.
func BenchPutRefused(b *testing.B, open func(b *testing.B) chat.Store) {
	body := []byte(`{"CallbackCommand":"Group.CallbackSendMsgException","ErrorCode":10017,"ErrorInfo":"sender is muted","EventTime":1700000000123,` +
		`"From_Account":"u1","GroupId":"@TGS#ABC","MsgBody":[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":0,` +
		`"Operator_Account":"u1","Random":4026038328,"Type":"Public"}`)
	benchPut(b, open, func(head chat.Head, _ []chat.GroupKey, n int, next *int, now int64) chat.Rows {
		rows := chat.Rows{Next: head.Next + chat.Sequence(n), Time: now * 1000, Totals: head.Totals}
		for i := range n {
			e := event(app1, head.Next+chat.Sequence(i), attempt(*next), attempt(*next), now)
			e.Body = body
			rows.Events = append(rows.Events, e)
			*next++
		}
		rows.Totals.Refused += uint64(n)
		return rows
	})
}

func benchPut(b *testing.B, open func(b *testing.B) chat.Store, make func(chat.Head, []chat.GroupKey, int, *int, int64) chat.Rows) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := &world{store: open(b), ctx: b.Context()}
			w.makeApp(b, app1)
			var groups []chat.GroupKey
			for i := range 10 {
				groups = append(groups, w.makeGroup(b, app1, chat.GroupID(fmt.Sprint("g", i))))
			}
			next := 0
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += size {
				n := min(size, b.N-done)
				now := start + int64(done/20_000)
				keys := newKeys(next, n)
				tx, err := w.store.Begin()
				must(b, err)
				head, err := tx.Lock(app1, groups[:min(n, len(groups))], keys, now)
				must(b, err)
				rows := make(head, groups, n, &next, now)
				rows.Now = now
				must(b, tx.Put(app1, &rows))
				must(b, tx.Commit())
				_, err = w.store.Maintain()
				must(b, err)
			}
		})
	}
}

func newKeys(first, n int) []chat.RepeatKey {
	keys := make([]chat.RepeatKey, n)
	for i := range keys {
		keys[i] = key(first + i)
	}
	return keys
}

// BenchReads measures the reads of the send path, each by a key that is there.
func BenchReads(b *testing.B, open func(b *testing.B) chat.Store) {
	w := &world{store: open(b), ctx: b.Context()}
	w.makeApp(b, app1)
	g := w.makeGroup(b, app1, "group")
	w.change(b, app1, func(r chat.Records) error {
		for i := range 1000 {
			u := chat.UserID(fmt.Sprint("user", i))
			if err := r.PutAccount(chat.Account{User: u, Nick: "nick"}); err != nil {
				return err
			}
			if err := r.PutMember(g, chat.Member{User: u, Role: chat.RoleMember}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, read := range []struct {
		name string
		run  func() error
	}{
		{"Account", func() error { _, _, err := w.store.Account(w.ctx, app1, "user500"); return err }},
		{"Group", func() error { _, _, err := w.store.Group(w.ctx, app1, "group"); return err }},
		{"Standing", func() error { _, err := w.store.Standing(w.ctx, app1, g, "user500"); return err }},
		{"Repeat", func() error { _, _, err := w.store.Repeat(w.ctx, app1, key(1), start); return err }},
	} {
		b.Run(read.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				must(b, read.run())
			}
		})
	}
}
