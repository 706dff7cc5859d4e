package delivery

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

func TestALaneRestsWhileItsProgressCannotBeSaved(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.start()
		w.with(func() { w.saveFault = errors.New("the disk is full") })
		w.refuse(10)
		pass(time.Second)
		var l *lane
		for _, l = range w.d.lanes {
		}
		before := l.rounds.Load()
		pass(time.Minute)
		if n := l.rounds.Load() - before; n > 300 {
			t.Errorf("%d rounds in a minute in which nothing could be done", n)
		}
	})
}

func TestALaneRestsOnceTheJournalCanBeReadAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.attempt == 1 {
				return missing
			}
			return ok
		}
		w.start()
		w.refuse(1)
		pass(time.Millisecond)
		w.with(func() { w.readFault = errors.New("cannot be read") })
		w.set(func(*chat.Endpoint) {}) // has it look for requests to send again
		pass(time.Minute)
		w.with(func() { w.readFault = nil })
		pass(time.Minute)
		wantAllDelivered(t, w)
		var l *lane
		for _, l = range w.d.lanes {
		}
		before := l.rounds.Load()
		pass(10 * time.Minute)
		if n := l.rounds.Load() - before; n > 20 {
			t.Errorf("%d rounds in ten minutes in which nothing was to be done", n)
		}
	})
}
