package storetest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// keeping reopens the store with another rule of what is kept.
func (w *world) keeping(t *testing.T, k chat.Keep) {
	t.Helper()
	w.store = w.opened.Keeping(t, k)
}

// happens commits n events of an app at a time, in unix milliseconds; each has a
// body of so many bytes.
func (w *world) happens(t fatal, app chat.AppID, n, body int, at int64) {
	t.Helper()
	must(t, w.commit(app, nil, at/1000, func(h chat.Head) chat.Rows {
		rows := chat.Rows{Next: h.Next + chat.Sequence(n), Time: max(h.Time, at), Totals: h.Totals}
		rows.Totals.Refused += uint64(n)
		for i := range n {
			e := event(app, h.Next+chat.Sequence(i), attempt(int(h.Next)+i), attempt(int(h.Next)+i), 0)
			e.Time, e.Body, e.Detail = rows.Time, make([]byte, body), nil
			rows.Events = append(rows.Events, e)
		}
		return rows
	}))
}

// journal are the sequences that are kept, which must have no hole.
func (w *world) journal(t fatal, app chat.AppID) (first, next chat.Sequence) {
	t.Helper()
	head := get[chat.Head](t)(w.store.Head(w.ctx, app))
	list := get[[]chat.Event](t)(w.store.Events(w.ctx, app, 0, 1<<20, 1<<30))
	first = get[chat.Sequence](t)(w.store.First(w.ctx, app))
	if want := head.Next - chat.Sequence(len(list)); first != want {
		t.Fatalf("first is %d, but there are %d events before %d", first, len(list), head.Next)
	}
	for i, e := range list {
		if e.Seq != first+chat.Sequence(i) {
			t.Fatalf("event %d follows %d others after %d", e.Seq, i, first)
		}
	}
	return first, head.Next
}

func (w *world) keeps(t fatal, what string, app chat.AppID, first, next chat.Sequence) {
	t.Helper()
	if f, n := w.journal(t, app); f != first || n != next {
		t.Fatalf("%s: the journal is %d to before %d, want %d to before %d", what, f, n, first, next)
	}
}

var long = time.Now().Add(-48 * time.Hour).UnixMilli() // ago

func keptByAge(t *testing.T, w *world) {
	w.makeApp(t, app2)
	w.keeps(t, "an empty journal", app1, 1, 1)
	if n := get[chat.Sequence](t)(w.store.First(w.ctx, 77)); n != 0 {
		t.Fatalf("first of no app: %d", n)
	}
	for range 20 {
		w.happens(t, app1, 250, 500, long)
	}
	w.happens(t, app1, 5, 500, time.Now().UnixMilli())
	w.happens(t, app2, 20, 500, time.Now().UnixMilli())
	w.keeping(t, chat.Keep{})
	w.tend(t, nil)
	w.keeps(t, "for ever", app1, 1, 5006)
	w.keeping(t, chat.Keep{Age: 24 * time.Hour})
	slices, before := 0, chat.Sequence(1)
	w.tend(t, func() {
		first, _ := w.journal(t, app1)
		if first-before > 4000 {
			t.Errorf("%d events in one call", first-before)
		}
		slices, before = slices+1, first
	})
	if slices < 2 {
		t.Errorf("it took only %d calls", slices)
	}
	w.keeps(t, "a day", app1, 5001, 5006)
	w.keeps(t, "a day, the other app", app2, 1, 21)
	w.restart(t)
	w.keeps(t, "after a restart", app1, 5001, 5006)
	list := get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 3, 2, 1<<20))
	if len(list) != 2 || list[0].Seq != 5001 {
		t.Errorf("after a removed one: %+v", list)
	}
	if _, ok, err := w.store.Event(w.ctx, app1, 5000); ok || err != nil {
		t.Errorf("a removed one: %v, %v", ok, err)
	}
}

func keptWholly(t *testing.T, w *world) {
	w.happens(t, app1, 30, 10, long)
	w.keeping(t, chat.Keep{Age: time.Hour})
	w.tend(t, nil)
	w.keeps(t, "nothing is left", app1, 31, 31)
	w.happens(t, app1, 1, 10, time.Now().UnixMilli())
	w.keeps(t, "the next one", app1, 31, 32)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteApp() })
	w.makeApp(t, app1)
	w.keeps(t, "an app made anew", app1, 1, 1)
	w.happens(t, app1, 3, 10, time.Now().UnixMilli())
	w.restart(t)
	w.tend(t, nil)
	w.keeps(t, "its events", app1, 1, 4)
}

