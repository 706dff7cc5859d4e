package storetest

import (
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// What a lane writes of an endpoint comes back, stays through a restart, and
// goes with the endpoint.
func deliveries(t *testing.T, w *world) {
	w.change(t, app1, func(r chat.Records) error { return r.PutEndpoint(chat.Endpoint{ID: "a", App: app1}) })
	lane := chat.LaneState{FailingAt: 5, Probes: 3, Alarmed: true, LastError: "500", Limit: 7}
	first := chat.Progress{Endpoint: "a", Cursor: 3000, Lane: &lane, At: 1, Put: []chat.Pending{
		{Seq: 4, Previous: 3, Attempt: 2, NextAt: 9, Since: 8, Group: "g\x00", Replay: true},
		{Seq: 5, Previous: 4, Attempt: 1, Since: 8, Group: "g\x00"},
		{Seq: 6, Attempt: 9, Dead: true},
	}, Delivered: []chat.Attempted{
		{Seq: 2000, Attempt: 1, At: 50, Duration: 3, Status: 200},
		{Seq: 1, Attempt: 1, At: 40, Duration: 2, Status: 200, Answer: []byte("{}")},
		{Seq: 2, Attempt: 4, At: 30, Duration: 2, Status: 200, Replay: true, Previous: 1},
	}, Dead: []chat.DeadRange{{First: 7, Last: 900, Previous: 5, At: 11, Reason: "too old", Switches: chat.Switches{Commands: []string{"c"}, Codes: []int{1}, Groups: []chat.GroupID{"g"}}}},
		Failed: []chat.Attempted{{Seq: 2, Attempt: 3, At: 20, Status: 500, Reason: "500", Replay: true}}}
	second := chat.Progress{Endpoint: "a", Cursor: 3001, At: 2, Delivered: []chat.Attempted{{Seq: 2, Attempt: 5, At: 60, Status: 200}},
		Dead: []chat.DeadRange{{First: 7, Last: 1000, Previous: 5, At: 12, Reason: "too old"}}}
	other := chat.Progress{Endpoint: "none", At: 1, Delivered: first.Delivered, Dead: first.Dead, Failed: first.Failed, Lane: &lane}
	w.report(t, first, other)
	w.report(t, second)
	for range 2 {
		e := get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1))[0]
		equal(t, "lane", e.Lane, lane)
		equal(t, "waiting", get[[]chat.Pending](t)(w.store.Pending(w.ctx, app1, "a", false, 0, 9)), first.Put[:2])
		equal(t, "dead", get[[]chat.Pending](t)(w.store.Pending(w.ctx, app1, "a", true, 0, 9)), first.Put[2:])
		p, ok, err := w.store.PendingOf(w.ctx, app1, "a", 4)
		if !ok || err != nil {
			t.Fatalf("row of 4: %v, %v", ok, err)
		}
		equal(t, "row", p, first.Put[0])
		if _, ok, err := w.store.PendingOf(w.ctx, app1, "a", 3); ok || err != nil {
			t.Fatalf("row of 3: %v, %v", ok, err)
		}
		waiting, dead, err := w.store.CountPending(w.ctx, app1, "a", 1)
		must(t, err)
		equal(t, "counts", [2]int{waiting, dead}, [2]int{1, 1})
		equal(t, "dead ranges", get[[]chat.DeadRange](t)(w.store.DeadRanges(w.ctx, app1, "a")), second.Dead)
		equal(t, "attempts of 2", get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 2)),
			[]chat.Attempted{first.Failed[0], first.Delivered[2], second.Delivered[0]})
		equal(t, "attempts of 1", get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 1)), first.Delivered[1:2])
		equal(t, "attempts of 3", len(get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 3))), 0)
		equal(t, "delivered", get[map[chat.Sequence]bool](t)(w.store.Delivered(w.ctx, app1, "a", 2, 2000)), map[chat.Sequence]bool{2: true})
		equal(t, "delivered", get[map[chat.Sequence]bool](t)(w.store.Delivered(w.ctx, app1, "a", 1024, 2000)), map[chat.Sequence]bool{2000: true})
		w.restart(t)
	}
	w.change(t, app1, func(r chat.Records) error { return r.DeleteEndpoint("a") })
	w.change(t, app1, func(r chat.Records) error { return r.PutEndpoint(chat.Endpoint{ID: "a", App: app1}) })
	equal(t, "attempts of a new one", len(get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 2))), 0)
	equal(t, "ranges of a new one", len(get[[]chat.DeadRange](t)(w.store.DeadRanges(w.ctx, app1, "a"))), 0)
	equal(t, "lane of a new one", get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1))[0].Lane, chat.LaneState{})
}

