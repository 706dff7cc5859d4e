package delivery

import (
	"container/heap"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// offer takes committed events, at least one, in order. It never blocks and may
// drop.
func (l *lane) offer(events []chat.Event) {
	l.mu.Lock()
	first, last := events[0].Seq, events[len(events)-1].Seq
	if l.tail+1 == first && len(l.buffer)+len(events) <= maxBuffered && l.bytes < maxBodies {
		l.buffer = append(l.buffer, events...)
		for i := range events {
			l.bytes += len(events[i].Body)
		}
		l.tail = last
	}
	l.head = max(l.head, last)
	l.mu.Unlock()
	l.signal()
}

// behindTo notes that the journal goes on up to head, whoever wrote it.
func (l *lane) behindTo(head chat.Sequence) {
	l.mu.Lock()
	further := head > l.head
	l.head = max(l.head, head)
	l.mu.Unlock()
	if further {
		l.signal()
	}
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// behind says whether there are events that were not looked at.
func (l *lane) behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.buffer) > 0 || l.tail < l.head
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
	if len(l.apart.seqs) >= maxApart || len(l.window) >= maxWindow {
		return nil
	}
	it := l.fresh()
	if it != nil {
		l.health.retry = true
	}
	return it
}

func (l *lane) takeFailed(now time.Time, probing bool) *item {
	for {
		it := l.apart.take(now, probing)
		if it == nil || it.event.Seq != 0 {
			return it
		}
		e, ok, err := l.journal.Event(l.ctx, l.app.ID, it.seq)
		switch {
		case err != nil:
			l.readFailed(err, it.seq-1)
			it.next = now.Add(time.Second)
			heap.Push(&l.apart.due, it)
			return nil
		case !ok:
			l.drop(it, "no longer in the journal")
		default:
			it.event = e
			return it
		}
	}
}

// fresh is the next event of the journal that the endpoint wants. What it does
// not want is settled as it is passed.
func (l *lane) fresh() *item {
	for range maxBuffered {
		if l.outdated() {
			return nil
		}
		l.mu.Lock()
		if len(l.buffer) == 0 {
			behind := l.tail < l.head
			l.mu.Unlock()
			if !behind || !l.read() {
				return nil
			}
			continue
		}
		e := l.buffer[0]
		l.buffer[0] = chat.Event{}
		l.buffer = l.buffer[1:]
		if len(l.buffer) == 0 {
			l.buffer = nil
		}
		l.bytes -= len(e.Body)
		l.mu.Unlock()
		it := &item{seq: e.Seq, attempt: 1}
		l.window = append(l.window, it)
		if l.endpoint.Wants(e.Command) {
			it.wanted, it.previous, l.lastFor = true, l.lastFor, e.Seq
			if !l.ahead[e.Seq] {
				it.event = e
				return it
			}
			delete(l.ahead, e.Seq) // its row is the truth
		}
		it.settled = true
		l.advance()
	}
	l.signal() // the loop has other things to do as well
	return nil
}

// outdated says whether the endpoint was changed and this lane is about to be
// replaced. It judges and sends no new event then: one that was committed after
// the change was answered is the new lane's, with its switches and its URL.
func (l *lane) outdated() bool {
	e := l.latest()
	if e == nil {
		return true
	}
	if e != l.known && same(e, &l.endpoint) {
		l.known = e
	}
	return e != l.known
}

// read fetches a page of the journal after what was read last.
func (l *lane) read() bool {
	l.mu.Lock()
	tail, head := l.tail, l.head
	l.mu.Unlock()
	page, err := l.journal.Events(l.ctx, l.app.ID, tail, pageEvents, pageBytes)
	if err != nil {
		l.readFailed(err, tail)
		return false
	}
	if l.stuck {
		l.stuck = false
		l.log.Info("a lane reads the journal again", "app", l.app.ID, "after", tail)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(page) == 0 { // all up to the head, as it was before, is gone
		l.tail = max(l.tail, head)
		return l.tail < l.head
	}
	for i := range page {
		l.bytes += len(page[i].Body)
	}
	l.buffer = append(l.buffer, page...)
	l.tail = page[len(page)-1].Seq
	l.head = max(l.head, l.tail)
	return true
}

// readFailed has the journal tried again soon.
func (l *lane) readFailed(err error, after chat.Sequence) {
	if !l.stuck && l.ctx.Err() == nil {
		l.log.Error("a lane cannot read the journal; trying again", "app", l.app.ID, "after", after, "error", err)
	}
	l.stuck = true
}
