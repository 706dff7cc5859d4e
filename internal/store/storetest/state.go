package storetest

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func apps(t *testing.T, w *world) {
	one := w.makeApp(t, app1)
	two := w.makeApp(t, app2)
	two.Key, two.Epoch, two.Admins = "new key", "epoch-2", []chat.UserID{"root"}
	two.Settings.GroupRate, two.Settings.OnFrequency, two.Settings.EventTimeString = 7, chat.Drop, true
	w.change(t, app2, func(r chat.Records) error {
		if err := r.PutApp(two); err != nil {
			return err
		}
		got, ok, err := r.App()
		if ok {
			equal(t, "app within the transaction", got, two)
		}
		return err
	})
	equal(t, "apps", get[[]chat.App](t)(w.store.Apps(w.ctx)), []chat.App{one, two})
	if a, ok, err := w.store.App(w.ctx, app2); err != nil || !ok {
		t.Errorf("one app: %v, %v", ok, err)
	} else {
		equal(t, "one app", a, two)
	}
	if _, ok, err := w.store.App(w.ctx, 99); err != nil || ok {
		t.Errorf("no app: %v, %v", ok, err)
	}

	w.change(t, 99, func(r chat.Records) error {
		_, ok, err := r.App()
		if ok {
			t.Error("there is an app 99")
		}
		return err
	})
	equal(t, "head of a new app", get[chat.Head](t)(w.store.Head(w.ctx, app2)), chat.Head{Epoch: "epoch-2", Next: 1})
	equal(t, "head of no app", get[chat.Head](t)(w.store.Head(w.ctx, 99)), chat.Head{})
}

func words(t *testing.T, w *world) {
	w.change(t, app1, func(r chat.Records) error { return r.AddWords([]string{"spam", "a\x00b", "spam", "ham"}) })
	w.change(t, app1, func(r chat.Records) error {
		if err := r.DeleteWords([]string{"ham", "never there"}); err != nil {
			return err
		}
		equal(t, "words within the transaction", get[[]string](t)(r.Words()), []string{"a\x00b", "spam"})
		return nil
	})
	equal(t, "words", get[[]string](t)(w.store.Words(w.ctx, app1)), []string{"a\x00b", "spam"})
	equal(t, "words of another app", get[[]string](t)(w.store.Words(w.ctx, app2)), []string(nil))
}

func endpoints(t *testing.T, w *world) {
	first := chat.Endpoint{ID: "primary", App: app1, URL: "http://127.0.0.1/a?b=c", Token: "t", CA: "PEM",
		Commands: []string{chat.CommandSendMsgException}, Cursor: 5, CursorPrevious: 3}
	second := chat.Endpoint{ID: "backup", App: app1, URL: "http://127.0.0.1/"}
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutEndpoint(first); err != nil {
			return err
		}
		if err := r.PutEndpoint(second); err != nil {
			return err
		}
		if _, ok, err := r.Endpoint("none"); err != nil || ok {
			t.Errorf("no endpoint: %v, %v", ok, err)
		}
		got, ok, err := r.Endpoint("primary")
		if ok {
			equal(t, "endpoint within the transaction", got, first)
		}
		return err
	})
	equal(t, "endpoints", get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1)), []chat.Endpoint{second, first})

	first.URL = "http://127.0.0.1/new"
	changed := first
	changed.Cursor, changed.CursorPrevious = 0, 0 // not the administrator's to set back
	w.change(t, app1, func(r chat.Records) error { return r.PutEndpoint(changed) })
	equal(t, "endpoints", get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1)), []chat.Endpoint{second, first})

	first.Commands, changed.Commands = nil, nil
	first.EndpointSettings = chat.EndpointSettings{Codes: []int{10017}, Groups: []chat.GroupID{"g\x00"}, Keys: []chat.SigningKey{{Kind: chat.KeyHMAC, Secret: []byte{1, 0}}},
		Retry: []int{1, 2}, Paused: "why", Since: 9, Past: []chat.PastSwitches{{UpTo: 4, Switches: chat.Switches{Commands: []string{"a"}}}}}
	changed.EndpointSettings = first.EndpointSettings
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutEndpoint(changed); err != nil {
			return err
		}
		return r.DeleteEndpoint("backup")
	})
	equal(t, "endpoints", get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app1)), []chat.Endpoint{first})
}

