package callback

import (
	"context"
	"errors"
	"math"
	"reflect"
	"sync"
	"time"
)

// Defaults of a [Fill].
const (
	DefaultFillInterval = 30 * time.Second
	DefaultFillGrace    = 5 * time.Second
)

// Fill gives a program every event of an endpoint exactly once, be it called
// back or fetched. It combines a [Tracker] and a [Backfill]:
//
//	fill := &callback.Fill{Tracker: callback.NewTracker(saved), Backfill: backfill, OnEvent: keep, Save: save}
//	receiver := &callback.Receiver{Apps: apps, OnEvent: fill.Deliver}
//	go fill.Run(ctx)
//
// Exactly once holds for one life of the program and over a stop of Run that
// saved. After a crash the events since the last Save are handed over again, and
// those of an epoch that has ended may be: (SdkAppid, Epoch, Delivery.ID) tells
// them. A program that keeps events by that identity needs nothing else.
//
// Its fields are not to be changed after the first use.
type Fill struct {
	Tracker  *Tracker // of this Fill alone
	Backfill *Backfill

	// OnEvent gets each event; Event.Backfilled says how it came. It must have
	// stored the event when it returns nil. An event whose function fails is
	// tried again: by its sender, or after a pause.
	OnEvent func(context.Context, *Event) error
	// Save stores the state, for the next life of the program. It is called
	// after each page that changed something, about every Interval, and when Run
	// ends. An error is tried again with the next. May be nil.
	Save func(context.Context, TrackerState) error
	// OnExpired is told of events that are lost for good. May be nil.
	OnExpired func(Expired)
	// OnMoved is told of a new epoch. May be nil.
	OnMoved func(EpochMoved)

	// Parallel is how many fetched events are handed over at the same time, for
	// a program that stores faster then. 0 is one after the other, in order.
	Parallel int
	// Interval is the longest time between two looks at the journal, in whole
	// seconds up to 60; 0 is DefaultFillInterval.
	Interval time.Duration
	// Grace is how long an event may be on its way before it is fetched,
	// unless it is known not to come; 0 is DefaultFillGrace.
	Grace time.Duration

	once   sync.Once
	filled sync.Mutex // held while pages are read: one at a time

	mu    sync.Mutex
	claim map[place]chan struct{} // what is being handed over; closed when it is done
	wake  chan struct{}           // has room for one

	saving sync.Mutex
	last   TrackerState // as saved, if saves
	saves  bool

	tried uint64 // first sequence of the gap that was last fetched at once; of Run
}

// place is an event in a journal.
type place struct {
	epoch    string
	sequence uint64
}

func (f *Fill) init() {
	f.once.Do(func() {
		f.claim = map[place]chan struct{}{}
		f.wake = make(chan struct{}, 1)
		f.Tracker.mu.Lock()
		f.Tracker.asks = true
		f.Tracker.mu.Unlock()
	})
}

// Deliver takes an event that was called back: it is a [Receiver]'s OnEvent.
// Heartbeats are noted and samples acknowledged; neither is handed over.
func (f *Fill) Deliver(ctx context.Context, ev *Event) error {
	f.init()
	d := ev.Delivery
	if beat, ok := ev.Body.(*Heartbeat); ok {
		f.Note(ev.Delivery, beat)
		return nil
	}
	switch {
	case d.Test:
		return nil
	case d.Sequence == 0 || d.Epoch == "":
		return f.OnEvent(ctx, ev)
	}
	err := f.hand(ctx, ev)
	f.nudge()
	return err
}

// Note notes a delivery or, with beat, a heartbeat, without handing it over: for
// a program that stores what is called back by itself, and recognises repeats.
// Call it once the event is stored.
func (f *Fill) Note(d Delivery, beat *Heartbeat) {
	f.init()
	if beat != nil {
		f.Tracker.Heartbeat(d, beat)
	} else {
		f.Tracker.Delivered(d)
	}
	f.nudge()
}

