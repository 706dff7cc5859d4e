package chat_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

func TestAppRemovedWhileItsSendsWaitHarmsNoOtherApp(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		if err := w.backend.CreateApp(t.Context(), chat.App{ID: app + 1, Key: "key", Admins: []chat.UserID{"administrator"}, Settings: chat.DefaultSettings()}, chat.Endpoint{}); err != nil {
			t.Fatal(err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		go func() {
			_ = w.backend.Change(context.Background(), app, func(chat.Records) error {
				close(held)
				<-hold
				return nil
			})
		}()
		<-held
		gone, result := make(chan error, 1), make(chan told, 1)
		go func() { gone <- w.backend.DeleteApp(context.Background(), app) }()
		for w.backend.Waiting() < 1 {
			runtime.Gosched()
		}
		go func() {
			o, err := w.backend.Send(context.Background(), send(1))
			result <- told{o, err}
		}()
		for w.backend.Waiting() < 2 {
			runtime.Gosched()
		}
		close(hold)
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
		if r := <-result; !errors.Is(r.err, chat.ErrStopped) {
			t.Errorf("the send of the removed app: %+v", r)
		}
		if !w.backend.Ready() || w.backend.UnrecordedRefusals() != 0 {
			t.Errorf("ready %v, %d unrecorded", w.backend.Ready(), w.backend.UnrecordedRefusals())
		}
		other := send(1)
		other.App = app + 1
		if o, err := w.backend.Send(t.Context(), other); err != nil || o.Kind != chat.Refused || o.Refusal.Code == api.CodeInternal {
			t.Errorf("a send of the other app: %+v, %v", o, err)
		}
	})
}

// A send that looks at the caches while a committed change is being applied may
// see what was before it. Its commit comes later, so it must be judged again.
func TestChangeIsPassedByNoSendThatLooksWhileItIsApplied(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t, func(a *chat.App) { a.Admins = []chat.UserID{"administrator", "jared"} })
		if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Accepted { // the caches are warm
			t.Fatalf("%+v, %v", o, err)
		}
		result := make(chan told, 1)
		w.store.set(func(f *faulty) {
			f.apps = func() { // the change is committed; its values are being read
				f.set(func(f *faulty) { f.apps = nil })
				go func() {
					o, err := w.backend.Send(context.Background(), send(2))
					result <- told{o, err}
				}()
				for w.backend.Waiting() < 1 {
					runtime.Gosched()
				}
			}
		})
		if err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
			g, _, err := r.Group("g1")
			if err != nil {
				return err
			}
			g.MuteAll = true
			if err := r.UpdateGroup(g); err != nil {
				return err
			}
			a, _, err := r.App()
			if err != nil {
				return err
			}
			a.Admins = []chat.UserID{"administrator"}
			return r.PutApp(a)
		}); err != nil {
			t.Fatal(err)
		}
		if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != chat.RuleMuteAll {
			t.Fatalf("%+v", r)
		}
	})
}

func TestFailedMaintenanceOpensTheStoreAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var failed atomic.Bool
	w.store.set(func(f *faulty) {
		f.maintain = func() error {
			if failed.Swap(true) {
				return nil
			}
			return errDisk
		}
	})
	w.eventually("maintenance fails, and the store is opened again", func() bool {
		if o, err := w.backend.Send(t.Context(), send(uint32(time.Now().UnixNano()))); err != nil {
			t.Fatalf("%+v, %v", o, err)
		}
		opened := 0
		w.store.set(func(f *faulty) { opened = f.opened })
		return failed.Load() && opened > 0
	})
	w.eventually("the store is well", w.backend.Ready)
	w.eventually("all refusals are recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
	w.ledger()
}

func TestRefusalIsRecordedOnceThroughSeveralFaultsInARow(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		commits, reopens := 0, 0
		w.store.set(func(f *faulty) {
			f.commit = func() (bool, error) {
				if commits++; commits <= 3 {
					return false, errDisk
				}
				return false, nil
			}
			f.reopen = func() error {
				if reopens++; reopens == 2 {
					return errDisk
				}
				return nil
			}
		})
		if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Refused {
			t.Fatalf("%+v, %v", o, err)
		}
		w.eventually("the store is well", func() bool { return w.backend.Ready() && w.backend.UnrecordedRefusals() == 0 })
		if c := w.ledger(); len(w.events()) != 1 || c.Refused != 1 {
			t.Fatalf("%d events, %+v", len(w.events()), c)
		}
	})
}

