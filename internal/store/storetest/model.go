package storetest

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// modelGroup is a group in plain Go: members in order of joining, mutes, which
// outlive them, and applications in order.
type modelGroup struct {
	key          chat.GroupKey
	members      []chat.Member
	mutes        map[chat.UserID]int64
	applications []chat.Application
}

// model drives groups, members, mutes and accounts at random and compares all
// that can be read with a plain Go model after every transaction. Every third
// transaction is rolled back.
func model(t *testing.T, w *world) {
	app := app1
	rapid.Check(t, func(t *rapid.T) {
		app++ // each check has an app of its own
		w.makeApp(t, app)
		groups := map[chat.GroupID]*modelGroup{}
		accounts := map[chat.UserID]chat.Account{}
		ids := rapid.SampledFrom([]chat.GroupID{"a", "b", "c\x00", "c"})
		users := rapid.SampledFrom([]chat.UserID{"u1", "u2", "u3", "\x00", "u3\x00"})

		steps := rapid.IntRange(1, 6).Draw(t, "transactions")
		for range steps {
			keep := rapid.IntRange(0, 2).Draw(t, "rolled back if 0") > 0
			backup, people := copyGroups(groups), maps.Clone(accounts)
			tx, err := w.begin()
			must(t, err)
			r, err := tx.Records(app)
			must(t, err)
			for range rapid.IntRange(1, 6).Draw(t, "changes") {
				id, user := ids.Draw(t, "group"), users.Draw(t, "user")
				modelStep(t, r, groups, accounts, id, user)
			}
			if keep {
				must(t, tx.Commit())
			} else {
				tx.Rollback()
				groups, accounts = backup, people
			}
			compareModel(t, w, app, groups, accounts)
		}
	})
}

// modelStep makes one change in the store and in the model.
func modelStep(t *rapid.T, r chat.Records, groups map[chat.GroupID]*modelGroup, accounts map[chat.UserID]chat.Account, id chat.GroupID, user chat.UserID) {
	g := groups[id]
	got, ok, err := r.Group(id)
	must(t, err)
	if ok != (g != nil) || ok && got.Members != int64(len(g.members)) {
		t.Fatalf("group %q within the transaction: %+v, %v; want %+v", id, got, ok, g)
	}
	what := rapid.SampledFrom([]string{"create", "join", "join", "leave", "mute", "apply", "apply", "withdraw", "dissolve", "import", "delete account"}).Draw(t, "change")
	switch {
	case what == "import":
		a := chat.Account{User: user, Nick: rapid.StringN(0, 3, -1).Draw(t, "nick")}
		must(t, r.PutAccount(a))
		accounts[user] = a
	case what == "delete account":
		must(t, r.DeleteAccount(user))
		delete(accounts, user)
		for _, g := range groups {
			g.leave(user)
			delete(g.mutes, user)
			g.withdraw(user)
		}
	case g == nil:
		key, err := r.CreateGroup(chat.Group{ID: id, Type: chat.Public})
		must(t, err)
		for _, other := range groups {
			if other.key == key {
				t.Fatalf("key %d is in use", key)
			}
		}
		groups[id] = &modelGroup{key: key, mutes: map[chat.UserID]int64{}}
	case what == "create" || what == "join":
		m := chat.Member{User: user, Role: rapid.SampledFrom([]chat.Role{chat.RoleMember, chat.RoleAdmin}).Draw(t, "role"),
			JoinTime: rapid.Int64Range(0, 9).Draw(t, "joined"), JoinSeq: chat.MsgSeq(rapid.Uint64Range(0, 9).Draw(t, "since"))}
		must(t, r.PutMember(g.key, m))
		g.join(m)
	case what == "leave":
		must(t, r.DeleteMember(g.key, user))
		g.leave(user)
	case what == "apply":
		a := chat.Application{Group: g.key, User: user, Text: rapid.StringN(0, 3, -1).Draw(t, "text"), Time: rapid.Int64Range(0, 9).Draw(t, "applied")}
		must(t, r.PutApplication(a))
		g.apply(a)
	case what == "withdraw":
		must(t, r.DeleteApplication(g.key, user))
		g.withdraw(user)
	case what == "mute":
		until := rapid.SampledFrom([]int64{0, 1, start, chat.Forever}).Draw(t, "until")
		must(t, r.PutMute(g.key, user, until))
		if g.mutes[user] = until; until == 0 {
			delete(g.mutes, user)
		}
	case what == "dissolve":
		must(t, r.DeleteGroup(g.key))
		delete(groups, id)
	}
}

