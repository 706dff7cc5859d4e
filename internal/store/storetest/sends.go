package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func batch(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	rows := w.send(t, app1, g, 256, 0, start)
	equal(t, "events", get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 1000, 1<<30)), rows.Events)
	got := get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 1<<62, 1000))
	for i := range got {
		equal(t, "message", got[len(got)-1-i], rows.Messages[i])
	}
	equal(t, "head", get[chat.Head](t)(w.store.Head(w.ctx, app1)),
		chat.Head{Epoch: "epoch-1", Next: 257, Time: start * 1000, Totals: chat.Totals{Accepted: 256}})
	for i, r := range rows.Repeats {
		p, ok, err := w.store.Repeat(w.ctx, app1, r.Key, start)
		if !ok || err != nil {
			t.Fatalf("repeat %d: %v, %v", i, ok, err)
		}
		equal(t, "repeat", p, r)
	}
}

func sequences(t *testing.T, w *world) {
	w.makeApp(t, app2)
	groups := map[chat.AppID][]chat.GroupKey{
		app1: {w.makeGroup(t, app1, "a"), w.makeGroup(t, app1, "b")},
		app2: {w.makeGroup(t, app2, "a")},
	}
	next := map[chat.AppID]chat.Sequence{app1: 1, app2: 1}
	heads := map[chat.GroupKey]chat.MsgSeq{}
	n := 0
	for round := range 12 {
		// One transaction for both apps, as the writer makes it, where the store can.
		tx, err := w.begin()
		must(t, err)
		for app, list := range groups {
			if w.store.Concurrent() {
				must(t, tx.Commit())
				tx, err = w.begin()
				must(t, err)
			}
			g := list[round%len(list)]
			must(t, put(tx, app, list, start+int64(round), func(h chat.Head) chat.Rows {
				equal(t, "next sequence", h.Next, next[app])
				equal(t, "next message", h.Groups[g].Next, heads[g]+1)
				if len(h.Groups) != len(list) {
					t.Fatalf("%d of %d groups", len(h.Groups), len(list))
				}
				next[app] += 3
				heads[g] += 3
				n += 3
				return accepted(app, h, g, 3, n, start+int64(round))
			}))
		}
		must(t, tx.Commit())
	}
	for app := range groups {
		for i, e := range get[[]chat.Event](t)(w.store.Events(w.ctx, app, 0, 1000, 1<<30)) {
			equal(t, "sequence", e.Seq, chat.Sequence(i+1))
		}
	}
	tx, err := w.begin()
	must(t, err)
	defer tx.Rollback()
	head, err := tx.Lock(app1, []chat.GroupKey{groups[app1][0], 1 << 40}, nil, start)
	must(t, err)
	equal(t, "a group that is not there is missing", head.Groups, map[chat.GroupKey]chat.GroupHead{
		groups[app1][0]: {Key: groups[app1][0], Next: 19, Time: start + 10},
	})
}

func messagePages(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.send(t, app1, g, 10, 0, start)
	seqs := func(newest chat.MsgSeq, limit int) (out []chat.MsgSeq) {
		for _, m := range get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, newest, limit)) {
			out = append(out, m.Seq)
		}
		return out
	}
	equal(t, "newest three", seqs(1<<64-1, 3), []chat.MsgSeq{10, 9, 8})
	equal(t, "from 7", seqs(7, 3), []chat.MsgSeq{7, 6, 5})
	equal(t, "the last", seqs(2, 3), []chat.MsgSeq{2, 1})
	equal(t, "before the first", seqs(0, 3), []chat.MsgSeq(nil))
}

func recall(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	rows := w.send(t, app1, g, 3, 0, start)
	w.change(t, app1, func(r chat.Records) error {
		if err := r.RecallMessage(g, 2); err != nil {
			return err
		}
		if err := r.RecallMessage(g, 99); err != nil {
			return err
		}
		list, err := r.Messages(g, 2, 1)
		if len(list) != 1 || list[0].Flags&chat.FlagRecalled == 0 {
			t.Errorf("within the transaction: %+v", list)
		}
		return err
	})
	want := rows.Messages
	want[1].Flags |= chat.FlagRecalled
	equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 9, 9)), []chat.Message{want[2], want[1], want[0]})
}

// odd are bytes that engines like to refuse or to change: U+0000, no UTF-8, nothing.
var odd = []string{"\x00", "a\x00b", "\xff\xfe", "'\";--", "", "日本", string(bytes.Repeat([]byte("x\x00"), 5000))}

