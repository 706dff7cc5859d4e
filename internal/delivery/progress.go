package delivery

import (
	"container/heap"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// saved is the writer's answer to a hand-over.
type saved struct {
	err    error
	rows   chat.Progress
	parked []*item
}

// flush hands what changed to the writer, one hand-over at a time.
func (l *lane) flush() {
	if !l.dirty || l.saving || time.Now().Before(l.saveAt) {
		return
	}
	p := l.unsaved
	p.Endpoint, p.Epoch, p.Cursor, p.CursorPrevious = l.endpoint.ID, l.app.Epoch, l.cursor, l.passed
	parked := l.parked
	l.unsaved, l.parked, l.dirty, l.saving, l.saveAt = chat.Progress{}, nil, false, true, time.Time{}
	var once sync.Once // an answer too many must neither block the writer nor pass for the next one
	l.save(p, func(err error) {
		once.Do(func() { l.saved <- saved{err: err, rows: p, parked: parked} })
	})
}

// onSaved makes what is now on disk due, or hands it over again a little later.
func (l *lane) onSaved(s saved) {
	l.saving = false
	if s.err == nil {
		for _, it := range s.parked {
			if l.apart.seqs[it.seq] == it {
				heap.Push(&l.apart.due, it)
			}
		}
		return
	}
	l.unsaved.Put = append(s.rows.Put, l.unsaved.Put...)
	l.unsaved.Delete = append(s.rows.Delete, l.unsaved.Delete...)
	l.unsaved.Failed = append(s.rows.Failed, l.unsaved.Failed...)
	l.parked = append(s.parked, l.parked...)
	l.dirty, l.saveAt = true, time.Now().Add(saveAgain)
}

// finish writes what was settled, after the hand-over under way. What cannot be
// written then is repeated at the next start.
func (l *lane) finish() {
	late := time.NewTimer(finishWait)
	defer late.Stop()
	var err error
	wait := func() bool {
		if !l.saving {
			return true
		}
		select {
		case s := <-l.saved:
			l.onSaved(s)
			err = s.err
			return true
		case <-late.C:
			return false
		}
	}
	inTime := wait()
	if inTime {
		l.saveAt = time.Time{}
		l.flush()
		inTime = wait()
	}
	if !inTime || err != nil {
		l.log.Warn("a lane stops without saving its progress; some events will be sent again", "app", l.app.ID, "endpoint", l.endpoint.ID, "error", err)
	}
}
