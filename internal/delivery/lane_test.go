package delivery

import (
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
		w.refuse(3 * maxTape) // before the start: from the journal
		w.start()
		for range 50 { // while it catches up, and afterwards
			w.refuse(40)
			w.commit(3, chat.CommandAfterSendMsg)
			pass(10 * time.Millisecond)
		}
		pass(time.Second)
		wantAllDelivered(t, w)
		if n := len(w.times(0)); n != 3*maxTape+50*40 {
			t.Errorf("%d requests", n)
		}
		checkChain(t, w)
		if w.stored.Cursor != chat.Sequence(len(w.events)) {
			t.Errorf("the cursor stands at %d of %d", w.stored.Cursor, len(w.events))
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
		if w.stored.Cursor != 100 || len(w.rows) != 0 || len(w.failures) != 50 {
			t.Errorf("cursor %d, %d rows, failures of %d events", w.stored.Cursor, len(w.rows), len(w.failures))
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
		if w.stored.Cursor != 6 || w.stored.CursorPrevious != 6 {
			t.Errorf("cursor %d, %d", w.stored.Cursor, w.stored.CursorPrevious)
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
		d := New(Options{Reader: journal{w}})
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

// A change is told to the lanes a moment after it was answered. What is committed
// in between is judged by the new switches, and goes to the new URL.
func TestEventCommittedBeforeTheLaneIsToldOfAChangeIsJudgedByIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.set(func(e *chat.Endpoint) { e.Commands = nil }) // switched off
		w.start()
		defer w.stop()
		synctest.Wait()
		d := w.d
		w.with(func() { w.d = nil }) // nobody tells it
		w.set(func(e *chat.Endpoint) { e.Commands = []string{chat.CommandSendMsgException} })
		w.with(func() { w.d = d })
		w.refuse(3)
		synctest.Wait()
		if list := w.undelivered(); len(list) != 0 || len(w.times(3)) != 1 {
			t.Errorf("not delivered: %v", list)
		}
	})
}
