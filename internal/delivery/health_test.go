package delivery

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

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
		for _, outage := range []time.Duration{10 * time.Second, 5 * time.Minute, 55 * time.Minute, 70 * time.Hour} {
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
		if at := w.times(1); !row.Dead || row.Attempt < minAttempts || at[len(at)-1].Sub(at[0]) < chat.DefaultMaxAge {
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
		w.stored.Cursor, w.stored.CursorPrevious = 1, 1
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
		w.stored.Cursor, w.stored.CursorPrevious = 2, 2
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
