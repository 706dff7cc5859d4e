package storetest

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// Erase is the [chat.Erase] that an engine's test gives its store.
func Erase([]byte) []byte { return []byte(`{"erased":true}`) }

// gone is a user who is deleted; his id has all that an id can be awkward by.
const gone = chat.UserID("g\x00n\xff'e%")

// says commits n accepted and n refused sends of a user.
func (w *world) says(t *testing.T, app chat.AppID, g chat.GroupKey, from chat.UserID, n int) {
	t.Helper()
	must(t, w.commit(app, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
		head := h.Groups[g]
		rows := chat.Rows{Time: start * 1000, Totals: h.Totals, Next: h.Next}
		for range n {
			id := attempt(int(rows.Next))
			rows.Messages = append(rows.Messages, chat.Message{Group: g, Seq: head.Next, From: from, Random: 7, Time: start, Priority: chat.Low,
				Flags: chat.FlagHasCloud | chat.FlagTargeted, Body: []byte(`["secret"]`), Cloud: "secret", To: []chat.UserID{"secret"},
				Mentions: []chat.Mention{{User: "secret"}}, Attempt: id})
			e := event(app, rows.Next, id, id, start)
			e.From, e.Body, e.Detail = from, []byte(`{"MsgBody":["secret"]}`), []byte(`{"compared":{"limit":3,"word":"secret"}}`)
			rows.Events = append(rows.Events, e)
			head.Next++
			rows.Next++
		}
		head.Time = start
		rows.Groups = []chat.GroupHead{head}
		rows.Totals.Accepted += uint64(n)
		rows.Totals.Refused += uint64(n)
		return rows
	}))
}

// deletes deletes users as the heart does.
func (w *world) deletes(t *testing.T, app chat.AppID, users ...chat.UserID) {
	t.Helper()
	w.change(t, app, func(r chat.Records) error {
		for _, u := range users {
			if err := r.DeleteAccount(u); err != nil {
				return err
			}
		}
		_, err := r.RaiseVersion(chat.Change{ID: attempt(1)})
		return err
	})
}

// tend calls Maintain until there is no more work, and after each call between.
func (w *world) tend(t *testing.T, between func()) (calls int) {
	t.Helper()
	for {
		more, err := w.store.Maintain()
		must(t, err)
		if between != nil {
			between()
		}
		if !more {
			return calls
		}
		if calls++; calls > 10_000 {
			t.Fatal("the work does not end")
		}
	}
}

// stored is all that is stored of groups of an app.
type stored struct {
	Messages map[chat.GroupKey][]chat.Message
	Events   []chat.Event
	Head     chat.Head
}

func (w *world) stored(t *testing.T, app chat.AppID, groups ...chat.GroupKey) stored {
	t.Helper()
	s := stored{Messages: map[chat.GroupKey][]chat.Message{}, Events: get[[]chat.Event](t)(w.store.Events(w.ctx, app, 0, 1<<20, 1<<30)),
		Head: get[chat.Head](t)(w.store.Head(w.ctx, app))}
	for _, g := range groups {
		s.Messages[g] = get[[]chat.Message](t)(w.store.Messages(w.ctx, app, g, 1<<62, 1<<20))
	}
	return s
}

// without is what is to be left when what user said up to limits is blanked.
func (s stored) without(user chat.UserID, event chat.Sequence, message chat.MsgSeq) stored {
	left := stored{Messages: map[chat.GroupKey][]chat.Message{}, Head: s.Head}
	for g, list := range s.Messages {
		for _, m := range list {
			if m.From == user && m.Seq <= message {
				m.Body, m.Cloud, m.To, m.Mentions, m.Flags = []byte("[]"), "", nil, nil, m.Flags|chat.FlagErased
			}
			left.Messages[g] = append(left.Messages[g], m)
		}
	}
	for _, e := range s.Events {
		if e.From == user && e.Seq <= event {
			e.Body, e.Detail = Erase(nil), []byte(`{"compared":{"limit":3}}`)
		}
		left.Events = append(left.Events, e)
	}
	return left
}

const all = 1 << 62

func erased(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g1, g2, other := w.makeGroup(t, app1, "g1"), w.makeGroup(t, app1, "g2"), w.makeGroup(t, app2, "g1")
	for _, user := range []chat.UserID{gone, "stays", "g", gone + "x", gone} {
		w.says(t, app1, g1, user, 3)
		w.says(t, app2, other, user, 3)
		w.says(t, app1, g2, user, 2)
	}
	w.change(t, app1, func(r chat.Records) error { return r.PutEndpoint(chat.Endpoint{ID: "a", App: app1}) })
	w.report(t, chat.Progress{Endpoint: "a", Put: []chat.Pending{{Seq: 1}, {Seq: 6}}, Failed: []chat.Attempted{
		{Seq: 1, Attempt: 1, Status: 500, Reason: "500", Answer: []byte("secret")}, {Seq: 6, Attempt: 1, Status: 500, Answer: []byte("stays")}},
		Delivered: []chat.Attempted{{Seq: 1, Attempt: 2, At: 5, Status: 200, Answer: []byte("said")}, {Seq: 2, Attempt: 1, Status: 200}}})
	w.deletes(t, app1, "never there", gone)
	before, elsewhere := w.stored(t, app1, g1, g2), w.stored(t, app2, other)
	w.tend(t, nil)
	for range 2 {
		equal(t, "the app", w.stored(t, app1, g1, g2), before.without(gone, all, all))
		equal(t, "the other app", w.stored(t, app2, other), elsewhere)
		equal(t, "pending", len(get[[]chat.Pending](t)(w.store.Pending(w.ctx, app1, "a", false, 0, 9))), 2)
		w.restart(t)
	}
	for seq, answer := range map[chat.Sequence]string{1: "", 6: "stays"} {
		list := get[[]chat.Attempted](t)(w.store.Attempts(w.ctx, app1, "a", seq))
		if len(list) == 0 || list[0].Status != 500 || string(list[0].Answer) != answer {
			t.Errorf("failed attempts of event %d: %+v", seq, list)
		}
		if seq == 1 && (len(list) != 2 || list[1].Status != 200 || len(list[1].Answer) > 0) {
			t.Errorf("attempts of event %d: %+v", seq, list)
		}
	}
}

