package chat

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Change runs fn in a transaction of its own, in the order of sends: a send
// that is committed after Change has returned is judged by the new state. fn
// runs once, by the writer, and must not block; a *Refusal it returns undoes
// everything and is returned as it is. The app need not exist yet when fn makes
// it.
func (b *Backend) Change(ctx context.Context, app AppID, fn func(Records) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &alteration{app: app, fn: fn, done: make(chan struct{})}
	if !b.put(app, c) {
		return ErrStopped
	}
	<-c.done
	return c.err
}

// alter runs one change. After an error from COMMIT the store is asked whether
// it was stored.
func (w *writer) alter(c *alteration) error {
	if w.sick.is() {
		return storeRefusal("the store takes no writes")
	}
	tx, records, err := w.records(c.app)
	if err != nil {
		return w.alterFailed(c, err)
	}
	n := &noted{Records: records, ids: make(map[GroupKey]GroupID), tight: w.b.space.Room().State == RoomCritical}
	if err := c.fn(n); err != nil {
		tx.Rollback()
		if _, refused := err.(*Refusal); refused {
			return err
		}
		return w.alterFailed(c, err)
	}
	if r := checkGrowth(n); r != nil {
		tx.Rollback()
		return r
	}
	trace, err := w.raise(n)
	if err != nil {
		tx.Rollback()
		return w.alterFailed(c, err)
	}
	if err := tx.Commit(); err != nil {
		var uncommitted *Uncommitted
		if errors.As(err, &uncommitted) {
			tx.Rollback()
			return w.alterFailed(c, err)
		}
		w.log.Error("the commit of a change failed; asking the store", "app", c.app, "error", err)
		stored, aerr := w.askChange(c.app, trace)
		if aerr != nil {
			w.fallSick(aerr)
			return ErrUnknown // found out by the next batch of the app
		}
		if !stored {
			return w.alterFailed(c, err)
		}
	}
	touched, notices, complete := n.touched(), n.notices, true
	if a, ok := w.b.tenant(c.app); ok && n.removed == "" && trace.Version != a.version.Load()+1 {
		// Other processes changed the app before, and it is behind with them.
		others, err := w.touched(a, trace.Version-1)
		if err != nil {
			others = whatever
		}
		touched.add(&others.Touched)
		notices, complete = append(others.Notices, notices...), !others.unknown
	}
	return w.apply(c.app, &others{Change{Touched: touched, Notices: notices}, !complete}, trace.Version)
}

// raise raises the version of the app that was changed. One that was removed has
// none any more.
func (w *writer) raise(n *noted) (t Trace, err error) {
	if n.removed != "" {
		return Trace{Removed: n.removed}, nil
	}
	t.Attempt = NewAttemptID(w.b.Now())
	t.Version, err = n.RaiseVersion(Change{ID: t.Attempt, Touched: n.touched(), Notices: n.notices})
	return t, err
}

// records opens a transaction with the app's state. A store that is away or busy
// is tried again for a while: fn has not run yet.
func (w *writer) records(app AppID) (Tx, Records, error) {
	deadline := time.Now().Add(reopenWait)
	for {
		tx, err := w.begin()
		if err == nil {
			var records Records
			if records, err = tx.Records(app); err == nil {
				return tx, records, nil
			}
			tx.Rollback()
		}
		if !w.again(err, deadline) {
			return nil, nil, err
		}
	}
}

// busyWait is how much longer an app that another process holds is waited for
// than a store that is away: that process ends, or is ended by the store, within
// seconds, and what waited too long is refused then.
const busyWait = 5 * time.Second

// again says whether what failed with err is worth another try before the
// deadline; it opens a store that is away, waiting a little if it cannot.
func (w *writer) again(err error, deadline time.Time) bool {
	if errors.Is(err, ErrStoreBusy) {
		return time.Now().Before(deadline.Add(busyWait))
	}
	if !errors.Is(err, ErrStoreAway) {
		return false
	}
	for {
		err := w.b.store.Reopen()
		if err == nil {
			break
		}
		if !time.Now().Before(deadline) || errors.Is(err, ErrStopped) {
			return false
		}
		wait(50 * time.Millisecond)
	}
	return time.Now().Before(deadline)
}

// wait passes a little time for a store to come back.
func wait(d time.Duration) { <-time.After(d) }

// askChange finds out whether a change whose COMMIT failed is stored.
func (w *writer) askChange(app AppID, t Trace) (bool, error) {
	deadline := time.Now().Add(reopenWait)
	for {
		err := w.b.store.Reopen()
		if err == nil {
			var found []bool
			if found, err = w.b.store.Found(context.Background(), app, []Trace{t}); err == nil {
				return found[0], nil
			}
		}
		if !w.b.store.Concurrent() || !w.again(err, deadline) {
			return false, err
		}
	}
}

func (w *writer) alterFailed(c *alteration, err error) error {
	w.log.Error("a change of state failed", "app", c.app, "error", err)
	if errors.Is(err, ErrStoreAway) { // its session is lost; is the store?
		if err := w.b.store.Reopen(); err != nil {
			w.fallSick(err)
		}
	}
	return storeRefusal("the change could not be stored")
}

