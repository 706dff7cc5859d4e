package delivery

import (
	"container/heap"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one lane.
const (
	maxInFlight  = 32
	maxBuffered  = 2048    // events read ahead
	maxBodies    = 8 << 20 // bytes of them
	maxApart     = 50_000  // rows of events that failed; above it nothing new is read
	pageEvents   = 256
	pageBytes    = 2 << 20
	brokenInARow = 3 // attempts that failed as the endpoint would, until it counts as failing
	finishWait   = 2 * time.Second
)

// Journal is what a lane needs of the store.
type Journal interface {
	Head(ctx context.Context, app chat.AppID) (chat.Head, error)
	Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error)
	Event(ctx context.Context, app chat.AppID, seq chat.Sequence) (chat.Event, bool, error)
	Pending(ctx context.Context, app chat.AppID, endpoint string, after chat.Sequence, limit int) ([]chat.Pending, error)
}

// lane delivers one app's journal to one endpoint. All fields below the line
// belong to its loop.
type lane struct {
	app      *chat.App
	endpoint chat.Endpoint
	target   *target
	client   *client
	journal  Journal
	save     func(chat.Progress, func(error))
	observe  Observer
	log      *slog.Logger
	settled  atomic.Uint64 // every event up to it was delivered or is a dead letter

	mu     sync.Mutex // guards what offers touch
	buffer []chat.Event
	bytes  int
	tail   chat.Sequence // the newest event in the buffer, or read from it
	head   chat.Sequence // the newest event known to be committed
	wake   chan struct{}

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	// ------ the loop's own
	results  chan result
	jobs     chan *item
	workers  int
	inFlight int
	window   []*item       // read and not settled, in order, from the cursor on
	cursor   chat.Sequence // everything up to it is settled or apart
	lastFor  chat.Sequence // the last event that was for this endpoint
	passed   chat.Sequence // the last one of those at or below the cursor
	apart    apart
	health   health

	dirty   bool
	unsaved chat.Progress // rows that the next flush writes
	saving  bool
	parked  []*item    // in unsaved: due once their row is on disk
	saved   chan saved // answer of the writer
	stuck   bool       // the journal could not be read; it is tried again
	paused  bool       // 410: nothing is sent until the endpoint is changed
}

// item is one event on its way to the endpoint.
type item struct {
	event    chat.Event
	seq      chat.Sequence
	previous chat.Sequence
	attempt  int
	next     time.Time // when the attempt is due
	settled  bool
	wanted   bool // the endpoint has its command switched on
	apart    bool // has, or is about to have, a row of its own
	probe    bool // sent to see whether the endpoint answers again
	index    int  // in the heap; -1 elsewhere
	started  time.Time
}

type result struct {
	*item
	judgement
	status int
	answer []byte
	took   time.Duration
}

type saved struct {
	err    error
	rows   chat.Progress
	parked []*item
}

// apart holds the events that failed and wait for their next attempt.
type apart struct {
	due    dueHeap
	seqs   map[chat.Sequence]*item
	lowest seqHeap // of seqs, and of some that are no longer there
}

func (a *apart) add(it *item) {
	if _, ok := a.seqs[it.seq]; !ok {
		heap.Push(&a.lowest, it.seq)
	}
	a.seqs[it.seq] = it
}

// below is the sequence before the lowest event that waits; end if none does.
func (a *apart) below(end chat.Sequence) chat.Sequence {
	for len(a.lowest) > 0 {
		if _, ok := a.seqs[a.lowest[0]]; ok {
			return min(end, a.lowest[0]-1)
		}
		heap.Pop(&a.lowest)
	}
	return end
}

type seqHeap []chat.Sequence

func (h seqHeap) Len() int           { return len(h) }
func (h seqHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h seqHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *seqHeap) Push(x any)        { *h = append(*h, x.(chat.Sequence)) }
func (h *seqHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

type dueHeap []*item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *dueHeap) Push(x any)        { x.(*item).index = len(*h); *h = append(*h, x.(*item)) }
func (h *dueHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	*h = old[:len(old)-1]
	it.index = -1
	return it
}

