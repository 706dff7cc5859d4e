package delivery

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Backend is what delivery needs of the heart.
type Backend interface {
	App(id chat.AppID) (*chat.App, bool)
	AppIDs() []chat.AppID
	// Endpoint is an endpoint as last committed; nil if there is none.
	Endpoint(app chat.AppID, id string) *chat.Endpoint
	SaveProgress(app chat.AppID, p chat.Progress, done func(error))
}

// Reader is what delivery reads of the store.
type Reader interface {
	Journal
	Endpoints(ctx context.Context, app chat.AppID) ([]chat.Endpoint, error)
}

// Observer is told of every attempt, from many goroutines; it must not block.
type Observer interface {
	Attempt(app chat.AppID, e *chat.Event, attempt int, delivered bool, reason string, at time.Time)
}

// Options are what a Deliverer needs.
type Options struct {
	Reader   Reader
	Observer Observer // may be nil
	Log      *slog.Logger
	Hosted   bool          // callback addresses in private and loopback ranges are refused
	Timeout  time.Duration // of one attempt; 0 is 5 s
}

// Deliverer runs the lanes. It is the [chat.Offers] of the backend.
type Deliverer struct {
	opts    Options
	backend Backend

	mu    sync.RWMutex
	lanes map[chat.AppID]*lane

	changes sync.Mutex // guards changed
	changed map[chat.AppID]bool
	wake    chan struct{}

	ctx    context.Context // ends when Stop begins
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once

	// ------ of Start, then of the loop
	failed map[chat.AppID]bool // their lanes are tried again
	afresh map[chat.AppID]bool // their commands or their epoch changed: a new chain of Previous begins

	// connect makes an endpoint's client; tests put an endpoint of their own in.
	connect func(*chat.Endpoint) (*client, error)
}

// New makes a deliverer; Start begins to deliver.
func New(o Options) *Deliverer {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	d := &Deliverer{
		opts: o, lanes: make(map[chat.AppID]*lane), changed: make(map[chat.AppID]bool), wake: make(chan struct{}, 1),
		done: make(chan struct{}), failed: make(map[chat.AppID]bool), afresh: make(map[chat.AppID]bool),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.connect = func(e *chat.Endpoint) (*client, error) {
		c, err := newClient(maxInFlight, e.CA, o.Hosted, o.Timeout)
		if err == nil {
			c.again = true
		}
		return c, err
	}
	return d
}

type nobody struct{}

func (nobody) Attempt(chat.AppID, *chat.Event, int, bool, string, time.Time) {}

// Start begins to deliver the journals of all apps of a started backend. It is
// called once; after Stop it does nothing.
func (d *Deliverer) Start(b Backend) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return
	}
	d.backend = b
	for _, id := range b.AppIDs() {
		d.note(id)
	}
	go d.loop()
}

// Stop ends all lanes and writes how far they came, within a few seconds. The
// backend must still be running. It may be called more than once, and before
// Start.
func (d *Deliverer) Stop() {
	d.once.Do(func() {
		d.mu.Lock()
		d.cancel()
		started := d.backend != nil
		d.mu.Unlock()
		if !started {
			return
		}
		<-d.done
		d.mu.Lock()
		lanes := d.lanes
		d.lanes = nil
		d.mu.Unlock()
		var all sync.WaitGroup
		for _, l := range lanes {
			all.Go(l.stop)
		}
		all.Wait()
	})
}

// Offer hands committed events to the app's lane; it never blocks.
func (d *Deliverer) Offer(app chat.AppID, events []chat.Event) {
	d.mu.RLock()
	l := d.lanes[app]
	d.mu.RUnlock()
	if l != nil {
		l.offer(events)
	}
}

// Behind tells the app's lane of events up to head; it never blocks.
func (d *Deliverer) Behind(app chat.AppID, head chat.Sequence) {
	d.mu.RLock()
	l := d.lanes[app]
	d.mu.RUnlock()
	if l != nil {
		l.behindTo(head)
	}
}

// Changed has the app's endpoint read again; it never blocks. Changes that come
// faster than they are looked at are looked at once.
func (d *Deliverer) Changed(app chat.AppID) { d.note(app) }

