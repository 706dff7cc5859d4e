package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// put commits messages to a group, of which a test says only what it is about.
func (w *world) put(t *testing.T, app chat.AppID, g chat.GroupKey, list ...chat.Message) []chat.Message {
	t.Helper()
	must(t, w.commit(app, []chat.GroupKey{g}, start, func(h chat.Head) chat.Rows {
		head := h.Groups[g]
		for i := range list {
			m := &list[i]
			m.Group, m.Seq, m.Time, m.Priority, m.Attempt = g, head.Next, start, chat.Normal, attempt(int(head.Next))
			if m.Body == nil {
				m.Body = []byte("[]")
			}
			head.Next++
		}
		head.Time = start
		return chat.Rows{Messages: list, Groups: []chat.GroupHead{head}}
	}))
	return list
}

// Whom a message is for and whom it mentions comes back in both lists of messages,
// and goes when its sender is erased.
func receivers(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	many := make([]chat.UserID, 50)
	for i := range many {
		many[i] = chat.UserID(fmt.Sprint("user", i))
	}
	list := w.put(t, app1, g,
		chat.Message{From: "ann"},
		chat.Message{From: "ann", To: []chat.UserID{"bob", "a\x00b", "日本", `"'\`}, Flags: chat.FlagTargeted},
		chat.Message{From: gone, Mentions: []chat.Mention{{All: true}, {User: "bob"}}},
		chat.Message{From: gone, To: many, Mentions: []chat.Mention{{User: "user1"}}, Flags: chat.FlagTargeted},
	)
	want := []chat.Message{list[3], list[2], list[1], list[0]}
	for range 2 {
		equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 9, 9)), want)
		w.change(t, app1, func(r chat.Records) error {
			equal(t, "messages within the transaction", get[[]chat.Message](t)(r.Messages(g, 9, 9)), want)
			return nil
		})
		w.restart(t)
	}
	w.deletes(t, app1, gone)
	w.tend(t, nil)
	for i := range want[:2] {
		want[i].To, want[i].Mentions, want[i].Flags = nil, nil, want[i].Flags|chat.FlagErased
	}
	equal(t, "after the sender was erased", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 9, 9)), want)
}

func joins(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	m := chat.Member{User: "ann", Role: chat.RoleMember, JoinSeq: 1 << 40}
	w.change(t, app1, func(r chat.Records) error { return r.PutMember(g, m) })
	for _, seq := range []chat.MsgSeq{1 << 40, 7, 0} {
		m.JoinSeq = seq
		w.change(t, app1, func(r chat.Records) error {
			if err := r.PutMember(g, m); err != nil {
				return err
			}
			got, _, err := r.Member(g, "ann")
			equal(t, "member within the transaction", got, m)
			return err
		})
		got, _, err := w.store.Member(w.ctx, app1, g, "ann")
		must(t, err)
		equal(t, "member", got, m)
		equal(t, "members", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, nil, 0, 9)), []chat.Member{m})
	}
}

// groupHeads asks for more groups than a store reads at a time.
func groupHeads(t *testing.T, w *world) {
	w.makeApp(t, app2)
	var keys []chat.GroupKey
	w.change(t, app1, func(r chat.Records) error {
		for i := range 1100 {
			key, err := r.CreateGroup(chat.Group{ID: chat.GroupID(fmt.Sprint("g", i)), Type: chat.Public})
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return nil
	})
	other := w.makeGroup(t, app2, "g0")
	w.send(t, app1, keys[0], 3, 0, start)
	w.send(t, app1, keys[1099], 5, 10, start)
	w.send(t, app2, other, 7, 0, start)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(keys[500]) })
	want := map[chat.GroupKey]chat.MsgSeq{}
	for _, key := range keys {
		want[key] = 1
	}
	want[keys[0]], want[keys[1099]] = 4, 6
	delete(want, keys[500])
	ask := append([]chat.GroupKey{other, 0, 1 << 40, keys[0]}, keys...) // one of them twice
	heads := func(app chat.AppID, keys ...chat.GroupKey) map[chat.GroupKey]chat.MsgSeq {
		t.Helper()
		return get[map[chat.GroupKey]chat.MsgSeq](t)(w.store.GroupHeads(w.ctx, app, keys))
	}
	equal(t, "heads", heads(app1, ask...), want)
	equal(t, "heads of the other app", heads(app2, ask...), map[chat.GroupKey]chat.MsgSeq{other: 8})
	equal(t, "heads of no app", heads(99, ask...), map[chat.GroupKey]chat.MsgSeq{})
	equal(t, "no heads", heads(app1), map[chat.GroupKey]chat.MsgSeq{})
}

func unread(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g := w.makeGroup(t, app1, "g")
	count := func(app chat.AppID, g chat.GroupKey, user chat.UserID, after chat.MsgSeq, limit int) int {
		t.Helper()
		return get[int](t)(w.store.Unread(w.ctx, app, g, user, after, limit))
	}
	equal(t, "of an empty group", count(app1, g, "bob", 0, 9), 0)
	w.put(t, app1, g,
		chat.Message{From: "ann"},                                                     // 1
		chat.Message{From: "ann", Flags: chat.FlagHasCloud},                           // 2
		chat.Message{From: "ann", Flags: chat.FlagNoUnread},                           // 3
		chat.Message{From: "ann", Flags: chat.FlagNoLastMsg},                          // 4
		chat.Message{From: "bob"},                                                     // 5
		chat.Message{From: "ann", Flags: chat.FlagTargeted, To: []chat.UserID{"bob"}}, // 6
		chat.Message{From: gone},                                                      // 7
		chat.Message{From: "ann"},                                                     // 8
		chat.Message{From: "bob\x00"},
		chat.Message{From: "ann", Flags: chat.FlagRewritten | chat.FlagUnanswered}, // 10
	)
	for _, c := range []struct {
		what  string
		user  chat.UserID
		after chat.MsgSeq
		limit int
		want  int
	}{
		{"all of others that count", "bob", 0, 99, 7},
		{"one's own do not", "ann", 0, 99, 3},
		{"of who said nothing", "carl", 0, 99, 8},
		{"after a number", "bob", 2, 99, 5},
		{"after the last but one", "bob", 9, 99, 1},
		{"after the last", "bob", 10, 99, 0},
		{"after what is not there yet", "bob", 1 << 40, 99, 0},
		{"after the highest number", "bob", 1<<64 - 1, 99, 0},
		{"up to the limit", "bob", 0, 7, 7},
		{"no more than the limit", "bob", 0, 3, 3},
		{"with a limit of nothing", "bob", 0, 0, 0},
	} {
		equal(t, c.what, count(app1, g, c.user, c.after, c.limit), c.want)
	}
	equal(t, "in another app's group", count(app2, g, "bob", 0, 99), 0)
	equal(t, "in no group", count(app1, g+1000, "bob", 0, 99), 0)
	w.change(t, app1, func(r chat.Records) error { return r.RecallMessage(g, 1) })
	equal(t, "without what was recalled", count(app1, g, "bob", 0, 99), 6)
	w.deletes(t, app1, gone)
	w.tend(t, nil)
	equal(t, "without what was erased", count(app1, g, "bob", 0, 99), 5)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(g) })
	equal(t, "in a dissolved group", count(app1, g, "bob", 0, 99), 0)
}

func applications(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g, h, other := w.makeGroup(t, app1, "g"), w.makeGroup(t, app1, "h"), w.makeGroup(t, app2, "g")
	apply := func(app chat.AppID, list ...chat.Application) error {
		return w.try(app, func(r chat.Records) error {
			for _, a := range list {
				if err := r.PutApplication(a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	list := func(app chat.AppID, g chat.GroupKey, limit int) []chat.Application {
		t.Helper()
		return get[[]chat.Application](t)(w.store.Applications(w.ctx, app, g, limit))
	}
	of := func(g chat.GroupKey, user chat.UserID, text string, at int64) chat.Application {
		return chat.Application{Group: g, User: user, Text: text, Time: at}
	}
	zoe, ann, odd, bob := of(g, "zoe", "let me in", 30), of(g, "ann", "", 20), of(g, gone, "a\x00\xff'", 10), of(g, "bob", "日本", 40)
	must(t, apply(app1, zoe, ann, odd, of(h, "ann", "also here", 5), bob))
	must(t, apply(app2, of(other, "ann", "elsewhere", 1)))
	equal(t, "oldest first", list(app1, g, 9), []chat.Application{zoe, ann, odd, bob})
	equal(t, "up to the limit", list(app1, g, 2), []chat.Application{zoe, ann})

	ann.Text, ann.Time = "again", 99
	must(t, apply(app1, ann))
	want := []chat.Application{zoe, ann, odd, bob}
	equal(t, "one that is replaced keeps its place", list(app1, g, 9), want)
	w.change(t, app1, func(r chat.Records) error {
		equal(t, "number", get[int64](t)(r.CountApplications(g)), int64(4))
		equal(t, "number in another app's group", get[int64](t)(r.CountApplications(other)), int64(0))
		a, ok, err := r.Application(g, "ann")
		if err != nil || !ok {
			t.Errorf("ann's: %v, %v", ok, err)
		}
		equal(t, "one", a, ann)
		for user, group := range map[chat.UserID]chat.GroupKey{"never": g, "ann": other} {
			if _, ok, err := r.Application(group, user); err != nil || ok {
				t.Errorf("%s's in group %d: %v, %v", user, group, ok, err)
			}
		}
		if err := r.DeleteApplication(other, "ann"); err != nil {
			return err
		}
		if err := r.DeleteApplication(g, "never"); err != nil {
			return err
		}
		return r.DeleteApplication(g, "zoe")
	})
	want = want[1:]
	equal(t, "without one", list(app1, g, 9), want)
	equal(t, "the other app's", list(app2, other, 9), []chat.Application{of(other, "ann", "elsewhere", 1)})
	equal(t, "another app's group", list(app1, other, 9), []chat.Application(nil))

	if apply(app1, of(g+1000, "ann", "", 1)) == nil || apply(app1, of(other, "new", "", 1)) == nil {
		t.Error("there is an application to a group that is not there")
	}
	lost := errors.New("lost")
	if err := w.try(app1, func(r chat.Records) error {
		return errors.Join(r.PutApplication(of(g, "never", "", 1)), r.DeleteApplication(g, "ann"), lost)
	}); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	w.restart(t)
	equal(t, "after a rollback and a restart", list(app1, g, 9), want)

	must(t, apply(app1, zoe))
	equal(t, "one that was withdrawn comes last", list(app1, g, 9), append(want, zoe))
	w.change(t, app1, func(r chat.Records) error { return r.DeleteAccount("ann") })
	equal(t, "without the account's", list(app1, g, 9), []chat.Application{odd, bob, zoe})
	equal(t, "nor in the other group", list(app1, h, 9), []chat.Application(nil))
	equal(t, "an account of the other app", len(list(app2, other, 9)), 1)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(g) })
	equal(t, "of a dissolved group", list(app1, g, 9), []chat.Application(nil))
	again := w.makeGroup(t, app1, "g")
	equal(t, "of a group made anew", list(app1, again, 9), []chat.Application(nil))
	w.change(t, app2, func(r chat.Records) error { return r.DeleteApp() })
	equal(t, "of a removed app", list(app2, other, 9), []chat.Application(nil))
	w.makeApp(t, app2)
	equal(t, "of an app made anew", list(app2, w.makeGroup(t, app2, "g"), 9), []chat.Application(nil))
}

func readPositions(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g, other := w.makeGroup(t, app1, "g"), w.makeGroup(t, app2, "g")
	for app, g := range map[chat.AppID]chat.GroupKey{app1: g, app2: other} {
		w.change(t, app, func(r chat.Records) error {
			return errors.Join(r.PutMember(g, chat.Member{User: "ann"}), r.PutMember(g, chat.Member{User: "b\x00b", ReadSeq: 3}))
		})
	}
	read := func(app chat.AppID, list ...chat.Read) {
		t.Helper()
		must(t, w.commit(app, nil, start, func(chat.Head) chat.Rows { return chat.Rows{Read: list} }))
	}
	positions := func(app chat.AppID, g chat.GroupKey) (out []chat.MsgSeq) {
		t.Helper()
		for _, m := range get[[]chat.Member](t)(w.store.Members(w.ctx, app, g, nil, 0, 9)) {
			out = append(out, m.ReadSeq)
		}
		return out
	}
	for _, step := range []struct {
		what string
		list []chat.Read
		want []chat.MsgSeq
	}{
		{"one rises", []chat.Read{{Group: g, User: "ann", Seq: 5}}, []chat.MsgSeq{5, 3}},
		{"none falls, also beside one that rises", []chat.Read{{Group: g, User: "ann", Seq: 4}, {Group: g, User: "b\x00b", Seq: 6}}, []chat.MsgSeq{5, 6}},
		{"the same again", []chat.Read{{Group: g, User: "ann", Seq: 5}}, []chat.MsgSeq{5, 6}},
		{"who is no member is passed over", []chat.Read{{Group: g, User: "never", Seq: 9}, {Group: g, User: "b", Seq: 9}, {Group: g + 1000, User: "ann", Seq: 9}, {Group: g, User: "ann", Seq: 7}}, []chat.MsgSeq{7, 6}},
		{"another app's group is", []chat.Read{{Group: other, User: "ann", Seq: 9}}, []chat.MsgSeq{7, 6}},
	} {
		read(app1, step.list...)
		equal(t, step.what, positions(app1, g), step.want)
	}
	equal(t, "in the other app", positions(app2, other), []chat.MsgSeq{0, 3})
	w.change(t, app1, func(r chat.Records) error { return r.DeleteMember(g, "ann") })
	read(app1, chat.Read{Group: g, User: "ann", Seq: 50})
	w.change(t, app1, func(r chat.Records) error { return r.PutMember(g, chat.Member{User: "ann"}) })
	equal(t, "who joins again has read nothing", positions(app1, g), []chat.MsgSeq{6, 0})
	equal(t, "no version is raised", get[chat.Head](t)(w.store.Head(w.ctx, app1)).Version, uint64(0))
}

// notices come back with the changes that other processes read.
func notices(t *testing.T, w *world) {
	other := w.second(t)
	card := "a\x00 card"
	lists := [][]chat.Notice{
		nil,
		{{Kind: chat.NoticeJoined, Key: 7, Group: "g\x00", Operator: "admin", Users: []chat.UserID{"u", "日本"}, Time: start * 1000, Invited: true},
			{Kind: chat.NoticeMember, Role: chat.RoleAdmin, NameCard: &card, Users: []chat.UserID{"u"}}},
		{{Kind: chat.NoticeMuted, Until: chat.Forever, Users: []chat.UserID{"u"}}, {Kind: chat.NoticeRecalled, Seqs: []chat.MsgSeq{1, 1 << 60}},
			{Kind: chat.NoticeHandled, Text: "no", Agreed: true}, {Kind: chat.NoticeLeft, Kicked: true}},
	}
	var want []chat.Change
	for i, list := range lists {
		c := chat.Change{ID: attempt(i), Touched: chat.Touched{Groups: []chat.GroupID{"g"}}, Notices: list}
		w.change(t, app1, func(r chat.Records) (err error) {
			c.Version, err = r.RaiseVersion(c)
			return err
		})
		want = append(want, c)
	}
	equal(t, "changes", get[[]chat.Change](t)(other.store.Changes(w.ctx, app1, 0, 99)), want)
}
