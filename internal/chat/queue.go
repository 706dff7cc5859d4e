package chat

import (
	"sync"
	"time"
)

// Bounds of the writer's queue.
const (
	maxBatch      = 256     // sends of one transaction
	maxBatchBytes = 4 << 20 // bodies of one transaction
	lazyDelay     = 100 * time.Millisecond
	lazyMany      = 256 // progress that does not wait for lazyDelay
)

// entry is a send on its way to the disk: to be accepted, or refused when
// refusal is set.
type entry struct {
	attempt *attempt
	refusal *Refusal
	count   int // sends that share this record
	queued  time.Time

	// done is closed when outcome or err is set.
	done    chan struct{}
	mu      sync.Mutex // guards the three below: who waits may give up
	outcome Outcome
	err     error
	told    bool // done is closed
	ended   bool // its outcome is on disk and counted
	old     bool // of an earlier process: not counted as an attempt of this one

	plan plan // of the batch that is being written
}

// tell answers everybody who waits for the entry. It may be called again: an
// outcome that comes after ErrUnknown is for those who repeat the send. failed
// says that they were told an error before.
func (e *entry) tell(o Outcome, err error) (failed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.told {
		if err == nil || err == errStale { // which nobody is there to judge anew
			e.attempt.tenant.repeats.settle(e.attempt.key)
		}
		return e.err != nil
	}
	e.told, e.outcome, e.err = true, o, err
	close(e.done)
	return false
}

// isTold says whether whoever waited was told something.
func (e *entry) isTold() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.told
}

// bytes is about what the entry holds in memory.
func (e *entry) bytes() int {
	s := e.attempt.send
	return 512 + len(s.Content.Body) + len(s.Content.Cloud) + len(s.Group) + len(s.From)
}

// alteration is a change of state, run by the writer between two batches; or,
// without fn, the wish to look for the changes of others.
type alteration struct {
	app  AppID
	fn   func(Records) error
	err  error
	done chan struct{}
}

// flush is what is written with the next batch or soon by itself: progress of a
// lane, a read position, or an announcement.
type flush struct {
	app      AppID
	progress Progress
	read     *Read
	news     *Announcement
	id       AttemptID // of the announcement
	done     func(error)
}

// queue is what waits for the writer: sends and alterations in the order they
// came, and beside them what can wait a little for company.
type queue struct {
	mu     sync.Mutex
	items  []any // *entry or *alteration
	want   int   // signal when so many wait; 0 is never
	wake   chan struct{}
	lazy   []*flush
	totals map[*tenant]Totals
	since  time.Time // when the first lazy thing came
	closed bool
	ended  bool // the writer has returned: nothing more is written
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), totals: make(map[*tenant]Totals)}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// put adds an entry or an alteration; it reports false after close.
func (q *queue) put(item any) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.items = append(q.items, item)
	_, hurry := item.(*alteration)
	wake := len(q.items) == 1 || len(q.items) == q.want || hurry
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	return true
}

// gather waits until n sends wait, for at most limit. It returns at once when
// nothing waits, or something that is no send.
func (q *queue) gather(n int, limit time.Duration, timer *time.Timer) {
	enough := func() bool {
		if len(q.items) == 0 || len(q.items) >= n || q.closed {
			return true
		}
		_, hurry := q.items[len(q.items)-1].(*alteration)
		return hurry
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if enough() {
		return
	}
	q.want = n
	timer.Reset(limit)
	for late := false; !late && !enough(); {
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-timer.C:
			late = true
		}
		q.mu.Lock()
	}
	q.want = 0
}

// length is how many items wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// putLazy adds what can wait; it reports false when the writer has returned.
func (q *queue) putLazy(f *flush, a *tenant, t Totals) bool {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return false
	}
	first := len(q.lazy) == 0 && len(q.totals) == 0
	if first {
		q.since = time.Now()
	}
	if f != nil {
		q.lazy = append(q.lazy, f)
	}
	if a != nil {
		q.totals[a] = q.totals[a].plus(t)
	}
	many := len(q.lazy) == lazyMany
	q.mu.Unlock()
	if first || many {
		q.signal()
	}
	return true
}

// end is called by the writer when it returns. It gives back what came too late.
func (q *queue) end() []*flush {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	late := q.lazy
	q.lazy = nil
	return late
}

// batch is what one transaction writes.
type batch struct {
	sends  []*entry
	lazy   []*flush
	totals map[*tenant]Totals
}

func (b *batch) empty() bool { return len(b.sends) == 0 && len(b.lazy) == 0 && len(b.totals) == 0 }

// next takes what is to be written now: a batch or one alteration. wait is how
// long nothing will be due, unless the queue is signalled; 0 is no bound.
func (q *queue) next() (b batch, alter *alteration, wait time.Duration, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.items) && n < maxBatch && size < maxBatchBytes {
		e, ok := q.items[n].(*entry)
		if !ok {
			break
		}
		b.sends = append(b.sends, e)
		size += e.bytes()
		n++
	}
	if n == 0 && len(q.items) > 0 {
		alter = q.items[0].(*alteration)
		n = 1
	}
	clear(q.items[:n])
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
	}
	waiting := len(q.lazy) > 0 || len(q.totals) > 0
	if alter == nil && waiting {
		age := time.Since(q.since)
		if n > 0 || age >= lazyDelay || len(q.lazy) >= lazyMany || q.closed {
			b.lazy, q.lazy = q.lazy, nil
			b.totals, q.totals = q.totals, make(map[*tenant]Totals)
		} else {
			wait = lazyDelay - age
		}
	}
	return b, alter, wait, q.closed
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// isEmpty says whether nothing waits.
func (q *queue) isEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0 && len(q.lazy) == 0 && len(q.totals) == 0
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (t Totals) plus(u Totals) Totals {
	return Totals{t.Accepted + u.Accepted, t.Refused + u.Refused, t.Dropped + u.Dropped, t.Repeated + u.Repeated}
}
