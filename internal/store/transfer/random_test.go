package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
	"github.com/parley-im/parley/internal/store/transfer"
)

// anything is a string of any bytes, of which there are few different ones, so
// that keys are beginnings of one another.
func anything() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0x7f, 0x80, 0xff}), 0, 4).Draw(t, "bytes"))
	})
}

// Whatever a folder holds, and however often its move is broken off, the database
// answers the same.
func TestAnyFolderIsTheSameAfterAMove(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, database := t.TempDir(), pgtest.Database(t)
		s, err := sqlite.Open(dir, sqlite.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		for _, app := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 5), 1, 3, rapid.ID).Draw(rt, "apps") {
			fillRandomly(rt, s, chat.AppID(app))
		}
		answers := storetest.Describe(t, s)
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		o := transfer.Options{From: dir, To: database, Batch: rapid.IntRange(1, 7).Draw(rt, "batch")}
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 40), 0, 3).Draw(rt, "breaks") {
			ctx, cancel := context.WithCancel(t.Context())
			o.Report = func(transfer.Report) {
				if n--; n == 0 {
					cancel()
				}
			}
			_, err := transfer.Run(ctx, o)
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				rt.Fatal(err)
			}
		}
		o.Report = nil
		if _, err := transfer.Run(t.Context(), o); err != nil {
			rt.Fatal(err)
		}
		db, err := postgres.Open(t.Context(), database, postgres.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		if diff := cmp.Diff(answers, storetest.Describe(t, db)); diff != "" {
			rt.Fatalf("folder and database differ:\n%s", diff)
		}
	})
}

// fillRandomly makes an app with something of everything.
func fillRandomly(t *rapid.T, s chat.Store, app chat.AppID) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	some := func(what string) []string { return rapid.SliceOfNDistinct(anything(), 0, 6, rapid.ID).Draw(t, what) }
	within := func(f func(chat.Tx)) {
		tx, err := s.Begin()
		must(err)
		defer tx.Rollback()
		f(tx)
		must(tx.Commit())
	}
	var groups []chat.GroupKey
	var endpoints []string
	within(func(tx chat.Tx) {
		r, err := tx.Records(app)
		must(err)
		must(r.PutApp(chat.App{ID: app, Key: anything().Draw(t, "key"), Epoch: fmt.Sprintf("%016d", app), Settings: chat.DefaultSettings()}))
		must(r.AddWords(some("words")))
		for _, user := range some("accounts") {
			must(r.PutAccount(chat.Account{User: chat.UserID("user-" + user), Nick: user, MuteUntil: int64(len(user))}))
		}
		for _, id := range some("endpoints") {
			must(r.PutEndpoint(chat.Endpoint{ID: id, App: app, URL: id, Commands: chat.Commands}))
			endpoints = append(endpoints, id)
			for range rapid.IntRange(0, 2).Draw(t, "replays") {
				_, err := r.AddReplay(chat.Replay{Endpoint: id, First: 1, Next: 2, Last: 3, Group: chat.GroupID(id)})
				must(err)
			}
		}
		for _, name := range some("tokens") {
			must(r.AddToken(chat.Token{ID: name, App: app, Name: name, Hash: chat.HashToken(fmt.Sprint(app, name))}))
		}
		for _, id := range some("groups") {
			key, err := r.CreateGroup(chat.Group{ID: chat.GroupID(id), Type: chat.Public, Name: id, MuteAll: len(id)%2 == 1})
			must(err)
			if rapid.Bool().Draw(t, "gone") {
				must(r.DeleteGroup(key))
				continue
			}
			groups = append(groups, key)
			for _, user := range some("members") {
				must(r.PutMember(key, chat.Member{User: chat.UserID(user), Role: chat.RoleMember, NameCard: user, ReadSeq: chat.MsgSeq(len(user)), JoinSeq: chat.MsgSeq(len(user)) << 50}))
			}
			for _, user := range some("applications") {
				must(r.PutApplication(chat.Application{Group: key, User: chat.UserID(user), Text: user, Time: int64(len(user))}))
			}
			for _, user := range some("mutes") {
				must(r.PutMute(key, chat.UserID(user), chat.Forever))
			}
		}
	})
	for n := range rapid.IntRange(0, 4).Draw(t, "batches") {
		within(func(tx chat.Tx) {
			now := int64(1_700_000_000 + 100*n)
			h, err := tx.Lock(app, groups, nil, now)
			must(err)
			rows := chat.Rows{Next: h.Next, Time: now * 1000, Totals: h.Totals, Now: now}
			for _, key := range groups {
				g := h.Groups[key]
				for i, text := range some("texts") {
					m := chat.Message{Group: key, Seq: g.Next, From: chat.UserID(text), Random: 1<<32 - 1, Time: now, Body: []byte("body" + text), Attempt: chat.AttemptID{byte(app), byte(n), byte(i), byte(key)}}
					if i%2 == 1 {
						m.To, m.Mentions = []chat.UserID{"\x00"}, []chat.Mention{{All: true}, {User: "u"}}
					}
					rows.Messages = append(rows.Messages, m)
					rows.Repeats = append(rows.Repeats, chat.Repeat{Key: chat.RepeatKey(m.Attempt), Attempt: m.Attempt, Seq: m.Seq, Time: now})
					g.Next++
				}
				g.Key, g.Time = key, now
				rows.Groups = append(rows.Groups, g)
			}
			for i, text := range some("events") {
				a := chat.AttemptID{byte(app), byte(n), byte(i), 0xff}
				rows.Events = append(rows.Events, chat.Event{App: app, Seq: rows.Next, ID: a, Attempt: a, Command: chat.CommandSendMsgException, Time: now * 1000, Body: []byte(text), Detail: []byte(text), Count: 1})
				rows.Next++
			}
			for _, id := range endpoints {
				a := chat.Attempted{Seq: chat.Sequence(n + 1), Attempt: n + 1, At: now, Reason: "reason " + id}
				delivered := a
				delivered.Reason, delivered.Answer = "", []byte(id)
				rows.Progress = append(rows.Progress, chat.Progress{Endpoint: id, Cursor: rows.Next - 1, At: int64(n), Failed: []chat.Attempted{a}, Delivered: []chat.Attempted{delivered},
					Put: []chat.Pending{{Seq: a.Seq, Since: now, Group: chat.GroupID(id), Replay: n%2 == 0}}, Dead: []chat.DeadRange{{First: a.Seq, Last: a.Seq + 5, Reason: id}},
					Lane: &chat.LaneState{Probes: n, LastError: fmt.Sprint(len(id))}})
			}
			must(tx.Put(app, &rows))
		})
	}
}
