package manage

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// maxWaiters is how many may wait for events at once, over all apps; those of one
// app take at most maxOfApp places, so that others find some.
const (
	maxWaiters = 4096
	maxOfApp   = maxWaiters / 4
)

// Feed wakes those who wait for events of an app. It is a [chat.Offers] that
// keeps nothing: who is woken reads the journal.
type Feed struct {
	waiters atomic.Int64 // so that a commit costs nothing while nobody waits
	mu      sync.Mutex
	apps    map[chat.AppID]*crowd
	closed  chan struct{}
	once    sync.Once
}

// crowd are those who wait for one app.
type crowd struct {
	wake chan struct{} // closed to wake them all, then replaced
	n    int
}

// NewFeed makes a feed.
func NewFeed() *Feed {
	return &Feed{apps: make(map[chat.AppID]*crowd), closed: make(chan struct{})}
}

// Close ends all waiting, for good. It may be called more than once.
func (f *Feed) Close() { f.once.Do(func() { close(f.closed) }) }

// Offer tells of events that were committed.
func (f *Feed) Offer(app chat.AppID, _ []chat.Event) { f.tell(app) }

// Behind tells of events that another process committed.
func (f *Feed) Behind(app chat.AppID, _ chat.Sequence) { f.tell(app) }

// Changed tells of an app that was changed: its journal may be another one.
func (f *Feed) Changed(app chat.AppID) { f.tell(app) }

func (f *Feed) tell(app chat.AppID) {
	if f.waiters.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.apps[app]; c != nil {
		close(c.wake)
		c.wake = make(chan struct{})
	}
}

// enter takes a place among those who wait for an app; it must be given back
// with leave. It comes before the journal is read, so that nothing is missed in
// between.
func (f *Feed) enter(app chat.AppID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.apps[app]
	if f.waiters.Load() >= maxWaiters || c != nil && c.n >= maxOfApp {
		r := chat.Fail(api.CodeServiceTimeout, "too many callers wait for events")
		r.RetryAfter = time.Second
		return Crowded{r}
	}
	f.waiters.Add(1)
	if c == nil {
		c = &crowd{wake: make(chan struct{})}
		f.apps[app] = c
	}
	c.n++
	return nil
}

func (f *Feed) leave(app chat.AppID) {
	f.waiters.Add(-1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.apps[app]; c.n == 1 {
		delete(f.apps, app)
	} else {
		c.n--
	}
}

// next is closed when anything is told of the app from now on; the caller has
// entered.
func (f *Feed) next(app chat.AppID) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.apps[app].wake
}