func accounts(t *testing.T, w *world) {
	a := chat.Account{User: "u\x00ser", Nick: "Ann", FaceURL: "http://f", CreateTime: start, MuteUntil: chat.Forever, C2CMute: 9}
	w.change(t, app1, func(r chat.Records) error { return r.PutAccount(a) })
	got, ok, err := w.store.Account(w.ctx, app1, a.User)
	must(t, err)
	equal(t, "account", got, a)
	a.Nick, a.MuteUntil = "", 0
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutAccount(a); err != nil {
			return err
		}
		got, ok, err = r.Account(a.User)
		return err
	})
	if !ok {
		t.Fatal("the account is not there within the transaction")
	}
	equal(t, "changed account", got, a)

	g1, g2 := w.makeGroup(t, app1, "g1"), w.makeGroup(t, app1, "g2")
	w.change(t, app1, func(r chat.Records) error {
		for _, g := range []chat.GroupKey{g1, g2} {
			for _, u := range []chat.UserID{a.User, "other"} {
				if err := r.PutMember(g, chat.Member{User: u, Role: chat.RoleMember}); err != nil {
					return err
				}
			}
		}
		return r.PutMute(g1, a.User, chat.Forever)
	})
	w.change(t, app1, func(r chat.Records) error { return r.DeleteAccount(a.User) })
	if _, ok, err := w.store.Account(w.ctx, app1, a.User); ok || err != nil {
		t.Fatalf("deleted account: ok = %v, err = %v", ok, err)
	}
	equal(t, "standing", get[chat.Standing](t)(w.store.Standing(w.ctx, app1, g1, a.User)), chat.Standing{})
	equal(t, "groups joined", get[[]chat.Membership](t)(w.store.Joined(w.ctx, app1, a.User)), []chat.Membership(nil))
	for _, id := range []chat.GroupID{"g1", "g2"} {
		if g, _, err := w.store.Group(w.ctx, app1, id); err != nil || g.Members != 1 {
			t.Fatalf("group %s: %d members, err = %v", id, g.Members, err)
		}
	}
}

func groups(t *testing.T, w *world) {
	g := chat.Group{ID: "@TGS#1\x00", Type: chat.Community, Name: "n", Introduction: "i", Notification: "o", FaceURL: "f", Owner: "own",
		ApplyJoinOption: "FreeAccess", InviteOption: "DisableInvite", MaxMembers: 6000, MuteAll: true, CreateTime: start,
		LastInfoTime: start + 1, InfoSeq: 3}
	w.change(t, app1, func(r chat.Records) (err error) {
		g.Key, err = r.CreateGroup(g)
		return err
	})
	g.NextMsgSeq = 1
	got, ok, err := w.store.Group(w.ctx, app1, g.ID)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	equal(t, "group", got, g)

	if w.try(app1, func(r chat.Records) error { _, err := r.CreateGroup(g); return err }) == nil {
		t.Fatal("a second group with the same id was made")
	}
	w.send(t, app1, g.Key, 3, 0, start+50)
	w.change(t, app1, func(r chat.Records) error { return r.PutMember(g.Key, chat.Member{User: "own", Role: chat.RoleOwner}) })

	g.Name, g.Owner, g.MuteAll, g.InfoSeq, g.LastInfoTime = "renamed", "", false, 4, start+60
	w.change(t, app1, func(r chat.Records) error {
		stale := g // as it was read before the messages
		if err := r.UpdateGroup(stale); err != nil {
			return err
		}
		n, err := r.CountGroups()
		equal(t, "number of groups", n, int64(1))
		return err
	})
	g.Members, g.NextMsgSeq, g.LastMsgTime = 1, 4, start+50
	got, ok, err = w.store.Group(w.ctx, app1, g.ID)
	must(t, err)
	if !ok {
		t.Fatal("the group is gone")
	}
	equal(t, "updated group", got, g)

	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(g.Key) })
	if _, ok, _ := w.store.Group(w.ctx, app1, g.ID); ok {
		t.Fatal("a dissolved group is still there")
	}
	if w.try(app1, func(r chat.Records) error { return r.UpdateGroup(g) }) == nil {
		t.Fatal("a dissolved group was updated")
	}
	again := w.makeGroup(t, app1, g.ID)
	if again == g.Key {
		t.Fatalf("key %d was used twice", again)
	}
	equal(t, "messages of the new group", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, again, 1<<62, 10)), []chat.Message(nil))
}