func keptBySize(t *testing.T, w *world) {
	size := chat.EventSize(1000, 0)
	w.happens(t, app1, 300, 1000, time.Now().UnixMilli())
	w.keeping(t, chat.Keep{Bytes: 50 * size})
	w.tend(t, nil)
	w.keeps(t, "fifty", app1, 251, 301)
	w.happens(t, app1, 10, 1000, time.Now().UnixMilli())
	w.restart(t) // else it may take a moment until the journal is looked at again
	w.tend(t, nil)
	w.keeps(t, "ten more", app1, 261, 311)
	w.keeping(t, chat.Keep{Bytes: 50*size - 1})
	w.tend(t, nil)
	w.keeps(t, "one byte less", app1, 262, 311)
	w.keeping(t, chat.Keep{Bytes: 1})
	w.tend(t, nil)
	w.keeps(t, "a byte", app1, 311, 311)
}

// Whoever is deleted is blanked, which makes the journal smaller.
func keptBySizeErased(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.says(t, app1, g, gone, 40)
	w.deletes(t, app1, gone)
	w.tend(t, nil)
	var total int64
	list := get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 1000, 1<<30))
	for i := range list {
		total += list[i].Size()
	}
	w.keeping(t, chat.Keep{Bytes: total})
	w.tend(t, nil)
	w.keeps(t, "just as large", app1, 1, 41)
	w.keeping(t, chat.Keep{Bytes: total - 1})
	w.tend(t, nil)
	w.keeps(t, "one byte less", app1, 2, 41)
}

func keptUntilDelivered(t *testing.T, w *world) {
	w.happens(t, app1, 500, 10, long)
	w.change(t, app1, func(r chat.Records) error {
		for _, e := range []chat.Endpoint{{ID: "a", URL: "http://a"}, {ID: "b", URL: "http://b"}, {ID: "none"}} {
			e.App = app1
			if err := r.PutEndpoint(e); err != nil {
				return err
			}
		}
		return nil
	})
	w.report(t,
		chat.Progress{Endpoint: "a", Cursor: 400, CursorPrevious: 400,
			Put:       []chat.Pending{{Seq: 20, Dead: true}, {Seq: 40, NextAt: 1}, {Seq: 300, Dead: true}},
			Failed:    []chat.Attempted{{Seq: 20, Attempt: 1}, {Seq: 40, Attempt: 1}, {Seq: 300, Attempt: 1}},
			Delivered: []chat.Attempted{{Seq: 21, Attempt: 1, Status: 200}, {Seq: 41, Attempt: 1, Status: 200}}, At: 1,
			Dead: []chat.DeadRange{{First: 10, Last: 19}, {First: 30, Last: 45}}},
		chat.Progress{Endpoint: "b", Cursor: 350, CursorPrevious: 350})
	pending := func(endpoint string) (seqs []chat.Sequence) {
		for _, dead := range []bool{false, true} {
			for _, p := range get[[]chat.Pending](t)(w.store.Pending(w.ctx, app1, endpoint, dead, 0, 100)) {
				seqs = append(seqs, p.Seq)
			}
		}
		return seqs
	}
	ranges := func() (firsts []chat.Sequence) {
		for _, d := range get[[]chat.DeadRange](t)(w.store.DeadRanges(w.ctx, app1, "a")) {
			firsts = append(firsts, d.First)
		}
		return firsts
	}
	w.keeping(t, chat.Keep{Age: time.Hour})
	w.tend(t, nil)
	w.keeps(t, "one waits for its next attempt", app1, 40, 501)
	equal(t, "rows", pending("a"), []chat.Sequence{40, 300})
	for seq, n := range map[chat.Sequence]int{20: 0, 40: 1, 41: 1, 300: 1} {
		if list := get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", seq)); len(list) != n {
			t.Errorf("event %d has %d attempts, want %d", seq, len(list), n)
		}
	}
	equal(t, "ranges", ranges(), []chat.Sequence{30})
	w.report(t, chat.Progress{Endpoint: "a", Cursor: 450, CursorPrevious: 450, Delete: []chat.Sequence{40}})
	w.restart(t)
	w.tend(t, nil)
	w.keeps(t, "it was delivered; the other endpoint is behind", app1, 351, 501)
	equal(t, "rows", pending("a"), []chat.Sequence{})
	w.keeping(t, chat.Keep{Age: time.Hour, Undelivered: 24 * time.Hour * 30})
	w.tend(t, nil)
	w.keeps(t, "not old enough", app1, 351, 501)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteEndpoint("b") })
	w.restart(t)
	w.tend(t, nil)
	w.keeps(t, "without the other endpoint", app1, 451, 501)
	w.report(t, chat.Progress{Endpoint: "a", Cursor: 450, CursorPrevious: 450, Put: []chat.Pending{{Seq: 470}}})
	w.keeping(t, chat.Keep{Age: time.Hour, Undelivered: 2 * time.Hour})
	w.tend(t, nil)
	w.keeps(t, "old enough", app1, 501, 501)
	equal(t, "rows", pending("a"), []chat.Sequence{})
	equal(t, "ranges", ranges(), []chat.Sequence{})
	w.happens(t, app1, 600, 10, long)
	w.report(t, chat.Progress{Endpoint: "a", Cursor: 1100, CursorPrevious: 1100})
	w.restart(t)
	w.tend(t, nil)
	w.keeps(t, "more than a chunk", app1, 1101, 1101)
	if list := get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", 41)); len(list) != 0 {
		t.Errorf("a delivery is kept after its chunk: %+v", list)
	}
}

