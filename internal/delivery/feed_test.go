package delivery

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

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
		w.refuse(maxTape + 1) // more than an offer may hold
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
		w.stored.Cursor, w.stored.CursorPrevious = 1, 1
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
		w.stored.Cursor, w.stored.CursorPrevious = 3, 3
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
		j := &slowJournal{journal: journal{w}, gate: make(chan struct{}), waits: make(chan struct{})}
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
	journal
	gate, waits chan struct{}
	asked       bool
}

func (j *slowJournal) Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	page, err := j.journal.Events(ctx, app, after, limit, maxBytes)
	if !j.asked {
		j.asked = true
		close(j.waits)
		<-j.gate
	}
	return page, err
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
