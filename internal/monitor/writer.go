package monitor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/promise"
)

// connectEvery is how long after one try to connect the next may follow. What
// comes between gets the answer of the last.
const connectEvery = 100 * time.Millisecond

// Bounds of one transaction.
const (
	maxBatch      = 256     // records
	maxBatchBytes = 8 << 20 // of their bodies; it has at least one record
)

// errStopped is returned for what comes after the end.
var errStopped = errors.New("the store is closed")

// writer is the one goroutine that writes. It commits everything that gathered
// while the commit before was under way in one synced transaction.
//
// A fault of one record costs that record: the batch is rolled back and tried
// in halves. A fault of the store costs the batch, and its session is never
// used again: what the database holds after a failed commit only a new one can
// tell.
type writer struct {
	engine  engine
	told    func([]Stored)
	board   *promise.Board
	metrics *metrics
	retention

	jobs     chan *job
	quit     chan struct{} // closed by stop
	finished chan struct{} // closed when the goroutine has ended
	once     sync.Once
	wrote    atomic.Pointer[time.Time] // when the last commit succeeded; nil after a fault

	ctx    context.Context // of all that the goroutine does
	cancel context.CancelFunc

	// Owned by the goroutine.
	session session // nil after a fault
	others  others
	tried   time.Time // when connecting failed last
	away    error     // how
}

// job is a record and where its outcome goes.
type job struct {
	rec  record
	done chan outcome // has room for one
}

func newJob(rec record) *job { return &job{rec: rec, done: make(chan outcome, 1)} }

type outcome struct {
	fresh bool
	err   error
}

// startWriter fails when the database takes no writes.
func startWriter(ctx context.Context, e engine, told func([]Stored), board *promise.Board, metrics *metrics, r retention) (*writer, error) {
	w := &writer{engine: e, told: told, board: board, metrics: metrics, retention: r, jobs: make(chan *job, queueSize),
		quit: make(chan struct{}), finished: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	if _, err := w.commit(ctx, []*job{newJob(record{kind: kindProbe})}); err != nil {
		w.cancel()
		_ = w.discard() // the fault that matters is told
		return nil, err
	}
	go w.run()
	return w, nil
}

// open makes the session if there is none.
func (w *writer) open(ctx context.Context) (err error) {
	if w.session != nil {
		return nil
	}
	if w.away != nil && time.Since(w.tried) < connectEvery {
		return w.away
	}
	w.session, w.away = w.engine.connect(ctx)
	if w.away != nil {
		w.session, w.tried = nil, time.Now()
		return w.away
	}
	promises, err := w.session.promises(ctx)
	if err != nil {
		return err
	}
	w.board.Show(promises)
	return w.others.measure(ctx, w.session)
}

// discard closes the session; the next batch opens another.
func (w *writer) discard() (err error) {
	if w.session != nil {
		err = w.session.close()
	}
	w.session = nil
	return err
}

// enqueue gives j to the goroutine, waiting at most for wait.
func (w *writer) enqueue(j *job, wait time.Duration) error {
	select {
	case w.jobs <- j:
		return nil
	case <-w.quit:
		return errStopped
	default:
	}
	if wait == 0 {
		return errBusy
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case w.jobs <- j:
		return nil
	case <-w.quit:
		return errStopped
	case <-timer.C:
		return errBusy
	}
}

// do gives j to the goroutine and waits for its outcome, at most twice wait.
func (w *writer) do(j *job, wait time.Duration) (fresh bool, err error) {
	if err := w.enqueue(j, wait); err != nil {
		return false, err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case o := <-j.done:
		return o.fresh, o.err
	case <-timer.C:
		return false, errBusy
	case <-w.finished:
	}
	select {
	case o := <-j.done:
		return o.fresh, o.err
	default:
		return false, errStopped
	}
}

// stop ends the goroutine after it committed what waits, or when ctx ends: then
// what waits is told that it is not stored, as far as the engine can let go of
// a commit.
func (w *writer) stop(ctx context.Context) (err error) {
	w.once.Do(func() {
		close(w.quit)
		select {
		case <-w.finished:
		case <-ctx.Done():
		}
		w.cancel()
		<-w.finished
		err = w.discard()
	})
	return err
}

func (w *writer) run() {
	defer close(w.finished)
	var age <-chan time.Time
	var timer *time.Timer
	if w.keep > 0 {
		timer = time.NewTimer(0)
		defer timer.Stop()
		age = timer.C
	}
	for {
		var first *job
		select {
		case first = <-w.jobs:
		case <-age:
			timer.Reset(w.age())
			continue
		case <-w.quit:
			select {
			case first = <-w.jobs:
			default:
				return
			}
		}
		w.write(w.gather(first))
	}
}

func (w *writer) gather(first *job) []*job {
	batch, size := []*job{first}, len(first.rec.Body)
	for len(batch) < maxBatch && size < maxBatchBytes {
		select {
		case j := <-w.jobs:
			batch, size = append(batch, j), size+len(j.rec.Body)
		default:
			return batch
		}
	}
	return batch
}

// write commits batch and tells every job its outcome.
func (w *writer) write(batch []*job) {
	began := time.Now()
	fresh, err := w.commit(w.ctx, batch)
	var ofStore *storeError
	switch {
	case err == nil:
		ended := time.Now()
		w.wrote.Store(&ended)
		w.metrics.commit.Observe(ended.Sub(began).Seconds())
		w.tell(batch, fresh)
		w.tidy()
	case errors.As(err, &ofStore):
		w.wrote.Store(nil)
		_ = w.discard() // the fault that matters is told to the jobs
		for _, j := range batch {
			j.done <- outcome{err: err}
		}
	case len(batch) == 1:
		batch[0].done <- outcome{err: err}
	default:
		w.write(batch[:len(batch)/2])
		w.write(batch[len(batch)/2:])
	}
}

// commit writes batch in one transaction, sets the positions of its records,
// and returns which of them are new.
func (w *writer) commit(ctx context.Context, batch []*job) (fresh []bool, err error) {
	if err := w.open(ctx); err != nil {
		return nil, ofStore("connect", err)
	}
	records := make([]*record, len(batch))
	for i, j := range batch {
		records[i] = &j.rec
	}
	if fresh, err = w.session.commit(ctx, records); err != nil {
		return nil, err
	}
	for i, rec := range records {
		if fresh[i] && rec.kind == kindOther {
			w.others.add(rec)
		}
	}
	return fresh, nil
}

// wroteWithin reports whether the last batch was committed, at most d ago.
func (w *writer) wroteWithin(d time.Duration) bool {
	at := w.wrote.Load()
	return at != nil && time.Since(*at) < d
}

func (w *writer) tell(batch []*job, fresh []bool) {
	var told []Stored
	for i, j := range batch {
		if fresh[i] && j.rec.kind == kindException {
			told = append(told, j.rec.Stored)
		}
		j.done <- outcome{fresh: fresh[i]}
	}
	if len(told) > 0 {
		w.told(told)
	}
}

// tidy does what may happen between two commits. It concerns no record, so a
// failure only costs the session.
func (w *writer) tidy() {
	err := w.others.prune(w.ctx, w.session)
	if err == nil {
		err = w.session.tidy(w.ctx)
	}
	if err != nil {
		_ = w.discard()
	}
}