func TestRowThatCanNeverBeRecordedIsGivenUpAndNoOther(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.store.set(func(f *faulty) {
			f.commit = func() (bool, error) { return false, errDisk }
			// From the start: a batch that is under way when the store is well again has
			// been asked.
			f.put = func(rows *chat.Rows) error {
				for _, e := range rows.Events {
					if e.Random == 7 {
						return errors.New("row refused")
					}
				}
				return nil
			}
		})
		for i := range uint32(20) {
			if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Refused {
				t.Fatalf("%+v, %v", o, err)
			}
		}
		w.store.set(func(f *faulty) { f.commit = nil })
		w.eventually("the store is well", func() bool { return w.backend.Ready() && w.backend.UnrecordedRefusals() == 0 })
		if n := len(w.events()); n != 19 {
			t.Fatalf("%d events", n)
		}
	})
}

// A store that goes away while it is tried again says nothing against the row
// whose turn it was.
func TestExceptionIsNotGivenUpForAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
		for i := range uint32(20) {
			if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Refused {
				t.Fatalf("%+v, %v", o, err)
			}
		}
		w.store.set(func(f *faulty) {
			f.commit = nil
			left := 8
			f.put = func(rows *chat.Rows) error {
				for _, e := range rows.Events {
					if e.Random == 7 && left > 0 {
						left--
						return chat.ErrStoreAway
					}
				}
				return nil
			}
		})
		w.eventually("all are recorded", func() bool { return w.backend.Ready() && w.backend.UnrecordedRefusals() == 0 })
		if n := len(w.events()); n != 20 {
			t.Fatalf("%d events", n)
		}
	})
}

// A kill may come after exceptions were recorded and before the file forgets
// them.
func TestExceptionsThatStillStandInTheFileAreNotRecordedTwice(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
		for i := range uint32(3) {
			if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Refused {
				t.Fatalf("%+v, %v", o, err)
			}
		}
		name := filepath.Join(w.dir, "unrecorded")
		left, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w.store.set(func(f *faulty) { f.commit = nil })
		w.eventually("all are recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
		w.backend.Stop()
		if err := w.store.Store.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, left, 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.eventually("the file is read", func() bool { return w.backend.UnrecordedRefusals() == 0 })
		list := w.events()
		if len(list) != 3 {
			t.Fatalf("%d events", len(list))
		}
		for _, e := range list {
			if !strings.Contains(string(e.Body), `"Type":"Public"`) {
				t.Errorf("%s", e.Body)
			}
		}
	})
}

func TestReloadedExceptionNamesItsGroupsType(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.store.set(func(f *faulty) { f.commit = func() (bool, error) { return false, errDisk } })
		if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Refused {
			t.Fatalf("%+v, %v", o, err)
		}
		w.restart()
		w.eventually("it is recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
		if list := w.events(); len(list) != 1 || !strings.Contains(string(list[0].Body), `"Type":"Public"`) {
			t.Fatalf("%+v", list)
		}
		w.ledger()
	})
}

func TestLastWordsAreWrittenUnderSteadySends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.join("jared", true)
		for i := range uint32(300) {
			if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Accepted {
				t.Fatalf("%+v, %v", o, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		g, _, err := w.backend.Reader().Group(t.Context(), app, "g1")
		if err != nil {
			t.Error(err)
		}
		if m, _, err := w.backend.Reader().Member(t.Context(), app, g.Key, "jared"); err != nil || m.LastMsgTime == 0 {
			t.Errorf("after 3 s: %+v, %v", m, err)
		}
		w.backend.Stop()
	})
}

func TestHugeNamesAreCutInTheRecord(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		huge := strings.Repeat("g", 900_000)
		s := &chat.Send{App: app, Caller: "administrator"}
		wire.ReadSend([]byte(`{"GroupId":"`+huge+`","From_Account":"`+huge+`","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}]}`), s)
		o, err := w.backend.Send(t.Context(), s)
		if err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodeInvalidGroupID {
			t.Fatalf("%+v, %v", o, err)
		}
		list := w.events()
		if len(list) != 1 || len(list[0].Body) > 8<<10 || list[0].Cut < 1_790_000 || len(list[0].Group) > 1<<10 {
			t.Fatalf("body of %d bytes, %d cut, group of %d", len(list[0].Body), list[0].Cut, len(list[0].Group))
		}
	})
}

