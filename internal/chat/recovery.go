package chat

import (
	"context"
	"errors"
	"slices"
	"time"
)

// sickness is the state of a store that takes no writes. While it lasts, what
// comes is refused with 10002 at once and its exceptions are kept aside; now
// and then they are tried again, and when they are written the store is well.
type sickness struct {
	since time.Time // zero: well
	probe time.Time // when to try again
}

const probeEvery = 250 * time.Millisecond

func (s *sickness) is() bool { return !s.since.IsZero() }

// pause is how long to wait until the next probe; 0 when there is none due.
func (s *sickness) pause() time.Duration {
	if !s.is() {
		return 0
	}
	return max(time.Until(s.probe), time.Millisecond)
}

func (w *writer) fallSick(err error) {
	w.b.space.Look() // it may be full
	now := time.Now()
	if !w.sick.is() {
		w.sick.since = now
		w.ill.Store(true)
		w.log.Error("the store takes no writes", "error", err)
	}
	w.sick.probe = now.Add(probeEvery)
}

func (w *writer) recovered() {
	if w.sick.is() {
		w.log.Info("the store takes writes again", "after", time.Since(w.sick.since).Round(time.Millisecond))
		w.sick = sickness{}
	}
	w.ill.Store(false)
}

// resolve ends a batch whose COMMIT failed. The store is opened again and asked
// for each send: what is there is answered as stored, what is not becomes 10002
// with its exception. If the store does not open in time, the callers are told
// that the outcome is unknown, and no exception is made until it was asked.
func (w *writer) resolve(b batch, planned []*share, cause error) {
	w.log.Error("a commit failed; asking the store what it kept", "sends", len(b.sends), "error", cause)
	deadline := time.Now().Add(reopenWait)
	for {
		err := w.b.store.Reopen()
		if err == nil {
			err = w.ask(b, planned)
		}
		if err == nil {
			return
		}
		w.fallSick(err)
		if time.Now().After(deadline) {
			for _, e := range b.sends {
				e.tellUnknown()
			}
		}
		if !w.endure(50 * time.Millisecond) {
			for _, e := range b.sends { // stopping: the next start finds what is there
				e.tell(Outcome{}, ErrUnknown)
			}
			return
		}
	}
}

// tellUnknown answers that nobody knows the outcome yet. Until somebody does,
// the send stays in work: one equal to it must not become a send of its own,
// refused although the first was stored.
func (e *entry) tellUnknown() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.told {
		return
	}
	e.attempt.tenant.repeats.hold(e.attempt.key)
	e.told, e.err = true, ErrUnknown
	close(e.done)
}

// endure waits while the store is away, refusing what comes meanwhile. It
// reports false when the backend is stopping.
func (w *writer) endure(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		b, alter, _, closed := w.queue.next()
		switch {
		case alter != nil:
			alter.err = storeRefusal("the store takes no writes")
			close(alter.done)
		case !b.empty():
			w.putOff(b)
		case closed:
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-w.queue.wake:
		}
	}
}

// ask looks up each send of a batch after the store was opened again.
func (w *writer) ask(b batch, planned []*share) error {
	again := batch{lazy: b.lazy, totals: b.totals}
	var missing []*entry
	stored := false
	for _, s := range planned {
		traces := make([]Trace, 0, len(s.sends))
		for _, e := range s.sends {
			if e.plan.trace != (Trace{}) { // else it left nothing that could be found
				traces = append(traces, e.plan.trace)
			}
		}
		found, err := w.b.store.Found(context.Background(), s.tenant.id, traces)
		if err != nil {
			return err
		}
		stored = stored || slices.Contains(found, true)
		missing = append(missing, s.sends...)
	}
	if stored { // the transaction is there, whole
		w.recovered()
		w.publish(b, planned)
		return nil
	}
	for _, e := range missing {
		switch {
		case e.plan.stale:
			e.tell(Outcome{}, errStale)
		case e.plan.outcome.Kind == Repeated:
			e.end()
		default:
			e.refusal = storeRefusal("the commit failed")
			again.sends = append(again.sends, e)
		}
	}
	list, err := w.try(again)
	if err == nil {
		w.recovered()
		w.publish(again, list)
		return nil
	}
	// Nor can the refusals be written: they wait aside.
	w.fallSick(err)
	w.putOff(again)
	// Whether this second commit happened is found out when they are tried again.
	w.reopen()
	return nil
}

