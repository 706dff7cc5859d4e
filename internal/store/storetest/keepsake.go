package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// keepsakes are strings that no text column takes, or that a careless reader cuts.
var keepsakes = []string{"plain", "", "\x00", "a\x00b", "\xff\xfe", "日本", strings.Repeat("long", 300)}

// Fill puts into an empty store what a database that is kept for later versions
// holds: every table, with values at their bounds.
func Fill(t *testing.T, s chat.Store) {
	t.Helper()
	w := &world{store: s, ctx: t.Context()}
	w.makeApp(t, app1)
	w.makeApp(t, app2)
	w.change(t, app1, func(r chat.Records) error {
		if err := r.AddWords(keepsakes[2:]); err != nil {
			return err
		}
		for i, text := range keepsakes {
			if err := r.PutAccount(chat.Account{User: chat.UserID("user-" + text), Nick: text, FaceURL: text, CreateTime: start, MuteUntil: int64(i), C2CMute: chat.Forever}); err != nil {
				return err
			}
		}
		if err := r.PutEndpoint(chat.Endpoint{ID: chat.PrimaryEndpoint, App: app1, URL: "https://example.com/a?b=c", Token: "a\x00b", Commands: chat.Commands,
			EndpointSettings: chat.EndpointSettings{Rate: 5, Keys: []chat.SigningKey{{Kind: chat.KeyHMAC, Secret: []byte{0, 1}}}, Since: 1}}); err != nil {
			return err
		}
		_, err := r.RaiseVersion(chat.Change{ID: attempt(1), Touched: chat.Touched{App: true}})
		return err
	})
	var kept chat.GroupKey
	for i, kind := range []chat.GroupType{chat.Private, chat.Public, chat.ChatRoom, chat.AVChatRoom, chat.Community} {
		w.change(t, app1, func(r chat.Records) error {
			key, err := r.CreateGroup(chat.Group{ID: chat.GroupID("group-" + keepsakes[i]), Type: kind, Name: keepsakes[i], Introduction: keepsakes[i], Notification: keepsakes[i],
				FaceURL: keepsakes[i], Owner: "user-plain", ApplyJoinOption: "FreeAccess", InviteOption: "DisableInvite", MaxMembers: 200, MuteAll: i%2 == 1,
				CreateTime: start, LastInfoTime: start + 1, InfoSeq: 3})
			if err != nil {
				return err
			}
			for j, text := range keepsakes {
				if err := r.PutMember(key, chat.Member{User: chat.UserID("user-" + text), Role: []chat.Role{chat.RoleOwner, chat.RoleAdmin, chat.RoleMember}[j%3],
					JoinTime: start + int64(j), ReadSeq: chat.MsgSeq(j), MsgFlag: "Discard", NameCard: text, LastMsgTime: start, JoinSeq: chat.MsgSeq(j) << 50}); err != nil {
					return err
				}
				if err := r.PutApplication(chat.Application{Group: key, User: chat.UserID("asks-" + text), Text: text, Time: start - int64(j)}); err != nil {
					return err
				}
			}
			if err := r.PutMute(key, "user-日本", chat.Forever); err != nil {
				return err
			}
			kept = key
			return r.PutMute(key, "nobody", start+600)
		})
	}
	w.send(t, app1, kept, 20, 0, start)
	w.put(t, app1, kept,
		chat.Message{From: "user-plain", To: []chat.UserID{"user-日本", "user-a\x00b"}, Flags: chat.FlagTargeted},
		chat.Message{From: "user-plain", Mentions: []chat.Mention{{All: true}, {User: "user-日本"}}},
	)
	w.change(t, app1, func(r chat.Records) error {
		if _, err := r.AddReplay(chat.Replay{Endpoint: chat.PrimaryEndpoint, First: 1, Next: 2, Last: 5, Dead: true, Group: "g\x00"}); err != nil {
			return err
		}
		return r.AddToken(chat.Token{ID: "reader", App: app1, Name: "\x00", CreatedAt: start, Hash: chat.HashToken("secret")})
	})
	gone := w.makeGroup(t, app1, "dissolved")
	w.send(t, app1, gone, 5, 100, start)
	w.change(t, app1, func(r chat.Records) error { return r.DeleteGroup(gone) })
	w.change(t, app1, func(r chat.Records) error { return r.RecallMessage(kept, 7) })
	must(t, w.commit(app1, nil, start+60, func(h chat.Head) chat.Rows {
		rows := chat.Rows{Next: h.Next, Time: (start + 60) * 1000, Totals: chat.Totals{Accepted: 25, Refused: 1 << 40, Dropped: 3, Repeated: 4}}
		for i, text := range keepsakes {
			e := event(app1, rows.Next, attempt(500+i), attempt(500+i), start+60)
			e.ClientIP, e.Platform, e.Group, e.From, e.Body, e.Detail = text, text, chat.GroupID(text), chat.UserID(text), []byte(text), []byte(text)
			e.Random, e.Code, e.Count, e.Cut = 1<<32-1, 10100+i, 1+i, i<<20
			rows.Events = append(rows.Events, e)
			rows.Next++
		}
		rows.Repeats = []chat.Repeat{{Key: key(900), Attempt: attempt(900), Time: start + 60}}
		rows.Progress = []chat.Progress{{Endpoint: chat.PrimaryEndpoint, Cursor: 9, CursorPrevious: 8, Put: []chat.Pending{
			{Seq: 3, Previous: 2, Attempt: 4, NextAt: start * 1000, Status: 500, Reason: "HTTP 500"},
			{Seq: 5, Attempt: 11, NextAt: start * 1000, Dead: true, Reason: "\x00"},
		}, Failed: []chat.Attempted{{Seq: 3, Attempt: 3, At: start * 1000, Duration: 5000, Status: 500, Reason: "HTTP 500", Answer: []byte("oops\x00")}},
			Delivered: []chat.Attempted{{Seq: 1, Attempt: 1, At: start * 1000, Duration: 5, Status: 200, Answer: []byte("{}")}}, At: 1,
			Dead: []chat.DeadRange{{First: 6, Last: 7, At: start * 1000, Reason: "too old", Switches: chat.Switches{Commands: chat.Commands}}},
			Lane: &chat.LaneState{FailingAt: start * 1000, Probes: 2}}}
		return rows
	}))
}