func groupPages(t *testing.T, w *world) {
	var all, public []chat.GroupKey
	for i := range 9 {
		kind := chat.Public
		if i%3 == 0 {
			kind = chat.Private
		}
		w.change(t, app1, func(r chat.Records) error {
			k, err := r.CreateGroup(chat.Group{ID: chat.GroupID(fmt.Sprint("g", 9-i)), Type: kind})
			all = append(all, k)
			if kind == chat.Public {
				public = append(public, k)
			}
			return err
		})
	}
	for kind, want := range map[chat.GroupType][]chat.GroupKey{"": all, chat.Public: public, chat.AVChatRoom: nil} {
		var got []chat.GroupKey
		for after := chat.GroupKey(0); ; {
			page, total, err := w.store.Groups(w.ctx, app1, kind, after, 2)
			must(t, err)
			equal(t, "total", total, int64(len(want)))
			if len(page) == 0 {
				break
			}
			for _, g := range page {
				got = append(got, g.Key)
			}
			after = page[len(page)-1].Key
		}
		equal(t, "groups of type "+string(kind), got, want)
	}
}

func members(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	list := []chat.Member{
		{User: "zoe", Role: chat.RoleOwner, JoinTime: start, MsgFlag: "AcceptAndNotify", NameCard: "Z\x00"},
		{User: "ann", Role: chat.RoleAdmin, JoinTime: start, ReadSeq: 4, LastMsgTime: start + 9},
		{User: "bob", Role: chat.RoleMember, JoinTime: start - 5},
	}
	w.change(t, app1, func(r chat.Records) error {
		for _, m := range list {
			if err := r.PutMember(g, m); err != nil {
				return err
			}
		}
		return r.PutMute(g, "bob", start+100)
	})
	list[2].MuteUntil = start + 100
	equal(t, "members in order of joining", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, nil, 0, 10)), list)
	for _, test := range []struct {
		name          string
		roles         []chat.Role
		offset, limit int
		want          []chat.Member
	}{
		{"owner and admins", []chat.Role{chat.RoleAdmin, chat.RoleOwner}, 0, 10, list[:2]},
		{"owner and admins but the first", []chat.Role{chat.RoleOwner, chat.RoleAdmin}, 1, 10, list[1:2]},
		{"the first of owner and admins", []chat.Role{chat.RoleOwner, chat.RoleAdmin}, 0, 1, list[:1]},
		{"owner", []chat.Role{chat.RoleOwner}, 0, 10, list[:1]},
		{"admins", []chat.Role{chat.RoleAdmin}, 0, 10, list[1:2]},
		{"admins but the first", []chat.Role{chat.RoleAdmin}, 1, 10, nil},
		{"ordinary members", []chat.Role{chat.RoleMember}, 0, 10, list[2:]},
		{"owner and ordinary members", []chat.Role{chat.RoleOwner, chat.RoleMember}, 0, 10, []chat.Member{list[0], list[2]}},
		{"owner and ordinary members but the first", []chat.Role{chat.RoleMember, chat.RoleOwner}, 1, 10, list[2:]},
		{"any role", []chat.Role{chat.RoleOwner, chat.RoleAdmin, chat.RoleMember}, 1, 10, list[1:]},
		{"a role that nobody has", []chat.Role{"Guest"}, 0, 10, nil},
	} {
		equal(t, test.name, get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, test.roles, test.offset, test.limit)), test.want)
	}
	for _, roles := range [][]chat.Role{nil, {chat.RoleOwner}, {chat.RoleMember}} {
		equal(t, "of another app", get[[]chat.Member](t)(w.store.Members(w.ctx, app2, g, roles, 0, 10)), []chat.Member(nil))
	}
	equal(t, "second page", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, nil, 1, 1)), list[1:2])

	list[0].Role, list[0].NameCard, list[0].ReadSeq = chat.RoleMember, "", 8
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutMember(g, list[0]); err != nil {
			return err
		}
		m, ok, err := r.Member(g, "zoe")
		if !ok {
			t.Error("zoe is no member within the transaction")
		}
		equal(t, "member", m, list[0])
		return err
	})
	equal(t, "who was made an ordinary member", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, []chat.Role{chat.RoleOwner, chat.RoleAdmin}, 0, 10)), list[1:2])
	equal(t, "a changed member keeps its place", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g, nil, 0, 10)), list)
	m, ok, err := w.store.Member(w.ctx, app1, g, "bob")
	must(t, err)
	if !ok {
		t.Fatal("bob is no member")
	}
	equal(t, "member", m, list[2])

	w.change(t, app1, func(r chat.Records) error {
		if err := r.DeleteMember(g, "ann"); err != nil {
			return err
		}
		return r.DeleteMember(g, "never there")
	})
	if _, ok, _ := w.store.Member(w.ctx, app1, g, "ann"); ok {
		t.Fatal("ann is still a member")
	}
	group, _, err := w.store.Group(w.ctx, app1, "g")
	must(t, err)
	equal(t, "count", group.Members, int64(2))
	if w.try(app1, func(r chat.Records) error { return r.PutMember(g+1000, list[0]) }) == nil {
		t.Fatal("a member joined a group that is not there")
	}
}

