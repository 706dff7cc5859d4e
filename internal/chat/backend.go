package chat

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
)

// maxInWork is how many sends may be in work at once, over all apps. Above it a
// send does not begin.
const maxInWork = 8192

// Renderer makes the bodies of callbacks; the protocol's shapes are not this
// package's business. Both are called by the writer, once for each event, and
// must not block. g is nil when there is no such group.
type Renderer interface {
	Exception(app *App, s *Send, g *Group, r *Refusal, eventTime int64) (body []byte, cut int)
	AfterSend(app *App, s *Send, g *Group, m Message, eventTime int64) []byte
}

// Offers takes what was committed. Neither method may block.
type Offers interface {
	// Offer hands over events of an app in the order of their sequences. An
	// offer may be dropped: whoever wants all events reads the journal.
	Offer(app AppID, events []Event)
	// Changed tells that an app or its endpoints were made, changed or removed.
	Changed(app AppID)
	// Behind tells that events up to the given one are in the journal, some of
	// which another process put there.
	Behind(app AppID, head Sequence)
}

// Options are what a Backend needs.
type Options struct {
	Store  Store
	Render Renderer
	Offers Offers
	// Audience is told of what connected users are to hear; nil: there are none.
	Audience Audience
	Memory   Memory           // nil: there is none
	Asker    Asker            // nil: no before-send question is ever put
	Now      func() time.Time // nil: the store's
	Log      *slog.Logger
	// Unrecorded keeps 10002 refusals that cannot be committed; nil keeps them
	// in memory.
	Unrecorded *Unrecorded
	// Space knows the room of the store's disk; nil is a disk with room.
	Space Space
	// Refusals is how fast refusals are told to the connections of one user, and
	// Changes how fast they may change something.
	Refusals, Changes Pace
	// FaultRandom makes every send with this Random fail inside the server, so
	// that users can see what a 10002 does; 0 is off.
	FaultRandom uint32
}

// Backend is the server's heart. Make one with [New], then Start it.
type Backend struct {
	store      Store
	hot        *hot
	writers    *writers
	unrecorded *Unrecorded
	storm      storm
	late       paced // by their refusals
	refusals   Pace
	changing   paced
	changes    Pace
	render     Renderer
	offers     Offers
	audience   Audience
	memory     Memory
	asker      Asker
	log        *slog.Logger
	now        func() time.Time
	space      Space

	mu      sync.RWMutex
	tenants map[AppID]*tenant

	fault               uint32 // Random of sends that fail on purpose; 0 is none
	inWork              atomic.Int64
	reachable           atomic.Bool   // a store that others write to answered when it was last looked at
	load                atomic.Uint64 // of the journal, the bits of a float
	announcing, marking atomic.Int64  // that wait for the writers
	unannounced         atomic.Uint64
	dropLogged          atomic.Int64 // unix seconds
	newest              atomic.Int64 // unix nanoseconds: Now never falls below it
	stopping            chan struct{}
	idle                chan struct{} // the last send in work has ended while stopping
	stop                sync.Once
	started             atomic.Bool
	beside              sync.WaitGroup // what runs beside the writers
}

