package delivery

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one lane.
const (
	maxWindow      = 16_384 // events sent behind one that is not settled; they hold no bodies
	maxApart       = 50_000 // rows of events that wait; above it nothing new is read
	maxApartBodies = 1000   // of them are kept in memory with their bodies
	maxUnsaved     = 50_000 // records of deliveries that wait for the store
	pageEvents     = 256    // of the journal, read at once
	pageBytes      = 1 << 20
	brokenInARow   = 3 // attempts that failed as the endpoint would, until it counts as failing
	finishWait     = 2 * time.Second
	readAgain      = 200 * time.Millisecond // after the journal could not be read
	saveAgain      = time.Second            // after progress could not be written
	stateEvery     = 5 * time.Second        // what a lane notes of its deliveries is written as often
)

// Journal is what a lane needs of the store.
type Journal interface {
	Head(ctx context.Context, app chat.AppID) (chat.Head, error)
	Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error)
	EventsBefore(ctx context.Context, app chat.AppID, before chat.Sequence, limit, maxBytes int) ([]chat.Event, error)
	Event(ctx context.Context, app chat.AppID, seq chat.Sequence) (chat.Event, bool, error)
	Pending(ctx context.Context, app chat.AppID, endpoint string, dead bool, after chat.Sequence, limit int) ([]chat.Pending, error)
	PendingOf(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) (chat.Pending, bool, error)
	DeadRanges(ctx context.Context, app chat.AppID, endpoint string) ([]chat.DeadRange, error)
	Attempts(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) ([]chat.Attempted, error)
	Delivered(ctx context.Context, app chat.AppID, endpoint string, first, last chat.Sequence) (map[chat.Sequence]bool, error)
	Replays(ctx context.Context, app chat.AppID, endpoint string) ([]chat.Replay, error)
}

// lane delivers one app's journal to one endpoint. All fields below the line
// belong to its loop.
type lane struct {
	app     *chat.App
	id      string // of the endpoint
	life    string // tells it from another one of this id
	tape    *tape
	journal Journal
	connect func(*chat.Endpoint) (*client, error)
	save    func(chat.Progress, func(error))
	pause   func(reason string)
	latest  func() *chat.Endpoint // the endpoint as last committed
	observe Observer
	alarm   *alarms
	log     *slog.Logger

	settled  atomic.Uint64 // every event up to it was delivered or is a dead letter
	position atomic.Uint64 // the last event that was looked at
	hungry   atomic.Bool   // it waits for new events
	idle     atomic.Bool   // it takes no events for now
	rounds   atomic.Uint64 // of the loop, so that a test can see it rest
	view     struct {
		mu     sync.Mutex
		status Status
	}

	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	// ------ the loop's own
	endpoint *chat.Endpoint // as last looked at
	route    *route         // nil while the endpoint cannot be used
	schedule schedule
	hold     time.Duration // how long a failing event holds its group
	limit    limit
	pace     pace

	results  chan result
	jobs     chan job
	workers  int
	inFlight int
	ready    []chat.Event           // read and not looked at
	turn     []*item                // whose turn in their group has come
	window   []*item                // looked at and not settled, in order, from the cursor on
	cursor   chat.Sequence          // everything up to it is settled or apart
	lastFor  chat.Sequence          // the last event that was for this endpoint
	passed   chat.Sequence          // the last one of those at or below the cursor
	ahead    map[chat.Sequence]bool // beyond the cursor at the start, and with rows of their own already
	apart    apart
	lines    lines
	replays  replays
	health   health
	beat     heartbeat

	state   chat.LaneState
	dirty   bool
	stateAt time.Time // when the state was last written
	changed bool      // the state is to be written soon
	unsaved chat.Progress
	handed  chat.Progress // handed to the writer, which has not answered yet
	saving  bool
	saveAt  time.Time  // after a failed hand-over; zero: at once
	parked  []*item    // in unsaved: due once their row is on disk
	saved   chan saved // answer of the writer
	stuck   bool       // the journal could not be read when it was tried last
	reread  bool       // it is tried again soon
	gone    bool       // 410: nothing is sent until the endpoint is changed
	full    bool       // too many events stand apart
	ended   bool       // the endpoint was removed, perhaps made anew

	expireAgain time.Time // when to look for events that are too old; zero: at the next probe
	dying       *dying
}

// job is an attempt to be made, and by which route.
type job struct {
	it *item
	r  *route
}