// Describe is everything that can be read of a store, as text that is the same
// for every engine.
func Describe(t *testing.T, s chat.Store) string {
	t.Helper()
	var b strings.Builder
	tell := func(what string, v any) {
		text, err := json.Marshal(v)
		must(t, err)
		fmt.Fprintf(&b, "%s %s\n", what, text)
	}
	apps := get[[]chat.App](t)(s.Apps(t.Context()))
	for _, a := range apps {
		tell("app", a)
		head := get[chat.Head](t)(s.Head(t.Context(), a.ID))
		tell("head", []any{head.Epoch, head.Next, head.Version, head.Time, head.Totals})
		tell("words", bytesOf(get[[]string](t)(s.Words(t.Context(), a.ID))))
		for _, e := range get[[]chat.Endpoint](t)(s.Endpoints(t.Context(), a.ID)) {
			tellDelivery(t, tell, s, &e, head.Next)
		}
		for _, text := range keepsakes {
			user := chat.UserID("user-" + text)
			account, ok, err := s.Account(t.Context(), a.ID, user)
			must(t, err)
			if ok {
				tell("account", []any{[]byte(account.User), []byte(account.Nick), []byte(account.FaceURL), account.CreateTime, account.MuteUntil, account.C2CMute})
				tell("joined", len(get[[]chat.Membership](t)(s.Joined(t.Context(), a.ID, user))))
			}
		}
		page, total, err := s.Groups(t.Context(), a.ID, "", 0, 1000)
		must(t, err)
		tell("groups", total)
		for _, g := range page {
			texts := bytesOf([]string{string(g.ID), g.Name, g.Introduction, g.Notification, g.FaceURL})
			key := g.Key
			g.ID, g.Name, g.Introduction, g.Notification, g.FaceURL, g.Key = "", "", "", "", "", 0 // keys are an engine's own
			tell("group", []any{g, texts})
			for _, m := range get[[]chat.Member](t)(s.Members(t.Context(), a.ID, key, nil, 0, 1000)) {
				texts := bytesOf([]string{string(m.User), m.NameCard})
				m.User, m.NameCard = "", ""
				tell("member", []any{m, texts})
			}
			for _, a := range get[[]chat.Application](t)(s.Applications(t.Context(), a.ID, key, 1000)) {
				tell("application", []any{[]byte(a.User), []byte(a.Text), a.Time})
			}
			tell("muted", get[[]chat.Muted](t)(s.Muted(t.Context(), a.ID, key, start)))
			for _, m := range get[[]chat.Message](t)(s.Messages(t.Context(), a.ID, key, 1<<40, 1000)) {
				m.Group = 0
				tell("message", m)
			}
		}
		for _, e := range get[[]chat.Event](t)(s.Events(t.Context(), a.ID, 0, 1000, 1<<30)) {
			texts := bytesOf([]string{e.ClientIP, e.Platform, string(e.Group), string(e.From), string(e.Body), string(e.Detail)})
			e.ClientIP, e.Platform, e.Group, e.From, e.Body, e.Detail = "", "", "", "", nil, nil
			tell("event", []any{e, texts})
		}
		if a.ID != app1 { // keys are of an app, whatever a store makes of others
			continue
		}
		for _, n := range []int{0, 19, 100, 900, 901} {
			r, ok, err := s.Repeat(t.Context(), a.ID, key(n), start+60)
			must(t, err)
			tell("repeat", []any{r, ok})
		}
	}
	return b.String()
}

