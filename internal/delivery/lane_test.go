package delivery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// inBubble runs a scenario on a clock of its own and checks the promises.
func inBubble(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.check()
		defer w.stop()
		run(t, w)
	})
}

// pass lets time go by and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantAllDelivered(t *testing.T, w *world) {
	t.Helper()
	if left := w.undelivered(); len(left) > 0 {
		t.Errorf("%d events were not delivered, the first is %d", len(left), left[0])
	}
}

func TestEventsOfABacklogAndOffersAllArriveInAnUnbrokenChain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.refuse(3 * maxBuffered) // before the start: from the journal
		w.start()
		for range 50 { // while it catches up, and afterwards
			w.refuse(40)
			w.commit(3, chat.CommandAfterSendMsg)
			pass(10 * time.Millisecond)
		}
		pass(time.Second)
		wantAllDelivered(t, w)
		if n := len(w.times(0)); n != 3*maxBuffered+50*40 {
			t.Errorf("%d requests", n)
		}
		checkChain(t, w)
		if w.endpoint.Cursor != chat.Sequence(len(w.events)) {
			t.Errorf("the cursor stands at %d of %d", w.endpoint.Cursor, len(w.events))
		}
	})
}

// checkChain: each event names the wanted one before it, on every attempt.
func checkChain(t *testing.T, w *world) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	before := make(map[chat.Sequence]chat.Sequence)
	last := chat.Sequence(0)
	for i := range w.events {
		if seq := chat.Sequence(i + 1); w.wanted(seq) {
			before[seq], last = last, seq
		}
	}
	for _, a := range w.arrivals {
		if a.previous != before[a.seq] {
			t.Fatalf("event %d, attempt %d: Previous is %d, want %d", a.seq, a.attempt, a.previous, before[a.seq])
		}
	}
}

func TestTheFirstRetriesComeInTime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step { // one in three fails twice, as if by itself
			if a.seq%3 == 0 && a.attempt <= 2 {
				return missing
			}
			return ok
		}
		w.start()
		w.refuse(300)
		pass(time.Minute)
		wantAllDelivered(t, w)
		for seq := chat.Sequence(3); seq <= 300; seq += 3 {
			at := w.times(seq)
			if len(at) != 3 || at[1].Sub(at[0]) > 5*time.Second || at[2].Sub(at[1]) > 30*time.Second {
				t.Errorf("event %d arrived at %v", seq, at)
			}
		}
	})
}

func TestAnObjectionIsRepeatedTwiceAndBlocksNobody(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq <= 50 {
				return objects
			}
			return ok
		}
		w.start()
		w.refuse(100)
		pass(time.Second)
		if left := w.undelivered(); len(left) != 50 {
			t.Errorf("after a second %d events are left, want those of the objections", len(left))
		}
		pass(24 * time.Hour)
		for seq := chat.Sequence(1); seq <= 50; seq++ {
			if n := len(w.times(seq)); n != maxObjections || !w.rows[seq].Dead || len(w.failures[seq]) != maxObjections {
				t.Errorf("event %d arrived %d times, %d failures are kept, its row is %+v", seq, n, len(w.failures[seq]), w.rows[seq])
			}
		}
		if got := w.failures[1][0]; got.Status != 200 || got.Reason != "the receiver answered FAIL 1: no" || string(got.Answer) != objects.body {
			t.Errorf("kept of the failure: %+v", got)
		}
		if len(w.rows) != 50 {
			t.Errorf("%d rows", len(w.rows))
		}
	})
}

func TestTooLargeIsADeadLetterAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(tooLarge)
		w.start()
		w.refuse(1)
		pass(24 * time.Hour)
		if n := len(w.times(0)); n != 1 || !w.rows[1].Dead || w.rows[1].Status != 413 {
			t.Errorf("%d attempts, row %+v", n, w.rows[1])
		}
	})
}

