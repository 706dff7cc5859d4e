package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func severed(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.send(t, app1, g, 3, 0, start)
	for round := range 3 {
		var lost chat.Rows
		tx, err := w.begin()
		must(t, err)
		must(t, put(tx, app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
			lost = accepted(app1, h, g, 4, 100, start)
			return lost
		}))
		w.opened.Sever(t)
		err = tx.Commit()
		if err == nil {
			t.Fatal("a commit without a connection succeeded")
		}
		tx.Rollback()
		must(t, w.store.Reopen())
		for i, there := range get[[]bool](t)(w.store.Found(w.ctx, app1, traces(lost))) {
			if there {
				t.Fatalf("round %d: attempt %d is there", round, i)
			}
		}
	}
	equal(t, "next", get[chat.Head](t)(w.store.Head(w.ctx, app1)).Next, chat.Sequence(4))
	w.send(t, app1, g, 4, 100, start)
	equal(t, "events", len(get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 99, 1<<20))), 7)
}

func failedStatement(t *testing.T, w *world) {
	tx, err := w.begin()
	must(t, err)
	if err := tx.Put(99, &chat.Rows{Next: 1}); err == nil {
		t.Fatal("an app that is not there took rows")
	}
	if tx.Commit() == nil {
		t.Fatal("a commit after a failed statement succeeded")
	}
	tx.Rollback()
	w.makeGroup(t, app1, "g")
}

// second is another process on the same data, or the end of the test.
func (w *world) second(t *testing.T) *world {
	t.Helper()
	if !w.store.Concurrent() {
		t.Skip("this store is one process's alone")
	}
	other := &world{opened: w.opened, store: w.opened.Second(t), ctx: w.ctx}
	t.Cleanup(func() {
		if other.open != nil {
			other.open.Rollback()
		}
	})
	return other
}

func twoProcesses(t *testing.T, w *world) {
	other := w.second(t)
	g := w.makeGroup(t, app1, "g")
	for round := range 6 {
		here, there := w, other
		if round%2 == 1 {
			here, there = other, w
		}
		rows := here.send(t, app1, g, 3, 100*round, start)
		for _, r := range rows.Repeats { // accepted here, it is known there at once
			got, ok := there.recognised(t, app1, r.Key, start+1)
			if !ok || got != r {
				t.Fatalf("round %d: %+v, %v", round, got, ok)
			}
		}
		head := get[chat.Head](t)(there.store.Head(w.ctx, app1))
		equal(t, "next", head.Next, chat.Sequence(3*round+4))
		equal(t, "heads", get[map[chat.AppID]chat.Head](t)(there.store.Heads(w.ctx)), map[chat.AppID]chat.Head{app1: head})
		equal(t, "newest", get[[]chat.Message](t)(there.store.Messages(w.ctx, app1, g, 1<<40, 1))[0].Seq, chat.MsgSeq(3*round+3))
	}
}

// twoWriters commits batches from both sides at once. Each side sees whole
// batches of the other, and no number is given out twice.
func twoWriters(t *testing.T, w *world) {
	other := w.second(t)
	g := w.makeGroup(t, app1, "g")
	var all sync.WaitGroup
	for side, one := range []*world{w, other} {
		all.Go(func() {
			for i := range 40 {
				for {
					err := one.commit(app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
						if h.Next != chat.Sequence(h.Groups[g].Next) || (h.Next-1)%5 != 0 {
							t.Errorf("a batch in part: %+v", h)
						}
						return accepted(app1, h, g, 5, side*1000+i*5, start)
					})
					if errors.Is(err, chat.ErrStoreBusy) {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
			}
		})
	}
	all.Wait()
	list := get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 1000, 1<<30))
	equal(t, "events", len(list), 400)
	for i, e := range list {
		equal(t, "sequence", e.Seq, chat.Sequence(i+1))
	}
	for i, m := range get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 1<<40, 1000)) {
		equal(t, "number", m.Seq, chat.MsgSeq(400-i))
	}
	equal(t, "totals", get[chat.Head](t)(w.store.Head(w.ctx, app1)).Totals.Accepted, uint64(400))
}

// twoMakers make an app that is not there at the same time: the second one finds
// it made.
func twoMakers(t *testing.T, w *world) {
	other := w.second(t)
	var mu sync.Mutex
	made := 0
	var all sync.WaitGroup
	for _, one := range []*world{w, other, w, other} {
		all.Go(func() {
			err := one.try(app2, func(r chat.Records) error {
				_, there, err := r.App()
				if err != nil || there {
					return err
				}
				mu.Lock()
				made++
				mu.Unlock()
				if err := r.PutApp(chat.App{ID: app2, Key: "k", Epoch: "e"}); err != nil {
					return err
				}
				_, err = r.RaiseVersion(chat.Change{ID: attempt(1)})
				return err
			})
			if err != nil && !errors.Is(err, chat.ErrStoreBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	equal(t, "made", made, 1)
	equal(t, "version", get[chat.Head](t)(w.store.Head(w.ctx, app2)).Version, uint64(1))
}

// changes are told to other processes; a change that failed is not among them.
func changes(t *testing.T, w *world) {
	other := w.second(t)
	touched := []chat.Touched{
		{Groups: []chat.GroupID{"g", "\x00h"}},
		{Accounts: []chat.UserID{"u"}, Standings: []chat.StandingID{{Group: 7, User: "u\x00"}}},
		{App: true},
		{Everything: true},
	}
	before := get[chat.Head](t)(w.store.Head(w.ctx, app1)).Version
	var want []chat.Change
	for i, what := range touched {
		c := chat.Change{ID: attempt(i), Touched: what}
		w.change(t, app1, func(r chat.Records) (err error) {
			c.Version, err = r.RaiseVersion(c)
			return err
		})
		want = append(want, c)
		lost := errors.New("lost")
		if err := w.try(app1, func(r chat.Records) error {
			if _, err := r.RaiseVersion(chat.Change{ID: attempt(100 + i)}); err != nil {
				return err
			}
			return lost
		}); !errors.Is(err, lost) {
			t.Fatal(err)
		}
	}
	now := get[chat.Head](t)(other.store.Head(w.ctx, app1)).Version
	equal(t, "version", now, before+uint64(len(touched)))
	equal(t, "changes", get[[]chat.Change](t)(other.store.Changes(w.ctx, app1, before, now)), want)
	equal(t, "the last two", get[[]chat.Change](t)(other.store.Changes(w.ctx, app1, now-2, now)), want[2:])
	equal(t, "found", get[[]bool](t)(other.store.Found(w.ctx, app1, []chat.Trace{
		{Attempt: attempt(0), Version: want[0].Version}, {Attempt: attempt(100), Version: want[0].Version},
		{Removed: "epoch-1"}, {Removed: "another"},
	})), []bool{true, false, false, true})
}
