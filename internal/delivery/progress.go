package delivery

import (
	"container/heap"

	"github.com/parley-im/parley/internal/chat"
)

// flush hands what changed to the writer, one hand-over at a time.
func (l *lane) flush() {
	if !l.dirty || l.saving {
		return
	}
	p := l.unsaved
	p.Endpoint, p.Cursor, p.CursorPrevious = l.endpoint.ID, l.cursor, l.passed
	parked := l.parked
	l.unsaved, l.parked, l.dirty, l.saving = chat.Progress{}, nil, false, true
	l.save(p, func(err error) { l.saved <- saved{err: err, rows: p, parked: parked} })
}

// onSaved makes what is now on disk due, or hands it over again.
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
	l.dirty = l.ctx.Err() == nil // while stopping, one try is enough: it is repeated at the next start
}