// health is what the lane thinks of the endpoint as a whole.
type health struct {
	inARow  int       // attempts in a row that failed as a failing endpoint's do
	down    time.Time // since when it counts as failing; zero: it does not
	probes  int
	next    time.Time // of the next probe
	probing bool
	retry   bool // the next probe takes an event that failed, not a new one
	ramp    int  // requests allowed at once while it recovers; 0 is no bound
}

// offer takes committed events in order. It never blocks and may drop.
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

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// start begins where the endpoint's cursor stands.
func (l *lane) start(ctx context.Context) error {
	head, err := l.journal.Head(ctx, l.app.ID)
	if err != nil {
		return err
	}
	l.cursor, l.passed, l.lastFor = l.endpoint.Cursor, l.endpoint.CursorPrevious, l.endpoint.CursorPrevious
	l.apart.seqs = make(map[chat.Sequence]*item)
	for after := chat.Sequence(0); ; {
		page, err := l.journal.Pending(ctx, l.app.ID, l.endpoint.ID, after, 1000)
		if err != nil {
			return err
		}
		for _, p := range page {
			after = p.Seq
			if !p.Dead {
				it := &item{seq: p.Seq, previous: p.Previous, attempt: p.Attempt, next: time.UnixMilli(p.NextAt), apart: true}
				l.apart.add(it)
				heap.Push(&l.apart.due, it)
			}
		}
		if len(page) < 1000 {
			break
		}
	}
	l.markSettled()
	l.mu.Lock()
	l.tail, l.head = l.cursor, max(l.head, head.Next-1)
	l.mu.Unlock()
	l.results, l.jobs = make(chan result, maxInFlight), make(chan *item)
	l.saved = make(chan saved, 1)
	l.done = make(chan struct{})
	l.ctx, l.cancel = context.WithCancel(context.Background())
	go l.loop()
	return nil
}

// stop ends the lane; attempts under way are broken off and made again at the
// next start. What was settled is written.
func (l *lane) stop() {
	l.cancel()
	<-l.done
	l.client.close()
}

func (l *lane) loop() {
	defer close(l.done)
	var workers sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for l.ctx.Err() == nil {
		l.fill(&workers)
		l.flush()
		wait := l.untilDue()
		timer.Reset(wait)
		select {
		case r := <-l.results:
			l.settle(r)
			l.drain()
		case s := <-l.saved:
			l.onSaved(s)
		case <-l.wake:
		case <-timer.C:
		case <-l.ctx.Done():
		}
	}
	close(l.jobs)
	for l.inFlight > 0 {
		l.settle(<-l.results)
	}
	workers.Wait()
	l.finish()
}

// drain takes all results that are there, so that one flush and one fill serve them.
func (l *lane) drain() {
	for {
		select {
		case r := <-l.results:
			l.settle(r)
		default:
			return
		}
	}
}

// finish writes what was settled, once more after the flush under way.
func (l *lane) finish() {
	late := time.After(finishWait)
	for {
		if l.saving {
			select {
			case s := <-l.saved:
				l.onSaved(s)
			case <-late:
				l.log.Warn("a lane stops without saving its progress; some events will be sent again", "app", l.app.ID, "endpoint", l.endpoint.ID)
				return
			}
		}
		l.flush()
		if !l.saving {
			return
		}
	}
}

// fill starts attempts as far as limits and health allow.
func (l *lane) fill(workers *sync.WaitGroup) {
	for l.inFlight < l.limit() {
		it := l.take(time.Now())
		if it == nil {
			return
		}
		l.inFlight++
		if it.probe = !l.health.down.IsZero(); it.probe {
			l.health.probing = true
		}
		select {
		case l.jobs <- it:
			continue
		default:
		}
		if l.workers < maxInFlight {
			l.workers++
			workers.Go(func() {
				for it := range l.jobs {
					l.results <- l.attempt(it)
				}
			})
		}
		l.jobs <- it
	}
}