func bytesSurvive(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	rows := w.send(t, app1, g, 0, 0, start)
	must(t, w.commit(app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
		rows = accepted(app1, h, g, len(odd), 0, start)
		for i, s := range odd {
			m, e := &rows.Messages[i], &rows.Events[i]
			m.From, m.Body, m.Cloud, m.Random, m.Flags = chat.UserID(s), []byte(s), s, 1<<32-1, 1<<31
			e.Group, e.From, e.Body, e.Detail, e.Random = chat.GroupID(s), chat.UserID(s), []byte(s), []byte(s), 1<<32-1
			e.ClientIP, e.Platform, e.Rule, e.Command, e.Count, e.Cut = s, s, s, s, 1<<40, 1<<40
		}
		return rows
	}))
	equal(t, "events", get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 100, 1<<30)), rows.Events)
	for i, m := range get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 99, 99)) {
		equal(t, "message", m, rows.Messages[len(odd)-1-i])
	}
	for i, s := range odd {
		id, u := chat.GroupID("g"+s), chat.UserID(s)
		group := chat.Group{ID: id, Type: chat.Public, Name: s, Introduction: s, Notification: s, FaceURL: s, Owner: u,
			ApplyJoinOption: s, InviteOption: s, NextMsgSeq: 1, Members: 1}
		if s == "" {
			group.ID, id = "empty", "empty"
		}
		member := chat.Member{User: u, Role: chat.Role(s), MsgFlag: s, NameCard: s, MuteUntil: int64(i + 1)}
		w.change(t, app1, func(r chat.Records) (err error) {
			if group.Key, err = r.CreateGroup(group); err != nil {
				return err
			}
			if err := r.PutMember(group.Key, member); err != nil {
				return err
			}
			if err := r.PutMute(group.Key, u, int64(i+1)); err != nil {
				return err
			}
			return r.PutAccount(chat.Account{User: u, Nick: s, FaceURL: s})
		})
		got, _, err := w.store.Group(w.ctx, app1, id)
		must(t, err)
		equal(t, "group", got, group)
		equal(t, "members", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, group.Key, nil, 0, 9)), []chat.Member{member})
		equal(t, "joined", get[[]chat.Membership](t)(w.store.Joined(w.ctx, app1, u)), []chat.Membership{{Group: group, Self: member}})
		a, ok, err := w.store.Account(w.ctx, app1, u)
		if !ok || err != nil {
			t.Fatalf("account: %v, %v", ok, err)
		}
		equal(t, "account", a, chat.Account{User: u, Nick: s, FaceURL: s})
	}
}

// poison puts a message number that is taken into the middle of a batch.
func poison(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.send(t, app1, g, 3, 0, start)
	before := get[chat.Head](t)(w.store.Head(w.ctx, app1))
	err := w.commit(app1, []chat.GroupKey{g}, start+1, func(h chat.Head) chat.Rows {
		rows := accepted(app1, h, g, 256, 100, start+1)
		rows.Messages[128].Seq = 2
		return rows
	})
	if err == nil {
		t.Fatal("a message number was given twice")
	}
	err = w.commit(app1, nil, start+1, func(h chat.Head) chat.Rows {
		return chat.Rows{Events: []chat.Event{event(app1, 2, attempt(1), attempt(1), start)}}
	})
	if err == nil {
		t.Fatal("a sequence was given twice")
	}
	equal(t, "head", get[chat.Head](t)(w.store.Head(w.ctx, app1)), before)
	for i := range 256 {
		if _, ok, err := w.store.Repeat(w.ctx, app1, key(100+i), start+1); ok || err != nil {
			t.Fatalf("repeat %d of the batch that failed: %v, %v", i, ok, err)
		}
	}
	rows := w.send(t, app1, g, 255, 100, start+1)
	equal(t, "first number after it", rows.Messages[0].Seq, chat.MsgSeq(4))
	equal(t, "events", len(get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 1000, 1<<30))), 258)
	if _, ok, _ := w.store.Repeat(w.ctx, app1, key(354), start+1); !ok {
		t.Fatal("the later batch's repeat is missing")
	}
}

func missing(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(g) })
	if err := w.commit(app1, nil, start, func(h chat.Head) chat.Rows {
		return chat.Rows{Groups: []chat.GroupHead{{Key: g, Next: 2, Time: start}}}
	}); err == nil {
		t.Fatal("a dissolved group took a message")
	}
	if err := w.commit(99, nil, start, func(h chat.Head) chat.Rows {
		equal(t, "head of no app", h.Next, chat.Sequence(0))
		return chat.Rows{Next: 1}
	}); err == nil {
		t.Fatal("an app that is not there took a batch")
	}
}