func TestAnEndpointThatIsGoneIsLeftAloneUntilItIsChanged(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(goneAway)
		w.start()
		w.refuse(1)
		pass(time.Second)
		w.refuse(5000)
		pass(48 * time.Hour)
		if n := len(w.times(0)); n != 1 {
			t.Fatalf("%d attempts", n)
		}
		w.with(func() { w.answer = always(ok) })
		w.set(func(e *chat.Endpoint) { e.URL = "http://elsewhere" })
		pass(10 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestAFailingEndpointIsProbedAndGetsEverythingSoonAfterItIsBack(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]step{
		"refused": refused, "hanging": hangs, "500": internal, "503 that asks for an hour": {status: 503, retryAfter: "3600"},
	} {
		for _, outage := range []time.Duration{10 * time.Second, 5 * time.Minute, 55 * time.Minute, 80 * time.Hour} {
			if outage > time.Hour && name != "500" { // longer than an event may fail by itself
				continue
			}
			t.Run(name+" for "+outage.String(), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T, w *world) {
					w.answer = always(failing)
					w.start()
					began := time.Now()
					w.refuse(3)
					pass(time.Second)
					w.refuse(1000)
					pass(outage)

					within := 15 * time.Second
					at := w.times(0)
					for i := 1; i < len(at) && at[i].Sub(began) < time.Hour; i++ {
						if gap := at[i].Sub(at[i-1]); gap > within {
							t.Errorf("no probe for %s after %s", gap, at[i-1].Sub(began))
						}
					}
					if rate := float64(len(at)) / outage.Seconds(); outage > time.Minute && rate > 0.5 {
						t.Errorf("%d attempts in %s are more than probes", len(at), outage)
					}

					w.with(func() { w.answer = always(ok) })
					probe := 15 * time.Second
					if outage > time.Hour {
						probe = time.Minute
					}
					if failing.hang {
						probe += 5 * time.Second // the one under way
					}
					pass(probe + 30*time.Second)
					wantAllDelivered(t, w)
					checkChain(t, w)
					for seq, row := range w.rows {
						t.Errorf("row of %d: %+v", seq, row)
					}
				})
			})
		}
	}
}

func TestALonelyEventOfAFailingEndpointIsProbedToo(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(internal)
		w.start()
		w.refuse(1)
		pass(45 * time.Minute)
		at := w.times(1)
		// The first three are its own schedule; from then on the endpoint is failing.
		for i := 3; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap > 15*time.Second {
				t.Fatalf("attempt %d comes %s after the last", i+1, gap)
			}
		}
		if len(at) < 180 {
			t.Errorf("%d attempts in 45 minutes", len(at))
		}
	})
}

func TestAPoisonousEventNeitherBlocksOthersNorMakesTheEndpointLookDead(t *testing.T) {
	t.Parallel()
	for name, poison := range map[string]step{"500": internal, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				w.answer = func(a arrival) step {
					if a.seq <= 3 {
						return poison
					}
					return ok
				}
				w.start()
				w.refuse(3)
				most := time.Duration(0)
				for range 200 { // a slow stream of good ones among retries of the bad
					pass(71 * time.Second)
					before := time.Now()
					w.refuse(1)
					pass(7 * time.Second)
					at := w.times(chat.Sequence(len(w.events)))
					if len(at) == 0 {
						t.Fatalf("event %d waits for 7 s", len(w.events))
					}
					most = max(most, at[0].Sub(before))
				}
				if limit := 5*time.Second + minProbePause; most > limit {
					t.Errorf("a good event waited %s, more than one time-out and a pause", most)
				}
				if left := w.undelivered(); len(left) != 3 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

func TestAPoisonousEventDiesAfterThreeDaysOfItsOwnFailures(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq == 1 {
				return internal
			}
			return ok
		}
		w.start()
		w.refuse(1)
		for range 5 * 24 {
			w.refuse(1)
			pass(time.Hour)
		}
		row := w.rows[1]
		if at := w.times(1); !row.Dead || row.Attempt < minAttempts || at[len(at)-1].Sub(at[0]) < maxAge {
			t.Errorf("row %+v", row)
		}
		if len(w.rows) != 1 {
			t.Errorf("%d rows", len(w.rows))
		}
	})
}

func TestRetryAfterIsKeptByARateLimitedEvent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq <= 5 && a.attempt == 1 {
				return step{status: 429, retryAfter: "600"}
			}
			return ok
		}
		w.start()
		w.refuse(10)
		pass(599 * time.Second)
		if n := len(w.undelivered()); n != 5 {
			t.Errorf("%d wait, want 5", n)
		}
		pass(2 * time.Second)
		wantAllDelivered(t, w)
	})
}

// A result of the endpoint's recovery may arrive while rows of failures wait to
// be written; they too come soon, not by their schedule.
func TestWhatFailsInTheMomentOfRecoveryIsNotForgotten(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.rows[1] = chat.Pending{Seq: 1, Attempt: 9, Status: 500}
		w.endpoint.Cursor, w.endpoint.CursorPrevious = 1, 1
		w.refuse(1)
		w.answer = func(a arrival) step {
			switch {
			case a.seq <= 4 && a.nth == 1:
				return internal
			case a.nth == 1:
				return step{status: 200, body: okAnswer, after: 10 * time.Millisecond}
			}
			return ok
		}
		w.start()
		w.refuse(10)
		pass(30 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestWhatFailedWithTheEndpointComesSoonAfterARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.refuse(2)
		w.endpoint.Cursor, w.endpoint.CursorPrevious = 2, 2
		later := time.Now().Add(11 * time.Hour)
		w.rows[1] = chat.Pending{Seq: 1, Attempt: 12, Status: 503, NextAt: later.UnixMilli()}
		w.rows[2] = chat.Pending{Seq: 2, Previous: 1, Attempt: 12, Status: 404, NextAt: later.UnixMilli()}
		w.start()
		pass(30 * time.Second)
		if left := w.undelivered(); !slices.Equal(left, []chat.Sequence{2}) {
			t.Errorf("left: %v; what failed by itself keeps its schedule, the other does not", left)
		}
		pass(11 * time.Hour)
		wantAllDelivered(t, w)
	})
}