// apply makes a committed change hold in memory: the version first, then the
// cached values go. No send of the app is committed in between; this is its
// writer.
func (w *writer) apply(app AppID, c *others, version uint64) error {
	touched := &c.Touched
	a, known := w.b.tenant(app)
	var before uint64
	if known {
		before = a.version.Swap(version)
	}
	if touched.App {
		if err := w.b.reload(context.Background(), app, version); err != nil {
			if known { // the next batch finds it behind
				a.version.Store(before)
			}
			return fmt.Errorf("publish the change: %w", err)
		}
	}
	w.b.hot.forget(app, touched)
	if a, ok := w.b.tenant(app); ok {
		a.applied.Store(version)
	}
	if touched.App {
		w.b.offers.Changed(app)
	}
	if w.b.audience != nil && (len(c.Notices) > 0 || c.unknown) {
		w.b.audience.Noticed(app, c.Notices, !c.unknown)
	}
	return nil
}

// noted is Records that notes what a change touches.
type noted struct {
	Records
	what    Touched
	epoch   string               // of the app, when it was read
	removed string               // its epoch, if it was removed itself
	tight   bool                 // there is no room for what grows
	grows   bool                 // it makes something that was not there
	frees   bool                 // it takes something out
	ids     map[GroupKey]GroupID // of the groups read in this change
	notices []Notice
}

// maxTouched is how many things a change names; above it everything is forgotten.
const maxTouched = 1000

func (n *noted) touched() Touched {
	t := n.what
	if len(t.Groups)+len(t.Accounts)+len(t.Standings) > maxTouched {
		t.Everything = true
	}
	if t.Everything {
		t.Groups, t.Accounts, t.Standings = nil, nil, nil
	}
	return t
}

func (n *noted) group(k GroupKey) {
	if id, ok := n.ids[k]; ok {
		n.what.Groups = append(n.what.Groups, id)
		return
	}
	n.what.Everything = true
}

func (n *noted) standing(k GroupKey, u UserID) {
	n.what.Standings = append(n.what.Standings, StandingID{k, u})
}

func (n *noted) App() (App, bool, error) {
	a, ok, err := n.Records.App()
	n.epoch = a.Epoch
	return a, ok, err
}

func (n *noted) PutApp(a App) error {
	n.grows = n.grows || n.epoch == "" // there was none to be read
	n.what.App = true
	return n.Records.PutApp(a)
}

func (n *noted) DeleteApp() error {
	n.frees = true
	n.what.App, n.removed, n.what.Everything = true, n.epoch, true
	return n.Records.DeleteApp()
}

func (n *noted) PutEndpoint(e Endpoint) error {
	n.what.App = true
	return n.Records.PutEndpoint(e)
}

func (n *noted) AddReplay(p Replay) (int64, error) {
	n.what.App = true // its lane looks for it
	return n.Records.AddReplay(p)
}

func (n *noted) DeleteEndpoint(id string) error {
	n.frees = true
	n.what.App = true
	return n.Records.DeleteEndpoint(id)
}

func (n *noted) AddWords(words []string) error {
	n.grows = true
	n.what.App = true
	return n.Records.AddWords(words)
}

func (n *noted) DeleteWords(words []string) error {
	n.frees = true
	n.what.App = true
	return n.Records.DeleteWords(words)
}

func (n *noted) PutAccount(a Account) error {
	if n.tight && !n.grows {
		_, known, err := n.Records.Account(a.User)
		if err != nil {
			return err
		}
		n.grows = !known
	}
	n.what.Accounts = append(n.what.Accounts, a.User)
	return n.Records.PutAccount(a)
}

func (n *noted) DeleteAccount(u UserID) error {
	n.frees = true
	n.what.Everything = true // his memberships and mutes
	return n.Records.DeleteAccount(u)
}

func (n *noted) Group(id GroupID) (Group, bool, error) {
	g, ok, err := n.Records.Group(id)
	if ok {
		n.ids[g.Key] = id
	}
	return g, ok, err
}

func (n *noted) CreateGroup(g Group) (GroupKey, error) {
	n.grows = true
	n.what.Groups = append(n.what.Groups, g.ID)
	key, err := n.Records.CreateGroup(g)
	n.ids[key] = g.ID
	return key, err
}

func (n *noted) UpdateGroup(g Group) error {
	n.what.Groups = append(n.what.Groups, g.ID)
	return n.Records.UpdateGroup(g)
}

func (n *noted) DeleteGroup(k GroupKey) error {
	n.frees = true
	n.group(k)
	return n.Records.DeleteGroup(k)
}

func (n *noted) PutMember(k GroupKey, m Member) error {
	if n.tight && !n.grows {
		_, known, err := n.Records.Member(k, m.User)
		if err != nil {
			return err
		}
		n.grows = !known
	}
	n.standing(k, m.User)
	return n.Records.PutMember(k, m)
}

func (n *noted) PutApplication(a Application) error {
	n.grows = true
	return n.Records.PutApplication(a)
}

func (n *noted) DeleteMember(k GroupKey, u UserID) error {
	n.frees = true
	n.standing(k, u)
	return n.Records.DeleteMember(k, u)
}

func (n *noted) PutMute(k GroupKey, u UserID, until int64) error {
	n.standing(k, u)
	return n.Records.PutMute(k, u, until)
}