// start begins where the endpoint's cursor stands, and goes as far as the head.
func (l *lane) start(ctx context.Context, e *chat.Endpoint, head chat.Head) (err error) {
	l.cursor, l.passed, l.lastFor = e.Cursor, e.CursorPrevious, e.CursorPrevious
	l.position.Store(uint64(l.cursor))
	l.apart.seqs, l.ahead = make(map[chat.Sequence]*item), make(map[chat.Sequence]bool)
	l.state = e.Lane
	l.limit = newLimit(e.InFlightLimit(), e.Lane.Limit)
	now := time.Now()
	l.health = healthOf(&e.Lane, now)
	if l.state.TroubleAt > 0 && !l.state.Alarmed { // nobody tried while nobody ran
		l.state.TroubleAt = now.UnixMilli()
	}
	l.use(e)
	if l.endpoint.CursorPrevious > l.cursor { // of another life
		l.passed, l.lastFor = 0, 0
	}
	for after := chat.Sequence(0); ; {
		page, err := l.journal.Pending(ctx, l.app.ID, l.id, false, after, 1000)
		if err != nil {
			return err
		}
		for i := range page {
			after = page[i].Seq
			l.restore(&page[i], now)
		}
		if len(page) < 1000 {
			break
		}
	}
	if l.replays.list, err = l.journal.Replays(ctx, l.app.ID, l.id); err != nil {
		return err
	}
	if err := l.findAhead(ctx); err != nil {
		return err
	}
	l.markSettled()
	if head.Next > 0 { // 0: the app is gone
		l.tape.behindTo(head.Next - 1)
	}
	l.results, l.jobs = make(chan result, chat.MaxMaxInFlight), make(chan job)
	l.saved = make(chan saved, 1)
	l.done = make(chan struct{})
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.publish()
	go l.loop()
	return nil
}

// restoreNext is when the attempt of a row is due: no later than if it had been
// planned now, since the clock may have been set back in between.
func (l *lane) restoreNext(p *chat.Pending, now time.Time) time.Time {
	most := l.schedule.longest(p.Attempt - 1)
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		most = max(most, maxRetryAfter)
	}
	return now.Add(min(time.UnixMilli(p.NextAt).Sub(now), most))
}

// restore takes up an event that stands apart.
func (l *lane) restore(p *chat.Pending, now time.Time) {
	it := &item{
		seq: p.Seq, previous: p.Previous, attempt: p.Attempt, next: l.restoreNext(p, now), since: now.Add(min(time.UnixMilli(p.Since).Sub(now), 0)),
		apart: true, wanted: true, replay: p.Replay,
	}
	if it.replay {
		it.before = p.Attempt - 1
	}
	// The endpoint may have come back while nobody was there to notice.
	if it.broken = p.Status == 0 && p.Reason != "" || p.Status >= 500; it.broken {
		if soon := now.Add(jitter(spread)); it.next.After(soon) {
			it.next = soon
		}
	}
	l.apart.add(it)
	if p.Group != "" && l.endpoint.InOrder {
		first := l.lines.join(it, p.Group) // rows come in order
		// Beyond the cursor there may be others before it: see enter.
		if !first || p.Seq > l.cursor {
			return
		}
	}
	l.due(it)
}

// findAhead notes the rows, dead ones too, of events beyond the cursor: the
// program ended between two reports.
func (l *lane) findAhead(ctx context.Context) error {
	for _, isDead := range []bool{false, true} {
		for after := l.cursor; ; {
			page, err := l.journal.Pending(ctx, l.app.ID, l.id, isDead, after, 1000)
			if err != nil {
				return err
			}
			for i := range page {
				after = page[i].Seq
				l.ahead[after] = true
			}
			if len(page) < 1000 {
				break
			}
		}
	}
	return nil
}

// due has an event sent when its time has come.
func (l *lane) due(it *item) { l.apart.push(it) }

// use takes up the endpoint as it was last committed.
func (l *lane) use(e *chat.Endpoint) {
	had := l.endpoint
	l.endpoint = e
	l.schedule = schedule{pauses: e.Pauses(), maxAge: e.Lifetime()}
	l.hold = e.HoldTime()
	l.limit.set(e.InFlightLimit())
	l.pace.rate = e.Rate
	l.beat.every(time.Duration(e.Heartbeat) * time.Second)
	if had != nil && had.InOrder && !e.InOrder {
		l.dissolve()
	}
	if had != nil && had.Paused != "" && e.Paused == "" || had != nil && had.URL != e.URL {
		l.gone = false
		l.resume(had, time.Now())
	}
	if had == nil || !sameRoute(had, e) {
		l.reroute(e)
	}
}

