package storetest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func eventPages(t *testing.T, w *world) {
	var rows chat.Rows
	must(t, w.commit(app1, nil, start, func(h chat.Head) chat.Rows {
		for i := range 20 {
			e := event(app1, h.Next+chat.Sequence(i), attempt(i), attempt(i), start)
			e.Body = make([]byte, 100)
			rows.Events = append(rows.Events, e)
		}
		rows.Next, rows.Totals.Refused = h.Next+20, 20
		return rows
	}))
	seqs := func(after chat.Sequence, limit, bytes int) (out []chat.Sequence) {
		for _, e := range get[[]chat.Event](t)(w.store.Events(w.ctx, app1, after, limit, bytes)) {
			out = append(out, e.Seq)
		}
		return out
	}
	equal(t, "limited by number", seqs(3, 4, 1<<20), []chat.Sequence{4, 5, 6, 7})
	if got := seqs(0, 20, 350); len(got) < 3 || len(got) > 5 || got[0] != 1 {
		t.Fatalf("limited by bytes: %v", got)
	}
	equal(t, "never nothing while there is more", seqs(5, 10, 1), []chat.Sequence{6})
	equal(t, "after the end", seqs(20, 10, 1<<20), []chat.Sequence(nil))
	before := func(before chat.Sequence, limit, bytes int) (out []chat.Sequence) {
		for _, e := range get[[]chat.Event](t)(w.store.EventsBefore(w.ctx, app1, before, limit, bytes)) {
			out = append(out, e.Seq)
		}
		return out
	}
	equal(t, "downwards, limited by number", before(7, 4, 1<<20), []chat.Sequence{6, 5, 4, 3})
	if got := before(21, 20, 350); len(got) < 3 || len(got) > 5 || got[0] != 20 {
		t.Fatalf("downwards, limited by bytes: %v", got)
	}
	equal(t, "downwards, never nothing while there is more", before(5, 10, 1), []chat.Sequence{4})
	equal(t, "before the beginning", before(1, 10, 1<<20), []chat.Sequence(nil))
	equal(t, "from the end", before(^chat.Sequence(0), 2, 1<<20), []chat.Sequence{20, 19})
	equal(t, "downwards, event", get[[]chat.Event](t)(w.store.EventsBefore(w.ctx, app1, 8, 1, 1))[0], rows.Events[6])
	e, ok, err := w.store.Event(w.ctx, app1, 7)
	if !ok || err != nil {
		t.Fatalf("event 7: %v, %v", ok, err)
	}
	equal(t, "event", e, rows.Events[6])
	if _, ok, err := w.store.Event(w.ctx, app1, 21); ok || err != nil {
		t.Fatalf("event 21: %v, %v", ok, err)
	}
}

// report commits a lane's progress and nothing else.
func (w *world) report(t *testing.T, p ...chat.Progress) {
	t.Helper()
	before := get[chat.Head](t)(w.store.Head(w.ctx, app1))
	must(t, w.commit(app1, nil, start, func(chat.Head) chat.Rows { return chat.Rows{Progress: p} }))
	equal(t, "head", get[chat.Head](t)(w.store.Head(w.ctx, app1)), before)
}

func progress(t *testing.T, w *world) {
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutEndpoint(chat.Endpoint{ID: "a", App: app1}); err != nil {
			return err
		}
		return r.PutEndpoint(chat.Endpoint{ID: "b", App: app1})
	})
	pending := func(endpoint string, after chat.Sequence, limit int) []chat.Pending {
		return bothPending(t, w.store, app1, endpoint, after, limit)
	}
	rows := []chat.Pending{
		{Seq: 2, Previous: 1, Attempt: 2, NextAt: start * 1000, Status: 500, Reason: "HTTP 500 \x00"},
		{Seq: 5, Previous: 2, Attempt: 9, Dead: true, Reason: "refused"},
		{Seq: 9, Previous: 5, Attempt: 1},
	}
	w.report(t,
		chat.Progress{Endpoint: "a", Cursor: 9, CursorPrevious: 9, Put: rows},
		chat.Progress{Endpoint: "b", Cursor: 4, CursorPrevious: 2},
		chat.Progress{Endpoint: "deleted meanwhile", Cursor: 4, Put: rows})
	equal(t, "pending", pending("a", 0, 10), rows)
	equal(t, "page", pending("a", 2, 1), rows[1:2])
	equal(t, "pending of b", pending("b", 0, 10), []chat.Pending(nil))
	equal(t, "pending of none", pending("deleted meanwhile", 0, 10), []chat.Pending(nil))

	rows[0].Attempt, rows[0].NextAt, rows[0].Status = 3, start*1000+5, 0
	w.report(t, chat.Progress{Endpoint: "a", Cursor: 12, CursorPrevious: 11, Put: rows[:1], Delete: []chat.Sequence{9, 77}})
	equal(t, "pending", pending("a", 0, 10), rows[:2])
	list := get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1))
	equal(t, "cursors", [][2]chat.Sequence{{list[0].Cursor, list[0].CursorPrevious}, {list[1].Cursor, list[1].CursorPrevious}},
		[][2]chat.Sequence{{12, 11}, {4, 2}})

	w.change(t, app1, func(r chat.Records) error { return r.DeleteEndpoint("a") })
	equal(t, "pending of a deleted endpoint", pending("a", 0, 10), []chat.Pending(nil))
}

// bothPending lists an endpoint's rows, dead or not, by sequence.
func bothPending(t *testing.T, s chat.Store, app chat.AppID, endpoint string, after chat.Sequence, limit int) []chat.Pending {
	t.Helper()
	list := append(get[[]chat.Pending](t)(s.Pending(t.Context(), app, endpoint, false, after, limit)),
		get[[]chat.Pending](t)(s.Pending(t.Context(), app, endpoint, true, after, limit))...)
	slices.SortFunc(list, func(a, b chat.Pending) int { return cmp.Compare(a.Seq, b.Seq) })
	return list[:min(len(list), limit)]
}

func failures(t *testing.T, w *world) {
	w.change(t, app1, func(r chat.Records) error { return r.PutEndpoint(chat.Endpoint{ID: "a", App: app1}) })
	var all []chat.Attempted
	for i := range 10 {
		var part []chat.Attempted
		for j := range 5 {
			part = append(part, chat.Attempted{Seq: 3, Attempt: i*5 + j + 1, At: start*1000 + int64(i), Duration: 12, Status: 500,
				Reason: "HTTP 500", Answer: []byte("oops\x00")})
		}
		all = append(all, part...)
		w.report(t, chat.Progress{Endpoint: "a", Cursor: 3, Failed: append(part, chat.Attempted{Seq: 4, Attempt: i + 1})})
	}
	equal(t, "kept", get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 3)), all[len(all)-32:])
	if n := len(get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 4))); n != 10 {
		t.Fatalf("%d attempts of the other event", n)
	}
	w.change(t, app1, func(r chat.Records) error { return r.DeleteEndpoint("a") })
	equal(t, "of a deleted endpoint", get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 3)), []chat.Attempted(nil))
}