// limit is how many attempts may be under way now.
func (l *lane) limit() int {
	switch h := &l.health; {
	case l.paused:
		return 0
	case !h.down.IsZero() && (h.probing || time.Now().Before(h.next)):
		return 0
	case !h.down.IsZero():
		return 1
	case h.ramp > 0:
		return min(h.ramp, maxInFlight)
	}
	return maxInFlight
}

// take picks the next event: one that failed and is due, else the next of the
// journal. A probe takes them in turn, so that one poisonous event cannot make
// a healthy endpoint look dead.
func (l *lane) take(now time.Time) *item {
	probing := !l.health.down.IsZero()
	retry := func() *item {
		if len(l.apart.due) == 0 || !probing && l.apart.due[0].next.After(now) {
			return nil
		}
		it := heap.Pop(&l.apart.due).(*item)
		if it.event.Seq == 0 {
			e, ok, err := l.journal.Event(l.ctx, l.app.ID, it.seq)
			if err != nil || !ok {
				if err == nil { // expired from the journal
					l.drop(it, "no longer in the journal")
					return nil
				}
				it.next = now.Add(time.Second)
				heap.Push(&l.apart.due, it)
				return nil
			}
			it.event = e
		}
		return it
	}
	if !probing || l.health.retry || len(l.apart.seqs) >= maxApart {
		if it := retry(); it != nil {
			l.health.retry = false
			return it
		}
	}
	if len(l.apart.seqs) < maxApart {
		if it := l.fresh(); it != nil {
			l.health.retry = true
			return it
		}
	}
	return retry()
}

// fresh is the next event of the journal that the endpoint wants. What it does
// not want is settled as it is passed.
func (l *lane) fresh() *item {
	for {
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
		it := &item{event: e, seq: e.Seq, attempt: 1, index: -1}
		l.window = append(l.window, it)
		if l.endpoint.Wants(e.Command) {
			it.wanted, it.previous, l.lastFor = true, l.lastFor, e.Seq
			return it
		}
		it.settled = true
		l.advance()
	}
}

// read fetches a page of the journal after what was read last.
func (l *lane) read() bool {
	l.mu.Lock()
	tail := l.tail
	l.mu.Unlock()
	page, err := l.journal.Events(l.ctx, l.app.ID, tail, pageEvents, pageBytes)
	l.stuck = err != nil
	if err != nil {
		if l.ctx.Err() == nil {
			l.log.Error("a lane cannot read the journal", "after", tail, "error", err)
		}
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(page) == 0 { // all up to the head is gone
		l.tail = l.head
		return false
	}
	for i := range page {
		l.bytes += len(page[i].Body)
	}
	l.buffer = append(l.buffer, page...)
	l.tail = page[len(page)-1].Seq
	return true
}

// untilDue is how long nothing will be due by the clock.
func (l *lane) untilDue() time.Duration {
	wait := time.Hour
	if l.paused {
		return wait
	}
	if h := &l.health; !h.down.IsZero() {
		if !h.probing {
			wait = time.Until(h.next)
		}
	} else if len(l.apart.due) > 0 && l.inFlight < l.limit() {
		wait = time.Until(l.apart.due[0].next)
	}
	if l.stuck {
		wait = min(wait, 200*time.Millisecond)
	}
	return max(wait, time.Millisecond)
}

// attempt makes one POST.
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
		"Parley-Settled":  {strconv.FormatUint(uint64(l.settled.Load()), 10)},
		"Parley-Attempt":  {strconv.Itoa(it.attempt)},
	}
	if e.Count > 1 {
		h["Parley-Count"] = []string{strconv.Itoa(e.Count)}
	}
	if e.Cut > 0 {
		h["Parley-Truncated"] = []string{strconv.Itoa(e.Cut)}
	}
	to := l.target.url(l.app.ID, e.Command, e.ClientIP, e.Platform, now)
	status, header, answer, err := l.client.post(l.ctx, to, e.Body, h)
	j := judge(status, header, answer, err, now)
	return result{item: it, judgement: j, status: status, answer: answer, took: time.Since(now)}
}