// resume has an endpoint tried at once that goes on after a pause, or at another
// address. What waited for a pause to end has not aged by it.
func (l *lane) resume(had *chat.Endpoint, now time.Time) {
	l.health.again(now)
	if had.Paused != "" {
		l.health.ticked = now
		l.state.TriedFor, l.state.ResumedAt = 0, now.UnixMilli()
		l.stateAt, l.changed = time.Time{}, true
	}
}

// reroute makes what attempts need of the endpoint.
func (l *lane) reroute(e *chat.Endpoint) {
	old := l.route
	l.route = nil
	if to, err := newTarget(e.URL, e.Token); err != nil {
		l.log.Error("an endpoint's URL cannot be used", "app", l.app.ID, "endpoint", l.id, "error", err)
	} else if c, err := l.connect(e); err != nil {
		l.log.Error("an endpoint's TLS settings cannot be used", "app", l.app.ID, "endpoint", l.id, "error", err)
	} else if signer, err := newSigner(e.Keys); err != nil {
		l.log.Error("an endpoint's keys cannot be used", "app", l.app.ID, "endpoint", l.id, "error", err)
	} else {
		l.route = &route{target: to, client: c, signer: signer, lenient: e.Lenient}
	}
	if old != nil {
		old.client.close()
	}
}

// dissolve sends what waits behind others of its group by itself: the endpoint
// is in order no more.
func (l *lane) dissolve() {
	for _, ln := range l.lines.of {
		for i, it := range ln.items {
			it.line = nil
			switch {
			case i == 0 && !l.ahead[it.seq]: // under way, or due by its schedule
			case it.apart:
				it.next = time.Now()
				l.due(it)
			default:
				l.turn = append(l.turn, it)
			}
		}
	}
	l.lines = lines{}
}

// stop ends the lane; attempts under way are broken off and made again at the
// next start. What was settled is written.
func (l *lane) stop() {
	l.cancel()
	<-l.done
	if l.route != nil {
		l.route.client.close()
	}
}

func (l *lane) loop() {
	defer close(l.done)
	var workers sync.WaitGroup
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for l.ctx.Err() == nil {
		l.rounds.Add(1)
		l.reread = false
		l.look()
		now := time.Now()
		l.replay(now)
		l.fill(&workers)
		l.expire(now)
		l.tend(now)
		l.flush()
		l.publish()
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
	l.beat.wait()
	l.finish()
}

// look takes up a change of the endpoint. It is asked before each new event too:
// one that was committed after a change was answered is judged by it.
func (l *lane) look() {
	e := l.latest()
	if l.ended = e == nil || e.Life != l.life; l.ended { // the lane is about to be stopped
		return
	}
	if e != l.endpoint {
		l.use(e)
		l.replays.stale = true
	}
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
		if l.inFlight >= l.allowed(now) || now.Before(l.pace.ready()) {
			break
		}
		it := l.take(now)
		if it == nil {
			break
		}
		l.pace.took(now)
		l.inFlight++
		if it.probe = !l.health.down.IsZero(); it.probe {
			l.health.probing = true
		}
		do := job{it, l.route}
		select {
		case l.jobs <- do:
			continue
		default:
		}
		if l.workers < l.inFlight {
			l.workers++
			jobs, results := l.jobs, l.results
			workers.Go(func() {
				for do := range jobs {
					results <- l.attempt(do.it, do.r)
				}
			})
		}
		l.jobs <- do
	}
	if !l.behind() {
		l.hungry.Store(true)
		if l.behind() { // it came meanwhile, and nobody was woken
			l.signal()
		}
		l.tape.caughtUp()
	}
}

// shrink ends the workers of a lane whose endpoint fails: probes need one.
func (l *lane) shrink() {
	close(l.jobs)
	l.jobs, l.workers = make(chan job), 0
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// whyPaused is why nothing is sent; empty: it is.
func (l *lane) whyPaused() string {
	switch {
	case l.ended:
		return "it was removed"
	case l.endpoint.Paused != "":
		return l.endpoint.Paused
	case l.gone:
		return chat.PausedGone
	case l.route == nil:
		return "its settings cannot be used"
	}
	return ""
}
