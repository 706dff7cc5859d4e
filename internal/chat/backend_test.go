package chat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

func TestMessageIsAcceptedAndStored(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestRefusalLeavesOneExceptionBeforeItIsTold(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestRepeatIsAnsweredAsTheFirstWasAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestRepeatIsAnsweredBeforeAnyRuleCouldRefuseIt(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestEqualSendsAtOnceLeaveOneMessage(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestMuteIsPassedByNoLaterCommit(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		r := w.sendDuring(func(r chat.Records) error {
			g, _, err := r.Group("g1")
			if err != nil {
				return err
			}
			return r.PutMute(g.Key, "jared", chat.Forever)
		})
		if r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != chat.RuleMemberMute {
			t.Fatalf("%+v", r)
		}
		if n := len(w.messages()); n != 0 {
			t.Fatalf("%d messages passed the mute", n)
		}
	})
}

func TestGroupDissolvedWhileASendWaitsRefusesIt(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		r := w.sendDuring(func(r chat.Records) error {
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
		if w.store.Concurrent() { // another process may have made it before the send came: it is judged anew, by the new group
			if r.err != nil || r.Kind != chat.Accepted || r.Seq != 1 || len(w.messages()) != 1 {
				t.Fatalf("%+v", r)
			}
			return
		}
		if r.err != nil || r.Kind != chat.Refused || r.Refusal.Code != api.CodeGroupNotFound {
			t.Fatalf("%+v", r)
		}
		if n := len(w.messages()); n != 0 {
			t.Fatalf("the new group has %d messages of the old one", n)
		}
	})
}

func TestBatchOf256IsOneTransaction(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestPoisonRowCostsOnlyItself(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestCancelledCallerCostsOnlyHimself(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestZeroCharacterInABatchIsKeptAsItWas(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

// A COMMIT that answers an error may have happened or not. Either way every send
// has one outcome, and it is the one that is in the store.
func TestFailedCommitIsResolvedByLookingUp(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestStoreThatTakesNoWritesRefusesAndRecordsLater(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestUnrecordedRefusalsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestOutcomeIsUnknownWhenTheStoreDoesNotOpen(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestAPIRateSharesOneRecord(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestStopEndsSendsInWork(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestStopEndsWhileTheStoreTakesNoWrites(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}

func TestLastWordsOfAMemberAreKept(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
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
	})
}