// nudge wakes Run if there is something to ask the server for.
func (f *Fill) nudge() {
	if f.Tracker.wanting() {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// hand gives ev to the program unless it was seen. Of two that hand over the
// same event one waits for the other.
func (f *Fill) hand(ctx context.Context, ev *Event) error {
	p := place{ev.Delivery.Epoch, ev.Delivery.Sequence}
	for {
		f.mu.Lock()
		other, taken := f.claim[p]
		if !taken {
			f.claim[p] = make(chan struct{})
			f.mu.Unlock()
			break
		}
		f.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		close(f.claim[p])
		delete(f.claim, p)
	}()
	if f.Tracker.Seen(ev.Delivery) {
		return nil
	}
	if err := f.OnEvent(ctx, ev); err != nil {
		return err
	}
	f.Tracker.Delivered(ev.Delivery)
	return nil
}

// Run fetches what is missing until ctx ends, whose error it returns, or the
// server refuses: a *[BackfillRefused]. It begins with everything after the
// tracker's position. From then on it looks when a gap shows, when events were
// made and did not come within Grace, and at least every Interval.
func (f *Fill) Run(ctx context.Context) error {
	f.init()
	defer func() { _ = f.save(context.WithoutCancel(ctx)) }() // it will begin further back
	err := f.Once(ctx)
	for err == nil {
		var target uint64
		if target, err = f.news(ctx); err == nil {
			err = f.fill(ctx, target)
		}
	}
	return err
}

// Once fetches everything that was not seen, up to the newest event, and
// returns. Called while Run is under way it waits for its turn.
func (f *Fill) Once(ctx context.Context) error {
	f.init()
	return f.fill(ctx, math.MaxUint64)
}

// news waits until something may have to be fetched, and returns up to where.
func (f *Fill) news(ctx context.Context) (target uint64, err error) {
	if target, ok := f.urgent(); ok {
		return target, nil
	}
	s := f.Tracker.State()
	target = s.Top
	if f.Tracker.Position() == s.Top || s.Next != nil {
		if target, err = f.poll(ctx, s); err != nil || target == math.MaxUint64 {
			return target, err
		}
	}
	timer := time.NewTimer(orDefault(f.Grace, DefaultFillGrace))
	defer timer.Stop()
	for {
		if target, ok := f.urgent(); ok {
			return target, nil
		}
		select {
		case <-timer.C:
			return target, nil
		case <-f.wake:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// urgent returns up to where events are known not to come any more. It does so
// once for a gap: what the server does not have then, it may have later.
func (f *Fill) urgent() (target uint64, ok bool) {
	gaps := f.Tracker.Missing()
	if len(gaps) == 0 || gaps[0].First == f.tried {
		return 0, false
	}
	f.tried = gaps[0].First
	return gaps[len(gaps)-1].Last, true
}

// poll waits until there is an event after the newest known, or for Interval, or
// until it is woken. It returns up to where there are events. The page itself is
// thrown away: its events are on their way.
func (f *Fill) poll(ctx context.Context, s TrackerState) (uint64, error) {
	polling, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		page *journalPage
		err  error
	}
	done := make(chan result, 1)
	wait := int(min(orDefault(f.Interval, DefaultFillInterval)/time.Second, maxWait))
	if s.Next != nil {
		wait = 0 // another epoch has begun, and the server knows where
	}
	go func() {
		page, err := f.Backfill.page(polling, s.Top, 1, wait, s.Epoch)
		done <- result{page, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-f.wake:
		cancel()
		r = <-done
	}
	var moved *EpochMoved
	switch {
	case errors.As(r.err, &moved):
		f.filled.Lock()
		defer f.filled.Unlock()
		f.move(moved)
		return math.MaxUint64, nil
	case r.err != nil && ctx.Err() == nil && polling.Err() != nil:
		return s.Top, nil // woken
	case r.err != nil:
		return 0, r.err
	case len(r.page.Events) == 0 && r.page.lost(s.Top) == 0:
		f.Tracker.pass(s, r.page.Next)
	}
	return r.page.Next, nil
}

// move enters another epoch; f.filled is held, so that no page of the old one is
// still to be noted.
func (f *Fill) move(m *EpochMoved) {
	if f.Tracker.epoch() != m.Old {
		return
	}
	f.Tracker.Move(m.New, m.First)
	if f.OnMoved != nil {
		f.OnMoved(*m)
	}
}

// fill fetches what was not seen up to target.
func (f *Fill) fill(ctx context.Context, target uint64) error {
	f.filled.Lock()
	defer f.filled.Unlock()
	for {
		after, many := f.Tracker.nextOpen(target)
		if many == 0 {
			return f.saved(ctx)
		}
		page, err := f.Backfill.page(ctx, after, int(min(many, pageEvents)), 0, f.Tracker.epoch())
		var moved *EpochMoved
		switch {
		case errors.As(err, &moved):
			f.move(moved)
			target = math.MaxUint64
			continue
		case err != nil:
			return err
		}
		lost, ours := f.Tracker.page(page.Epoch, page.lost(after))
		if !ours {
			continue // a callback named the epoch meanwhile
		}
		for _, g := range lost {
			if f.OnExpired != nil {
				f.OnExpired(Expired{page.Epoch, g.First, g.Last})
			}
		}
		if err := f.persistAll(ctx, page, target); err != nil {
			return err
		}
		f.Tracker.Cover(after+1, min(page.Next, target))
		if err := f.saved(ctx); err != nil {
			return err
		}
		if next, _ := f.Tracker.nextOpen(target); !page.More && next >= page.Next {
			return nil
		}
	}
}

// persistAll hands over what a page has up to target.
func (f *Fill) persistAll(ctx context.Context, page *journalPage, target uint64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan journalEvent)
	var wg sync.WaitGroup
	for range max(1, f.Parallel) {
		wg.Go(func() {
			for e := range work {
				if err := f.persist(ctx, f.Backfill.event(page.Epoch, e)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, e := range page.Events {
		if e.Sequence > target || ctx.Err() != nil {
			break
		}
		work <- e
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// persist hands ev over until the program has it.
func (f *Fill) persist(ctx context.Context, ev *Event) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := f.hand(ctx, ev)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if f.Backfill.OnRetry != nil {
			f.Backfill.OnRetry(err, pause)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// saved saves. What could not be saved is saved the next time.
func (f *Fill) saved(ctx context.Context) error {
	if err := f.save(ctx); err != nil && f.Backfill.OnRetry != nil {
		f.Backfill.OnRetry(err, orDefault(f.Interval, DefaultFillInterval))
	}
	return ctx.Err()
}

// save saves what changed.
func (f *Fill) save(ctx context.Context) error {
	f.saving.Lock()
	defer f.saving.Unlock()
	s := f.Tracker.State()
	if f.Save == nil || f.saves && reflect.DeepEqual(s, f.last) {
		return nil
	}
	err := f.Save(ctx, s)
	f.last, f.saves = s, err == nil
	return err
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