func (d *Deliverer) note(app chat.AppID) {
	d.changes.Lock()
	d.changed[app] = true
	d.changes.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// noted takes the apps that wait to be looked at.
func (d *Deliverer) noted() map[chat.AppID]bool {
	d.changes.Lock()
	defer d.changes.Unlock()
	all := d.changed
	d.changed = make(map[chat.AppID]bool)
	return all
}

const refreshAgain = time.Second // after a lane could not be started

func (d *Deliverer) loop() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		for id := range d.noted() {
			d.try(id)
		}
		var again <-chan time.Time
		if len(d.failed) > 0 {
			again = time.After(refreshAgain)
		}
		select {
		case <-d.wake:
		case <-again:
			for id := range d.failed {
				d.try(id)
			}
		case <-d.ctx.Done():
		}
	}
}

// try brings an app's lane up to date, or has it tried again.
func (d *Deliverer) try(app chat.AppID) {
	if d.ctx.Err() != nil {
		return
	}
	err := d.refresh(app)
	if err == nil {
		delete(d.failed, app)
		return
	}
	if !d.failed[app] && d.ctx.Err() == nil {
		d.opts.Log.Error("a lane could not be started; trying again", "app", app, "error", err)
	}
	d.failed[app] = true
}

// refresh makes the app's lane fit its endpoint as committed: it is started,
// ended, or replaced when anything that matters to it has changed.
func (d *Deliverer) refresh(id chat.AppID) error {
	app, ok := d.backend.App(id)
	var want *chat.Endpoint
	if ok {
		var err error
		if want, err = d.endpoint(id); err != nil {
			return err
		}
	}
	d.mu.RLock()
	have := d.lanes[id]
	d.mu.RUnlock()
	if have != nil && want != nil && same(&have.endpoint, want) && have.app.Epoch == app.Epoch {
		have.signal() // it may have stopped to be replaced, and the change was taken back
		return nil
	}
	if have != nil {
		have.stop()
		d.mu.Lock()
		delete(d.lanes, id)
		d.mu.Unlock()
		if want != nil {
			if !slices.Equal(have.endpoint.Commands, want.Commands) || have.app.Epoch != app.Epoch {
				d.afresh[id] = true
			}
			var err error
			if want, err = d.endpoint(id); err != nil { // its cursor has moved
				return err
			}
		}
	}
	if want == nil {
		delete(d.afresh, id)
		return nil
	}
	if err := d.begin(app, *want); err != nil {
		return err
	}
	delete(d.afresh, id)
	return nil
}

// endpoint reads the app's endpoint from the store; nil without one.
func (d *Deliverer) endpoint(id chat.AppID) (*chat.Endpoint, error) {
	list, err := d.opts.Reader.Endpoints(d.ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the endpoints of app %d: %w", id, err)
	}
	for i := range list {
		if list[i].ID == chat.PrimaryEndpoint && list[i].URL != "" {
			return &list[i], nil
		}
	}
	return nil, nil
}

// begin starts a lane. It takes offers from before it reads the journal's head,
// so that no event falls between the two.
func (d *Deliverer) begin(app *chat.App, e chat.Endpoint) error {
	to, err := newTarget(e.URL, e.Token)
	if err != nil {
		d.opts.Log.Error("an endpoint's URL cannot be used", "app", app.ID, "endpoint", e.ID, "error", err)
		return nil // trying again would not help
	}
	c, err := d.connect(&e)
	if err != nil {
		d.opts.Log.Error("an endpoint's TLS settings cannot be used", "app", app.ID, "endpoint", e.ID, "error", err)
		return nil
	}
	l := &lane{
		app: app, endpoint: e, target: to, client: c, journal: d.opts.Reader, observe: d.opts.Observer,
		log: d.opts.Log, wake: make(chan struct{}, 1),
		latest: func() *chat.Endpoint { return d.backend.Endpoint(app.ID, e.ID) },
		save:   func(p chat.Progress, done func(error)) { d.backend.SaveProgress(app.ID, p, done) },
	}
	if d.afresh[app.ID] {
		l.endpoint.CursorPrevious, l.dirty = 0, true
	}
	l.tail = ^chat.Sequence(0) - 1 // takes no offer until it has started
	d.mu.Lock()
	d.lanes[app.ID] = l
	d.mu.Unlock()
	if err := l.start(d.ctx); err != nil {
		d.mu.Lock()
		delete(d.lanes, app.ID)
		d.mu.Unlock()
		return fmt.Errorf("start a lane: %w", err)
	}
	return nil
}

// same reports whether a lane made for a need not be replaced for b.
func same(a, b *chat.Endpoint) bool {
	return a.URL == b.URL && a.Token == b.Token && a.CA == b.CA && slices.Equal(a.Commands, b.Commands)
}

// fingerprint tells settings apart without keeping secrets.
func fingerprint(parts ...string) [32]byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return [32]byte(h.Sum(nil))
}
