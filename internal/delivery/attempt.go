package delivery

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

const (
	maxKept          = 512 // bytes of a failed attempt's answer that are kept for people to look at
	maxKeptDelivered = 128 // and of a delivery's, if it is not the usual one
)

type result struct {
	*item
	judgement
	status int
	answer []byte
	took   time.Duration
}

var (
	contentType = []string{"application/json"}
	userAgent   = []string{"Parley"}
)

// route is what attempts need of an endpoint; it is made anew when the endpoint
// is changed.
type route struct {
	target  *target
	client  *client
	signer  *signer
	lenient bool // a 200 that objects counts as delivered
}

// attempt makes one POST. It runs beside the loop and changes only the item's
// start.
func (l *lane) attempt(it *item, r *route) result {
	now := time.Now()
	it.started = now
	e := it.event
	id := e.ID.String()
	h := http.Header{
		"Content-Type":    contentType,
		"User-Agent":      userAgent,
		"webhook-id":      {id},
		"Parley-Sequence": {strconv.FormatUint(uint64(e.Seq), 10)},
		"Parley-Epoch":    {l.app.Epoch},
		"Parley-Previous": {strconv.FormatUint(uint64(it.previous), 10)},
		"Parley-Settled":  {strconv.FormatUint(l.settled.Load(), 10)},
		"Parley-Attempt":  {strconv.Itoa(it.attempt)},
	}
	if it.replay {
		h["Parley-Replay"] = []string{"1"}
	}
	if e.Count > 1 {
		h["Parley-Count"] = []string{strconv.Itoa(e.Count)}
	}
	if e.Cut > 0 {
		h["Parley-Truncated"] = []string{strconv.Itoa(e.Cut)}
	}
	r.signer.sign(h, id, e.Body, now)
	r.target.authorize(h)
	to := r.target.url(l.app.ID, e.Command, e.ClientIP, e.Platform, now)
	status, header, answer, err := r.client.post(l.ctx, to, e.Body, h)
	j := judge(status, header, answer, err, now)
	if j.fate == objected && r.lenient {
		j.fate = delivered
	}
	return result{item: it, judgement: j, status: status, answer: answer, took: time.Since(now)}
}

// settle takes the result of an attempt.
func (l *lane) settle(r result) {
	l.inFlight--
	if r.probe {
		l.health.probing = false
	}
	if r.fate == broken && l.ctx.Err() != nil { // broken off by stop: it was no attempt
		return
	}
	now := time.Now()
	l.observe.Attempt(Report{App: l.app.ID, Endpoint: l.id, Event: r.event, Attempt: r.attempt, Delivered: r.fate == delivered,
		Replay: r.replay, Status: r.status, Reason: r.reason, At: now})
	l.judgeHealth(r, now)
	if r.fate == delivered {
		l.noteDelivery(r)
		l.release(r.item)
		return
	}
	l.fail(r, now)
}

// noteDelivery keeps a delivery for people to look at.
func (l *lane) noteDelivery(r result) {
	if len(l.unsaved.Delivered) >= maxUnsaved { // the store is away; the events are settled all the same
		return
	}
	a := chat.Attempted{Seq: r.seq, Attempt: r.attempt, At: r.started.UnixMilli(), Duration: r.took.Milliseconds(), Status: r.status, Replay: r.replay, Previous: r.previous}
	if string(r.answer) != okAnswer {
		a.Answer = slices.Clone(r.answer[:min(len(r.answer), maxKeptDelivered)])
	}
	l.unsaved.Delivered = append(l.unsaved.Delivered, a)
}

// release settles a delivered event.
func (l *lane) release(it *item) {
	l.dirty = true
	it.event = nil
	if it.apart {
		l.apart.remove(it)
		l.unsaved.Delete = append(l.unsaved.Delete, it.seq)
		l.markSettled()
	} else {
		it.settled = true
		l.advance()
	}
	l.goOn(it)
}

// goOn lets the next event of a group have its turn.
func (l *lane) goOn(it *item) {
	next := l.lines.leave(it)
	if next == nil {
		return
	}
	if !next.apart {
		l.lines.behind--
		l.turn = append(l.turn, next)
		return
	}
	if l.ahead[next.seq] { // not looked at since the start: see enter
		return
	}
	next.next = time.Now()
	l.due(next)
}

