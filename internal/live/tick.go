package live

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge"

	"github.com/parley-im/parley/internal/chat"
)

// tickEvery is how often the store is asked which groups said something, so that
// a hint that was lost, or that another process had to give, is made up for.
const tickEvery = time.Second

// idleTime is how long a group that nobody here hears is followed still.
const idleTime = time.Minute

// tick does what is due once a second, and looks at apps that were changed.
func (d *Door) tick() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-d.stopping:
			return
		case <-d.wake:
			d.lookAtApps()
		case <-ticker.C:
			d.follow()
			d.recheckSuspects()
			d.shed()
			d.tidy()
		}
	}
}

// follow asks the store for the heads of the groups here, of those apps that
// accepted anything since it asked last.
func (d *Door) follow() {
	defer d.guard("follow")
	apps := make(map[chat.AppID][]*hall)
	for _, s := range d.shards {
		for _, h := range s.list(0) {
			apps[h.app] = append(apps[h.app], h)
			if owed := chat.MsgSeq(h.owed.Load()); owed != 0 {
				s.post(func() { h.readTo(owed) })
			}
		}
	}
	if len(apps) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, readWait)
	defer cancel()
	doubt := d.doubt.Swap(false) // before the heads are read
	heads, err := d.backend.Reader().Heads(ctx)
	if err != nil {
		d.doubt.Store(true)
		d.log.Debug("the heads of groups could not be read", "error", err)
		return
	}
	for app, halls := range apps {
		head := heads[app]
		if epoch, known := d.epochs[app]; known && epoch != head.Epoch { // it was removed and made anew
			delete(d.before, app)
			delete(d.heads, app)
			d.handed.Delete(app)
		}
		d.epochs[app] = head.Epoch
		accepted := head.Totals.Accepted
		if known, ok := d.heads[app]; ok && !doubt && (known == accepted || d.heard(app) >= accepted) {
			continue
		}
		if d.askHeads(ctx, app, halls) == nil {
			d.heads[app] = accepted
		} else {
			d.doubt.Store(true)
		}
	}
}

// heard is how much of what an app accepted was handed over, or is older than the
// door. Where no other process writes, that is all of it unless something went
// wrong; where others do, it is not looked at.
func (d *Door) heard(app chat.AppID) uint64 {
	n, ok := d.handed.Load(app)
	if !ok || d.backend.Concurrent() {
		return 0
	}
	return d.before[app] + n.(*atomic.Uint64).Load()
}

// askAll asks for the heads of all groups of a shard, in its worker.
func (d *Door) askAll(s *shard) {
	apps := make(map[chat.AppID][]*hall)
	for _, h := range s.list(0) {
		apps[h.app] = append(apps[h.app], h)
	}
	ctx, cancel := s.reading()
	defer cancel()
	for app, halls := range apps {
		if d.askHeads(ctx, app, halls) != nil {
			return // the next tick asks: hint has left a doubt
		}
	}
}

// askHeads has halls push what is stored and was not handed over.
//
// The heads come first and then the changes that other processes made before
// them: who was taken out before a message was sent is taken out before it is
// pushed.
func (d *Door) askHeads(ctx context.Context, app chat.AppID, halls []*hall) error {
	keys := make([]chat.GroupKey, 0, len(halls))
	for _, h := range halls {
		keys = append(keys, h.key)
	}
	heads, err := d.backend.Reader().GroupHeads(ctx, app, keys)
	if err == nil {
		err = d.backend.Sync(ctx, app)
	}
	if err != nil {
		d.log.Debug("the heads of groups could not be read", "app", app, "error", err)
		return err
	}
	for _, h := range halls {
		if next := heads[h.key]; next > chat.MsgSeq(h.next.Load()) && next > 1 {
			h.shard.post(func() { h.readTo(next - 1) })
		}
	}
	return nil
}

// recheckSuspects looks again at connections whose groups could not be read.
func (d *Door) recheckSuspects() {
	var suspects []*conn
	for _, c := range d.all() {
		if c.suspect.CompareAndSwap(true, false) {
			suspects = append(suspects, c)
		}
	}
	const atOnce = 4 // they may be all there are
	for i := range min(atOnce, len(suspects)) {
		d.aside(func() {
			for ; i < len(suspects); i += atOnce {
				d.readAgain(suspects[i])
			}
		})
	}
}

func (d *Door) all() []*conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.conns)
}

// tidy forgets groups that nobody here has heard for a while.
func (d *Door) tidy() {
	since := time.Now().Add(-idleTime)
	for _, s := range d.shards {
		for _, h := range s.list(0) {
			if h.here.Load() == 0 && h.touched.Load() <= since.Unix() {
				s.post(func() {
					if len(h.conns) == 0 {
						s.drop(h, since.Unix())
					}
				})
			}
		}
	}
}

// lookAtApps ends the connections of apps that are gone, sends those away whose
// UserSig was made with another key, and reads memberships anew where changes may
// have been missed.
func (d *Door) lookAtApps() {
	d.mu.Lock()
	changed := d.changed
	d.changed = make(map[chat.AppID]bool)
	d.mu.Unlock()
	for id, memberships := range changed {
		app, there := d.backend.App(id)
		if memberships {
			d.forget(id)
		}
		delete(d.heads, id) // it may be another one of the same number
		for _, c := range d.all() {
			switch {
			case c.app != id:
			case !there:
				c.end(disconnectAppGone)
			case app.Key != c.key:
				c.end(centrifuge.DisconnectStateInvalidated)
			case memberships:
				c.suspect.Store(true)
			}
		}
		if memberships {
			d.recheckSuspects()
		}
	}
}
