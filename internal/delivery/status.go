package delivery

import (
	"context"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Status is how a lane stands.
type Status struct {
	App                  chat.AppID
	Endpoint             string
	Cursor, Settled      chat.Sequence
	Backlog              uint64 // events after the cursor
	Waiting              int    // events that stand apart and wait for an attempt
	Limit, InFlight      int
	Lane                 chat.LaneState
	Paused               string
	OldestAt             int64 // EventTime of the oldest event that is not settled, unix milliseconds; 0: there is none
	oldestSeq, nextUnsaw chat.Sequence
}

// Status tells how an endpoint's lane stands; false if it is not run here.
func (d *Deliverer) Status(ctx context.Context, app chat.AppID, endpoint string) (Status, bool) {
	d.mu.RLock()
	l := d.lanes[laneKey{app, endpoint}]
	d.mu.RUnlock()
	if l == nil {
		return Status{}, false
	}
	return l.status(ctx), true
}

// All tells how all lanes stand, in no order.
func (d *Deliverer) All(ctx context.Context) []Status {
	d.mu.RLock()
	lanes := make([]*lane, 0, len(d.lanes))
	for _, l := range d.lanes {
		lanes = append(lanes, l)
	}
	d.mu.RUnlock()
	list := make([]Status, len(lanes))
	for i, l := range lanes {
		list[i] = l.status(ctx)
	}
	return list
}

// publish makes what the loop knows seen from outside.
func (l *lane) publish() {
	l.view.mu.Lock()
	defer l.view.mu.Unlock()
	s := &l.view.status
	s.Cursor, s.Settled, s.Waiting, s.Lane, s.Paused = l.cursor, chat.Sequence(l.settled.Load()), len(l.apart.seqs), l.state, l.whyPaused()
	s.Limit, s.InFlight, s.OldestAt, s.oldestSeq = l.allowed(time.Now()), l.inFlight, 0, 0
	oldest := l.apart.below(l.cursor)
	switch {
	case oldest < l.cursor:
		it := l.apart.seqs[oldest+1]
		s.OldestAt, s.oldestSeq = it.time, it.seq
	case len(l.window) > 0:
		s.OldestAt, s.oldestSeq = l.window[0].time, l.window[0].seq
	case len(l.ready) > 0:
		s.OldestAt, s.oldestSeq = l.ready[0].Time, l.ready[0].Seq
	}
	l.idle.Store(s.Paused != "" || s.Lane.FailingAt > 0)
	s.nextUnsaw = chat.Sequence(l.position.Load())
}

func (l *lane) status(ctx context.Context) Status {
	l.view.mu.Lock()
	s := l.view.status
	l.view.mu.Unlock()
	head := l.tape.newest()
	s.App, s.Endpoint = l.app.ID, l.id
	if head > s.Cursor {
		s.Backlog = uint64(head - s.Cursor)
	}
	if s.OldestAt == 0 && (s.oldestSeq > 0 || s.nextUnsaw < head) {
		// The loop does not hold its time; somebody who looks may read it.
		after := s.nextUnsaw
		if s.oldestSeq > 0 {
			after = s.oldestSeq - 1
		}
		if page, err := l.journal.Events(ctx, l.app.ID, after, 1, 1); err == nil && len(page) > 0 {
			s.OldestAt = page[0].Time
		}
	}
	return s
}
