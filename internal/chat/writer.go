package chat

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
)

// queueWait is how long a send may wait for the journal before it is refused
// with 60008; reopenWait is how long its caller waits for a store that failed
// in mid-commit before it is told that the outcome is unknown.
const (
	queueWait  = 2 * time.Second
	reopenWait = 2 * time.Second
	// silentWait is how long a caller waits at least for a store that other
	// processes write to as well, and heardWait how long that may then have been
	// silent: longer than it waits for a lock before it says so.
	silentWait = 3 * time.Second
	heardWait  = 2 * time.Second
)

// maxPatience bounds how long a batch waits for company. Senders who were just
// answered tend to be back within that time; when they share a sync instead of
// taking turns with it, each waits for one sync and not for two.
const maxPatience = time.Millisecond

// maintainEvery is how often the store gets its turn while there is no pause.
const maintainEvery = 20 * time.Millisecond

// writer commits everything of its app, or of all apps. It is one goroutine that
// takes all that waits, writes it in one transaction with one sync, and only
// then answers.
//
// When a statement fails, the batch is rolled back and written in halves, down
// to single sends, so that only the send at fault fails. When the store is away
// it is opened again and the batch is tried again for a while. When COMMIT
// fails, the outcome is unknown: the store is opened again and asked (see
// recovery.go).
type writer struct {
	b     *Backend
	app   AppID // 0: all of them
	queue *queue
	log   *slog.Logger
	step  atomic.Int64 // unix nanoseconds when the step that is under way began; 0 between two
	ill   atomic.Bool  // the store took no write last time
	heard atomic.Int64 // unix nanoseconds when the store last answered
	busy  stopwatch    // runs while sends and changes are written

	sick       sickness
	aside      []*entry  // exceptions that wait until the store takes writes
	maintained time.Time // when the store last had its turn
	spoken     spoken

	// crowd is how many sends were about when the last batch was written, in it
	// or waiting; patience is how long the next batch waits for as many.
	crowd    int
	patience time.Duration
}

// commitError marks an error from COMMIT: the outcome is unknown.
type commitError struct{ err error }

func (e commitError) Error() string { return e.err.Error() }
func (e commitError) Unwrap() error { return e.err }

