package chat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

const app chat.AppID = 1400000000

// world is a backend over a real store, with an app, accounts and a group.
type world struct {
	t       *testing.T
	dir     string
	store   *faulty
	backend *chat.Backend
	offered *offered
	asker   chat.Asker
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

func newWorld(t *testing.T, change ...func(*chat.App)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), offered: &offered{}}
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
	store, err := sqlite.Open(w.dir, sqlite.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	unrecorded, err := chat.OpenUnrecorded(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = &faulty{Store: store}
	w.backend = chat.New(chat.Options{Store: w.store, Render: wire.Bodies{}, Offers: w.offered, Asker: w.asker, Unrecorded: unrecorded, Log: slog.New(slog.DiscardHandler)})
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
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = w.backend.Change(context.Background(), app, func(chat.Records) error {
			close(held)
			<-hold
			return nil
		})
	}()
	<-held
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
	close(hold)
	all.Wait()
	return results
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

func TestMessageIsAcceptedAndStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range uint32(3) {
		o, err := w.backend.Send(t.Context(), send(i))
		if err != nil || o.Kind != chat.Accepted || o.Seq != chat.MsgSeq(i+1) {
			t.Fatalf("send %d: %+v, %v", i, o, err)
		}
	}
	if n := len(w.messages()); n != 3 {
		t.Fatalf("%d messages stored", n)
	}
	if c := w.ledger(); c.Accepted != 3 {
		t.Fatalf("%+v", c)
	}
}

func TestRefusalLeavesOneExceptionBeforeItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := send(1)
	s.Group = "nowhere"
	o, err := w.backend.Send(t.Context(), s)
	if err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodeGroupNotFound {
		t.Fatalf("%+v, %v", o, err)
	}
	list := w.events()
	if len(list) != 1 || list[0].ID.String() != o.Event || list[0].Rule != chat.RuleGroup || list[0].Code != int(api.CodeGroupNotFound) {
		t.Fatalf("%+v", list)
	}
}

func TestRepeatIsAnsweredAsTheFirstWasAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.backend.Send(t.Context(), send(7))
	if err != nil {
		t.Fatal(err)
	}
	again := func() {
		t.Helper()
		o, err := w.backend.Send(t.Context(), send(7))
		if err != nil || o.Kind != chat.Repeated || o.Seq != first.Seq || o.Time != first.Time {
			t.Fatalf("%+v, %v; first %+v", o, err, first)
		}
	}
	again()
	w.restart()
	again()
	// The same Random with other content is a new send.
	other := send(8)
	other.Random = 7
	if o, err := w.backend.Send(t.Context(), other); err != nil || o.Kind != chat.Accepted || o.Seq != 2 {
		t.Fatalf("%+v, %v", o, err)
	}
	if n := len(w.messages()); n != 2 {
		t.Fatalf("%d messages", n)
	}
}

func TestRepeatIsAnsweredBeforeAnyRuleCouldRefuseIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.backend.Send(t.Context(), send(7)); err != nil {
		t.Fatal(err)
	}
	w.mute("jared", chat.Forever)
	if o, err := w.backend.Send(t.Context(), send(7)); err != nil || o.Kind != chat.Repeated {
		t.Fatalf("%+v, %v", o, err)
	}
	if o, err := w.backend.Send(t.Context(), send(8)); err != nil || o.Kind != chat.Refused {
		t.Fatalf("%+v, %v", o, err)
	}
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

func TestEqualSendsAtOnceLeaveOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	kinds := map[chat.OutcomeKind]int{}
	for range 50 {
		all.Go(func() {
			o, err := w.backend.Send(context.Background(), send(7))
			if err != nil || o.Seq != 1 {
				t.Errorf("%+v, %v", o, err)
			}
			mu.Lock()
			kinds[o.Kind]++
			mu.Unlock()
		})
	}
	all.Wait()
	if kinds[chat.Accepted] != 1 || kinds[chat.Repeated] != 49 {
		t.Fatalf("%v", kinds)
	}
	w.ledger()
}

func TestMuteIsPassedByNoLaterCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Admitted before the mute, waiting for the writer when it is committed.
	hold, held, muted := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		muted <- w.backend.Change(context.Background(), app, func(r chat.Records) error {
			close(held)
			<-hold
			g, _, err := r.Group("g1")
			if err != nil {
				return err
			}
			return r.PutMute(g.Key, "jared", chat.Forever)
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
	if err := <-muted; err != nil {
		t.Fatal(err)
	}
	if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != chat.RuleMemberMute {
		t.Fatalf("%+v", r)
	}
	if n := len(w.messages()); n != 0 {
		t.Fatalf("%d messages passed the mute", n)
	}
}

func TestGroupDissolvedWhileASendWaitsRefusesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold, held, gone := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		gone <- w.backend.Change(context.Background(), app, func(r chat.Records) error {
			close(held)
			<-hold
			g, _, err := r.Group("g1")
			if err != nil {
				return err
			}
			if err := r.DeleteGroup(g.Key); err != nil {
				return err
			}
			_, err = r.CreateGroup(chat.Group{ID: "g1", Type: chat.Public, Name: "another", NextMsgSeq: 1})
			return err
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
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
	if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Code != api.CodeGroupNotFound {
		t.Fatalf("%+v", r)
	}
	if n := len(w.messages()); n != 0 {
		t.Fatalf("the new group has %d messages of the old one", n)
	}
}

func many(n int) []*chat.Send {
	list := make([]*chat.Send, n)
	for i := range list {
		list[i] = send(uint32(i))
	}
	return list
}

func TestBatchOf256IsOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) { f.sizes = nil })
	for i, r := range w.together(many(256), nil) {
		if r.err != nil || r.Kind != chat.Accepted {
			t.Fatalf("send %d: %+v", i, r)
		}
	}
	w.store.set(func(f *faulty) {
		biggest := 0
		for _, n := range f.sizes {
			biggest = max(biggest, n)
		}
		if biggest != 256 {
			t.Fatalf("transactions of %v sends", f.sizes)
		}
	})
}

func TestPoisonRowCostsOnlyItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const poison = 128
	w.store.set(func(f *faulty) {
		f.put = func(rows *chat.Rows) error {
			for _, m := range rows.Messages {
				if m.Random == poison {
					return errors.New("row refused")
				}
			}
			return nil
		}
	})
	for i, r := range w.together(many(256), nil) {
		switch {
		case r.err != nil:
			t.Fatalf("send %d: %v", i, r.err)
		case i == poison && (r.Kind != chat.Refused || r.Refusal.Code != api.CodeInternal):
			t.Fatalf("the poison row: %+v", r)
		case i != poison && r.Kind != chat.Accepted:
			t.Fatalf("send %d beside the poison row: %+v", i, r)
		}
	}
	if n := len(w.messages()); n != 255 {
		t.Fatalf("%d messages", n)
	}
	if list := w.events(); len(list) != 1 || list[0].Random != poison {
		t.Fatalf("%d events", len(list))
	}
	w.ledger()
}

func TestCancelledCallerCostsOnlyHimself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	w.store.set(func(f *faulty) {
		f.put = func(*chat.Rows) error {
			cancel() // gone in the middle of the batch
			return nil
		}
	})
	for i, r := range w.together(many(256), func(i int) context.Context {
		if i%10 == 3 {
			return ctx
		}
		return context.Background()
	}) {
		if r.err != nil || r.Kind != chat.Accepted {
			t.Fatalf("send %d: %+v", i, r)
		}
	}
	if n := len(w.messages()); n != 256 {
		t.Fatalf("%d messages", n)
	}
	w.ledger()
}

func TestZeroCharacterInABatchIsKeptAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sends := many(256)
	zero := &chat.Send{App: app, Caller: "administrator"}
	wire.ReadSend([]byte(`{"GroupId":"g1","From_Account":"jared","Random":999,"CloudCustomData":"a\u0000b","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"nul \u0000 here"}}]}`), zero)
	refused := &chat.Send{App: app, Caller: "administrator"}
	wire.ReadSend([]byte(`{"GroupId":"g\u00001","From_Account":"ja\u0000red","Random":998,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"nul \u0000 here"}}]}`), refused)
	sends[100], sends[101] = zero, refused
	for i, r := range w.together(sends, nil) {
		if i == 101 {
			if r.err != nil || r.Kind != chat.Refused || r.Refusal.Code != api.CodeInvalidGroupID {
				t.Fatalf("%+v", r)
			}
			continue
		}
		if r.err != nil || r.Kind != chat.Accepted {
			t.Fatalf("send %d: %+v", i, r)
		}
	}
	for _, m := range w.messages() {
		if m.Random == 999 && (m.Cloud != "a\x00b" || !strings.Contains(string(m.Body), `nul \u0000 here`)) {
			t.Fatalf("%q %q", m.Cloud, m.Body)
		}
	}
	list := w.events()
	if len(list) != 1 || list[0].Group != "g\x001" || list[0].From != "ja\x00red" {
		t.Fatalf("%+v", list)
	}
}

// A COMMIT that answers an error may have happened or not. Either way every send
// has one outcome, and it is the one that is in the store.
func TestFailedCommitIsResolvedByLookingUp(t *testing.T) {
	t.Parallel()
	for _, really := range []bool{true, false} {
		t.Run(fmt.Sprintf("committed=%v", really), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := true
			w.store.set(func(f *faulty) {
				f.commit = func() (bool, error) {
					if first {
						first = false
						return false, nil // the change that holds the writer
					}
					f.set(func(f *faulty) { f.commit = nil })
					return really, errDisk
				}
			})
			sends := many(20)
			sends[5].Group = "nowhere"
			for i, r := range w.together(sends, nil) {
				want := chat.Accepted
				if i == 5 || !really {
					want = chat.Refused
				}
				if r.err != nil || r.Kind != want {
					t.Fatalf("send %d: %+v", i, r)
				}
				if i != 5 && !really && r.Refusal.Code != api.CodeInternal {
					t.Fatalf("send %d: code %d", i, r.Refusal.Code)
				}
			}
			if want := map[bool]int{true: 19, false: 0}[really]; len(w.messages()) != want {
				t.Fatalf("%d messages, want %d", len(w.messages()), want)
			}
			if want := map[bool]int{true: 1, false: 20}[really]; len(w.events()) != want {
				t.Fatalf("%d events, want %d", len(w.events()), want)
			}
			w.ledger()
		})
	}
}

func TestStoreThatTakesNoWritesRefusesAndRecordsLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
	var events []string
	for i := range uint32(30) {
		o, err := w.backend.Send(t.Context(), send(i))
		if err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodeInternal {
			t.Fatalf("send %d: %+v, %v", i, o, err)
		}
		events = append(events, o.Event)
	}
	if w.backend.Ready() || w.backend.UnrecordedRefusals() != 30 {
		t.Fatalf("ready %v, unrecorded %d", w.backend.Ready(), w.backend.UnrecordedRefusals())
	}
	w.store.set(func(f *faulty) { f.commit = nil })
	w.eventually("the store recovers", func() bool { return w.backend.Ready() && w.backend.UnrecordedRefusals() == 0 })
	list := w.events()
	if len(list) != 30 {
		t.Fatalf("%d events", len(list))
	}
	for i, e := range list {
		if e.ID.String() != events[i] {
			t.Fatalf("event %d is %s, the sender was told %s", i, e.ID, events[i])
		}
	}
	if o, err := w.backend.Send(t.Context(), send(100)); err != nil || o.Kind != chat.Accepted {
		t.Fatalf("%+v, %v", o, err)
	}
	w.ledger()
}

// eventually yields until the condition holds; the test's own time-out ends it.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatal("in vain: " + what)
		}
		runtime.Gosched()
	}
}

func TestUnrecordedRefusalsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
	o, err := w.backend.Send(t.Context(), send(1))
	if err != nil || o.Kind != chat.Refused {
		t.Fatalf("%+v, %v", o, err)
	}
	w.restart()
	w.eventually("the refusal is recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
	if list := w.events(); len(list) != 1 || list[0].ID.String() != o.Event {
		t.Fatalf("%+v", list)
	}
}

