package chat

import (
	"context"
	"time"
)

// watchEvery is how often a store that others write to as well is looked at.
// What they changed holds for this process's commits in any case, because each
// batch reads the version with its app's row; looking makes it known to what
// commits nothing, and tells the lanes of events.
const watchEvery = time.Second

// watch looks for what other processes changed, until the backend stops.
func (b *Backend) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-b.stopping:
			return
		}
		heads, err := b.store.Heads(context.Background())
		if err != nil {
			if b.reachable.Swap(false) {
				b.log.Error("the store cannot be reached", "error", err)
			}
			// Another server may have taken over, whose sessions are not let in before
			// this; in an idle process no writer does it.
			if err := b.store.Reopen(); err != nil {
				b.log.Debug("the store does not open", "error", err)
			}
			continue
		}
		if !b.reachable.Swap(true) {
			b.log.Info("the store can be reached again")
		}
		b.compare(heads)
	}
}

// compare has the writers look at the apps that are not as they are known here.
func (b *Backend) compare(heads map[AppID]Head) {
	for _, id := range b.AppIDs() {
		if _, there := heads[id]; !there {
			b.refresh(id)
		}
	}
	for id, head := range heads {
		a, known := b.tenant(id)
		if !known || a.applied.Load() != head.Version || a.app.Load().Epoch != head.Epoch {
			b.refresh(id)
			continue
		}
		if uint64(head.Next) > a.next.Load() {
			b.offers.Behind(id, head.Next-1)
		}
	}
}

// refresh has the app's writer look at its head; it waits for nothing.
func (b *Backend) refresh(app AppID) {
	b.put(app, &alteration{app: app, done: make(chan struct{})})
}

// Sync brings what is known of an app up to what other processes have committed
// until now. Where there are none it does nothing.
func (b *Backend) Sync(ctx context.Context, app AppID) error {
	if !b.store.Concurrent() {
		return nil
	}
	c := &alteration{app: app, done: make(chan struct{})}
	if !b.put(app, c) {
		return ErrStopped
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look brings what is remembered of an app up to its head as it is now. It runs
// in the app's writer, so that no change of this process comes between.
func (w *writer) look(app AppID) error {
	head, err := w.b.store.Head(context.Background(), app)
	if err != nil {
		return err
	}
	a, known := w.b.tenant(app)
	switch {
	case head.Next == 0 && !known:
		return nil
	case head.Next == 0 || !known:
		err := w.b.reload(context.Background(), app, head.Version)
		w.b.hot.forget(app, &Touched{Everything: true})
		w.b.offers.Changed(app)
		if w.b.audience != nil {
			w.b.audience.Noticed(app, nil, false)
		}
		return err
	}
	return w.catchUp(a, head)
}

// catchUp makes what other processes changed hold here: the version first, then
// the cached values go. It runs in the app's writer.
func (w *writer) catchUp(a *tenant, head Head) error {
	from := a.version.Load()
	if from == head.Version && a.app.Load().Epoch == head.Epoch {
		return nil
	}
	touched := whatever
	if a.app.Load().Epoch != head.Epoch {
		a.next.Store(0) // the sequences begin anew, perhaps below
	} else {
		var err error
		if touched, err = w.touched(a, head.Version); err != nil {
			return err
		}
	}
	return w.apply(a.id, &touched, head.Version)
}

// touched is what the changes touched that raised the app's version from the one
// that is known here: everything, if they are not all known still.
func (w *writer) touched(a *tenant, upTo uint64) (t others, err error) {
	from := a.version.Load()
	if from > upTo {
		return whatever, nil
	}
	list, err := w.b.store.Changes(context.Background(), a.id, from, upTo)
	if err != nil || uint64(len(list)) != upTo-from {
		return whatever, err
	}
	for i := range list {
		t.Touched.add(&list[i].Touched)
		t.Notices = append(t.Notices, list[i].Notices...)
	}
	return t, nil
}

// others are changes taken together. unknown: nobody knows all of them any more.
type others struct {
	Change
	unknown bool
}

// whatever is what may have been changed when nobody knows.
var whatever = others{Change{Touched: Touched{App: true, Everything: true}}, true}

func (t *Touched) add(u *Touched) {
	t.App, t.Everything = t.App || u.App, t.Everything || u.Everything
	t.Groups = append(t.Groups, u.Groups...)
	t.Accounts = append(t.Accounts, u.Accounts...)
	t.Standings = append(t.Standings, u.Standings...)
}

// tend gives a store its turns for housekeeping beside the writers.
func (b *Backend) tend() {
	for {
		more, err := b.store.Maintain()
		if err != nil {
			b.log.Debug("housekeeping failed; it is tried again", "error", err)
		}
		pause := watchEvery
		if more && err == nil {
			pause = time.Millisecond
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-b.stopping:
			timer.Stop()
			return
		}
	}
}