func mutes(t *testing.T, w *world) {
	g := w.makeGroup(t, app1, "g")
	w.change(t, app1, func(r chat.Records) error {
		for user, until := range map[chat.UserID]int64{"a": start + 10, "b": chat.Forever, "c": start + 20, "never": 0} {
			if err := r.PutMute(g, user, until); err != nil {
				return err
			}
		}
		if err := r.PutMute(g, "c", start+30); err != nil {
			return err
		}
		return r.PutMember(g, chat.Member{User: "b", Role: chat.RoleAdmin})
	})
	standing := func(u chat.UserID) chat.Standing {
		return get[chat.Standing](t)(w.store.Standing(w.ctx, app1, g, u))
	}
	equal(t, "no member, muted", standing("a"), chat.Standing{MuteUntil: start + 10})
	equal(t, "member, muted", standing("b"), chat.Standing{Member: true, Role: chat.RoleAdmin, MuteUntil: chat.Forever})
	equal(t, "muted", get[[]chat.Muted](t)(w.store.Muted(w.ctx, app1, g, start+10)),
		[]chat.Muted{{User: "b", Until: chat.Forever}, {User: "c", Until: start + 30}})

	w.change(t, app1, func(r chat.Records) error { return r.DeleteMember(g, "b") })
	equal(t, "a mute outlives leaving", standing("b"), chat.Standing{MuteUntil: chat.Forever})
	w.change(t, app1, func(r chat.Records) error { return r.PutMember(g, chat.Member{User: "b", Role: chat.RoleMember}) })
	equal(t, "and rejoining", standing("b"), chat.Standing{Member: true, Role: chat.RoleMember, MuteUntil: chat.Forever})
	w.change(t, app1, func(r chat.Records) error { return r.PutMute(g, "b", 0) })
	equal(t, "until it is ended", standing("b"), chat.Standing{Member: true, Role: chat.RoleMember})
	equal(t, "nobody", standing("x"), chat.Standing{})
}