func TestEventsCommittedWhileALaneStartsAreNotLost(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.with(func() { w.readFault = errors.New("the disk is away") })
		w.start()
		for range 5 { // the lane cannot start: offers go nowhere
			w.refuse(3)
			pass(400 * time.Millisecond)
		}
		w.with(func() { w.readFault = nil })
		pass(3 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestAJournalThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		pass(time.Second)
		w.with(func() { w.readFault = errors.New("the disk is away") })
		w.refuse(maxBuffered + 1) // more than an offer may hold
		pass(time.Minute)
		reads := w.reads
		if reads > 1000 {
			t.Errorf("%d reads in a minute", reads)
		}
		w.with(func() { w.readFault = nil })
		pass(time.Second)
		wantAllDelivered(t, w)
	})
}

func TestARetryThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.refuse(1)
		w.endpoint.Cursor, w.endpoint.CursorPrevious = 1, 1
		w.rows[1] = chat.Pending{Seq: 1, Attempt: 2, Status: 404}
		w.eventFault = errors.New("the disk is away")
		w.start()
		pass(10 * time.Second)
		if len(w.times(0)) != 0 || w.rows[1].Dead || w.reads > 100 {
			t.Errorf("%d attempts, row %+v, %d reads", len(w.times(0)), w.rows[1], w.reads)
		}
		w.with(func() { w.eventFault = nil })
		pass(2 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestWhatHasGoneFromTheJournalIsADeadLetter(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.refuse(10)
		w.endpoint.Cursor, w.endpoint.CursorPrevious = 3, 3
		w.rows[2] = chat.Pending{Seq: 2, Previous: 1, Attempt: 2, Status: 404}
		w.first = 6 // retention
		w.start()
		pass(time.Second)
		if !w.rows[2].Dead || w.rows[2].Reason != "no longer in the journal" {
			t.Errorf("row %+v", w.rows[2])
		}
		if n := len(w.times(0)); n != 4 {
			t.Errorf("%d requests, want one for each event that is left", n)
		}
		w.first = 10
		w.refuse(2)
		pass(time.Second)
		if n := len(w.times(0)); n != 6 {
			t.Errorf("%d requests", n)
		}
	})
}

// All that was known of had gone from the journal when it was read, and in the
// same moment an event was committed: its offer cannot be taken, so it must be
// read.
func TestAnEventOfferedDuringAnEmptyReadIsNotSkipped(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.refuse(5)
		w.first = 5
		j := &slowJournal{world: w, gate: make(chan struct{}), waits: make(chan struct{})}
		d := New(Options{Reader: j})
		d.connect = func(*chat.Endpoint) (*client, error) { return &client{transport: w, timeout: 5 * time.Second}, nil }
		w.d = d
		d.Start(w)
		<-j.waits
		w.refuse(1)
		close(j.gate)
		pass(time.Second)
		if at := w.times(6); len(at) != 1 {
			t.Errorf("event 6 arrived at %v", at)
		}
	})
}

// slowJournal answers its first page after the gate has opened, with what was
// there before.
type slowJournal struct {
	*world
	gate, waits chan struct{}
	asked       bool
}

func (j *slowJournal) Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	page, err := j.world.Events(ctx, app, after, limit, maxBytes)
	if !j.asked {
		j.asked = true
		close(j.waits)
		<-j.gate
	}
	return page, err
}

func TestProgressThatCannotBeSavedIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.with(func() { w.saveFault = errors.New("the disk is full") })
		w.answer = func(a arrival) step {
			if a.attempt == 1 && a.seq%2 == 0 {
				return missing
			}
			return ok
		}
		w.start()
		w.refuse(100)
		pass(time.Minute)
		if w.saves > 70 {
			t.Errorf("%d tries to save in a minute", w.saves)
		}
		if n := len(w.undelivered()); n != 50 {
			t.Errorf("%d wait; no second attempt may leave before its number is on disk", n)
		}
		w.with(func() { w.saveFault = nil })
		pass(30 * time.Second)
		wantAllDelivered(t, w)
		if w.endpoint.Cursor != 100 || len(w.rows) != 0 || len(w.failures) != 50 {
			t.Errorf("cursor %d, %d rows, failures of %d events", w.endpoint.Cursor, len(w.rows), len(w.failures))
		}
	})
}