// A name that is used again is another user's: what he says stays, until he is
// deleted as well.
func erasedTwice(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.says(t, app1, g, gone, 400)
	w.deletes(t, app1, gone)
	w.change(t, app1, func(r chat.Records) error { return r.PutAccount(chat.Account{User: gone}) })
	for range 3 {
		w.says(t, app1, g, gone, 1)
		_, err := w.store.Maintain()
		must(t, err)
	}
	w.says(t, app1, g, gone, 5)
	before := w.stored(t, app1, g)
	w.tend(t, nil)
	equal(t, "after the first", w.stored(t, app1, g), before.without(gone, 400, 400))
	w.deletes(t, app1, gone)
	w.says(t, app1, g, gone, 1)
	w.deletes(t, app1, gone) // before the first slice of the other
	w.says(t, app1, g, gone, 1)
	before = w.stored(t, app1, g)
	w.tend(t, nil)
	equal(t, "after the others", w.stored(t, app1, g), before.without(gone, 409, 409))
}

// Some thousand rows go in slices, through restarts; who is deleted meanwhile
// is blanked as well.
func erasedInSlices(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g, other := w.makeGroup(t, app1, "g"), w.makeGroup(t, app2, "g")
	for i := range 6 {
		w.says(t, app1, g, gone, 200)
		w.says(t, app1, g, chat.UserID(fmt.Sprint("user", i)), 50)
		w.says(t, app2, other, gone, 20)
	}
	w.deletes(t, app1, gone)
	before, elsewhere := w.stored(t, app1, g), w.stored(t, app2, other)
	done, calls := 0, 0
	w.tend(t, func() {
		n := 0
		now := w.stored(t, app1, g)
		for _, m := range now.Messages[g] {
			if m.Flags&chat.FlagErased != 0 {
				n++
			}
		}
		for _, e := range now.Events {
			if string(e.Body) == string(Erase(nil)) {
				n++
			}
		}
		if n-done > 250 {
			t.Errorf("%d rows in one call", n-done)
		}
		done = n
		switch calls++; calls {
		case 3:
			w.restart(t)
			w.deletes(t, app1, "user3", "user4")
			before.Head.Version++
		case 5:
			w.deletes(t, app2, gone)
			elsewhere.Head.Version++
		case 12:
			w.restart(t)
		}
	})
	equal(t, "the app", w.stored(t, app1, g), before.without(gone, all, all).without("user3", all, all).without("user4", all, all))
	equal(t, "the other app", w.stored(t, app2, other), elsewhere.without(gone, all, all))
}

// Groups are dissolved and apps removed while their messages are blanked; numbers
// that become free must not lead to what is written later.
func erasedAmidChanges(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g, dissolved, removed := w.makeGroup(t, app1, "g"), w.makeGroup(t, app1, "dissolved"), w.makeGroup(t, app2, "removed")
	w.says(t, app1, g, gone, 300)
	w.says(t, app2, removed, gone, 300)
	w.says(t, app1, dissolved, gone, 200)
	w.deletes(t, app1, gone)
	w.deletes(t, app2, gone)
	for range 2 {
		_, err := w.store.Maintain()
		must(t, err)
	}
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(dissolved) })
	w.change(t, app2, func(r chat.Records) error { return r.DeleteApp() })
	w.makeApp(t, app2)
	again := w.makeGroup(t, app2, "removed")
	calls := 0
	w.tend(t, func() {
		if calls++; calls < 30 {
			w.says(t, app1, g, gone, 1) // made anew
			w.says(t, app2, again, gone, 1)
		}
	})
	now := w.stored(t, app1, g)
	for _, m := range now.Messages[g] {
		if blank := m.Flags&chat.FlagErased != 0; blank != (m.Seq <= 300) || blank != (string(m.Body) == "[]") {
			t.Fatalf("message %d: %+v", m.Seq, m)
		}
	}
	for _, e := range now.Events {
		if blank := string(e.Body) == string(Erase(nil)); blank != (e.Seq <= 500) {
			t.Fatalf("event %d: %s", e.Seq, e.Body)
		}
	}
	now = w.stored(t, app2, again)
	equal(t, "the app made anew", now, now.without(gone, 0, 0))
	if len(now.Events) == 0 {
		t.Fatal("nothing was said in the new app")
	}
	w.deletes(t, app2, gone)
	now = w.stored(t, app2, again)
	w.tend(t, nil)
	equal(t, "the app made anew, its user deleted", w.stored(t, app2, again), now.without(gone, all, all))
}