var (
	contentType = []string{"application/json"}
	userAgent   = []string{"Parley"}
)

// settle takes the result of an attempt.
func (l *lane) settle(r result) {
	l.inFlight--
	if r.probe {
		l.health.probing = false
	}
	if r.fate == broken && l.ctx.Err() != nil { // broken off by stop: it was no attempt
		return
	}
	l.observe.Attempt(l.app.ID, &r.event, r.attempt, r.judgement.fate == delivered, r.reason, time.Now())
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
	pause, again := next(r.judgement, it.attempt, now.Sub(time.UnixMilli(it.event.Time)), jitter)
	l.unsaved.Failed = append(l.unsaved.Failed, chat.Attempted{
		Seq: it.seq, Attempt: it.attempt, At: it.started.UnixMilli(), Duration: r.took.Milliseconds(),
		Status: r.status, Reason: r.reason, Answer: slices.Clone(r.answer[:min(len(r.answer), 512)]),
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
	if len(l.apart.seqs) > 1000 {
		it.event = chat.Event{Time: it.event.Time} // read again when it is due
	}
	l.dirty = true
	if !it.apart {
		it.apart, it.settled = true, true
		l.advance()
	}
	l.markSettled()
}

// markSettled publishes how far everything is delivered or dead.
func (l *lane) markSettled() { l.settled.Store(uint64(l.apart.below(l.cursor))) }

// drop gives up an event that cannot be sent any more.
func (l *lane) drop(it *item, reason string) {
	delete(l.apart.seqs, it.seq)
	l.unsaved.Put = append(l.unsaved.Put, chat.Pending{Seq: it.seq, Previous: it.previous, Attempt: it.attempt, Dead: true, Reason: reason})
	l.dirty = true
}

// judgeHealth notices when the endpoint fails as a whole, and when it is back.
func (l *lane) judgeHealth(r result) {
	h, now := &l.health, time.Now()
	switch {
	case r.fate == gone:
		l.paused = true
		l.log.Error("an endpoint answered 410 and is paused until it is changed", "app", l.app.ID, "endpoint", l.endpoint.ID)
	case r.fate == broken && h.down.IsZero():
		if h.inARow++; h.inARow >= brokenInARow {
			h.down, h.probes, h.next, h.retry = now, 0, now.Add(max(probePause(0, 0), r.after)), false
			l.log.Warn("an endpoint fails; it is probed until it answers", "app", l.app.ID, "endpoint", l.endpoint.ID, "reason", r.reason)
		}
	case r.fate == broken && r.probe:
		h.probes++
		h.next = now.Add(max(probePause(h.probes, now.Sub(h.down)), min(r.after, 15*time.Second)))
	case r.fate == broken: // sent before it was known
	default:
		if !h.down.IsZero() {
			l.log.Info("an endpoint answers again", "app", l.app.ID, "endpoint", l.endpoint.ID, "after", now.Sub(h.down).Round(time.Millisecond))
			*h = health{ramp: 1}
			l.hasten(now)
		}
		h.inARow = 0
		if h.ramp > 0 {
			if h.ramp *= 2; h.ramp >= maxInFlight {
				h.ramp = 0
			}
		}
	}
}

// hasten spreads what waits for a later attempt over the next seconds, because
// the endpoint as a whole was the reason why it failed.
func (l *lane) hasten(now time.Time) {
	for _, it := range l.apart.due {
		if soon := now.Add(jitter(10 * time.Second)); it.next.After(soon) {
			it.next = soon
		}
	}
	heap.Init(&l.apart.due)
}
