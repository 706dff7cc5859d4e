package chat_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

const app chat.AppID = 1400000000

// world is a backend over a real store, with an app, accounts and a group.
type world struct {
	t       *testing.T
	dir     string
	engine  func(*world) (chat.Store, error)
	place   string // of the database, beside dir
	store   *faulty
	backend *chat.Backend
	offered *offered
	asker   chat.Asker
	disk    disk
	pace    chat.Pace // of refusals
	changes chat.Pace
	log     *slog.Logger // nil discards it
}

// offered keeps what the writer offers to the lanes.
type offered struct {
	mu     sync.Mutex
	events []chat.Event
}

func (o *offered) Offer(_ chat.AppID, events []chat.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, events...)
}

func (o *offered) Changed(chat.AppID) {}

func (o *offered) Behind(chat.AppID, chat.Sequence) {}

// maker makes worlds on one engine.
type maker func(t *testing.T, change ...func(*chat.App)) *world

// onEachEngine runs a test once for each store.
func onEachEngine(t *testing.T, test func(t *testing.T, newWorld maker)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T, change ...func(*chat.App)) *world {
			t.Helper()
			return newWorldOn(t, pgtest.Database(t), func(w *world) (chat.Store, error) {
				return postgres.Open(context.Background(), w.place, postgres.Options{})
			}, change...)
		})
	})
}

func newWorld(t *testing.T, change ...func(*chat.App)) *world {
	t.Helper()
	return newWorldOn(t, "", func(w *world) (chat.Store, error) { return sqlite.Open(w.dir, sqlite.Options{}) }, change...)
}

func newWorldOn(t *testing.T, place string, engine func(*world) (chat.Store, error), change ...func(*chat.App)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), place: place, engine: engine, offered: &offered{}}
	w.start()
	settings := chat.DefaultSettings()
	settings.GroupRate = 0
	a := chat.App{ID: app, Key: "key", Admins: []chat.UserID{"administrator"}, Settings: settings}
	for _, c := range change {
		c(&a)
	}
	if err := w.backend.CreateApp(t.Context(), a, chat.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"jared", "mia"} {
		if err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
			return r.PutAccount(chat.Account{User: chat.UserID(user)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.group("g1")
	return w
}

func (w *world) group(id chat.GroupID) {
	w.t.Helper()
	if err := w.backend.Change(w.t.Context(), app, func(r chat.Records) error {
		_, err := r.CreateGroup(chat.Group{ID: id, Type: chat.Public, Name: "group", NextMsgSeq: 1})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	store, err := w.engine(w)
	if err != nil {
		w.t.Fatal(err)
	}
	unrecorded, err := chat.OpenUnrecorded(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = &faulty{Store: store}
	w.backend = chat.New(chat.Options{Store: w.store, Render: wire.Bodies{}, Offers: w.offered, Asker: w.asker, Unrecorded: unrecorded, Space: &w.disk, Refusals: w.pace, Changes: w.changes, Log: w.log})
	if err := w.backend.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	b := w.backend
	w.t.Cleanup(func() {
		b.Stop()
		_ = store.Close()
	})
}

// restart ends the backend and starts another one on the same data.
func (w *world) restart() {
	w.t.Helper()
	w.backend.Stop()
	if err := w.store.Store.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// send is a message of jared's to g1.
func send(random uint32) *chat.Send {
	s := &chat.Send{App: app, Caller: "administrator", Platform: "RESTAPI", ClientIP: "127.0.0.1"}
	wire.ReadSend(fmt.Appendf(nil, `{"GroupId":"g1","From_Account":"jared","Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"message %d"}}]}`, random, random), s)
	return s
}

type told struct {
	chat.Outcome
	err error
}

// together puts sends into one batch: the writer is held until all wait.
func (w *world) together(sends []*chat.Send, ctx func(i int) context.Context) []told {
	w.t.Helper()
	// Before the transaction begins: a store does not let it be idle for long.
	release := w.hold()
	results := make([]told, len(sends))
	var all sync.WaitGroup
	for i, s := range sends {
		c := context.Background()
		if ctx != nil {
			c = ctx(i)
		}
		all.Go(func() {
			results[i].Outcome, results[i].err = w.backend.Send(c, s)
		})
	}
	for w.backend.Waiting() < len(sends) {
		runtime.Gosched()
	}
	release()
	all.Wait()
	return results
}

// hold keeps the writer from its next transaction until release is called.
func (w *world) hold() (release func()) {
	w.t.Helper()
	hold, held := make(chan struct{}), make(chan struct{})
	w.store.set(func(f *faulty) {
		f.begin = func() {
			f.set(func(f *faulty) { f.begin = nil })
			close(held)
			<-hold
		}
	})
	go func() {
		_ = w.backend.Change(context.Background(), app, func(chat.Records) error { return nil })
	}()
	<-held
	return func() { close(hold) }
}

func (w *world) events() []chat.Event {
	w.t.Helper()
	list, err := w.backend.Reader().Events(w.t.Context(), app, 0, 10_000, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, e := range list {
		if e.Seq != chat.Sequence(i+1) {
			w.t.Fatalf("event %d has sequence %d: a gap", i+1, e.Seq)
		}
		if i > 0 && e.Time < list[i-1].Time {
			w.t.Fatalf("EventTime falls at sequence %d", e.Seq)
		}
	}
	return list
}

func (w *world) messages() []chat.Message {
	w.t.Helper()
	g, ok, err := w.backend.Reader().Group(w.t.Context(), app, "g1")
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	list, err := w.backend.Reader().Messages(w.t.Context(), app, g.Key, 1<<40, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// ledger checks that attempts and outcomes agree, in this life and in the store.
func (w *world) ledger() chat.Counts {
	w.t.Helper()
	c, _ := w.backend.Counts(app)
	if sum := c.Accepted + c.Refused + c.Dropped + c.Repeated + c.Unanswered + uint64(w.backend.UnrecordedRefusals()); c.Attempts != sum {
		w.t.Fatalf("attempts %d, outcomes %d: %+v", c.Attempts, sum, c)
	}
	return c
}

func (w *world) mute(user chat.UserID, until int64) {
	w.t.Helper()
	if err := w.backend.Change(w.t.Context(), app, func(r chat.Records) error {
		g, _, err := r.Group("g1")
		if err != nil {
			return err
		}
		return r.PutMute(g.Key, user, until)
	}); err != nil {
		w.t.Fatal(err)
	}
}

func many(n int) []*chat.Send {
	list := make([]*chat.Send, n)
	for i := range list {
		list[i] = send(uint32(i))
	}
	return list
}

// eventually asks again until ok is true of what tells nobody when it changes. It
// leaves the processor to others: a store that is away stays so for seconds.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			w.t.Fatal("in vain: " + what)
		}
	}
}

// sendDuring lets one message of jared's be admitted while a change waits to be
// run, so that the change is committed first.
func (w *world) sendDuring(change func(chat.Records) error) told {
	w.t.Helper()
	hold, held, changed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		changed <- w.backend.Change(context.Background(), app, func(r chat.Records) error {
			close(held)
			<-hold
			return change(r)
		})
	}()
	<-held
	result := make(chan told, 1)
	go func() {
		o, err := w.backend.Send(context.Background(), send(1))
		result <- told{o, err}
	}()
	for w.backend.Waiting() < 1 {
		runtime.Gosched()
	}
	close(hold)
	if err := <-changed; err != nil {
		w.t.Fatal(err)
	}
	return <-result
}