// apart uses the same names in two apps and one app's keys with the other.
func apart(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g1, g2 := w.makeGroup(t, app1, "g"), w.makeGroup(t, app2, "g")
	for app, g := range map[chat.AppID]chat.GroupKey{app1: g1, app2: g2} {
		w.change(t, app, func(r chat.Records) error {
			if err := r.PutMember(g, chat.Member{User: "u", Role: chat.RoleOwner}); err != nil {
				return err
			}
			if err := r.PutMute(g, "u", chat.Forever); err != nil {
				return err
			}
			return r.PutAccount(chat.Account{User: "u", Nick: app.String()})
		})
		w.send(t, app, g, 2, int(app), start)
	}
	equal(t, "standing", get[chat.Standing](t)(w.store.Standing(w.ctx, app1, g2, "u")), chat.Standing{})
	equal(t, "members", get[[]chat.Member](t)(w.store.Members(w.ctx, app1, g2, nil, 0, 9)), []chat.Member(nil))
	equal(t, "muted", get[[]chat.Muted](t)(w.store.Muted(w.ctx, app1, g2, 0)), []chat.Muted(nil))
	equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g2, 9, 9)), []chat.Message(nil))
	if joined := get[[]chat.Membership](t)(w.store.Joined(w.ctx, app1, "u")); len(joined) != 1 || joined[0].Group.Key != g1 {
		t.Fatalf("joined = %v", joined)
	}
	w.change(t, app1, func(r chat.Records) error {
		for user, n := range map[chat.UserID]int64{"u": 1, "nobody": 0} {
			equal(t, "number of groups joined", get[int64](t)(r.CountJoined(user)), n)
		}
		return nil
	})
	if w.try(app1, func(r chat.Records) error { return r.DeleteGroup(g2) }) == nil {
		t.Fatal("one app dissolved another's group")
	}
	if w.try(app1, func(r chat.Records) error { return r.PutMute(g2, "x", 5) }) == nil {
		t.Fatal("one app muted in another's group")
	}
	w.change(t, app1, func(r chat.Records) error {
		if err := r.RecallMessage(g2, 1); err != nil {
			return err
		}
		return r.DeleteAccount("u")
	})
	a, ok, err := w.store.Account(w.ctx, app2, "u")
	if err != nil || !ok || a.Nick != app2.String() {
		t.Fatalf("the other app's account: %+v, %v, %v", a, ok, err)
	}
	equal(t, "the other app's standing", get[chat.Standing](t)(w.store.Standing(w.ctx, app2, g2, "u")),
		chat.Standing{Member: true, Role: chat.RoleOwner, MuteUntil: chat.Forever})
	for _, m := range get[[]chat.Message](t)(w.store.Messages(w.ctx, app2, g2, 9, 9)) {
		equal(t, "flags", m.Flags, chat.Flags(0))
	}
}

