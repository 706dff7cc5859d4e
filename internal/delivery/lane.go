package delivery

import (
	"container/heap"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one lane.
const (
	maxInFlight    = 32
	maxBuffered    = 2048    // events read ahead
	maxBodies      = 8 << 20 // bytes of them
	maxWindow      = 16_384  // events sent behind one that is not settled; they hold no bodies
	maxApart       = 50_000  // rows of events that failed; above it nothing new is read
	maxApartBodies = 1000    // of them are kept in memory with their bodies
	pageEvents     = 256
	pageBytes      = 2 << 20
	brokenInARow   = 3 // attempts that failed as the endpoint would, until it counts as failing
	finishWait     = 2 * time.Second
	readAgain      = 200 * time.Millisecond // after the journal could not be read
	saveAgain      = time.Second            // after progress could not be written
)

// Journal is what a lane needs of the store.
type Journal interface {
	Head(ctx context.Context, app chat.AppID) (chat.Head, error)
	Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error)
	Event(ctx context.Context, app chat.AppID, seq chat.Sequence) (chat.Event, bool, error)
	Pending(ctx context.Context, app chat.AppID, endpoint string, dead bool, after chat.Sequence, limit int) ([]chat.Pending, error)
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
	latest   func() *chat.Endpoint // the endpoint as last committed
	observe  Observer
	log      *slog.Logger
	settled  atomic.Uint64 // every event up to it was delivered or is a dead letter
	rounds   atomic.Uint64 // of the loop, so that a test can see it rest

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
	known    *chat.Endpoint         // the latest that was found to be this lane's own
	window   []*item                // read and not settled, in order, from the cursor on
	cursor   chat.Sequence          // everything up to it is settled or apart
	lastFor  chat.Sequence          // the last event that was for this endpoint
	passed   chat.Sequence          // the last one of those at or below the cursor
	ahead    map[chat.Sequence]bool // beyond the cursor at the start, and with rows of their own already
	apart    apart
	health   health

	dirty   bool
	unsaved chat.Progress // rows that the next flush writes
	saving  bool
	saveAt  time.Time  // after a failed hand-over; zero: at once
	parked  []*item    // in unsaved: due once their row is on disk
	saved   chan saved // answer of the writer
	stuck   bool       // the journal could not be read; it is tried again
	paused  bool       // 410: nothing is sent until the endpoint is changed
}

// start begins where the endpoint's cursor stands.
func (l *lane) start(ctx context.Context) error {
	head, err := l.journal.Head(ctx, l.app.ID)
	if err != nil {
		return err
	}
	l.cursor, l.passed, l.lastFor = l.endpoint.Cursor, l.endpoint.CursorPrevious, l.endpoint.CursorPrevious
	l.apart.seqs, l.ahead = make(map[chat.Sequence]*item), make(map[chat.Sequence]bool)
	now := time.Now()
	for after := chat.Sequence(0); ; {
		page, err := l.journal.Pending(ctx, l.app.ID, l.endpoint.ID, false, after, 1000)
		if err != nil {
			return err
		}
		for _, p := range page {
			after = p.Seq
			if p.Seq > l.cursor {
				l.ahead[p.Seq] = true
			}
			if p.Dead {
				continue
			}
			it := &item{seq: p.Seq, previous: p.Previous, attempt: p.Attempt, next: time.UnixMilli(p.NextAt), apart: true}
			// The endpoint may have come back while nobody was there to notice.
			if it.broken = p.Status == 0 || p.Status >= 500; it.broken {
				if soon := now.Add(jitter(spread)); it.next.After(soon) {
					it.next = soon
				}
			}
			l.apart.add(it)
			heap.Push(&l.apart.due, it)
		}
		if len(page) < 1000 {
			break
		}
	}
	l.markSettled()
	l.mu.Lock()
	l.tail = l.cursor
	if head.Next > 0 { // 0: the app is gone
		l.head = max(l.head, head.Next-1)
	}
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
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for l.ctx.Err() == nil {
		l.rounds.Add(1)
		l.fill(&workers)
		l.flush()
		timer.Reset(l.untilDue(time.Now()))
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

// fill starts attempts as far as limits and health allow.
func (l *lane) fill(workers *sync.WaitGroup) {
	for {
		now := time.Now()
		if l.inFlight >= l.limit(now) {
			return
		}
		it := l.take(now)
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