// answers is an Asker that answers when it is let.
type answers struct {
	asked   chan struct{}
	verdict chan chat.Verdict
}

func (a *answers) Ask(context.Context, *chat.Question) chat.Verdict {
	a.asked <- struct{}{}
	return <-a.verdict
}

// asking is a world with a before-send question that the test answers.
func asking(t *testing.T, newWorld maker, change ...func(*chat.App)) (*world, *answers) {
	t.Helper()
	a := &answers{asked: make(chan struct{}, 16), verdict: make(chan chat.Verdict, 16)}
	w := newWorld(t, change...)
	w.asker = a
	w.restart()
	if err := w.backend.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1", []string{chat.CommandBeforeSendMsg}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return w, a
}

func TestWordAddedWhileASendWaitsForItsAnswerIsNotPassed(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w, a := asking(t, newWorld)
		result := make(chan told, 1)
		go func() {
			o, err := w.backend.Send(context.Background(), send(1))
			result <- told{o, err}
		}()
		<-a.asked
		if err := w.backend.AddWords(t.Context(), app, []string{"message 1"}); err != nil {
			t.Fatal(err)
		}
		a.verdict <- chat.Verdict{Answer: chat.AnswerAllow}
		if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != chat.RuleFilter {
			t.Fatalf("%+v", r)
		}
	})
}

func TestExceptionShowsWhatWasSentAlsoAfterItWasRewritten(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w, a := asking(t, newWorld)
		result := make(chan told, 1)
		go func() {
			o, err := w.backend.Send(context.Background(), send(1))
			result <- told{o, err}
		}()
		<-a.asked
		w.mute("jared", chat.Forever)
		a.verdict <- chat.Verdict{Answer: chat.AnswerAllow, Content: &chat.Content{Body: []byte(`[{"MsgContent":{"Text":"rewritten"},"MsgType":"TIMTextElem"}]`)}}
		if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != chat.RuleMemberMute {
			t.Fatalf("%+v", r)
		}
		if list := w.events(); len(list) != 1 || !strings.Contains(string(list[0].Body), "message 1") {
			t.Fatalf("%s", list[0].Body)
		}
	})
}

func TestDroppedByTheAppIsDroppedAlsoWhenFrequencyComesLast(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w, a := asking(t, newWorld, func(a *chat.App) { a.Settings.LimitAfterBeforeSend, a.Settings.GroupRate = true, 1 })
		for i := range uint32(5) {
			a.verdict <- chat.Verdict{Answer: chat.AnswerDrop}
			if o, err := w.backend.Send(t.Context(), send(i)); err != nil || o.Kind != chat.Dropped || o.Refusal != nil {
				t.Fatalf("send %d: %+v, %v", i, o, err)
			}
		}
		if n := len(w.events()); n != 0 {
			t.Fatalf("%d events", n)
		}
		w.ledger()
	})
}

func TestSenderAboveHisLimitDoesNotUseUpTheGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(a *chat.App) { a.Settings.GroupRate, a.Settings.SenderRate = 5, 2 })
		kinds := map[chat.OutcomeKind]int{}
		for i := range uint32(10) {
			o, err := w.backend.Send(t.Context(), send(i))
			if err != nil {
				t.Error(err)
			}
			kinds[o.Kind]++
		}
		if kinds[chat.Accepted] != 2 || kinds[chat.Refused] != 8 {
			t.Errorf("%v", kinds)
		}
		other := send(100)
		other.From = "mia"
		if o, err := w.backend.Send(t.Context(), other); err != nil || o.Kind != chat.Accepted {
			t.Errorf("another sender of the group: %+v, %v", o, err)
		}
		w.backend.Stop()
	})
}

func TestRepeatIsAnsweredAlsoAboveTheRateOfCalls(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t, func(a *chat.App) { a.Settings.APIRate = 1 })
		if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Accepted {
			t.Fatalf("%+v, %v", o, err)
		}
		for range 3 {
			if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Repeated {
				t.Fatalf("%+v, %v", o, err)
			}
		}
	})
}