func removedApp(t *testing.T, w *world) {
	w.makeApp(t, app2)
	g := w.makeGroup(t, app2, "g")
	w.makeGroup(t, app1, "stays")
	w.change(t, app2, func(r chat.Records) error {
		if err := r.PutAccount(chat.Account{User: "u"}); err != nil {
			return err
		}
		if err := r.PutMember(g, chat.Member{User: "u"}); err != nil {
			return err
		}
		if err := r.PutMute(g, "u", 5); err != nil {
			return err
		}
		if err := r.AddWords([]string{"w"}); err != nil {
			return err
		}
		return r.PutEndpoint(chat.Endpoint{ID: "primary", App: app2})
	})
	w.send(t, app2, g, 3, 0, start)
	must(t, w.commit(app2, nil, start, func(chat.Head) chat.Rows {
		return chat.Rows{Progress: []chat.Progress{{Endpoint: "primary", Cursor: 1, Put: []chat.Pending{{Seq: 1}}}}}
	}))
	w.change(t, app2, func(r chat.Records) error { return r.DeleteApp() })
	for range 2 {
		if list := get[[]chat.App](t)(w.store.Apps(w.ctx)); len(list) == 0 || list[0].ID != app1 {
			t.Fatalf("apps = %v", list)
		}
		equal(t, "words", get[[]string](t)(w.store.Words(w.ctx, app2)), []string(nil))
		equal(t, "endpoints", get[[]chat.Endpoint](t)(w.store.Endpoints(w.ctx, app2)), []chat.Endpoint(nil))
		equal(t, "events", get[[]chat.Event](t)(w.store.Events(w.ctx, app2, 0, 10, 1<<20)), []chat.Event(nil))
		equal(t, "pending", get[[]chat.Pending](t)(w.store.Pending(w.ctx, app2, "primary", false, 0, 10)), []chat.Pending(nil))
		equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app2, g, 9, 9)), []chat.Message(nil))
		equal(t, "standing", get[chat.Standing](t)(w.store.Standing(w.ctx, app2, g, "u")), chat.Standing{})
		if _, ok, err := w.store.Account(w.ctx, app2, "u"); ok || err != nil {
			t.Fatalf("account: %v, %v", ok, err)
		}
		if _, total, err := w.store.Groups(w.ctx, app2, "", 0, 9); total != 0 || err != nil {
			t.Fatalf("groups: %d, %v", total, err)
		}
		if _, ok, err := w.store.Repeat(w.ctx, app2, key(0), start); ok || err != nil {
			t.Fatalf("repeat: %v, %v", ok, err)
		}
		w.makeApp(t, app2) // made anew, it finds nothing of the old one
	}
	equal(t, "head", get[chat.Head](t)(w.store.Head(w.ctx, app2)), chat.Head{Epoch: "epoch-1", Next: 1})
	w.send(t, app2, w.makeGroup(t, app2, "g"), 3, 0, start)
}

func dissolved(t *testing.T, w *world) {
	g, other := w.makeGroup(t, app1, "g"), w.makeGroup(t, app1, "other")
	for i := range 6 {
		w.send(t, app1, g, 200, i*1000, start)
		w.send(t, app1, other, 1, 10_000+i, start)
	}
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(g) })
	equal(t, "messages", get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, g, 1<<62, 10)), []chat.Message(nil))
	w.restart(t) // the purge goes on after a restart
	calls := 0
	for {
		more, err := w.store.Maintain()
		must(t, err)
		if !more {
			break
		}
		if calls++; calls > 1000 {
			t.Fatal("the purge does not end")
		}
	}
	if calls < 2 {
		t.Fatalf("1200 messages were purged in %d calls", calls)
	}
	if n := len(get[[]chat.Message](t)(w.store.Messages(w.ctx, app1, other, 1<<62, 100))); n != 6 {
		t.Fatalf("the other group has %d messages", n)
	}
}

func version(t *testing.T, w *world) {
	w.makeApp(t, app2)
	for i := range uint64(3) {
		w.change(t, app1, func(r chat.Records) error {
			v, err := r.RaiseVersion(chat.Change{ID: attempt(1)})
			equal(t, "version", v, i+1)
			return err
		})
	}
	equal(t, "version", get[chat.Head](t)(w.store.Head(w.ctx, app1)).Version, uint64(3))
	equal(t, "version of the other app", get[chat.Head](t)(w.store.Head(w.ctx, app2)).Version, uint64(0))
	if w.try(99, func(r chat.Records) error { _, err := r.RaiseVersion(chat.Change{}); return err }) == nil {
		t.Fatal("the version of a missing app was raised")
	}
}
