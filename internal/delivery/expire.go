package delivery

import (
	"time"

	"github.com/parley-im/parley/internal/chat"
)

const (
	expirePages = 16                     // of the journal, at once
	expirePause = 100 * time.Millisecond // between two such looks
	tooOld      = "the endpoint failed for longer than an event lives"
)

// expire makes dead letters of what waits for an endpoint that has failed as a
// whole for longer than an event lives: of the journal as ranges, of rows one by
// one. An event has had all that time then, whenever it was committed: what the
// endpoint was paused, and what nobody ran, does not count.
func (l *lane) expire(now time.Time) {
	if l.expireAgain.IsZero() || now.Before(l.expireAgain) {
		return
	}
	l.expireAgain = time.Time{}
	if l.health.down.IsZero() || time.Duration(l.state.TriedFor)*time.Millisecond < l.schedule.maxAge || len(l.window) > 0 || l.inFlight > 0 || len(l.unsaved.Dead) > 1000 {
		return
	}
	before := now.Add(-l.schedule.maxAge)
	old := func(it *item) bool {
		born := it.since
		if it.time > 0 {
			born = time.UnixMilli(it.time)
		}
		return born.Before(before) && !it.replay
	}
	for _, it := range l.apart.drop(old) {
		l.drop(it, tooOld)
	}
	for range expirePages {
		after := l.cursor
		page, err := l.journal.Events(l.ctx, l.app.ID, after, pageEvents, pageBytes)
		if err != nil {
			l.readFailed(err, after)
			break
		}
		n := 0
		for n < len(page) && page[n].Seq <= l.tape.newest() && page[n].Time < before.UnixMilli() {
			n++
		}
		if n == 0 {
			return
		}
		l.die(page[:n], now)
		if n < len(page) {
			return
		}
	}
	l.expireAgain = now.Add(expirePause)
}

// die passes events that are dead letters for age.
func (l *lane) die(page []chat.Event, now time.Time) {
	for i := range page {
		e := &page[i]
		switches, upTo := l.endpoint.SwitchesAt(e.Seq)
		if d := l.growing(); d == nil || d.upTo < e.Seq {
			l.dying = &dying{upTo: upTo, DeadRange: chat.DeadRange{First: e.Seq, Previous: l.previousOf(e.Seq), Switches: switches, Reason: tooOld}}
		}
		if l.endpoint.IsFor(e) {
			l.lastFor, l.passed = e.Seq, e.Seq
		}
		l.dying.Last, l.dying.At = e.Seq, now.UnixMilli()
		l.reachUpTo(e.Seq)
		l.reach(e.Seq)
		if last := len(l.unsaved.Dead) - 1; last >= 0 && l.unsaved.Dead[last].First == l.dying.First {
			l.unsaved.Dead[last] = l.dying.DeadRange
		} else {
			l.unsaved.Dead = append(l.unsaved.Dead, l.dying.DeadRange)
		}
	}
	last := page[len(page)-1].Seq
	l.cursor, l.dirty = last, true
	l.position.Store(uint64(last))
	l.forget()
	l.markSettled()
}

// dying is the range that grows while the endpoint fails.
type dying struct {
	chat.DeadRange
	upTo chat.Sequence // its switches hold for events up to it
}

// growing is the range that ends right before the cursor, if there is one.
func (l *lane) growing() *dying {
	if l.dying == nil || l.dying.Last < l.cursor {
		return nil
	}
	return l.dying
}
