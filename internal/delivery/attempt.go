package delivery

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// maxKept is how many bytes of an answer are kept for people to look at.
const maxKept = 512

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

// attempt makes one POST. It runs beside the loop and changes only the item's
// start.
func (l *lane) attempt(it *item) result {
	now := time.Now()
	it.started = now
	e := &it.event
	h := http.Header{
		"Content-Type":    contentType,
		"User-Agent":      userAgent,
		"webhook-id":      {e.ID.String()},
		"Parley-Sequence": {strconv.FormatUint(uint64(e.Seq), 10)},
		"Parley-Epoch":    {l.app.Epoch},
		"Parley-Previous": {strconv.FormatUint(uint64(it.previous), 10)},
		"Parley-Settled":  {strconv.FormatUint(l.settled.Load(), 10)},
		"Parley-Attempt":  {strconv.Itoa(it.attempt)},
	}
	if e.Count > 1 {
		h["Parley-Count"] = []string{strconv.Itoa(e.Count)}
	}
	if e.Cut > 0 {
		h["Parley-Truncated"] = []string{strconv.Itoa(e.Cut)}
	}
	l.target.authorize(h)
	to := l.target.url(l.app.ID, e.Command, e.ClientIP, e.Platform, now)
	status, header, answer, err := l.client.post(l.ctx, to, e.Body, h)
	j := judge(status, header, answer, err, now)
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
	l.observe.Attempt(l.app.ID, &r.event, r.attempt, r.fate == delivered, r.reason, time.Now())
	l.judgeHealth(r)
	if r.fate == delivered {
		l.release(r.item)
		return
	}
	l.fail(r)
}

// release settles a delivered event.
func (l *lane) release(it *item) {
	l.dirty = true
	it.event = chat.Event{}
	if it.apart {
		delete(l.apart.seqs, it.seq)
		l.unsaved.Delete = append(l.unsaved.Delete, it.seq)
		l.markSettled()
		return
	}
	it.settled = true
	l.advance()
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
func (l *lane) fail(r result) {
	it := r.item
	now := time.Now()
	it.broken = r.fate == broken
	age := now.Sub(time.UnixMilli(it.event.Time))
	if it.broken && !l.health.down.IsZero() {
		age = 0 // the endpoint is at fault: no event dies of that
	}
	pause, again := next(r.judgement, it.attempt, age, jitter)
	l.unsaved.Failed = append(l.unsaved.Failed, chat.Attempted{
		Seq: it.seq, Attempt: it.attempt, At: it.started.UnixMilli(), Duration: r.took.Milliseconds(),
		Status: r.status, Reason: r.reason, Answer: slices.Clone(r.answer[:min(len(r.answer), maxKept)]),
	})
	row := chat.Pending{Seq: it.seq, Previous: it.previous, Attempt: it.attempt, Dead: !again, Status: r.status, Reason: r.reason}
	if again {
		row.Attempt++
		it.next = now.Add(pause)
		row.NextAt = it.next.UnixMilli()
		l.apart.add(it)
		it.attempt = row.Attempt
		l.parked = append(l.parked, it) // due when the row is on disk
	} else {
		delete(l.apart.seqs, it.seq)
		l.log.Warn("an event became a dead letter", "app", l.app.ID, "endpoint", l.endpoint.ID, "sequence", it.seq, "event", it.event.ID.String(), "attempt", it.attempt, "reason", r.reason)
	}
	l.unsaved.Put = append(l.unsaved.Put, row)
	if !again || len(l.apart.seqs) > maxApartBodies {
		it.event = chat.Event{} // read again when it is due
	}
	l.dirty = true
	if !it.apart {
		it.apart, it.settled = true, true
		l.advance()
	}
	l.markSettled()
}

// drop gives up an event that cannot be sent any more.
func (l *lane) drop(it *item, reason string) {
	delete(l.apart.seqs, it.seq)
	l.unsaved.Put = append(l.unsaved.Put, chat.Pending{Seq: it.seq, Previous: it.previous, Attempt: it.attempt, Dead: true, Reason: reason})
	l.dirty = true
	l.markSettled()
}

// markSettled publishes how far everything is delivered or dead.
func (l *lane) markSettled() { l.settled.Store(uint64(l.apart.below(l.cursor))) }