// advance moves the cursor over what is settled at the head of the window.
func (l *lane) advance() {
	n := 0
	for n < len(l.window) && l.window[n].settled {
		it := l.window[n]
		l.cursor = it.seq
		if it.wanted {
			l.passed = it.seq
		}
		l.window[n] = nil
		n++
	}
	if n > 0 {
		l.dirty = true
		l.window = l.window[n:]
		if len(l.window) == 0 {
			l.window = nil
		}
		l.markSettled()
	}
}

// fail gives an event that was not delivered a row of its own, so that the
// cursor can pass it, and plans its next attempt, or none.
func (l *lane) fail(r result, now time.Time) {
	it := r.item
	it.broken = r.fate == broken
	failing := it.broken && !l.health.down.IsZero()
	if !it.apart || it.line != nil && it.attempt == 1 { // not since it has waited behind its group
		it.since = now
	}
	born := time.UnixMilli(it.event.Time)
	if it.replay {
		born = it.since
	}
	if resumed := time.UnixMilli(l.state.ResumedAt); resumed.After(born) {
		born = resumed // a pause makes nothing older
	}
	age := now.Sub(born)
	if failing {
		age = 0 // the endpoint is at fault: no event dies of that
	}
	pause, again := l.schedule.next(r.judgement, it.attempt-it.before, age, jitter)
	it.next = now.Add(pause)
	if it.line != nil && !failing {
		switch until := it.since.Add(l.hold); {
		case !now.Before(until): // the group has waited long enough
			again = false
		case it.next.After(until):
			it.next = until
		}
	}
	l.unsaved.Failed = append(l.unsaved.Failed, chat.Attempted{
		Seq: it.seq, Attempt: it.attempt, At: it.started.UnixMilli(), Duration: r.took.Milliseconds(),
		Status: r.status, Reason: r.reason, Answer: slices.Clone(r.answer[:min(len(r.answer), maxKept)]), Replay: it.replay,
	})
	if it.dead = !again; again {
		it.attempt++
	} else {
		l.log.Warn("an event became a dead letter", "app", l.app.ID, "endpoint", l.id, "sequence", it.seq, "event", it.event.ID.String(), "attempt", it.attempt, "reason", r.reason)
	}
	l.apart.add(it)
	l.parked = append(l.parked, it) // due, or over, when the row is on disk
	l.putRow(it, !again, r.status, r.reason)
	if !again || len(l.apart.seqs) > maxApartBodies {
		it.event = nil // read again when it is due
	}
	l.setApart(it)
	if again {
		l.holdLine(it)
	}
	l.markSettled()
}

// bury ends an event whose row says on disk that it is a dead letter. Until then
// nobody is told: neither those behind it in its group, nor the receiver.
func (l *lane) bury(it *item) {
	l.apart.remove(it)
	l.goOn(it)
	l.markSettled()
	if !l.health.down.IsZero() {
		l.expireAgain = time.Now() // the next of its group may be too old as well
	}
}

// putRow has an event's row written.
func (l *lane) putRow(it *item, isDead bool, status int, reason string) {
	p := chat.Pending{
		Seq: it.seq, Previous: it.previous, Attempt: it.attempt, NextAt: it.next.UnixMilli(), Dead: isDead, Status: status, Reason: reason,
		Since: it.since.UnixMilli(), Replay: it.replay,
	}
	if it.line != nil {
		p.Group = it.line.group
	}
	if isDead {
		p.NextAt, p.Replay = 0, false
	}
	l.unsaved.Put = append(l.unsaved.Put, p)
	l.dirty = true
}

// setApart lets the cursor pass an event that has a row of its own.
func (l *lane) setApart(it *item) {
	if !it.apart {
		it.apart, it.settled = true, true
		l.advance()
	}
}

// holdLine gives rows to what waits in memory behind an event that failed, as it
// will wait for long.
func (l *lane) holdLine(it *item) {
	if it.line == nil {
		return
	}
	for _, behind := range it.line.items[1:] {
		if !behind.apart {
			l.lines.behind--
			l.setBehind(behind)
		}
	}
}

// setBehind gives an event a row that waits behind another of its group.
func (l *lane) setBehind(it *item) {
	it.since = time.Now()
	it.next = it.since
	it.event = nil
	l.apart.add(it)
	l.putRow(it, false, 0, "")
	l.setApart(it)
}

// drop gives up an event that waits and cannot be sent any more.
func (l *lane) drop(it *item, reason string) {
	it.dead = true
	l.putRow(it, true, 0, reason)
	l.parked = append(l.parked, it)
}

// markSettled publishes how far everything is delivered or dead.
func (l *lane) markSettled() { l.settled.Store(uint64(l.apart.below(l.cursor))) }
