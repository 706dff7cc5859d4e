package delivery

import (
	"errors"
	"testing"
	"time"
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
