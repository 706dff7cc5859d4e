package delivery

import (
	"slices"
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
	now := time.Now()
	if l.changed && now.Sub(l.stateAt) >= stateEvery {
		l.dirty = true
	}
	if !l.dirty || l.saving || now.Before(l.saveAt) {
		return
	}
	p := l.unsaved
	p.Endpoint, p.Life, p.Epoch, p.Cursor, p.CursorPrevious, p.At = l.id, l.life, l.app.Epoch, l.cursor, l.passed, now.UnixNano()
	if l.changed && now.Sub(l.stateAt) >= stateEvery {
		state := l.state
		state.Limit = l.limit.allows()
		p.Lane = &state
		l.changed, l.stateAt = false, now
	}
	parked := l.parked
	l.handed = p
	l.unsaved, l.parked, l.dirty, l.saving, l.saveAt = chat.Progress{}, nil, false, true, time.Time{}
	var once sync.Once // an answer too many must neither block the writer nor pass for the next one
	l.save(p, func(err error) {
		once.Do(func() { l.saved <- saved{err: err, rows: p, parked: parked} })
	})
}

// onSaved makes what is now on disk due, or hands it over again a little later.
func (l *lane) onSaved(s saved) {
	l.saving, l.handed = false, chat.Progress{}
	if s.err == nil {
		for _, it := range s.parked {
			switch {
			case l.apart.seqs[it.seq] != it:
			case it.dead:
				l.bury(it)
			default:
				l.due(it)
			}
		}
		return
	}
	u := &l.unsaved
	again := make(map[chat.Sequence]bool) // rows that were made after theirs was to be deleted
	for i := range u.Put {
		if u.Put[i].Replay {
			again[u.Put[i].Seq] = true
		}
	}
	u.Put = append(s.rows.Put, u.Put...)
	u.Delete = append(slices.DeleteFunc(s.rows.Delete, func(seq chat.Sequence) bool { return again[seq] }), u.Delete...)
	u.Failed = append(s.rows.Failed, u.Failed...)
	u.Delivered = append(s.rows.Delivered, u.Delivered...)
	u.Dead = append(s.rows.Dead, u.Dead...)
	u.Replays = append(s.rows.Replays, u.Replays...)
	l.parked = append(s.parked, l.parked...)
	if s.rows.Lane != nil {
		l.stateAt, l.changed = time.Time{}, true
	}
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
	if l.state.DeliveredAt > 0 || l.changed {
		l.stateAt, l.changed, l.dirty = time.Time{}, true, true
	}
	inTime := wait()
	if inTime {
		l.saveAt = time.Time{}
		l.flush()
		inTime = wait()
	}
	switch {
	case !inTime:
		l.log.Warn("a lane stops without saving its progress, as the store takes too long; some events will be sent again", "app", l.app.ID, "endpoint", l.id)
	case err != nil:
		l.log.Warn("a lane stops without saving its progress; some events will be sent again", "app", l.app.ID, "endpoint", l.id, "error", err)
	}
}