func rollback(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	before := get[chat.Head](t)(w.store.Head(w.ctx, app1))
	for range 3 {
		tx, err := w.begin()
		must(t, err)
		must(t, put(tx, app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows { return accepted(app1, h, g, 5, 0, start) }))
		r, err := tx.Records(app1)
		must(t, err)
		must(t, r.PutAccount(chat.Account{User: "ghost"}))
		_, err = r.CreateGroup(chat.Group{ID: "ghost"})
		must(t, err)
		tx.Rollback()
		tx.Rollback() // harmless
		if tx.Commit() == nil {
			t.Fatal("commit after a rollback")
		}
	}
	equal(t, "head", get[chat.Head](t)(w.store.Head(w.ctx, app1)), before)
	equal(t, "events", get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 10, 1<<20)), []chat.Event(nil))
	equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 9, 9)), []chat.Message(nil))
	if _, ok, _ := w.store.Account(w.ctx, app1, "ghost"); ok {
		t.Fatal("the account stayed")
	}
	if _, ok, _ := w.store.Group(w.ctx, app1, "ghost"); ok {
		t.Fatal("the group stayed")
	}
	for i := range 5 {
		if _, ok, _ := w.store.Repeat(w.ctx, app1, key(i), start); ok {
			t.Fatal("a repeat stayed")
		}
	}
}

// traces are those of a batch's sends, and of its events as if they were refused.
func traces(rows chat.Rows) (list []chat.Trace) {
	for i := range rows.Repeats {
		list = append(list,
			chat.Trace{Attempt: rows.Repeats[i].Attempt, Repeat: rows.Repeats[i].Key, Stored: true},
			chat.Trace{Attempt: rows.Events[i].Attempt, Event: rows.Events[i].Seq})
	}
	return list
}

func found(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	all := func(ok bool, n int) (want []bool) {
		for range n {
			want = append(want, ok)
		}
		return want
	}
	stored := w.send(t, app1, g, 4, 0, start)
	var lost chat.Rows
	tx, err := w.begin()
	must(t, err)
	must(t, put(tx, app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
		lost = accepted(app1, h, g, 4, 100, start)
		return lost
	}))
	tx.Rollback()
	for _, step := range []func(){func() {}, func() { must(t, w.store.Reopen()) }, func() { w.restart(t) }} {
		step()
		equal(t, "committed", get[[]bool](t)(w.store.Found(w.ctx, app1, traces(stored))), all(true, 8))
		equal(t, "rolled back", get[[]bool](t)(w.store.Found(w.ctx, app1, traces(lost))), all(false, 8))
		// The same places, taken by other attempts.
		others := traces(stored)
		for i := range others {
			others[i].Attempt = attempt(999)
		}
		equal(t, "other attempts", get[[]bool](t)(w.store.Found(w.ctx, app1, others)), all(false, 8))
		equal(t, "neither", get[[]bool](t)(w.store.Found(w.ctx, app1, []chat.Trace{{Attempt: attempt(0)}})), []bool{false})
	}
	must(t, w.commit(app1, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows { return accepted(app1, h, g, 4, 100, start) }))
	equal(t, "sent again", get[[]bool](t)(w.store.Found(w.ctx, app1, traces(lost))), all(true, 8))
}

func reopen(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	for i := range 5 {
		w.send(t, app1, g, 2, i*2, start)
		must(t, w.store.Reopen())
	}
	equal(t, "messages", len(get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 99, 99))), 10)
	for i := range 10 {
		if _, ok, err := w.store.Repeat(w.ctx, app1, key(i), start); !ok || err != nil {
			t.Fatalf("repeat %d: %v, %v", i, ok, err)
		}
	}

	// Reads in flight fail or finish; they do not crash, and later ones work.
	var wg sync.WaitGroup
	stop, cancel := context.WithCancel(w.ctx)
	for range 4 {
		wg.Go(func() {
			for stop.Err() == nil {
				if list, err := w.store.Events(w.ctx, app1, 0, 100, 1<<20); err == nil && len(list) != 10 {
					t.Errorf("%d events", len(list))
				}
			}
		})
	}
	for range 5 {
		must(t, w.store.Reopen())
	}
	cancel()
	wg.Wait()
	w.send(t, app1, g, 1, 100, start)
}