func replays(t *testing.T, w *world) {
	var made []chat.Replay
	w.change(t, app1, func(r chat.Records) error {
		for _, id := range []string{"a", "b"} {
			if err := r.PutEndpoint(chat.Endpoint{ID: id, App: app1}); err != nil {
				return err
			}
		}
		for i, p := range []chat.Replay{
			{Endpoint: "a", First: 1, Next: 1, Last: 9, Dead: true, Since: 3, Till: 4, Code: 5, Group: "g\x00"}, {Endpoint: "a", First: 2, Next: 2, Last: 2}, {Endpoint: "b", Next: 1, Last: 1},
		} {
			id, err := r.AddReplay(p)
			if err != nil {
				return err
			}
			p.ID = id
			made = append(made, p)
			if i > 0 && id <= made[i-1].ID {
				t.Errorf("replay %d after %d", id, made[i-1].ID)
			}
		}
		n, err := r.CountReplays("a")
		equal(t, "replays of a", n, int64(2))
		return err
	})
	of := func(id string) []chat.Replay { return get[[]chat.Replay](t)(w.store.Replays(w.ctx, app1, id)) }
	equal(t, "replays", of("a"), made[:2])
	made[0].Next, made[1].Next = 5, 3
	w.report(t, chat.Progress{Endpoint: "a", Replays: made[:2]})
	w.restart(t)
	equal(t, "replays", of("a"), made[:1])
	equal(t, "of the other", of("b"), made[2:])
	w.change(t, app1, func(r chat.Records) error { return r.DeleteEndpoint("a") })
	equal(t, "of a deleted endpoint", len(of("a")), 0)
}

func tokens(t *testing.T, w *world) {
	one := chat.Token{ID: "one", App: app1, Name: "n\x00", CreatedAt: 5, Hash: chat.HashToken("secret")}
	two := chat.Token{ID: "two", App: app1, Name: "m", CreatedAt: 4, Hash: chat.HashToken("other")}
	w.change(t, app1, func(r chat.Records) error {
		if err := r.AddToken(one); err != nil {
			return err
		}
		return r.AddToken(two)
	})
	w.restart(t)
	equal(t, "tokens", get[[]chat.Token](t)(w.store.Tokens(w.ctx, app1)), []chat.Token{two, one})
	found, ok, err := w.store.Token(w.ctx, chat.HashToken("secret"))
	if !ok || err != nil {
		t.Fatalf("token: %v, %v", ok, err)
	}
	equal(t, "token", found, one)
	w.change(t, app1, func(r chat.Records) error {
		n, err := r.CountTokens()
		equal(t, "tokens", n, int64(2))
		if err != nil {
			return err
		}
		for _, want := range []bool{true, false} {
			if ok, err := r.DeleteToken("one"); err != nil || ok != want {
				t.Errorf("delete: %v, %v; want %v", ok, err, want)
			}
		}
		return nil
	})
	if _, ok, err := w.store.Token(w.ctx, one.Hash); ok || err != nil {
		t.Fatalf("a revoked token: %v, %v", ok, err)
	}
}