func (g *modelGroup) join(m chat.Member) {
	if i := slices.IndexFunc(g.members, func(o chat.Member) bool { return o.User == m.User }); i >= 0 {
		g.members[i] = m
		return
	}
	g.members = append(g.members, m)
}

func (g *modelGroup) leave(user chat.UserID) {
	g.members = slices.DeleteFunc(g.members, func(m chat.Member) bool { return m.User == user })
}

func (g *modelGroup) apply(a chat.Application) {
	if i := slices.IndexFunc(g.applications, func(o chat.Application) bool { return o.User == a.User }); i >= 0 {
		g.applications[i] = a
		return
	}
	g.applications = append(g.applications, a)
}

func (g *modelGroup) withdraw(user chat.UserID) {
	g.applications = slices.DeleteFunc(g.applications, func(a chat.Application) bool { return a.User == user })
}

func copyGroups(groups map[chat.GroupID]*modelGroup) map[chat.GroupID]*modelGroup {
	out := map[chat.GroupID]*modelGroup{}
	for id, g := range groups {
		out[id] = &modelGroup{key: g.key, members: slices.Clone(g.members), mutes: maps.Clone(g.mutes), applications: slices.Clone(g.applications)}
	}
	return out
}

func compareModel(t *rapid.T, w *world, app chat.AppID, groups map[chat.GroupID]*modelGroup, accounts map[chat.UserID]chat.Account) {
	joined := map[chat.UserID][]chat.GroupKey{}
	_, total, err := w.store.Groups(w.ctx, app, "", 0, 1)
	must(t, err)
	equal(t, "number of groups", total, int64(len(groups)))
	for _, id := range []chat.GroupID{"a", "b", "c\x00", "c"} {
		got, ok, err := w.store.Group(w.ctx, app, id)
		must(t, err)
		g := groups[id]
		if ok != (g != nil) {
			t.Fatalf("group %q: %v", id, ok)
		}
		if g == nil {
			continue
		}
		equal(t, "key", got.Key, g.key)
		equal(t, "count", got.Members, int64(len(g.members)))
		want := slices.Clone(g.members)
		for i := range want {
			want[i].MuteUntil = g.mutes[want[i].User]
			joined[want[i].User] = append(joined[want[i].User], g.key)
		}
		equal(t, "members", get[[]chat.Member](t)(w.store.Members(w.ctx, app, g.key, nil, 0, 100)), want)
		equal(t, "applications", get[[]chat.Application](t)(w.store.Applications(w.ctx, app, g.key, 100)), g.applications)
		var muted []chat.Muted
		for u, until := range g.mutes {
			if until > 1 {
				muted = append(muted, chat.Muted{User: u, Until: until})
			}
		}
		slices.SortFunc(muted, func(a, b chat.Muted) int { return cmp.Compare(a.User, b.User) })
		equal(t, "muted", get[[]chat.Muted](t)(w.store.Muted(w.ctx, app, g.key, 1)), muted)
		for _, u := range []chat.UserID{"u1", "u2", "u3", "\x00", "u3\x00"} {
			want := chat.Standing{MuteUntil: g.mutes[u]}
			if i := slices.IndexFunc(g.members, func(m chat.Member) bool { return m.User == u }); i >= 0 {
				want.Member, want.Role = true, g.members[i].Role
			}
			equal(t, "standing", get[chat.Standing](t)(w.store.Standing(w.ctx, app, g.key, u)), want)
		}
	}
	for _, u := range []chat.UserID{"u1", "u2", "u3", "\x00", "u3\x00"} {
		var keys []chat.GroupKey
		for _, m := range get[[]chat.Membership](t)(w.store.Joined(w.ctx, app, u)) {
			keys = append(keys, m.Group.Key)
			g, _, err := w.store.Group(w.ctx, app, m.Group.ID)
			must(t, err)
			self, _, err := w.store.Member(w.ctx, app, m.Group.Key, u)
			must(t, err)
			equal(t, "membership", m, chat.Membership{Group: g, Self: self})
		}
		slices.Sort(joined[u])
		equal(t, "joined", keys, joined[u])
		a, _, err := w.store.Account(w.ctx, app, u)
		must(t, err)
		equal(t, "account", a, accounts[u])
	}
}