func TestOutcomeIsUnknownWhenTheStoreDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) {
		f.commit = func() (bool, error) { return true, errDisk }
		f.reopen = func() error { return errDisk }
	})
	if _, err := w.backend.Send(t.Context(), send(1)); !errors.Is(err, chat.ErrUnknown) {
		t.Fatalf("%v", err)
	}
	w.store.set(func(f *faulty) { f.commit, f.reopen = nil, nil })
	w.eventually("the store opens", w.backend.Ready)
	// The caller repeats, as it was told, and learns what became of it.
	if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Repeated || o.Seq != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
	if len(w.events()) != 0 || len(w.messages()) != 1 {
		t.Fatalf("%d events, %d messages", len(w.events()), len(w.messages()))
	}
	w.ledger()
}

func TestAPIRateSharesOneRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *chat.App) { a.Settings.APIRate = 5 })
	var all sync.WaitGroup
	var mu sync.Mutex
	kinds := map[chat.OutcomeKind]int{}
	for i := range uint32(20) {
		all.Go(func() {
			o, err := w.backend.Send(context.Background(), send(i))
			if err != nil || o.Kind == chat.Refused && (o.Refusal.Code != api.CodeTooManyCalls || o.Event == "") {
				t.Errorf("%+v, %v", o, err)
			}
			mu.Lock()
			kinds[o.Kind]++
			mu.Unlock()
		})
	}
	all.Wait()
	list := w.events()
	shared := 0
	for _, e := range list {
		shared += e.Count
	}
	if kinds[chat.Accepted] < 5 || shared != kinds[chat.Refused] || len(list) > 2 {
		t.Fatalf("%v, %d records for %d refusals", kinds, len(list), shared)
	}
	if c := w.ledger(); c.Refused != uint64(shared) {
		t.Fatalf("%+v", c)
	}
}

func TestStopEndsSendsInWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range uint32(100) {
		all.Go(func() {
			if o, err := w.backend.Send(context.Background(), send(i)); err == nil && o.Kind != chat.Accepted {
				t.Errorf("%+v", o)
			} else if err != nil && !errors.Is(err, chat.ErrBusy) && !errors.Is(err, chat.ErrStopped) {
				t.Error(err)
			}
		})
	}
	w.backend.Stop()
	w.backend.Stop()
	all.Wait()
}

func TestStopEndsWhileTheStoreTakesNoWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
	if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Refused {
		t.Fatalf("%+v, %v", o, err)
	}
	saved := make(chan error, 1)
	w.backend.SaveProgress(app, chat.Progress{Endpoint: chat.PrimaryEndpoint, Cursor: 1}, func(err error) { saved <- err })
	w.backend.Stop()
	if err := <-saved; !errors.Is(err, chat.ErrStopped) {
		t.Fatalf("progress was answered with %v", err)
	}
	late := make(chan error, 1)
	w.backend.SaveProgress(app, chat.Progress{}, func(err error) { late <- err })
	if err := <-late; !errors.Is(err, chat.ErrStopped) {
		t.Fatalf("progress after the end was answered with %v", err)
	}
}

func TestLastWordsOfAMemberAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
		g, _, err := r.Group("g1")
		if err != nil {
			return err
		}
		return r.PutMember(g.Key, chat.Member{User: "jared", Role: chat.RoleMember})
	}); err != nil {
		t.Fatal(err)
	}
	o, err := w.backend.Send(t.Context(), send(1))
	if err != nil || o.Kind != chat.Accepted {
		t.Fatalf("%+v, %v", o, err)
	}
	w.restart()
	g, _, err := w.backend.Reader().Group(t.Context(), app, "g1")
	if err != nil {
		t.Fatal(err)
	}
	m, ok, err := w.backend.Reader().Member(t.Context(), app, g.Key, "jared")
	if err != nil || !ok || m.LastMsgTime != o.Time {
		t.Fatalf("%+v, %v, %v; sent at %d", m, ok, err, o.Time)
	}
}
