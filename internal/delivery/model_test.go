package delivery

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// move is one thing that happens in a random history.
type move struct {
	Does string
	N    int
	Wait time.Duration
}

// history is what a run is made of; drawn before it, so that rapid can shrink it.
type history struct {
	Moves []move
	Bad   [][]int // what the endpoint does with each event's first arrivals
}

var badSteps = []step{
	{}, hangs, internal, missing, tooLarge, objects,
	{status: 200, body: "not JSON"}, {status: 204}, {status: 302}, {status: 429, retryAfter: "20"}, {status: 503, retryAfter: "3600"},
	{status: 200, body: okAnswer, after: 3 * time.Second}, {status: 500, after: 4900 * time.Millisecond},
}

func drawHistory(t *rapid.T) history {
	var h history
	h.Moves = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
		return move{
			Does: rapid.SampledFrom([]string{"refuse", "refuse", "refuse", "other", "stop", "start", "unreadable", "readable", "full", "writable", "wait"}).Draw(t, "does"),
			N:    rapid.IntRange(1, 40).Draw(t, "n"),
			Wait: time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "wait")),
		}
	}), 1, 25).Draw(t, "moves")
	h.Bad = rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, len(badSteps)-1), 0, 5), 0, 60).Draw(t, "bad")
	return h
}

// Whatever the endpoint answers, the journal and the writer do, and however
// often the program stops in between: every wanted event is delivered or dead
// in the end, the cursor passes none without a row, Settled is true, numbers of
// attempts are on disk before they leave, and Previous is an unbroken chain.
// The order of arrivals is not promised.
func TestEveryHistoryEndsWithEachEventDeliveredOrDead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt)
		var w *world
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			w = newWorld(t)
			wrong = w.live(h)
		})
		if wrong == "" && len(w.faults) > 0 {
			wrong = w.faults[0]
		}
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func (w *world) live(h history) (wrong string) {
	w.answer = func(a arrival) step {
		if i := int(a.seq) - 1; i < len(h.Bad) && a.nth <= len(h.Bad[i]) {
			return badSteps[h.Bad[i][a.nth-1]]
		}
		return ok
	}
	w.start()
	for _, m := range h.Moves {
		switch m.Does {
		case "refuse":
			w.refuse(m.N)
		case "other":
			w.commit(m.N, chat.CommandAfterSendMsg)
		case "stop":
			w.stop()
		case "start":
			w.stop()
			w.start()
		case "unreadable":
			w.with(func() { w.readFault = errors.New("cannot be read") })
		case "readable":
			w.with(func() { w.readFault = nil })
		case "full":
			w.with(func() { w.saveFault = errors.New("cannot be written") })
		case "writable":
			w.with(func() { w.saveFault = nil })
		}
		pass(m.Wait)
	}
	w.with(func() { w.readFault, w.saveFault = nil, nil })
	w.stop()
	w.start()
	pass(24 * time.Hour)
	w.stop()

	before := chat.Sequence(0)
	chain := make(map[chat.Sequence]chat.Sequence)
	for i := range w.events {
		seq := chat.Sequence(i + 1)
		if !w.wanted(seq) {
			if n := w.newest[seq].nth; n > 0 {
				return fmt.Sprintf("event %d is not wanted and arrived %d times", seq, n)
			}
			continue
		}
		chain[seq], before = before, seq
		row, apart := w.rows[seq]
		f, tried := w.fates[seq]
		switch {
		case !tried || f != delivered && !row.Dead:
			return fmt.Sprintf("event %d: tried %t, fate %d, row %+v", seq, tried, f, row)
		case apart && !row.Dead:
			return fmt.Sprintf("event %d was delivered and keeps a row: %+v", seq, row)
		}
	}
	for _, a := range w.arrivals {
		if a.previous != chain[a.seq] {
			return fmt.Sprintf("event %d, attempt %d: Previous is %d, want %d", a.seq, a.attempt, a.previous, chain[a.seq])
		}
	}
	if w.stored.Cursor != chat.Sequence(len(w.events)) || w.stored.CursorPrevious != before {
		return fmt.Sprintf("the cursor stands at %d after %d, want %d after %d", w.stored.Cursor, w.stored.CursorPrevious, len(w.events), before)
	}
	return ""
}