// New makes a backend; Start loads the apps and begins to write.
func New(o Options) *Backend {
	b := &Backend{
		store: o.Store, hot: newHot(o.Store), render: o.Render, offers: o.Offers, audience: o.Audience, memory: o.Memory, asker: o.Asker,
		log: o.Log, now: o.Now, refusals: o.Refusals, changes: o.Changes, fault: o.FaultRandom, tenants: make(map[AppID]*tenant), stopping: make(chan struct{}), idle: make(chan struct{}, 1),
	}
	if b.now == nil {
		b.now = o.Store.Now
	}
	if b.space = o.Space; b.space == nil {
		b.space = anySpace{}
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if o.Unrecorded == nil {
		o.Unrecorded = &Unrecorded{}
	}
	b.unrecorded = o.Unrecorded
	b.writers = newWriters(b)
	return b
}

// Start loads the apps and starts the writer. It returns when sends are taken.
func (b *Backend) Start(ctx context.Context) error {
	apps, err := b.store.Apps(ctx)
	if err != nil {
		return fmt.Errorf("load the apps: %w", err)
	}
	for _, app := range apps {
		head, err := b.store.Head(ctx, app.ID)
		if err != nil {
			return fmt.Errorf("load app %d: %w", app.ID, err)
		}
		b.raise(time.UnixMilli(head.Time))
		if err := b.reload(ctx, app.ID, head.Version); err != nil {
			return err
		}
		if a, ok := b.tenant(app.ID); ok {
			a.next.Store(uint64(head.Next))
		}
	}
	waiting, err := b.unrecorded.load(ctx, b)
	if err != nil {
		return err
	}
	for _, e := range waiting {
		w := b.writers.of(e.attempt.tenant.id)
		w.aside = append(w.aside, e)
	}
	b.reachable.Store(true)
	b.started.Store(true)
	b.writers.start()
	b.beside.Go(b.watchLoad)
	if b.store.Concurrent() {
		b.beside.Go(b.watch)
		b.beside.Go(b.tend)
	}
	return nil
}

// interrupter is a store that may not answer, and can be made to give up waiting:
// everything that is under way, or asked of it later, fails.
type interrupter interface{ Interrupt() }

// patience is how long Stop waits for a store before it interrupts it: longer
// than sends in work may take, unless it does not answer already.
func (b *Backend) patience() time.Duration {
	if b.Ready() {
		return 2500 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// Stop lets no send begin, ends those in work, writes what waits and returns.
// With a store that does not answer it takes some seconds, and what waits is
// given up. It may be called more than once, and before Start.
func (b *Backend) Stop() {
	b.stop.Do(func() {
		close(b.stopping)
		if !b.started.Load() {
			return
		}
		if s, ok := b.store.(interrupter); ok {
			late := time.AfterFunc(b.patience(), s.Interrupt)
			defer late.Stop()
		}
		// Sends in work end by themselves: the before-send question has its bound,
		// and the writer runs until they are answered.
		for b.inWork.Load() > 0 {
			<-b.idle
		}
		b.beside.Wait()
		b.writers.stop()
		_ = b.unrecorded.close()
	})
}

// Now is the time of day as the backend sees it. It never falls.
func (b *Backend) Now() time.Time {
	now := b.now()
	for {
		newest := b.newest.Load()
		if now.UnixNano() <= newest {
			return time.Unix(0, newest)
		}
		if b.newest.CompareAndSwap(newest, now.UnixNano()) {
			return now
		}
	}
}

// raise lifts the clock to the newest time that is committed.
func (b *Backend) raise(t time.Time) {
	for {
		newest := b.newest.Load()
		if t.UnixNano() <= newest || b.newest.CompareAndSwap(newest, t.UnixNano()) {
			return
		}
	}
}

// clock is monotonic time, for intervals.
func (b *Backend) clock() time.Time { return time.Now() }

// begin takes a place for one send; it reports false when all are taken.
func (b *Backend) begin() bool {
	if b.inWork.Add(1) > maxInWork || b.unrecorded.full.Load() || b.isStopping() {
		b.end()
		return false
	}
	return true
}

// end gives the place back; the last one out tells Stop.
func (b *Backend) end() {
	if b.inWork.Add(-1) == 0 && b.isStopping() {
		select {
		case b.idle <- struct{}{}:
		default:
		}
	}
}

func (b *Backend) isStopping() bool {
	select {
	case <-b.stopping:
		return true
	default:
		return false
	}
}

// Room is how much room the store's disk has.
func (b *Backend) Room() Room { return b.space.Room() }

// Ready says whether the store takes writes: the last transaction of each writer
// succeeded, and none has stood still for longer than stallTime.
func (b *Backend) Ready() bool {
	return b.started.Load() && b.reachable.Load() && b.writers.well()
}

// Reader is the read side of the store.
func (b *Backend) Reader() Reader { return b.store }

// App is an app as last committed.
func (b *Backend) App(id AppID) (*App, bool) {
	a, ok := b.tenant(id)
	if !ok {
		return nil, false
	}
	return a.app.Load(), true
}

// Endpoint is an app's endpoint as last committed; nil if it has none of that
// id. Its cursor and lane are as they were when anything of it was last changed.
func (b *Backend) Endpoint(app AppID, id string) *Endpoint {
	for _, e := range b.Endpoints(app) {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// Endpoints are an app's endpoints as last committed, by id; see Endpoint. The
// list must not be changed.
func (b *Backend) Endpoints(app AppID) []*Endpoint {
	a, ok := b.tenant(app)
	if !ok {
		return nil
	}
	return *a.endpoints.Load()
}

// AppIDs lists the apps.
func (b *Backend) AppIDs() []AppID {
	b.mu.RLock()
	defer b.mu.RUnlock()
	ids := make([]AppID, 0, len(b.tenants))
	for id := range b.tenants {
		ids = append(ids, id)
	}
	return ids
}

func (b *Backend) tenant(id AppID) (*tenant, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	a, ok := b.tenants[id]
	return a, ok
}

// Concurrent says whether other processes may write to the same store.
func (b *Backend) Concurrent() bool { return b.store.Concurrent() }

// Version is the state of an app that holds here: every change up to it is
// applied. It is 0 for an app that is not there.
func (b *Backend) Version(app AppID) uint64 {
	a, ok := b.tenant(app)
	if !ok {
		return 0
	}
	return a.applied.Load()
}

// Counts are an app's sends in this life of the process.
type Counts struct {
	Attempts, Unanswered uint64
	Totals
}

// Counts reads the counters of an app.
func (b *Backend) Counts(id AppID) (Counts, bool) {
	a, ok := b.tenant(id)
	if !ok {
		return Counts{}, false
	}
	c := &a.counts
	return Counts{
		Attempts: c.attempts.Load(), Unanswered: uint64(max(0, c.unanswered.Load())),
		Totals: Totals{Accepted: c.accepted.Load(), Refused: c.refused.Load(), Dropped: c.dropped.Load(), Repeated: c.repeated.Load()},
	}, true
}

// Exceptions are an app's recorded exceptions of this life of the process, by
// code; those of the app's own range count as its first code.
func (b *Backend) Exceptions(id AppID) map[api.Code]uint64 {
	a, ok := b.tenant(id)
	if !ok {
		return nil
	}
	a.counts.mu.Lock()
	defer a.counts.mu.Unlock()
	return maps.Clone(a.counts.codes)
}

// UnrecordedRefusals is how many 10002 refusals wait for the store.
func (b *Backend) UnrecordedRefusals() int { return b.unrecorded.len() }

// reload reads an app's settings, words and endpoints and publishes them as of
// version; an app that is gone is forgotten.
func (b *Backend) reload(ctx context.Context, id AppID, version uint64) error {
	app, there, err := b.store.App(ctx, id)
	if err != nil {
		return fmt.Errorf("read app %d: %w", id, err)
	}
	if !there {
		b.forget(id)
		return nil
	}
	words, err := b.store.Words(ctx, id)
	if err != nil {
		return fmt.Errorf("read the words of app %d: %w", id, err)
	}
	endpoints, err := b.store.Endpoints(ctx, id)
	if err != nil {
		return fmt.Errorf("read the endpoints of app %d: %w", id, err)
	}
	a, ok := b.tenant(id)
	if !ok {
		a = &tenant{id: id, rates: &rates{}, repeats: &inProgress{}}
	}
	a.version.Store(version)
	if !ok {
		a.applied.Store(version)
	}
	a.app.Store(&app)
	if old := a.words.Load(); !ok || !old.holds(words) { // making one takes a while
		a.words.Store(NewFilter(words))
	}
	a.setEndpoints(endpoints)
	if !ok {
		b.mu.Lock()
		b.tenants[id] = a
		b.mu.Unlock()
	}
	return nil
}

// forget takes an app out of memory.
func (b *Backend) forget(id AppID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tenants, id)
}
