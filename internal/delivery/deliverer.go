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

	changed chan chat.AppID
	quit    chan struct{}
	done    chan struct{}
	once    sync.Once
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
	return &Deliverer{
		opts: o, lanes: make(map[chat.AppID]*lane), changed: make(chan chat.AppID, 1024),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
}

type nobody struct{}

func (nobody) Attempt(chat.AppID, *chat.Event, int, bool, string, time.Time) {}

// Start begins to deliver the journals of all apps of a started backend.
func (d *Deliverer) Start(b Backend) {
	d.backend = b
	for _, id := range b.AppIDs() {
		d.refresh(id)
	}
	go d.loop()
}

// Stop ends all lanes and writes how far they came. The backend must still be
// running. It may be called more than once.
func (d *Deliverer) Stop() {
	d.once.Do(func() {
		close(d.quit)
		if d.backend == nil {
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

// Changed has the app's endpoint read again; it never blocks.
func (d *Deliverer) Changed(app chat.AppID) {
	select {
	case d.changed <- app:
	default: // so many changes wait that all are read again
		d.opts.Log.Warn("many endpoints change at once")
		go func() {
			select {
			case d.changed <- app:
			case <-d.quit:
			}
		}()
	}
}

func (d *Deliverer) loop() {
	defer close(d.done)
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	failed := make(map[chat.AppID]bool)
	try := func(app chat.AppID) {
		if err := d.refresh(app); err != nil {
			if !failed[app] {
				d.opts.Log.Error("a lane could not be started; trying again", "app", app, "error", err)
			}
			failed[app] = true
			return
		}
		delete(failed, app)
	}
	for {
		select {
		case app := <-d.changed:
			try(app)
		case <-retry.C:
			for app := range failed {
				try(app)
			}
		case <-d.quit:
			return
		}
	}
}

// refresh makes the app's lane fit its endpoint as committed: it is started,
// ended, or replaced when anything that matters to it has changed.
func (d *Deliverer) refresh(id chat.AppID) error {
	app, ok := d.backend.App(id)
	var want *chat.Endpoint
	if ok {
		list, err := d.opts.Reader.Endpoints(context.Background(), id)
		if err != nil {
			return fmt.Errorf("read the endpoints of app %d: %w", id, err)
		}
		for i := range list {
			if list[i].ID == chat.PrimaryEndpoint && list[i].URL != "" {
				want = &list[i]
			}
		}
	}
	d.mu.RLock()
	have := d.lanes[id]
	d.mu.RUnlock()
	if have != nil && want != nil && same(&have.endpoint, want) && have.app.Epoch == app.Epoch {
		return nil
	}
	reset := false
	if have != nil {
		have.stop()
		d.mu.Lock()
		delete(d.lanes, id)
		d.mu.Unlock()
		if want != nil {
			reset = !slices.Equal(have.endpoint.Commands, want.Commands)
			fresh, err := d.opts.Reader.Endpoints(context.Background(), id)
			if err != nil {
				return fmt.Errorf("read the endpoints of app %d: %w", id, err)
			}
			for i := range fresh {
				if fresh[i].ID == want.ID {
					want = &fresh[i]
				}
			}
		}
	}
	if want == nil {
		return nil
	}
	return d.begin(app, *want, reset)
}

// begin starts a lane. It takes offers from before it reads the journal's head,
// so that no event falls between the two.
func (d *Deliverer) begin(app *chat.App, e chat.Endpoint, reset bool) error {
	to, err := newTarget(e.URL, e.Token)
	if err != nil {
		d.opts.Log.Error("an endpoint's URL cannot be used", "app", app.ID, "endpoint", e.ID, "error", err)
		return nil // trying again would not help
	}
	c, err := newClient(maxInFlight, e.CA, d.opts.Hosted, d.opts.Timeout)
	if err != nil {
		d.opts.Log.Error("an endpoint's TLS settings cannot be used", "app", app.ID, "endpoint", e.ID, "error", err)
		return nil
	}
	if reset {
		e.CursorPrevious = 0
	}
	l := &lane{
		app: app, endpoint: e, target: to, client: c, journal: d.opts.Reader, observe: d.opts.Observer,
		log: d.opts.Log, wake: make(chan struct{}, 1),
		save: func(p chat.Progress, done func(error)) { d.backend.SaveProgress(app.ID, p, done) },
	}
	l.tail = ^chat.Sequence(0) - 1 // takes no offer until it has started
	d.mu.Lock()
	if d.lanes == nil {
		d.mu.Unlock()
		return nil
	}
	d.lanes[app.ID] = l
	d.mu.Unlock()
	if err := l.start(context.Background()); err != nil {
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