// bytesOf keeps texts that are no UTF-8 apart in JSON.
func bytesOf(list []string) (out [][]byte) {
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

// GoOn writes to a store that an earlier version left: it takes all that a new
// one takes.
func GoOn(t *testing.T, s chat.Store) {
	t.Helper()
	w := &world{store: s, ctx: t.Context()}
	before := get[chat.Head](t)(s.Head(t.Context(), app1))
	w.send(t, app1, w.makeGroup(t, app1, "a new one"), 10, 5000, start+120)
	after := get[chat.Head](t)(s.Head(t.Context(), app1))
	equal(t, "next", after.Next, before.Next+10)
	w.change(t, app1, func(r chat.Records) error {
		if err := r.PutAccount(chat.Account{User: "new"}); err != nil {
			return err
		}
		if err := r.DeleteAccount("user-plain"); err != nil {
			return err
		}
		_, err := r.RaiseVersion(chat.Change{ID: attempt(77)})
		return err
	})
	w.change(t, app2, func(r chat.Records) error { return r.DeleteApp() })
	for more := true; more; {
		var err error
		more, err = s.Maintain()
		must(t, err)
	}
}

// tellDelivery tells an endpoint and what its lane wrote. What version 0.1 did
// not have is told only where it is there.
func tellDelivery(t *testing.T, tell func(string, any), s chat.Store, e *chat.Endpoint, next chat.Sequence) {
	t.Helper()
	tell("endpoint", struct {
		ID                     string
		App                    chat.AppID
		URL, Token, CA         string
		Commands               []string
		Cursor, CursorPrevious chat.Sequence
	}{e.ID, e.App, e.URL, e.Token, e.CA, e.Commands, e.Cursor, e.CursorPrevious})
	if v := []any{e.EndpointSettings, e.Lane}; !reflect.DeepEqual(v, []any{chat.EndpointSettings{}, chat.LaneState{}}) {
		tell("settings and lane", v)
	}
	type pending struct {
		Seq, Previous chat.Sequence
		Attempt       int
		NextAt        int64
		Dead          bool
		Status        int
		Reason        string
	}
	list := []pending{}
	var more []any
	for _, p := range bothPending(t, s, e.App, e.ID, 0, 1000) {
		list = append(list, pending{p.Seq, p.Previous, p.Attempt, p.NextAt, p.Dead, p.Status, p.Reason})
		if p.Since != 0 || p.Group != "" || p.Replay {
			more = append(more, []any{p.Seq, p.Since, p.Group, p.Replay})
		}
	}
	tell("pending", list)
	if more != nil {
		tell("pending more", more)
	}
	type failed struct {
		Seq      chat.Sequence
		Attempt  int
		At       int64
		Duration int64
		Status   int
		Reason   string
		Answer   []byte
	}
	for seq := range next {
		var list []failed
		var others []chat.Attempted
		for _, a := range get[[]chat.Attempted](t)(s.Attempts(t.Context(), e.App, e.ID, seq)) {
			if a.Reason == "" || a.Replay {
				others = append(others, a)
				continue
			}
			list = append(list, failed{a.Seq, a.Attempt, a.At, a.Duration, a.Status, a.Reason, append([]byte(nil), a.Answer...)})
		}
		if list != nil {
			tell("failures", list)
		}
		if others != nil {
			tell("attempts", others)
		}
	}
	if list := get[[]chat.DeadRange](t)(s.DeadRanges(t.Context(), e.App, e.ID)); list != nil {
		tell("dead ranges", list)
	}
	if list := get[[]chat.Token](t)(s.Tokens(t.Context(), e.App)); list != nil {
		tell("tokens", list)
	}
	if list := get[[]chat.Replay](t)(s.Replays(t.Context(), e.App, e.ID)); list != nil {
		tell("replays", list)
	}
}
