package delivery

import (
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// ask puts a request to send events again, as the heart does.
func (w *world) ask(r chat.Replay) {
	w.with(func() {
		r.ID, r.Endpoint = int64(len(w.replays)+1), chat.PrimaryEndpoint
		r.First = max(r.First, 1)
		if r.Last == 0 {
			r.Last = chat.Sequence(len(w.events))
		}
		r.Next = r.First
		w.replays = append(w.replays, r)
	})
	w.set(func(*chat.Endpoint) {})
}

// counts are how much of each there is in the store.
type counts struct {
	rows, replays, ranges int
	cursor                chat.Sequence
}

func (w *world) count() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return counts{len(w.rows), len(w.replays), len(w.ranges), w.stored.Cursor}
}

func (w *world) replayed() (list []chat.Sequence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.arrivals {
		if a.replay {
			list = append(list, a.seq)
		}
	}
	return list
}

func TestADeadLetterIsSentAgainOnRequestAndCountsOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq <= 300 && a.attempt <= 4 {
				return objects
			}
			return ok
		}
		w.start()
		w.refuse(400)
		pass(24 * time.Hour)
		if n := len(w.undelivered()); n != 300 {
			t.Fatalf("%d dead", n)
		}
		settled := w.arrivals[len(w.arrivals)-1].settled
		w.ask(chat.Replay{Dead: true})
		pass(time.Minute)
		wantAllDelivered(t, w) // the fourth attempt is objected to, the fifth is not
		if n := len(w.replayed()); n != 600 || w.count().rows != 0 || w.count().replays != 0 {
			t.Errorf("%d replays arrived, %d rows and %d requests are left", n, w.count().rows, w.count().replays)
		}
		for _, a := range w.arrivals {
			if a.replay && (a.attempt < 4 || a.settled < settled) {
				t.Errorf("%+v", a)
			}
		}
		for _, f := range w.done[7] {
			if !f.Replay || f.Attempt != 5 {
				t.Errorf("kept of the delivery: %+v", f)
			}
		}
	})
}

func TestAFailingEndpointIsProbedAtOnceWhenAReplayIsAskedFor(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(internal)
		w.start()
		w.refuse(6)
		pass(2 * time.Hour) // a probe a minute
		probes := len(w.times(0))
		w.ask(chat.Replay{First: 5, Last: 5})
		pass(100 * time.Millisecond)
		if n := len(w.times(0)) - probes; n != 1 {
			t.Fatalf("%d probes at once", n)
		}
		w.with(func() { w.answer = always(ok) })
		w.ask(chat.Replay{First: 6, Last: 6})
		pass(15 * time.Second)
		wantAllDelivered(t, w)
	})
}

func TestAnEventThatWaitsForItsNextAttemptIsSentAtOnceOnRequest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq <= 2 {
				return missing
			}
			return ok
		}
		w.start()
		w.refuse(10)
		pass(24 * time.Hour) // the next attempt is hours away
		tried := [2]int{len(w.times(1)), len(w.times(2))}
		w.with(func() { w.answer = always(ok) })
		w.ask(chat.Replay{First: 2, Last: 2})
		pass(time.Second)
		if one, two := len(w.times(1)), len(w.times(2)); one != tried[0] || two != tried[1]+1 {
			t.Errorf("event 1 was tried %d times and event 2 %d times, before %v", one, two, tried)
		}
		if left := w.undelivered(); len(left) != 1 || w.count().replays != 0 || len(w.replayed()) != 0 {
			t.Errorf("left: %v, %+v, sent again after it had arrived: %v", left, w.count(), w.replayed())
		}
		w.ask(chat.Replay{})
		pass(time.Second)
		wantAllDelivered(t, w)
	})
}

func TestARangeIsSentAgainAndWhatNeverWasForTheEndpointIsNot(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		w.refuse(100)
		w.commit(100, chat.CommandAfterSendMsg)
		pass(time.Second)
		w.ask(chat.Replay{First: 90, Last: 110})
		pass(time.Second)
		if list := w.replayed(); len(list) != 11 {
			t.Errorf("%v", list)
		}
		w.ask(chat.Replay{First: 150, Last: 150}) // one alone is sent whatever the switches
		pass(time.Second)
		if list := w.replayed(); len(list) != 12 || list[11] != 150 {
			t.Errorf("%v", list)
		}
		w.refuse(10)
		pass(time.Second)
		wantAllDelivered(t, w)
	})
}

func TestAReplayGoesOnAfterARestartAndNeverTwice(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		w.refuse(2000)
		pass(10 * time.Second)
		w.with(func() { w.answer = always(step{status: 200, body: okAnswer, after: 100 * time.Millisecond}) })
		w.ask(chat.Replay{})
		for range 5 {
			pass(time.Second)
			w.stop()
			w.start()
		}
		pass(5 * time.Minute)
		times := make(map[chat.Sequence]int)
		for _, seq := range w.replayed() {
			times[seq]++
		}
		if len(times) != 2000 || w.count().rows != 0 || w.count().replays != 0 {
			t.Fatalf("%d of 2000 were replayed, %d rows, %d requests", len(times), w.count().rows, w.count().replays)
		}
		twice := 0
		for _, n := range times {
			if n > 1 {
				twice++
			}
		}
		if twice > 5*maxReplaying { // what was under way at a stop is sent again
			t.Errorf("%d were replayed more than once", twice)
		}
	})
}