// However many events are due, and though more come meanwhile, all go. When a
// round begins is the store's to choose.
func keptUnderLoad(t *testing.T, w *world) {
	w.keeping(t, chat.Keep{Age: time.Hour})
	for range 5 {
		w.happens(t, app1, 1000, 600, long)
		began, slices := false, 0
		for late := time.Now().Add(30 * time.Second); ; {
			if time.Now().After(late) {
				t.Fatalf("events that are due stay, after %d slices", slices)
			}
			before := get[chat.Sequence](t)(w.store.First(w.ctx, app1))
			_, err := w.store.Maintain()
			must(t, err)
			after := get[chat.Sequence](t)(w.store.First(w.ctx, app1))
			if after > before {
				if slices++; !began { // more come while it goes on
					began = true
					w.happens(t, app1, 1000, 600, long)
				}
			}
			if after == get[chat.Head](t)(w.store.Head(w.ctx, app1)).Next {
				break
			}
		}
	}
}

// What goes is what the rule says of the whole journal, whatever was stored,
// delivered and removed before.
func keptModel(t *testing.T, w *world) {
	apps := chat.AppID(1400000100)
	rapid.Check(t, func(rt *rapid.T) {
		apps++
		app := apps
		w.makeApp(rt, app)
		w.change(rt, app, func(r chat.Records) error {
			return r.PutEndpoint(chat.Endpoint{ID: "a", App: app, URL: "http://a"})
		})
		var kept []chat.Kept
		var total int64
		next, cursor, waiting := chat.Sequence(1), chat.Sequence(0), make(map[chat.Sequence]bool)
		at := time.Now().Add(-100 * time.Hour)
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 4).Draw(rt, "batches") {
				n, body := rapid.IntRange(1, 40).Draw(rt, "events"), rapid.IntRange(0, 3000).Draw(rt, "body")
				at = at.Add(time.Duration(rapid.IntRange(0, 6).Draw(rt, "hours")) * time.Hour)
				w.happens(rt, app, n, body, at.UnixMilli())
				for range n {
					kept = append(kept, chat.Kept{Seq: next, Time: at.UnixMilli(), Size: chat.EventSize(body, 0)})
					total += chat.EventSize(body, 0)
					next++
				}
			}
			p := chat.Progress{Endpoint: "a", Cursor: min(cursor+chat.Sequence(rapid.IntRange(0, 60).Draw(rt, "on")), next-1)}
			if p.Cursor > cursor && len(kept) > 0 && p.Cursor >= kept[0].Seq && rapid.Bool().Draw(rt, "fails") {
				p.Put = []chat.Pending{{Seq: p.Cursor}}
				waiting[p.Cursor] = true
			}
			for seq := range waiting {
				if seq < p.Cursor && rapid.Bool().Draw(rt, "delivered") {
					p.Delete = append(p.Delete, seq)
					delete(waiting, seq)
				}
			}
			cursor = p.Cursor
			must(rt, w.commit(app, nil, start, func(chat.Head) chat.Rows { return chat.Rows{Progress: []chat.Progress{p}} }))
			k := chat.Keep{
				Age:         time.Duration(rapid.IntRange(0, 100).Draw(rt, "age"))*time.Hour + time.Duration(rapid.IntRange(0, 1).Draw(rt, "some"))*30*time.Minute,
				Bytes:       rapid.Int64Range(0, 100_000).Draw(rt, "bytes"),
				Undelivered: time.Duration(rapid.IntRange(0, 100).Draw(rt, "undelivered"))*time.Hour + 30*time.Minute,
			}
			if k.Age%time.Hour == 0 { // the clock goes on: nothing may be just at the edge
				k.Age += 30 * time.Minute
			}
			stop := cursor + 1
			for seq := range waiting {
				stop = min(stop, seq)
			}
			w.keeping(t, k)
			w.tend(t, nil)
			n := k.Removable(w.store.Now(), total, stop, kept)
			for _, e := range kept[:n] {
				total -= e.Size
				delete(waiting, e.Seq)
			}
			kept = kept[n:]
			first, _ := w.journal(rt, app)
			if want := next - chat.Sequence(len(kept)); first != want {
				rt.Fatalf("%+v: first is %d, want %d", k, first, want)
			}
		}
	})
}
