package chat

import (
	"context"
	"fmt"
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
	if !b.writer.queue.put(c) {
		return ErrStopped
	}
	<-c.done
	return c.err
}

// alter runs one change. After an error from COMMIT the version tells whether
// it was stored: every change raises it, or removes the app.
func (w *writer) alter(c *alteration) error {
	if w.sick.is() {
		return storeRefusal("the store takes no writes")
	}
	tx, err := w.begin()
	if err != nil {
		return w.alterFailed(c, err)
	}
	records, err := tx.Records(c.app)
	if err != nil {
		tx.Rollback()
		return w.alterFailed(c, err)
	}
	n := &noted{Records: records, ids: make(map[GroupKey]GroupID)}
	if err := c.fn(n); err != nil {
		tx.Rollback()
		if _, refused := err.(*Refusal); refused {
			return err
		}
		return w.alterFailed(c, err)
	}
	version, err := n.RaiseVersion()
	if err != nil {
		tx.Rollback()
		return w.alterFailed(c, err)
	}
	if err := tx.Commit(); err != nil {
		w.log.Error("the commit of a change failed; asking the store", "app", c.app, "error", err)
		if err := w.b.store.Reopen(); err != nil {
			w.fallSick(err)
			return ErrUnknown // found out by the next batch of the app
		}
		head, herr := w.b.store.Head(context.Background(), c.app)
		if herr != nil {
			return ErrUnknown
		}
		if stored := head.Version >= version || n.removed && head.Next == 0; !stored {
			return w.alterFailed(c, err)
		}
	}
	return w.apply(c.app, n, version)
}

func (w *writer) alterFailed(c *alteration, err error) error {
	w.log.Error("a change of state failed", "app", c.app, "error", err)
	return storeRefusal("the change could not be stored")
}

// apply makes a committed change hold in memory: the version first, then the
// cached values go. No send is committed in between; this is the writer.
func (w *writer) apply(app AppID, n *noted, version uint64) error {
	if a, ok := w.b.tenant(app); ok {
		a.version.Store(version)
	}
	if n.app {
		if err := w.b.reload(context.Background(), app, version); err != nil {
			return fmt.Errorf("publish the change: %w", err)
		}
		w.b.hot.accounts.clear() // who is an admin may have changed
	}
	for _, id := range n.groups {
		w.b.hot.groups.drop(groupID{app, id})
	}
	for _, user := range n.accounts {
		w.b.hot.accounts.drop(accountID{app, user})
	}
	for _, s := range n.standings {
		w.b.hot.standings.drop(s)
	}
	if n.manyGroups {
		w.b.hot.groups.clear()
	}
	if n.manyStandings {
		w.b.hot.standings.clear()
	}
	if a, ok := w.b.tenant(app); ok {
		a.applied.Store(version)
	}
	if n.app {
		w.b.offers.Changed(app)
	}
	return nil
}

// noted is Records that notes what a change touches.
type noted struct {
	Records
	app           bool
	removed       bool // the app itself
	groups        []GroupID
	accounts      []UserID
	standings     []standingID
	manyGroups    bool
	manyStandings bool
	ids           map[GroupKey]GroupID // of the groups read in this change
}

func (n *noted) group(k GroupKey) {
	if id, ok := n.ids[k]; ok {
		n.groups = append(n.groups, id)
		return
	}
	n.manyGroups = true
}

func (n *noted) PutApp(a App) error {
	n.app = true
	return n.Records.PutApp(a)
}

func (n *noted) DeleteApp() error {
	n.app, n.removed, n.manyGroups, n.manyStandings = true, true, true, true
	return n.Records.DeleteApp()
}

func (n *noted) PutEndpoint(e Endpoint) error {
	n.app = true
	return n.Records.PutEndpoint(e)
}

func (n *noted) DeleteEndpoint(id string) error {
	n.app = true
	return n.Records.DeleteEndpoint(id)
}

func (n *noted) AddWords(words []string) error {
	n.app = true
	return n.Records.AddWords(words)
}

func (n *noted) DeleteWords(words []string) error {
	n.app = true
	return n.Records.DeleteWords(words)
}

func (n *noted) PutAccount(a Account) error {
	n.accounts = append(n.accounts, a.User)
	return n.Records.PutAccount(a)
}

func (n *noted) DeleteAccount(u UserID) error {
	n.accounts = append(n.accounts, u)
	n.manyGroups, n.manyStandings = true, true // his memberships and mutes
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
	n.groups = append(n.groups, g.ID)
	key, err := n.Records.CreateGroup(g)
	n.ids[key] = g.ID
	return key, err
}

func (n *noted) UpdateGroup(g Group) error {
	n.groups = append(n.groups, g.ID)
	return n.Records.UpdateGroup(g)
}

func (n *noted) DeleteGroup(k GroupKey) error {
	n.group(k)
	return n.Records.DeleteGroup(k)
}

func (n *noted) PutMember(k GroupKey, m Member) error {
	n.standings = append(n.standings, standingID{k, m.User})
	return n.Records.PutMember(k, m)
}

func (n *noted) DeleteMember(k GroupKey, u UserID) error {
	n.standings = append(n.standings, standingID{k, u})
	return n.Records.DeleteMember(k, u)
}

func (n *noted) PutMute(k GroupKey, u UserID, until int64) error {
	n.standings = append(n.standings, standingID{k, u})
	return n.Records.PutMute(k, u, until)
}
