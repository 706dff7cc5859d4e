package delivery

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/alert"
	"github.com/parley-im/parley/internal/chat"
)

func TestTheLimitStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 256).Draw(t, "most")
		l := newLimit(most, rapid.IntRange(0, 300).Draw(t, "saved"))
		now := time.Unix(1000, 0)
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			before := l.allows()
			switch rapid.SampledFrom([]string{"delivered", "delivered", "overloaded", "restart", "set"}).Draw(t, "step") {
			case "delivered":
				l.delivered(rapid.IntRange(0, l.allows()).Draw(t, "in flight"))
				if l.allows() > before+1 || l.allows() < before {
					t.Fatalf("from %d to %d by a delivery", before, l.allows())
				}
			case "overloaded":
				now = now.Add(time.Second)
				l.overloaded(now.Add(-time.Millisecond), now)
				if l.allows() > max(1, before/2+1) {
					t.Fatalf("from %d to %d by a failure", before, l.allows())
				}
				again := l.allows()
				l.overloaded(now.Add(-time.Second), now) // of the same round
				if l.allows() != again {
					t.Fatalf("it fell twice in a round")
				}
			case "restart":
				l.restart()
			case "set":
				most = rapid.IntRange(1, 256).Draw(t, "most")
				l.set(most)
			}
			if l.allows() < 1 || l.allows() > most {
				t.Fatalf("%d of 1 to %d", l.allows(), most)
			}
		}
	})
}

func TestTheLimitGrowsToTheMostAtAWellEndpointAndFallsAtAnOverloadedOne(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.MaxInFlight = 64 })
		most := 0
		now := 0
		w.answer = func(arrival) step { return step{status: 200, body: okAnswer, after: 50 * time.Millisecond} }
		w.observe = func(n int) {
			if now += n; now > most {
				most = now
			}
		}
		w.start()
		w.refuse(5000)
		pass(10 * time.Second)
		if most != 64 {
			t.Errorf("%d at once", most)
		}
		wantAllDelivered(t, w)
		w.with(func() { // takes 10 at once, refuses the rest
			most = 0
			w.answer = func(arrival) step {
				if now > 10 {
					return step{status: 503}
				}
				return step{status: 200, body: okAnswer, after: 50 * time.Millisecond}
			}
		})
		w.refuse(3000)
		pass(10 * time.Minute)
		wantAllDelivered(t, w)
		failed := 0
		for _, list := range w.failures {
			failed += len(list)
		}
		if failed > 1000 {
			t.Errorf("%d of 3000 attempts were made for nothing", failed)
		}
	})
}

func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.Rate = 20 })
		w.start()
		w.refuse(300)
		pass(60 * time.Second)
		wantAllDelivered(t, w)
		at := w.times(0)
		if took := at[len(at)-1].Sub(at[0]); took < 14*time.Second || took > 16*time.Second {
			t.Errorf("300 took %s", took)
		}
		for i := range at {
			if j := i + 22; j < len(at) && at[j].Sub(at[i]) < time.Second {
				t.Fatalf("more than 22 within a second, from %d on", i)
			}
		}
	})
}

func TestALongFailureRaisesOneAlarmAndItsEndAnother(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{"refused": refused, "404": missing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				w.start()
				w.refuse(1)
				pass(time.Second)
				w.with(func() { w.answer = always(s) })
				for range 9 { // fails, but not for long enough
					w.refuse(1)
					pass(30 * time.Second)
				}
				if list := w.raised(); len(list) != 0 {
					t.Fatalf("too soon: %+v", list)
				}
				pass(time.Minute)
				w.stop() // a restart forgets nothing, and tells nothing twice
				w.start()
				pass(time.Hour)
				if list := w.raised(); len(list) != 1 || list[0].Kind != alert.EndpointFailing || list[0].Reason == "" || list[0].Endpoint != "primary" {
					t.Fatalf("%+v", list)
				}
				w.with(func() { w.answer = always(ok) })
				w.refuse(1)
				pass(2 * time.Hour)
				if list := w.raised(); len(list) != 2 || list[1].Kind != alert.EndpointRecovered {
					t.Fatalf("%+v", list)
				}
			})
		})
	}
}

func TestAFailingEndpointIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(refused)
		w.start()
		w.refuse(500)
		pass(30 * time.Minute)
		w.stop()
		n := len(w.times(0))
		w.start()
		pass(time.Second)
		if more := len(w.times(0)) - n; more < 1 || more > 3 {
			t.Errorf("%d attempts right after the restart", more)
		}
		w.with(func() { w.answer = always(ok) })
		pass(30 * time.Second)
		wantAllDelivered(t, w)
	})
}

func (w *world) raised() []alert.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.alerts)
}

func TestAnObjectionToOneEventRaisesNoAlarm(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(objects)
		w.start()
		w.refuse(1)
		pass(24 * time.Hour)
		if list := w.raised(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

// A receiver that refuses one kind of event for long fills the rows; that is
// told, once. The test looks inside: filling them takes minutes here.
func TestTooManyEventsThatWaitAreTold(t *testing.T) {
	t.Parallel()
	var told []alert.Alert
	l := &lane{app: &chat.App{ID: testApp}, id: "e", log: slog.New(slog.DiscardHandler), alarm: &alarms{raise: func(a alert.Alert) { told = append(told, a) }}}
	l.apart.seqs = make(map[chat.Sequence]*item)
	fill := func(n int) {
		for len(l.apart.seqs) > n {
			delete(l.apart.seqs, chat.Sequence(len(l.apart.seqs)))
		}
		for len(l.apart.seqs) < n {
			l.apart.seqs[chat.Sequence(len(l.apart.seqs)+1)] = &item{}
		}
	}
	for _, c := range []struct {
		rows  int
		full  bool
		times int
	}{{maxApart - 1, false, 0}, {maxApart, true, 1}, {maxApart + 5, true, 1}, {maxApart - 1, false, 1}, {maxApart, true, 1}, {maxApart / 2, false, 1}, {maxApart, true, 2}} {
		fill(c.rows)
		if full := l.isFull(); full != c.full || len(told) != c.times {
			t.Errorf("%d rows: full %t, told %d times; want %t, %d", c.rows, full, len(told), c.full, c.times)
		}
	}
	if a := told[0]; a.Kind != alert.EndpointFull || a.Endpoint != "e" || a.Waiting != maxApart {
		t.Errorf("%+v", a)
	}
}