func TestCallbackURLTakenAwayKeepsTokenAndSwitches(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		set := func(change func(*chat.Endpoint)) {
			t.Helper()
			if err := w.backend.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
				change(e)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		refuse := func(n uint32) {
			t.Helper()
			s := send(n)
			s.Group = "nowhere"
			if o, err := w.backend.Send(t.Context(), s); err != nil || o.Kind != chat.Refused {
				t.Fatalf("%+v, %v", o, err)
			}
		}
		set(func(e *chat.Endpoint) { e.URL, e.Token, e.Commands = "http://127.0.0.1:1", "token", chat.Commands })
		refuse(1)
		set(func(e *chat.Endpoint) { e.URL = "" })
		if w.backend.Endpoint(app, chat.PrimaryEndpoint).Wants(chat.CommandSendMsgException) {
			t.Error("an endpoint without a URL wants something")
		}
		refuse(2)
		set(func(e *chat.Endpoint) { e.URL = "http://127.0.0.1:2" })
		e := w.backend.Endpoint(app, chat.PrimaryEndpoint)
		if e.Token != "token" || len(e.Commands) != len(chat.Commands) || e.Cursor != 2 {
			t.Errorf("%+v", e)
		}
	})
}

// Of a batch whose COMMIT answered an error and which is there all the same, all
// is there: a send that was to be judged anew is, and nothing is counted twice.
func TestDoubtfulBatchThatIsStoredIsStoredWhole(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.mute("jared", chat.Forever)
		if o, err := w.backend.Send(t.Context(), fromMia(3)); err != nil || o.Kind != chat.Accepted {
			t.Fatalf("%+v, %v", o, err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		changed := make(chan error, 1)
		go func() {
			changed <- w.backend.Change(context.Background(), app, func(r chat.Records) error {
				close(held)
				<-hold
				g, _, err := r.Group("g1")
				if err != nil {
					return err
				}
				return r.PutMute(g.Key, "jared", 0)
			})
		}()
		<-held
		results := make(chan told, 3)
		for _, s := range []*chat.Send{send(1), fromMia(2)} {
			go func() {
				o, err := w.backend.Send(context.Background(), s)
				results <- told{o, err}
			}()
		}
		w.eventually("both wait", func() bool { return w.backend.Waiting() == 2 })
		commits := 0
		w.store.set(func(f *faulty) {
			f.commit = func() (bool, error) {
				if commits++; commits == 2 { // the first is the change
					return true, errDisk
				}
				return false, nil
			}
		})
		close(hold)
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if r := <-results; r.err != nil || r.Kind != chat.Accepted {
				t.Errorf("%+v %+v, %v", r.Outcome, r.Refusal, r.err)
			}
		}
		if list := w.events(); len(list) != 0 {
			t.Errorf("exceptions: %+v", list)
		}
		w.ledger()
	})
}

// fromMia is a message of mia's to g1.
func fromMia(random uint32) *chat.Send {
	s := send(random)
	s.From = "mia"
	return s
}

// What waited for the store is written in halves when a row is refused. If the
// store fails between two halves, the first is not counted again.
func TestHalfOfWhatWaitedForTheStoreIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) {
		f.put = func(*chat.Rows) error { return chat.ErrStoreAway }
		f.reopen = func() error { return errDisk }
	})
	for i, r := range w.together(many(2), nil) {
		if r.err != nil || r.Kind != chat.Refused {
			t.Fatalf("send %d: %+v", i, r)
		}
	}
	single := 0
	w.store.set(func(f *faulty) {
		f.reopen = nil
		f.put = func(rows *chat.Rows) error {
			if len(rows.Events) > 1 {
				return errDisk
			}
			if single++; single == 2 {
				return chat.ErrStoreAway
			}
			return nil
		}
	})
	w.eventually("both are recorded", func() bool { return w.backend.UnrecordedRefusals() == 0 })
	if list := w.events(); len(list) != 2 {
		t.Errorf("%d exceptions", len(list))
	}
	if c := w.ledger(); c.Refused != 2 {
		t.Errorf("%+v", c)
	}
}
