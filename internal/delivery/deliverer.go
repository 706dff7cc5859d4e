package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/alert"
	"github.com/parley-im/parley/internal/chat"
)

// Backend is what delivery needs of the heart.
type Backend interface {
	App(id chat.AppID) (*chat.App, bool)
	AppIDs() []chat.AppID
	// Endpoints are an app's endpoints as last committed; a change makes another list.
	Endpoints(app chat.AppID) []*chat.Endpoint
	SaveProgress(app chat.AppID, p chat.Progress, done func(error))
	// Sync brings the two above up to what is committed, whoever did it.
	Sync(ctx context.Context, app chat.AppID) error
	PauseEndpoint(ctx context.Context, app chat.AppID, id, reason string) error
}

// Reader is what delivery reads of the store.
type Reader interface {
	Journal
	Endpoints(ctx context.Context, app chat.AppID) ([]chat.Endpoint, error)
}

// Report tells of one attempt.
type Report struct {
	App       chat.AppID
	Endpoint  string
	Event     *chat.Event // not to be changed, nor kept
	Attempt   int
	Delivered bool
	Replay    bool
	Status    int
	Reason    string // of a failure
	At        time.Time
}

// Observer is told of every attempt, from many goroutines; it must not block.
type Observer interface {
	Attempt(Report)
}

// Options are what a Deliverer needs.
type Options struct {
	Reader   Reader
	Observer Observer // may be nil
	Log      *slog.Logger
	Network  Network
	// AlarmAfter is for how long an endpoint takes nothing until an alarm is
	// raised; 0 is never. Alert gets it, and must not block; nil is the log alone.
	AlarmAfter time.Duration
	Alert      func(alert.Alert)
}

// Deliverer runs the lanes. It is the [chat.Offers] of the backend.
type Deliverer struct {
	opts    Options
	backend Backend

	mu    sync.RWMutex
	lanes map[laneKey]*lane
	tapes map[chat.AppID]*tape
	bytes atomic.Int64 // on the tapes

	changes sync.Mutex // guards changed
	changed map[chat.AppID]bool
	wake    chan struct{}

	ctx    context.Context // ends when Stop begins
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once

	// ------ of Start, then of the loop
	failed map[chat.AppID]bool // their lanes are tried again
	pauses sync.WaitGroup

	// connect makes an endpoint's client; tests put an endpoint of their own in.
	connect func(*chat.Endpoint) (*client, error)
}

type laneKey struct {
	app      chat.AppID
	endpoint string
}

// New makes a deliverer; Start begins to deliver.
func New(o Options) *Deliverer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Alert == nil {
		o.Alert = func(alert.Alert) {}
	}
	d := &Deliverer{
		opts: o, lanes: make(map[laneKey]*lane), tapes: make(map[chat.AppID]*tape), changed: make(map[chat.AppID]bool),
		wake: make(chan struct{}, 1), done: make(chan struct{}), failed: make(map[chat.AppID]bool),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.connect = func(e *chat.Endpoint) (*client, error) {
		c, err := newClient(e, e.InFlightLimit(), o.Network, e.AttemptTime())
		if err == nil {
			c.again = true
		}
		return c, err
	}
	return d
}

type nobody struct{}

func (nobody) Attempt(Report) {}

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
		d.pauses.Wait()
	})
}

// Offer hands committed events to the app's lanes; it never blocks for long.
func (d *Deliverer) Offer(app chat.AppID, events []chat.Event) {
	if t := d.tape(app); t != nil {
		t.offer(events)
	}
}

// Behind tells the app's lanes of events up to head; it never blocks for long.
func (d *Deliverer) Behind(app chat.AppID, head chat.Sequence) {
	if t := d.tape(app); t != nil {
		t.behindTo(head)
	}
}

func (d *Deliverer) tape(app chat.AppID) *tape {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.tapes[app]
}

// Changed has the app's endpoints looked at again; it never blocks. Changes that come
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

const (
	refreshAgain = time.Second     // after a lane could not be started
	refreshTime  = 3 * time.Second // for what has to be read to start lanes
)

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

