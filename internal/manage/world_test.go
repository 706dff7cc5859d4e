package manage_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

const app chat.AppID = 1400000000

const start = 1_800_000_000_000 // what the clock of a world shows first, unix milliseconds

// world is a backend over a real store, with an app, an account and a group.
type world struct {
	*testing.T
	backend *chat.Backend
	manager *manage.Manager
	feed    *manage.Feed
	clock   *atomic.Int64 // unix milliseconds
	verdict atomic.Pointer[chat.Verdict]
}

// onEachEngine runs a test once for each store.
func onEachEngine(t *testing.T, test func(w *world)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(newWorld(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(newWorldOn(t, open(t, pgtest.Database(t)), true))
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, store, true)
}

func open(t *testing.T, database string) chat.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), database, postgres.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newWorldOn makes a world on a store; first says whether the app is to be made.
func newWorldOn(t *testing.T, store chat.Store, first bool) *world {
	t.Helper()
	w := &world{T: t, feed: manage.NewFeed(), clock: new(atomic.Int64)}
	w.clock.Store(start)
	w.backend = chat.New(chat.Options{
		Store: store, Render: wire.Bodies{}, Offers: w.feed, Asker: w,
		Now: func() time.Time { return time.UnixMilli(w.clock.Load()) },
	})
	w.must(w.backend.Start(t.Context()))
	t.Cleanup(func() {
		w.feed.Close()
		w.backend.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w.manager = manage.New(manage.Config{Backend: w.backend, Feed: w.feed})
	if !first {
		w.eventually("the app is known", func() bool { _, ok := w.backend.App(app); return ok })
		return w
	}
	settings := chat.DefaultSettings()
	settings.GroupRate = 0
	w.must(w.backend.CreateApp(t.Context(), chat.App{ID: app, Key: "key", Admins: []chat.UserID{"administrator"}, Settings: settings}, chat.Endpoint{}))
	w.must(w.backend.Change(t.Context(), app, func(r chat.Records) error {
		if err := r.PutAccount(chat.Account{User: "jared"}); err != nil {
			return err
		}
		_, err := r.CreateGroup(chat.Group{ID: "lobby", Type: chat.Public, Name: "lobby", NextMsgSeq: 1})
		return err
	}))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// eventually asks again until ok is true of what tells nobody when it changes.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			w.Fatalf("%s: not in 20 s", what)
		}
	}
}

var randoms atomic.Uint32

// refuse makes a send that is refused: with 10010 in a group that is not there,
// in the lobby with 10019 for who is no account.
func (w *world) refuse(group, from string) chat.Outcome {
	w.Helper()
	o, err := w.backend.Send(context.Background(), w.send(group, from))
	w.must(err)
	if o.Kind != chat.Refused {
		w.Fatalf("a send of %s to %s was not refused: %+v", from, group, o)
	}
	return o
}

func (w *world) send(group, from string) *chat.Send {
	return &chat.Send{
		App: app, Caller: "administrator", Entry: chat.EntryREST, Platform: "RESTAPI", ClientIP: "127.0.0.1", Group: chat.GroupID(group),
		From: chat.UserID(from), Random: randoms.Add(1), Priority: chat.Normal,
		Content: chat.Content{Body: []byte(`[{"MsgContent":{"Text":"a"},"MsgType":"TIMTextElem"}]`), Size: 1, Texts: []string{"a"}},
	}
}

// endpoint makes an endpoint.
func (w *world) endpoint(id string, change func(*api.NewEndpoint)) {
	w.Helper()
	e := api.NewEndpoint{Id: id, EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1/" + id)}}
	if change != nil {
		change(&e)
	}
	_, err := w.manager.AddEndpoint(w.Context(), app, e)
	w.must(err)
}

// report writes what a lane would.
func (w *world) report(p chat.Progress) {
	w.Helper()
	a, _ := w.backend.App(app)
	p.Epoch, p.Life = a.Epoch, w.backend.Endpoint(app, p.Endpoint).Life
	done := make(chan error, 1)
	w.backend.SaveProgress(app, p, func(err error) { done <- err })
	w.must(<-done)
}

// refused insists on an error that is a refusal with a code.
func (w *world) refused(err error, code api.Code) {
	w.Helper()
	var r *chat.Refusal
	if !errors.As(err, &r) || r.Code != code || r.Info == "" {
		w.Errorf("error %v, want a refusal with %d", err, code)
	}
}

func seqs(page api.EventsPage) []uint64 {
	list := make([]uint64, len(page.Events))
	for i, e := range page.Events {
		list[i] = e.Sequence
	}
	return list
}