// run writes until the queue is closed and empty.
func (w *writer) run() {
	defer func() {
		for _, f := range w.queue.end() {
			f.done(ErrStopped)
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w.recoverUnrecorded(false) // what an earlier process left
	for {
		w.step.Store(time.Now().UnixNano())
		w.queue.gather(w.crowd*9/10, w.patience, timer)
		b, alter, wait, closed := w.queue.next()
		switch {
		case alter != nil:
			w.busy.start()
			if alter.fn == nil {
				alter.err = w.look(alter.app)
			} else {
				alter.err = w.alter(alter)
			}
			w.busy.stop()
			close(alter.done)
		case !b.empty():
			w.overload(b.sends)
			began := time.Now()
			w.busy.start()
			w.write(b)
			w.busy.stop()
			w.crowd = min(len(b.sends)+w.queue.length(), maxBatch)
			w.patience = min(time.Since(began)*3/4, maxPatience)
			if time.Since(w.maintained) > maintainEvery { // not to be put off by steady work
				w.maintain()
			}
		case w.spoken.count > 0 && !w.sick.is() && (closed || w.spoken.due() == 0):
			w.spoken.since = time.Time{} // all of them are due
			w.write(batch{totals: w.spoken.apps()})
			w.spoken = spoken{} // what could not be written is given up
		case closed:
			w.recoverUnrecorded(true)
			return
		default:
			if w.maintain() {
				continue
			}
			if due := w.spoken.due(); due > 0 && (wait == 0 || due < wait) {
				wait = due
			}
			if pause := w.sick.pause(); pause > 0 && (wait == 0 || pause < wait) {
				wait = pause
			}
			lazy := wait == 0
			if lazy {
				wait = retireAfter
			}
			timer.Reset(wait)
			w.step.Store(0)
			select {
			case <-w.queue.wake:
			case <-timer.C:
				if lazy && w.b.writers.retire(w) {
					return
				}
			}
		}
		w.recoverUnrecorded(false)
	}
}

// maintain gives the store its turn for housekeeping.
func (w *writer) maintain() (more bool) {
	if w.sick.is() || w.b.store.Concurrent() { // which is tended beside the writers
		return false
	}
	w.maintained = time.Now()
	more, err := w.b.store.Maintain()
	if err != nil { // its file handles are not to be trusted any more
		w.fallSick(err)
		w.reopen()
		return false
	}
	return more
}

// overload refuses what has waited too long, like any other refusal.
func (w *writer) overload(sends []*entry) {
	now := time.Now()
	for _, e := range sends {
		if waited := now.Sub(e.queued); waited > queueWait && e.refusal == nil {
			e.refusal = compared(Fail(api.CodeServiceTimeout), "waited_ms", waited.Milliseconds(), "limit_ms", queueWait.Milliseconds())
			e.refusal.Rule = RuleOverload
		}
	}
}

// write brings a batch to its end: each of its sends is answered, or left with
// the recovery, when it returns.
func (w *writer) write(b batch) {
	if w.sick.is() {
		w.putOff(b)
		return
	}
	done, err := w.try(b)
	var unknown commitError
	switch {
	case err == nil:
		w.publish(b, done)
	case errors.As(err, &unknown):
		w.resolve(b, done, err)
	case errors.Is(err, ErrStoreAway), errors.Is(err, ErrStoreBusy): // tried again in vain
		w.fallSick(err)
		w.putOff(b)
	case len(b.lazy) > 0 && len(b.sends) > 0:
		w.write(batch{lazy: b.lazy, totals: b.totals})
		w.write(batch{sends: b.sends})
	case len(b.sends) > 1:
		half := len(b.sends) / 2
		w.write(batch{sends: b.sends[:half], totals: b.totals})
		w.write(batch{sends: b.sends[half:]})
	case len(b.sends) == 1 && b.sends[0].refusal != nil && b.sends[0].refusal.Rule == RuleStore:
		w.log.Error("a refusal could not be recorded", "app", b.sends[0].attempt.send.App, "error", err)
		w.keep(b.sends[0])
		w.restore(b)
	case len(b.sends) == 1:
		e := b.sends[0]
		w.b.space.Look()
		w.log.Error("a send could not be stored", "app", e.attempt.send.App, "group", e.attempt.send.Group, "error", err)
		e.refusal = storeRefusal("the store refused the row")
		w.write(b)
	case len(b.lazy) > 1:
		half := len(b.lazy) / 2
		w.write(batch{lazy: b.lazy[:half], totals: b.totals})
		w.write(batch{lazy: b.lazy[half:]})
	default:
		w.log.Error("progress could not be stored", "error", err)
		for _, f := range b.lazy {
			f.done(err)
		}
		w.restore(batch{totals: b.totals})
	}
}

// restore puts the lazy part of a batch that was not written back. While the
// backend stops it is given up: lanes deliver again what they could not note.
func (w *writer) restore(b batch) {
	if w.queue.isClosed() {
		for _, f := range b.lazy {
			f.done(ErrStopped)
		}
		return
	}
	for _, f := range b.lazy {
		w.queue.putLazy(f, nil, Totals{})
	}
	for a, t := range b.totals {
		w.queue.putLazy(nil, a, t)
	}
}

func storeRefusal(why string) *Refusal {
	r := compared(Fail(api.CodeInternal), "fault", why)
	r.Rule = RuleStore
	return r
}

// begin opens a transaction. A store whose last one ended in doubt is opened
// again first.
func (w *writer) begin() (Tx, error) {
	tx, err := w.b.store.Begin()
	if err == nil || errors.Is(err, ErrStoreAway) {
		return tx, err
	}
	if rerr := w.b.store.Reopen(); rerr != nil {
		return nil, rerr
	}
	return w.b.store.Begin()
}

// errBehind: another process changed the app's state, and this one has to catch
// up first.
var errBehind = errors.New("the app's state was changed by another process")

// maxBehind is how often a batch gives the app's row back to catch up without
// holding it. After that it catches up while it does.
const maxBehind = 3

// try writes the batch in one transaction. Nothing is written after an error. A
// store that is away, or an app that another process holds, is tried again for
// as long as callers wait.
func (w *writer) try(b batch) ([]*share, error) {
	deadline := time.Now()
	if !w.sick.is() { // else this is a probe
		deadline = deadline.Add(reopenWait)
	}
	for behind := 0; ; {
		w.warm(b.sends)
		list, err := w.attempt(b, behind < maxBehind)
		if !errors.Is(err, ErrStoreAway) {
			w.heard.Store(time.Now().UnixNano())
		}
		switch {
		case err == nil:
			return list, nil
		case errors.Is(err, errBehind):
			behind++
			for _, s := range list {
				if err := w.prefetch(s); err != nil {
					return nil, err
				}
			}
			continue
		case errors.As(err, new(commitError)):
			return list, err
		}
		if !w.again(err, deadline) {
			return nil, err
		}
		w.overload(b.sends)
	}
}

// attempt is one transaction. With errBehind it gives the shares whose apps are
// to be caught up with; with a commitError those whose outcome is unknown.
func (w *writer) attempt(b batch, yield bool) ([]*share, error) {
	tx, err := w.begin()
	if err != nil {
		return nil, err
	}
	list := w.shares(b)
	for _, s := range list {
		if err := w.prepare(tx, s, yield); err != nil {
			tx.Rollback()
			return []*share{s}, err
		}
		if s.gone {
			continue
		}
		if err := tx.Put(s.tenant.id, &s.rows); err != nil {
			tx.Rollback()
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		var uncommitted *Uncommitted
		if errors.As(err, &uncommitted) {
			tx.Rollback()
			return nil, err
		}
		return list, commitError{err}
	}
	return list, nil
}

// publish tells everybody what is now on disk: senders first, then the lanes,
// in the order of the sequences.
func (w *writer) publish(b batch, list []*share) {
	for _, e := range b.sends {
		if e.plan.stale {
			e.tell(Outcome{}, errStale)
			continue
		}
		e.end()
	}
	for _, f := range b.lazy {
		f.done(nil)
	}
	for _, e := range b.sends {
		if e.plan.outcome.Kind == Accepted && e.attempt.view.standing.Member {
			w.spoken.note(e.attempt.tenant, e.attempt.view.group.Key, e.attempt.send.From, e.plan.outcome.Time)
		}
	}
	for _, s := range list {
		w.spoken.written(s.tenant, s.rows.Spoken)
		if s.gone {
			continue
		}
		if len(s.sent) > 0 {
			w.b.audience.Sent(s.tenant.id, s.sent)
		}
		known := s.tenant.next.Swap(uint64(s.rows.Next))
		switch {
		case len(s.rows.Events) > 0:
			w.b.offers.Offer(s.tenant.id, s.rows.Events)
		case uint64(s.rows.Next) > known: // another process's events, which nobody looks for from now on
			w.b.offers.Behind(s.tenant.id, s.rows.Next-1)
		}
	}
}

// end counts the outcome that is on disk now and tells it to whoever waits.
func (e *entry) end() {
	if e.plan.outcome.Kind == 0 { // its app was removed: nothing was written
		e.tell(Outcome{}, ErrStopped)
		return
	}
	e.ended = true
	if !e.old {
		e.attempt.tenant.counts.add(e.plan.outcome.Kind, e.count)
		if e.refusal != nil {
			e.attempt.tenant.counts.exception(e.refusal.Code, e.count)
		}
	}
	if e.tell(e.plan.outcome, nil) { // its callers were told that it is unknown
		e.attempt.tenant.counts.unanswered.Add(-int64(e.count))
	}
}

// exception counts by code. What an app may choose is counted as one.
func (c *counts) exception(code api.Code, n int) {
	if code.IsCustom() {
		code = api.CodeCustomFirst
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = make(map[api.Code]uint64)
	}
	c.codes[code] += uint64(n)
}

func (c *counts) add(kind OutcomeKind, n int) {
	switch kind {
	case Accepted:
		c.accepted.Add(uint64(n))
	case Refused:
		c.refused.Add(uint64(n))
	case Dropped:
		c.dropped.Add(uint64(n))
	case Repeated:
		c.repeated.Add(uint64(n))
	}
}