func restart(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	rows := w.send(t, app1, g, 20, 0, start)
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutMember(g, chat.Member{User: "u", Role: chat.RoleOwner}); err != nil {
			return err
		}
		if err := r.PutEndpoint(chat.Endpoint{ID: "primary", App: app1, Cursor: 3}); err != nil {
			return err
		}
		_, err := r.RaiseVersion(chat.Change{ID: attempt(1)})
		return err
	})
	type state struct {
		Head      chat.Head
		Apps      []chat.App
		Group     chat.Group
		Members   []chat.Member
		Endpoints []chat.Endpoint
		Messages  []chat.Message
		Events    []chat.Event
	}
	read := func() (s state) {
		s.Head = get[chat.Head](t)(w.store.Head(w.ctx, app1))
		s.Apps = get[[]chat.App](t)(w.store.Apps(w.ctx))
		group, _, err := w.store.Group(w.ctx, app1, "g")
		must(t, err)
		s.Group = group
		s.Members = get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, nil, 0, 10))
		s.Endpoints = get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1))
		s.Messages = get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 99, 99))
		s.Events = get[[]chat.Event](t)(w.store.Events(w.ctx, app1, 0, 99, 1<<20))
		return s
	}
	before := read()
	equal(t, "events", before.Events, rows.Events)
	w.restart(t)
	equal(t, "state after a restart", read(), before)
	w.send(t, app1, g, 20, 100, start)
	if k := w.makeGroup(t, app1, "new"); k == g {
		t.Fatal("a group key was used twice")
	}
}

// readersWhileWriting checks that no reader sees a part of a batch, or the
// journal with a hole.
func readersWhileWriting(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	const size, rounds = 16, 40
	stop, cancel := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			after, done := chat.Sequence(0), false
			for !done {
				done = stop.Err() != nil
				list, err := w.store.Events(w.ctx, app1, after, 1000, 1<<30)
				if err != nil {
					t.Errorf("events: %v", err)
					return
				}
				if len(list)%size != 0 {
					t.Errorf("a part of a batch: %d events", len(list))
				}
				for _, e := range list {
					if after++; e.Seq != after {
						t.Errorf("sequence %d after %d", e.Seq, after-1)
						return
					}
				}
				if msgs, err := w.store.Messages(w.ctx, app1, g, 1<<62, 1); err != nil || len(msgs) == 1 && msgs[0].Seq%size != 0 {
					t.Errorf("messages: %v, %v", msgs, err)
				}
			}
			if after != size*rounds {
				t.Errorf("the last sequence seen is %d", after)
			}
		})
	}
	for i := range rounds {
		w.send(t, app1, g, size, i*size, start)
		if _, err := w.store.Maintain(); err != nil {
			t.Errorf("maintain: %v", err)
		}
	}
	cancel()
	wg.Wait()
}

func cancelled(t *testing.T, w *world) {
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := w.store.Apps(ctx); err == nil {
		t.Fatal("a read with a cancelled context succeeded")
	}
	if _, err := w.store.Apps(w.ctx); err != nil {
		t.Fatalf("the next read: %v", err)
	}
}

func closed(t *testing.T, w *world) {
	must(t, w.store.Close())
	must(t, w.store.Close())
	_, read := w.store.Apps(w.ctx)
	_, begin := w.store.Begin()
	_, maintain := w.store.Maintain()
	_, found := w.store.Found(w.ctx, app1, []chat.Trace{{Event: 1}})
	for name, err := range map[string]error{"Apps": read, "Begin": begin, "Maintain": maintain, "Found": found, "Reopen": w.store.Reopen()} {
		if err == nil {
			t.Errorf("%s after Close succeeded", name)
		} else if fmt.Sprint(err) == "" {
			t.Errorf("%s: an error without text", name)
		}
	}
}

func lastWords(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.change(t, app1, func(r chat.Records) error {
		return r.PutMember(g, chat.Member{User: "jared", Role: chat.RoleMember})
	})
	say := func(user chat.UserID, at int64) {
		t.Helper()
		must(t, w.commit(app1, nil, start, func(chat.Head) chat.Rows {
			return chat.Rows{Spoken: []chat.Spoken{{Group: g, User: user, Time: at}}}
		}))
	}
	for _, step := range []struct{ at, want int64 }{{100, 100}, {90, 100}, {101, 101}} {
		say("jared", step.at)
		m, ok, err := w.store.Member(w.ctx, app1, g, "jared")
		if err != nil || !ok || m.LastMsgTime != step.want {
			t.Fatalf("after %d: %+v, %v, %v", step.at, m, ok, err)
		}
	}
	say("nobody", 100) // no member: passed over
}
