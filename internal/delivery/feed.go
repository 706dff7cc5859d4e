package delivery

import (
	"time"

	"github.com/parley-im/parley/internal/alert"
	"github.com/parley-im/parley/internal/chat"
)

// behind says whether there are events that were not looked at.
func (l *lane) behind() bool {
	return len(l.ready) > 0 || chat.Sequence(l.position.Load()) < l.tape.newest()
}

// take picks the next event: new ones and failed ones that are due in turn, so
// that neither can hold up the other, and one poisonous event cannot make a
// healthy endpoint look dead.
func (l *lane) take(now time.Time) *item {
	down := !l.health.down.IsZero()
	if down && now.Before(l.health.next) { // too early for anything but a new event
		return l.takeFresh()
	}
	if l.health.retry {
		if it := l.takeFailed(now, down); it != nil {
			l.health.retry = false
			return it
		}
		return l.takeFresh()
	}
	if it := l.takeFresh(); it != nil {
		return it
	}
	return l.takeFailed(now, down)
}

func (l *lane) takeFresh() *item {
	if len(l.turn) > 0 {
		it := l.turn[0]
		l.turn[0] = nil
		l.turn = l.turn[1:]
		l.health.retry = true
		return it
	}
	if l.isFull() || len(l.window) >= maxWindow {
		return nil
	}
	if l.endpoint.InOrder && !l.health.down.IsZero() && len(l.apart.due) > 0 {
		return nil // the first of a group that failed will do as a probe; a new event would give rows to all behind it
	}
	it := l.fresh()
	if it != nil {
		l.health.retry = true
	}
	return it
}

// isFull says whether as many events wait for another attempt as may: then no new
// one is sent until some are delivered or dead. That is said once.
func (l *lane) isFull() bool {
	n := len(l.apart.seqs)
	switch {
	case n >= maxApart && !l.full:
		l.full = true
		l.log.Error("so many events of an endpoint failed by themselves that no new ones are sent until some are delivered or dead", "app", l.app.ID, "endpoint", l.id, "waiting", n, "reason", l.state.LastError)
		l.alarm.raise(alert.Alert{Kind: alert.EndpointFull, App: int64(l.app.ID), Endpoint: l.id, At: time.Now().UnixMilli(), Reason: l.state.LastError, Waiting: n})
	case n < maxApart*9/10 && l.full:
		l.full = false
		l.log.Info("new events are sent to an endpoint again", "app", l.app.ID, "endpoint", l.id, "waiting", n)
	}
	return n >= maxApart
}

func (l *lane) takeFailed(now time.Time, probing bool) *item {
	for {
		it := l.apart.take(now, probing)
		if it == nil || it.event != nil {
			return it
		}
		e, ok, err := l.journal.Event(l.ctx, l.app.ID, it.seq)
		switch {
		case err != nil:
			l.readFailed(err, it.seq-1)
			it.next = now.Add(time.Second)
			l.due(it)
			return nil
		case !ok:
			l.drop(it, "no longer in the journal")
		default:
			it.event, it.time = &e, e.Time
			return it
		}
	}
}

// fresh is the next event of the journal that is for the endpoint and may be
// sent. What is not for it is settled as it is passed; what waits behind another
// of its group is put there.
func (l *lane) fresh() *item {
	for range maxTape {
		if len(l.ready) == 0 && !l.read() {
			return nil
		}
		if l.look(); l.ended || l.route == nil || l.endpoint.Paused != "" {
			return nil
		}
		e := &l.ready[0]
		l.reachUpTo(e.Seq)
		l.position.Store(uint64(e.Seq))
		it := &item{seq: e.Seq, time: e.Time, attempt: 1}
		l.window = append(l.window, it)
		sent := l.enter(it, e)
		l.ready = l.ready[1:]
		if sent {
			return it
		}
	}
	l.signal() // the loop has other things to do as well
	return nil
}

// enter finds out what becomes of a new event; true: it is sent now.
func (l *lane) enter(it *item, e *chat.Event) bool {
	if !l.endpoint.IsFor(e) {
		it.settled = true
		l.advance()
		return false
	}
	it.wanted = true
	it.previous = l.previousOf(e.Seq)
	l.lastFor = e.Seq
	if l.ahead[e.Seq] {
		l.reach(e.Seq) // its row is the truth
		it.settled = true
		l.advance()
		return false
	}
	own := *e // not a part of the page, which would be kept for its sake
	if l.endpoint.InOrder && e.Group != "" {
		if first := l.lines.join(it, e.Group); !first {
			if it.line.held() || l.lines.behind >= maxBehind {
				l.setBehind(it)
				return false
			}
			l.lines.behind++
			it.event = &own
			return false
		}
	}
	it.event = &own
	return true
}

// reach takes up an event that has a row from an earlier life, now that all
// before it were looked at: if it is the first of its group, it is due.
func (l *lane) reach(seq chat.Sequence) {
	delete(l.ahead, seq)
	if it := l.apart.seqs[seq]; it != nil && it.line != nil && it.line.items[0] == it {
		l.due(it)
	}
}

// reachUpTo does so for those before next that the journal has no more.
func (l *lane) reachUpTo(next chat.Sequence) {
	if len(l.ahead) == 0 || next == chat.Sequence(l.position.Load())+1 {
		return
	}
	for seq := range l.ahead {
		if seq < next {
			l.reach(seq)
		}
	}
}

// previousOf is the Parley-Previous of the next event, which has that sequence.
func (l *lane) previousOf(seq chat.Sequence) chat.Sequence {
	if l.lastFor > l.endpoint.ChainStart(seq) {
		return l.lastFor
	}
	return 0
}

// read gets the events after the last that was looked at: from the tape, or a
// page of the journal. Events beyond the newest one known are left for later:
// changes of the endpoint that came before them may not be known either.
func (l *lane) read() bool {
	after := chat.Sequence(l.position.Load())
	events, head := l.tape.after(after, pageEvents)
	if len(events) > 0 {
		l.ready = events
		return true
	}
	if after >= head {
		return false
	}
	most, bytes := pageEvents, pageBytes
	if n := l.limit.allows() * 8; n < most { // a slow endpoint needs no full page
		most, bytes = n, bytes/4
	}
	page, err := l.journal.Events(l.ctx, l.app.ID, after, most, bytes)
	if err != nil {
		l.readFailed(err, after)
		return false
	}
	if l.stuck {
		l.stuck = false
		l.log.Info("a lane reads the journal again", "app", l.app.ID, "endpoint", l.id, "after", after)
	}
	for i := range page {
		if page[i].Seq > head {
			page = page[:i]
			break
		}
	}
	if len(page) == 0 { // all up to the head is gone
		l.reachUpTo(head + 1)
		l.position.Store(uint64(head))
		if len(l.window) == 0 && head > l.cursor {
			l.cursor, l.dirty = head, true
			l.markSettled()
		}
		return false
	}
	l.ready = page
	return true
}

// readFailed has the journal tried again soon.
func (l *lane) readFailed(err error, after chat.Sequence) {
	if !l.stuck && l.ctx.Err() == nil {
		l.log.Error("a lane cannot read the journal; trying again", "app", l.app.ID, "endpoint", l.id, "after", after, "error", err)
	}
	l.stuck, l.reread = true, true
}

// forget lets go of events that were read and not looked at: they will be read
// again.
func (l *lane) forget() { l.ready = nil }