func TestAPausedEndpointReplaysWhenItGoesOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		w.refuse(5)
		pass(time.Second)
		w.set(func(e *chat.Endpoint) { e.Paused = "by somebody" })
		w.ask(chat.Replay{})
		w.refuse(5)
		pass(100 * 24 * time.Hour)
		if n := len(w.times(0)); n != 5 {
			t.Fatalf("%d arrivals while it is paused", n)
		}
		w.set(func(e *chat.Endpoint) { e.Paused = "" })
		pass(time.Second)
		wantAllDelivered(t, w)
		if len(w.replayed()) != 5 || w.count().rows != 0 {
			t.Errorf("%d replays, rows %v", len(w.replayed()), w.count())
		}
	})
}

// A failing endpoint makes dead letters of what is too old, as ranges; they are
// found again, but not those that were delivered since.
func TestWhatWaitsForLongerThanItLivesIsDeadAsARange(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(refused)
		w.start()
		w.refuse(20_000)
		pass(time.Hour)
		w.commit(10, chat.CommandAfterSendMsg)
		w.set(func(e *chat.Endpoint) { e.Commands = append(e.Commands, chat.CommandAfterSendMsg) })
		w.commit(10, chat.CommandAfterSendMsg)
		pass(chat.DefaultMaxAge - 30*time.Minute)
		w.refuse(100) // young
		pass(2 * time.Hour)
		before := len(w.arrivals)
		w.with(func() { w.answer = always(ok) })
		pass(2 * time.Minute)
		if n := w.count().ranges; n < 1 || n > 4 {
			t.Errorf("%d ranges", n)
		}
		if n := len(w.arrivals) - before; n < 100 || n > 200 {
			t.Errorf("%d arrivals after the outage", n)
		}
		if w.count().cursor != chat.Sequence(len(w.events)) || w.count().rows > 5000 { // one a probe
			t.Errorf("cursor %d of %d, %d rows", w.count().cursor, len(w.events), w.count().rows)
		}
		w.ask(chat.Replay{Dead: true, Last: 500})
		pass(time.Minute)
		w.ask(chat.Replay{Dead: true})
		pass(30 * time.Minute)
		times := make(map[chat.Sequence]int)
		for _, seq := range w.replayed() {
			times[seq]++
		}
		for i := range w.events {
			seq := chat.Sequence(i + 1)
			switch n := times[seq]; {
			case n > 1:
				t.Fatalf("%d was replayed %d times", seq, n)
			case n == 1 && w.newest[seq].previous != previous(w, seq):
				t.Fatalf("%d was replayed with Previous %d", seq, w.newest[seq].previous)
			case n == 0 && w.wanted(seq) && w.fates[seq] != delivered, n == 1 && !w.wanted(seq):
				t.Fatalf("%d was replayed %d times; wanted %t", seq, n, w.wanted(seq))
			}
		}
		wantAllDelivered(t, w)
	})
}

// previous is the event before it for the endpoint, in the same chain.
func previous(w *world, seq chat.Sequence) chat.Sequence {
	for s := seq - 1; s > w.stored.ChainStart(seq); s-- {
		if w.wanted(s) {
			return s
		}
	}
	return 0
}

func TestWhatWasDeliveredBehindAHangingEventIsReplayedToo(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.seq == 1 && a.attempt == 1 {
				return hangs
			}
			return ok
		}
		w.start()
		w.refuse(2)
		pass(time.Second)
		w.ask(chat.Replay{First: 2, Last: 2})
		pass(10 * time.Second)
		if list := w.replayed(); len(list) != 1 || list[0] != 2 {
			t.Errorf("%v", list)
		}
	})
}

// A pause, and a time in which nobody ran, make nothing older.
func TestOnlyTheTimeInWhichAnEndpointWasTriedMakesItsEventsOld(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(w *world, d time.Duration){
		"paused": func(w *world, d time.Duration) {
			w.set(func(e *chat.Endpoint) { e.Paused = "by somebody" })
			pass(d)
			w.set(func(e *chat.Endpoint) { e.Paused = "" })
		},
		"stopped": func(w *world, d time.Duration) {
			w.stop()
			pass(d)
			w.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				w.answer = always(refused)
				w.start()
				w.refuse(200)
				pass(time.Hour)
				away(w, 10*24*time.Hour)
				pass(24 * time.Hour)
				if n := w.count(); n.ranges > 0 {
					t.Errorf("%+v", n)
				}
				w.with(func() { w.answer = always(ok) })
				pass(2 * time.Minute)
				wantAllDelivered(t, w)
			})
		})
	}
}
