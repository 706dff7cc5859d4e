package chat

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/parley-im/parley/api"
)

// hot is the state that the send path reads: bounded caches, filled on demand,
// of what the rules look at. Together they keep to about 48 MB.
//
// A change raises the app's version first, drops its keys, and then says that it
// is applied. A fill notes the version before it reads the store and is thrown
// away if the version has moved, so nothing older than the last change can stay;
// a view notes what was applied before it looked, so the writer sees that it may
// be old.
type hot struct {
	read      Reader
	groups    *cache[groupID, *Group]       // nil: there is no such group
	accounts  *cache[accountID, *Account]   // nil: there is no such account
	standings *cache[StandingID, *Standing] //
}

type groupID struct {
	app AppID
	id  GroupID
}

type accountID struct {
	app  AppID
	user UserID
}

func newHot(read Reader) *hot {
	return &hot{
		read:      read,
		groups:    newCache[groupID, *Group](24_000),        // ~ 700 bytes each
		accounts:  newCache[accountID, *Account](48_000),    // ~ 250
		standings: newCache[StandingID, *Standing](120_000), // ~ 150
	}
}

// forget drops what a change of the app may have touched.
func (h *hot) forget(app AppID, t *Touched) {
	if t.Everything {
		h.groups.dropIf(func(k groupID) bool { return k.app == app })
		h.accounts.dropIf(func(k accountID) bool { return k.app == app })
		h.standings.clear()
		return
	}
	if t.App { // who is an admin may have changed
		h.accounts.dropIf(func(k accountID) bool { return k.app == app })
	}
	for _, id := range t.Groups {
		h.groups.drop(groupID{app, id})
	}
	for _, user := range t.Accounts {
		h.accounts.drop(accountID{app, user})
	}
	for _, s := range t.Standings {
		h.standings.drop(s)
	}
}

// view is what the state rules look at, and the version it was read at.
type view struct {
	version  uint64
	group    *Group   // nil: there is no such group
	account  *Account // nil: the sender is no account
	standing Standing
}

// look reads the facts about a send: from memory, or from the store on a miss.
func (h *hot) look(ctx context.Context, a *tenant, s *Send) (v view, err error) {
	v.version = a.applied.Load()
	if v.group, err = h.group(ctx, a, s.Group); err != nil {
		return v, err
	}
	if v.account, err = h.account(ctx, a, s.From); err != nil || v.group == nil {
		return v, err
	}
	v.standing, err = h.standing(ctx, a, v.group.Key, s.From)
	return v, err
}

func (h *hot) group(ctx context.Context, a *tenant, id GroupID) (*Group, error) {
	return h.groups.load(groupID{a.id, id}, a.version.Load, func() (*Group, error) {
		g, ok, err := h.read.Group(ctx, a.id, id)
		if err != nil || !ok {
			return nil, err
		}
		return &g, nil
	})
}

// account knows the app's admins as accounts, imported or not.
func (h *hot) account(ctx context.Context, a *tenant, user UserID) (*Account, error) {
	return h.accounts.load(accountID{a.id, user}, a.version.Load, func() (*Account, error) {
		acc, ok, err := h.read.Account(ctx, a.id, user)
		if err != nil {
			return nil, err
		}
		acc.User, acc.AdminOfApp = user, a.app.Load().IsAdmin(user)
		if !ok && !acc.AdminOfApp {
			return nil, nil
		}
		return &acc, nil
	})
}

func (h *hot) standing(ctx context.Context, a *tenant, g GroupKey, user UserID) (Standing, error) {
	s, err := h.standings.load(StandingID{g, user}, a.version.Load, func() (*Standing, error) {
		s, err := h.read.Standing(ctx, a.id, g, user)
		return &s, err
	})
	if err != nil {
		return Standing{}, err
	}
	return *s, nil
}

// tenant is an app in memory: its settings as last committed, and what the send
// path keeps for it alone.
type tenant struct {
	id        AppID
	app       atomic.Pointer[App]
	words     atomic.Pointer[Filter]
	endpoint  atomic.Pointer[Endpoint]    // the app's callback URL; nil without one
	endpoints atomic.Pointer[[]*Endpoint] // all of them, by id
	// version is the app's state version as committed, applied the same once the
	// caches are rid of what came before it. A fill is thrown away when version
	// has moved; what was looked up under an applied version is at least as new.
	version, applied atomic.Uint64
	// next is the sequence that the next event gets, as last committed here.
	next atomic.Uint64

	rates   *rates
	repeats *inProgress
	counts  counts
}

// counts are one app's attempts and outcomes in this life of the process.
type counts struct {
	attempts, accepted, refused, dropped, repeated atomic.Uint64
	unanswered                                     atomic.Int64 // falls when an unknown outcome becomes known

	mu    sync.Mutex
	codes map[api.Code]uint64 // exceptions by code; those of the app's own range count as its first
}