// reopen opens the store again; if it cannot, the next probe tries.
func (w *writer) reopen() {
	if err := w.b.store.Reopen(); err != nil {
		w.log.Debug("the store does not open", "error", err)
	}
}

// putOff answers sends with 10002 while the store takes no writes, and keeps
// their exceptions for later. What can wait, waits.
func (w *writer) putOff(b batch) {
	for _, e := range b.sends {
		if t := e.attempt; !t.recalled && t.key != (RepeatKey{}) && !e.isTold() { // it may have been accepted before: no refusal may say otherwise
			e.tell(Outcome{}, ErrUnknown)
			continue
		}
		if e.refusal == nil || e.refusal.Rule != RuleStore {
			e.refusal = storeRefusal("the store takes no writes")
		}
		w.keep(e)
	}
	w.restore(batch{lazy: b.lazy, totals: b.totals})
}

// keep sets an exception aside and answers its sender.
func (w *writer) keep(e *entry) {
	room := w.b.unrecorded.put(e)
	if room {
		w.aside = append(w.aside, e)
	}
	if e.isTold() { // answered before; its caller is gone
		e.tell(Outcome{}, nil)
		return
	}
	if !room {
		e.tell(Outcome{}, ErrUnknown)
		return
	}
	e.tell(Outcome{Kind: Refused, Refusal: e.refusal, Event: e.attempt.id.String()}, nil)
}

// recoverUnrecorded writes what was set aside: it is the probe of a sick store,
// and what a start does with the file that an earlier process left.
func (w *writer) recoverUnrecorded(last bool) {
	if !w.sick.is() && len(w.aside) == 0 {
		return
	}
	if w.sick.is() && !last && time.Now().Before(w.sick.probe) {
		return
	}
	for {
		waiting := w.aside[:min(maxBatch, len(w.aside))]
		b := batch{sends: waiting}
		if len(waiting) == 0 {
			if b.totals = w.touch(); len(b.totals) == 0 {
				w.recovered()
				return
			}
		}
		missing, err := w.alreadyThere(waiting)
		if err == nil {
			b.sends = missing
			err = w.record(b)
		}
		if err != nil {
			w.fallSick(err)
			w.reopen()
			return
		}
		w.b.unrecorded.drop(waiting)
		if w.aside = w.aside[len(waiting):]; len(w.aside) == 0 {
			w.aside = nil
			w.recovered()
			return
		}
	}
}

// record writes what was set aside, in halves when a row is refused, so that one
// that can never be written does not look like a sick store. That one is given
// up, and the log says so.
func (w *writer) record(b batch) error {
	list, err := w.try(b)
	var unknown commitError
	switch {
	case err == nil:
		w.publish(b, list)
		return nil
	case errors.As(err, &unknown), errors.Is(err, ErrStoreAway), errors.Is(err, ErrStoreBusy), len(b.sends) == 0:
		return err // no row is at fault
	case len(b.sends) > 1:
		half := len(b.sends) / 2
		if err := w.record(batch{sends: b.sends[:half]}); err != nil {
			return err
		}
		return w.record(batch{sends: b.sends[half:]})
	}
	if probe, perr := w.try(batch{totals: w.touch()}); perr != nil {
		return perr
	} else {
		w.publish(batch{}, probe)
	}
	e := b.sends[0]
	w.log.Error("an exception can never be recorded and is given up", "app", e.attempt.send.App, "event", e.attempt.id.String(), "error", err)
	return nil
}

// alreadyThere leaves out the exceptions that an earlier try did write although
// its COMMIT answered an error.
func (w *writer) alreadyThere(waiting []*entry) ([]*entry, error) {
	var missing []*entry
	for _, e := range waiting {
		if e.ended { // with the half of a batch whose other half failed
			continue
		}
		if e.plan.trace.Event == 0 {
			missing = append(missing, e)
			continue
		}
		found, err := w.b.store.Found(context.Background(), e.attempt.tenant.id, []Trace{e.plan.trace})
		if err != nil {
			return nil, err
		}
		if !found[0] {
			missing = append(missing, e)
			continue
		}
		e.plan.outcome.Kind = Refused
		e.end()
	}
	return missing, nil
}

// touch names an app, so that a probe of the store has something to write.
func (w *writer) touch() map[*tenant]Totals {
	for _, id := range w.b.AppIDs() {
		if a, ok := w.b.tenant(id); ok && (w.app == 0 || w.app == id) {
			return map[*tenant]Totals{a: {}}
		}
	}
	return nil
}
