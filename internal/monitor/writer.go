package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	maxBatch = 256      // records of one transaction
	maxWAL   = 16 << 20 // bytes of the log before its content is moved to the database
)

// errStopped is returned for what comes after the end.
var errStopped = errors.New("the store is closed")

// writer is the one goroutine that writes. It commits everything that gathered
// while the commit before was under way in one synced transaction.
//
// A fault of one record costs that record: the batch is rolled back and tried
// in halves. A fault of the store costs the batch, and its connection is never
// used again: what the file holds after a failed sync only a new one can tell.
type writer struct {
	path    string
	told    func([]Stored)
	metrics *metrics

	jobs     chan *job
	quit     chan struct{} // closed by stop
	finished chan struct{} // closed when the goroutine has ended
	once     sync.Once
	wrote    atomic.Pointer[time.Time] // when the last commit succeeded; nil after a fault

	// Owned by the goroutine.
	db    *sql.DB // nil after a fault
	conn  *sql.Conn
	stmts statements // of conn, closed with it
	other otherSize
}

// job is a record, or a probe, and where its outcome goes.
type job struct {
	rec   record
	probe bool
	done  chan outcome // has room for one
}

type outcome struct {
	fresh bool
	err   error
}

func startWriter(ctx context.Context, path string, told func([]Stored), metrics *metrics) (*writer, error) {
	w := &writer{path: path, told: told, metrics: metrics, jobs: make(chan *job, queueSize),
		quit: make(chan struct{}), finished: make(chan struct{})}
	if err := w.open(ctx); err != nil {
		w.discard()
		return nil, err
	}
	go w.run()
	return w, nil
}

// open makes the connection if there is none.
func (w *writer) open(ctx context.Context) (err error) {
	if w.db != nil {
		return nil
	}
	w.db, err = sql.Open("sqlite", dsn(w.path, "busy_timeout(1000)", "page_size(4096)", "auto_vacuum(INCREMENTAL)",
		"journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)", "journal_size_limit(0)", "foreign_keys(1)"))
	if err != nil {
		return err
	}
	w.db.SetMaxOpenConns(1)
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, w.conn); err != nil {
		return err
	}
	if w.stmts, err = prepare(ctx, w.conn); err != nil {
		return err
	}
	w.other, err = measureOther(ctx, w.conn)
	return err
}

// discard closes the connection; the next batch opens another.
func (w *writer) discard() error {
	var faults []error
	if w.conn != nil {
		faults = append(faults, w.conn.Close())
	}
	if w.db != nil {
		faults = append(faults, w.db.Close())
	}
	w.db, w.conn = nil, nil
	return errors.Join(faults...)
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

// stop ends the goroutine after it committed what waits.
func (w *writer) stop() (err error) {
	w.once.Do(func() {
		close(w.quit)
		<-w.finished
		err = w.discard()
	})
	return err
}

func (w *writer) run() {
	defer close(w.finished)
	for {
		var first *job
		select {
		case first = <-w.jobs:
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
	batch := []*job{first}
	for len(batch) < maxBatch {
		select {
		case j := <-w.jobs:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// write commits batch and tells every job its outcome.
func (w *writer) write(batch []*job) {
	began := time.Now()
	fresh, err := w.commit(context.Background(), batch)
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

// wroteWithin reports whether the last batch was committed, at most d ago.
func (w *writer) wroteWithin(d time.Duration) bool {
	at := w.wrote.Load()
	return at != nil && time.Since(*at) < d
}

func (w *writer) tell(batch []*job, fresh []bool) {
	var told []Stored
	for i, j := range batch {
		if fresh[i] && j.rec.exception {
			told = append(told, j.rec.Stored)
		}
		j.done <- outcome{fresh: fresh[i]}
	}
	if len(told) > 0 {
		w.told(told)
	}
}

// tidy does what may happen between two commits: bounding the other callbacks
// and moving a long log into the database. Neither concerns a record, so a
// failure only costs the connection.
func (w *writer) tidy() {
	ctx := context.Background()
	err := w.prune(ctx)
	if err == nil {
		if info, statErr := os.Stat(w.path + "-wal"); statErr == nil && info.Size() > maxWAL {
			_, err = w.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
		}
	}
	if err != nil {
		_ = w.discard()
	}
}

// storeError marks a fault of the store, as opposed to one of a record.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

func ofStore(doing string, err error) error {
	return &storeError{fmt.Errorf("%s: %w", doing, err)}
}

// blame says whether the failure of a statement is the record's or the store's
// fault: only what SQLite refuses because of the values is the record's.
func blame(err error) error {
	var code *sqlite.Error
	if errors.As(err, &code) {
		switch code.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return fmt.Errorf("insert: %w", err)
		}
	}
	return ofStore("insert", err)
}