func TestTheSwitchIsFollowedAndAChangeBeginsANewChain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		w.refuse(2)
		pass(time.Second)
		w.set(func(e *chat.Endpoint) { e.Commands = nil })
		pass(time.Second)
		w.with(func() { w.fates[3], w.fates[4] = delivered, delivered }) // nobody waits for them
		w.refuse(2)                                                      // the records stay, nobody is called
		pass(time.Second)
		w.set(func(e *chat.Endpoint) { e.Commands = []string{chat.CommandSendMsgException} })
		pass(time.Second)
		w.refuse(2)
		pass(time.Second)
		var got [][2]chat.Sequence
		for _, a := range w.arrivals {
			got = append(got, [2]chat.Sequence{a.seq, a.previous})
		}
		slices.SortFunc(got, func(a, b [2]chat.Sequence) int { return int(a[0]) - int(b[0]) })
		if want := [][2]chat.Sequence{{1, 0}, {2, 1}, {5, 0}, {6, 5}}; !slices.Equal(got, want) {
			t.Errorf("events and their Previous: %v, want %v", got, want)
		}
		if w.endpoint.Cursor != 6 || w.endpoint.CursorPrevious != 6 {
			t.Errorf("cursor %d, %d", w.endpoint.Cursor, w.endpoint.CursorPrevious)
		}
	})
}

func TestAStormOfChangesLeavesOneLaneThatWorks(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.replaced = true
		w.start()
		for i := range 5000 {
			w.set(func(e *chat.Endpoint) { e.Token = string(rune('a' + i%7)) })
			if i%100 == 0 {
				w.refuse(1)
				synctest.Wait()
			}
		}
		pass(5 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestAnIdleOrFailingLaneDoesNotSpin(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world){
		"idle": func(w *world) { w.answer = always(ok) },
		// Down, and nothing is left that could be a probe.
		"failing with nothing to send": func(w *world) {
			w.answer = func(a arrival) step {
				if a.attempt == 1 {
					return internal
				}
				return tooLarge
			}
		},
		"failing":             func(w *world) { w.answer = always(refused) },
		"waiting for retries": func(w *world) { w.answer = always(missing) },
		"gone":                func(w *world) { w.answer = always(goneAway) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				prepare(w)
				w.start()
				w.refuse(3)
				pass(time.Minute)
				var l *lane
				for _, l = range w.d.lanes {
				}
				rounds := l.rounds.Load()
				pass(10 * time.Minute)
				if n := l.rounds.Load() - rounds; n > 1000 {
					t.Errorf("%d rounds in ten minutes", n)
				}
			})
		})
	}
}

func TestStopBreaksOffWhatHangsAndTheNextStartMakesItAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq%2 == 0 && a.nth == 1 {
				return hangs
			}
			return ok
		}
		w.start()
		w.refuse(20)
		pass(time.Second)
		before := time.Now()
		w.stop()
		if took := time.Since(before); took > time.Second {
			t.Errorf("stopped after %s", took)
		}
		w.start()
		pass(time.Second)
		wantAllDelivered(t, w)
		for _, a := range w.arrivals {
			if a.attempt != 1 {
				t.Errorf("event %d: what stop broke off counts as attempt", a.seq)
			}
		}
		checkChain(t, w)
	})
}

func TestStopEndsInTimeThoughProgressCannotBeSaved(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.with(func() { w.saveFault = errors.New("the disk is full") })
		w.start()
		w.refuse(5)
		pass(time.Second)
		before := time.Now()
		w.stop()
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("stopped after %s", took)
		}
	})
}

func TestStopBeforeStartIsHarmlessAndStartAfterStopDoesNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		d := New(Options{Reader: w})
		d.Stop()
		d.Stop()
		d.Start(w)
		d.Changed(testApp)
		w.refuse(1)
		d.Offer(testApp, w.events)
		pass(time.Minute)
		if len(w.arrivals) != 0 {
			t.Error("it delivers after Stop")
		}
	})
}

// One event hangs at the head while thousands behind it are delivered: what is
// remembered of them is bounded, and all arrive.
func TestAHangingEventHoldsBackOnlyABoundedWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq == 1 && a.attempt == 1 {
				return hangs
			}
			return ok
		}
		w.t = t
		w.start()
		w.commit(1, chat.CommandSendMsgException)
		pass(time.Millisecond)
		w.commit(3*maxWindow, chat.CommandAfterSendMsg) // not wanted: passed by
		w.refuse(10)
		pass(4 * time.Second)
		if n := len(w.times(0)); n != 1 {
			t.Errorf("%d arrivals beyond the window", n)
		}
		pass(10 * time.Second)
		wantAllDelivered(t, w)
	})
}
