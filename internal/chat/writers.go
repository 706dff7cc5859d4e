package chat

import (
	"sync"
	"time"
)

// retireAfter is how long an app's writer waits for work before it ends; the
// next send starts another one.
const retireAfter = time.Minute

// writers are the goroutines that commit: one for all apps, or one for each app
// with something to write if the store lets transactions of several apps run
// side by side.
type writers struct {
	b       *Backend
	perApp  bool
	running sync.WaitGroup

	mu      sync.RWMutex // taken before a queue's lock
	all     map[AppID]*writer
	started bool
	closed  bool
}

func newWriters(b *Backend) *writers {
	ws := &writers{b: b, perApp: b.store.Concurrent(), all: make(map[AppID]*writer)}
	if !ws.perApp {
		ws.of(0)
	}
	return ws
}

// of gives the app's writer, made if there is none. The caller has ws.mu, or
// ws to itself.
func (ws *writers) of(app AppID) *writer {
	if !ws.perApp {
		app = 0
	}
	w := ws.all[app]
	if w == nil {
		w = &writer{b: ws.b, app: app, queue: newQueue(), log: ws.b.log}
		ws.all[app] = w
		if ws.started {
			ws.running.Go(w.run)
		}
	}
	return w
}

// with calls f, which must not block, with the app's writer, which does not
// retire meanwhile. It reports what f does, and false after the end.
func (ws *writers) with(app AppID, f func(*writer) bool) bool {
	if !ws.perApp {
		app = 0
	}
	ws.mu.RLock()
	w := ws.all[app]
	if w != nil {
		defer ws.mu.RUnlock()
		return f(w)
	}
	ws.mu.RUnlock()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		return false
	}
	return f(ws.of(app))
}

// retire takes out a writer that has nothing to do.
func (ws *writers) retire(w *writer) bool {
	if !ws.perApp {
		return false
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed || !w.queue.isEmpty() || len(w.aside) > 0 || w.spoken.count > 0 || w.sick.is() {
		return false
	}
	delete(ws.all, w.app)
	return true
}

// start starts the writers.
func (ws *writers) start() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.started = true
	for _, w := range ws.all {
		ws.running.Go(w.run)
	}
}

// stop lets nothing more in and returns when all is written.
func (ws *writers) stop() {
	ws.mu.Lock()
	ws.closed = true
	for _, w := range ws.all {
		w.queue.close()
	}
	ws.mu.Unlock()
	ws.running.Wait()
}

// heard is when the store last answered the app's writer.
func (b *Backend) heard(app AppID) (at time.Time) {
	b.writers.with(app, func(w *writer) bool {
		at = time.Unix(0, w.heard.Load())
		return true
	})
	return at
}

// list are the writers that there are now.
func (ws *writers) list() []*writer {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	list := make([]*writer, 0, len(ws.all))
	for _, w := range ws.all {
		list = append(list, w)
	}
	return list
}

// well says whether no writer stands still, or knows its store to take no writes.
func (ws *writers) well() bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	for _, w := range ws.all {
		began := w.step.Load()
		if w.ill.Load() || began != 0 && time.Since(time.Unix(0, began)) > stallTime {
			return false
		}
	}
	return true
}

// stallTime is how long a writer may take for one step, seconds above what a
// healthy store needs.
const stallTime = 5 * time.Second

// put hands a send or an alteration to the app's writer; it reports false after
// the end.
func (b *Backend) put(app AppID, item any) bool {
	return b.writers.with(app, func(w *writer) bool { return w.queue.put(item) })
}

// submit hands a send to its app's writer.
func (b *Backend) submit(e *entry) error {
	e.queued = time.Now()
	if !b.put(e.attempt.tenant.id, e) {
		return ErrStopped
	}
	return nil
}

// count adds to an app's totals what stores nothing else.
func (b *Backend) count(a *tenant, t Totals) {
	b.writers.with(a.id, func(w *writer) bool { return w.queue.putLazy(nil, a, t) })
}

// SaveProgress hands a lane's progress to the writer, which writes it with the
// next batch, 100 ms later at most. done is called from the writer and must not
// block; after Stop it is called at once with ErrStopped.
func (b *Backend) SaveProgress(app AppID, p Progress, done func(error)) {
	if !b.writers.with(app, func(w *writer) bool {
		return w.queue.putLazy(&flush{app: app, progress: p, done: done}, nil, Totals{})
	}) {
		done(ErrStopped)
	}
}