// refresh makes the app's lanes fit its endpoints as committed: lanes are started
// and ended; those that go on take up what has changed by themselves.
func (d *Deliverer) refresh(id chat.AppID) error {
	ctx, cancel := context.WithTimeout(d.ctx, refreshTime)
	defer cancel()
	// In this order: what is offered from here on raises the tape's head; and what
	// changed before the events up to the head that is read is known after Sync.
	d.open(id)
	defer d.shut(id)
	head, err := d.opts.Reader.Head(ctx, id)
	if err != nil {
		return fmt.Errorf("read the head of app %d: %w", id, err)
	}
	if err := d.backend.Sync(ctx, id); err != nil {
		return fmt.Errorf("learn what was changed of app %d: %w", id, err)
	}
	app, ok := d.backend.App(id)
	want := make(map[string]*chat.Endpoint)
	if ok {
		list, err := d.opts.Reader.Endpoints(ctx, id)
		if err != nil {
			return fmt.Errorf("read the endpoints of app %d: %w", id, err)
		}
		for _, known := range d.backend.Endpoints(id) {
			// Cursor and lane are the store's; one that is not there as it is known has
			// just been changed, and that is told next.
			i := slices.IndexFunc(list, func(e chat.Endpoint) bool { return e.ID == known.ID && e.Life == known.Life })
			if i >= 0 && known.URL != "" {
				e := *known
				e.Cursor, e.CursorPrevious, e.Lane = list[i].Cursor, list[i].CursorPrevious, list[i].Lane
				want[e.ID] = &e
			}
		}
	}
	ended := false
	for _, l := range d.lanesOf(id) {
		if e := want[l.id]; e != nil && e.Life == l.life && l.app.Epoch == app.Epoch {
			delete(want, l.id)
			l.signal() // it looks at its endpoint
			continue
		}
		d.end(l)
		ended = true
	}
	if ended && len(want) > 0 { // cursors have moved
		return d.refresh(id)
	}
	var failed error
	for _, e := range want {
		if err := d.begin(app, e, head); err != nil {
			failed = err // the others are begun all the same
		}
	}
	return failed
}

func (d *Deliverer) lanesOf(app chat.AppID) (list []*lane) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if t := d.tapes[app]; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return slices.Clone(t.lanes)
	}
	return nil
}

// open gives the app's tape, made when there is none.
func (d *Deliverer) open(app chat.AppID) *tape {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tapes[app]
	if t == nil {
		t = &tape{all: &d.bytes}
		d.tapes[app] = t
	}
	return t
}

// shut gives up a tape without lanes.
func (d *Deliverer) shut(app chat.AppID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tapes[app]; t != nil && t.empty() {
		delete(d.tapes, app)
	}
}

// begin starts a lane.
func (d *Deliverer) begin(app *chat.App, e *chat.Endpoint, head chat.Head) error {
	t := d.open(app.ID)
	l := &lane{
		app: app, id: e.ID, life: e.Life, tape: t, journal: d.opts.Reader, connect: d.connect, observe: d.opts.Observer,
		alarm: &alarms{d.opts.AlarmAfter, d.opts.Alert}, log: d.opts.Log, wake: make(chan struct{}, 1),
		latest: d.latest(app.ID, e.ID),
		save:   func(p chat.Progress, done func(error)) { d.backend.SaveProgress(app.ID, p, done) },
		pause:  func(reason string) { d.pause(app.ID, e.ID, reason) },
	}
	t.join(l)
	if err := l.start(d.ctx, e, head); err != nil {
		t.leave(l)
		return fmt.Errorf("start a lane: %w", err)
	}
	d.mu.Lock()
	d.lanes[laneKey{app.ID, e.ID}] = l
	d.mu.Unlock()
	return nil
}

// latest gives what tells a lane's loop its endpoint as last committed. It is
// asked for each event, and looks through the list only when that is another one.
func (d *Deliverer) latest(app chat.AppID, id string) func() *chat.Endpoint {
	var seen []*chat.Endpoint
	var found *chat.Endpoint
	return func() *chat.Endpoint {
		list := d.backend.Endpoints(app)
		if len(list) > 0 && len(list) == len(seen) && &list[0] == &seen[0] {
			return found
		}
		seen, found = list, nil
		for _, e := range list {
			if e.ID == id {
				found = e
			}
		}
		return found
	}
}

// end stops a lane.
func (d *Deliverer) end(l *lane) {
	l.stop()
	l.tape.leave(l)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lanes, laneKey{l.app.ID, l.id})
}

const pauseAgain = time.Second // after a pause could not be written

// pause has an endpoint paused in the store, however often that takes: until
// then its lane remembers by itself.
func (d *Deliverer) pause(app chat.AppID, endpoint, reason string) {
	d.opts.Alert(alert.Alert{Kind: alert.EndpointPaused, App: int64(app), Endpoint: endpoint, At: time.Now().UnixMilli(), Reason: reason})
	d.pauses.Go(func() {
		for {
			err := d.backend.PauseEndpoint(d.ctx, app, endpoint, reason)
			var refusal *chat.Refusal
			if err == nil || errors.As(err, &refusal) && refusal.Code != api.CodeInternal || d.ctx.Err() != nil {
				return
			}
			select {
			case <-time.After(pauseAgain):
			case <-d.ctx.Done():
				return
			}
		}
	})
}

// sameRoute reports whether attempts to a and b are made alike.
func sameRoute(a, b *chat.Endpoint) bool {
	return a.URL == b.URL && a.Token == b.Token && a.CA == b.CA && a.ClientCert == b.ClientCert && a.ClientKey == b.ClientKey &&
		a.MinTLS == b.MinTLS && a.Timeout == b.Timeout && a.MaxInFlight == b.MaxInFlight && a.Lenient == b.Lenient &&
		slices.EqualFunc(a.Keys, b.Keys, func(x, y chat.SigningKey) bool { return x.Kind == y.Kind && bytes.Equal(x.Secret, y.Secret) })
}

// fingerprint tells settings apart without keeping secrets.
func fingerprint(parts ...string) [32]byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return [32]byte(h.Sum(nil))
}
