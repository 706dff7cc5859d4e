package chat

import (
	"context"
	"strings"

	"github.com/parley-im/parley/api"
)

// setEndpoints publishes the endpoints of an app.
func (a *tenant) setEndpoints(list []Endpoint) {
	all := make([]*Endpoint, len(list))
	var primary *Endpoint
	for i := range list {
		all[i] = &list[i]
		if list[i].ID == PrimaryEndpoint {
			primary = &list[i]
		}
	}
	a.endpoints.Store(&all)
	a.endpoint.Store(primary)
}

// wanted says whether any endpoint is to get an event that is about to be
// committed.
func (a *tenant) wanted(ev *Event) bool {
	for _, e := range *a.endpoints.Load() {
		if s := (Switches{e.Commands, e.Codes, e.Groups}); e.URL != "" && s.Let(ev) {
			return true
		}
	}
	return false
}

// replaced says whether the endpoint that a report is about was removed and
// another one has its id: the report would move the cursor of that one.
func (a *tenant) replaced(p *Progress) bool {
	for _, e := range *a.endpoints.Load() {
		if e.ID == p.Endpoint {
			return e.Life != p.Life
		}
	}
	return false // the store drops it
}

// CreateEndpoint makes an endpoint, which gets the events from now on. Codes:
// 70020 for an app that is not there, 10004 for what [Endpoint.Check] finds, an
// id in use, and too many.
func (b *Backend) CreateEndpoint(ctx context.Context, e Endpoint) error {
	if !validEndpointID(e.ID) {
		return Fail(api.CodeInvalidParameter, "Id must be 1 to 64 of a-z, 0-9, - and _")
	}
	if err := e.Check(); err != nil {
		return Fail(api.CodeInvalidParameter, err.Error())
	}
	return b.Change(ctx, e.App, func(r Records) error {
		next, err := appNext(r)
		if err != nil {
			return err
		}
		_, taken, err := r.Endpoint(e.ID)
		if err != nil {
			return err
		}
		n, err := r.CountEndpoints()
		switch {
		case err != nil:
			return err
		case taken || e.ID == PrimaryEndpoint:
			return Fail(api.CodeInvalidParameter, "there is an endpoint with this Id")
		case n >= maxEndpoints:
			return Fail(api.CodeInvalidParameter, "the app has as many endpoints as it may have")
		}
		e.begin(next - 1)
		return r.PutEndpoint(e)
	})
}

// begin makes an endpoint one that gets the events after head.
func (e *Endpoint) begin(head Sequence) {
	e.Cursor, e.CursorPrevious, e.Since, e.Past, e.Lane, e.Life = head, 0, head, nil, LaneState{}, NewEpoch()
}

// UpdateEndpoint changes an endpoint. Events that are committed already are for
// it by the switches and filters from before. change must not keep what it is
// given. Codes: 70020 for an app that is not there, 10004 for an endpoint that
// is not, for what the change made wrong, and whatever change returns.
func (b *Backend) UpdateEndpoint(ctx context.Context, app AppID, id string, change func(*Endpoint) error) error {
	return b.Change(ctx, app, func(r Records) error {
		next, err := appNext(r)
		if err != nil {
			return err
		}
		had, ok, err := r.Endpoint(id)
		if err != nil {
			return err
		}
		if !ok {
			return errNoEndpoint()
		}
		e := had
		if err := change(&e); err != nil {
			return err
		}
		if refusal := e.replaces(&had, next-1); refusal != nil {
			return refusal
		}
		return r.PutEndpoint(e)
	})
}

// replaces makes e ready to be put in the place of had.
func (e *Endpoint) replaces(had *Endpoint, head Sequence) *Refusal {
	e.ID, e.App = had.ID, had.App
	if err := e.Check(); err != nil {
		return Fail(api.CodeInvalidParameter, err.Error())
	}
	if e.URL != had.URL && had.Paused == PausedGone && e.Paused == PausedGone {
		e.Paused, e.PausedAt = "", 0 // it was about the old one
	}
	e.switched(had, head)
	if len(e.Past) > maxPast {
		return Fail(api.CodeInvalidParameter, "the switches were changed too often while events wait; try again when they are delivered")
	}
	return nil
}

// DeleteEndpoint removes an endpoint with all that is known of its deliveries.
// The primary one is removed by an app without a callback URL. Codes: as
// UpdateEndpoint.
func (b *Backend) DeleteEndpoint(ctx context.Context, app AppID, id string) error {
	if id == PrimaryEndpoint {
		return Fail(api.CodeInvalidParameter, "the primary endpoint is the app's callback URL; set that to nothing instead")
	}
	return b.Change(ctx, app, func(r Records) error {
		if _, err := appNext(r); err != nil {
			return err
		}
		_, ok, err := r.Endpoint(id)
		if err != nil {
			return err
		}
		if !ok {
			return errNoEndpoint()
		}
		return r.DeleteEndpoint(id)
	})
}

// PausedGone is why an endpoint is paused that said itself that it is gone. It
// goes on when it is given another URL, or resumed.
const PausedGone = "the endpoint answered 410"

// PauseEndpoint stops the delivery to an endpoint, which keeps its events.
// reason is shown to people.
func (b *Backend) PauseEndpoint(ctx context.Context, app AppID, id, reason string) error {
	return b.UpdateEndpoint(ctx, app, id, func(e *Endpoint) error {
		if e.Paused == "" {
			e.Paused, e.PausedAt = reason, b.Now().UnixMilli()
		}
		return nil
	})
}

// ResumeEndpoint has the events delivered that a paused endpoint has kept.
func (b *Backend) ResumeEndpoint(ctx context.Context, app AppID, id string) error {
	return b.UpdateEndpoint(ctx, app, id, func(e *Endpoint) error {
		e.Paused, e.PausedAt = "", 0
		return nil
	})
}

// maxReplays is how many replays of an endpoint may be under way.
const maxReplays = 100

// StartReplay has events of endpoints sent again; see [Replay]. Without a Last
// they are those up to now. It answers with what was begun, one for each
// endpoint. Codes: as UpdateEndpoint.
func (b *Backend) StartReplay(ctx context.Context, app AppID, endpoints []string, what Replay) (begun []Replay, err error) {
	err = b.Change(ctx, app, func(r Records) error {
		next, err := appNext(r)
		if err != nil {
			return err
		}
		begun = nil
		for _, id := range endpoints {
			e, ok, err := r.Endpoint(id)
			if err != nil {
				return err
			}
			if !ok || e.URL == "" {
				return errNoEndpoint()
			}
			n, err := r.CountReplays(id)
			if err != nil {
				return err
			}
			if n >= maxReplays {
				return Fail(api.CodeInvalidParameter, "as many replays of the endpoint as there may be are under way")
			}
			p := what
			p.Endpoint = id
			p.First = max(p.First, 1)
			if p.Last == 0 || p.Last >= next {
				p.Last = next - 1
			}
			if p.Last < p.First {
				continue // nothing to send
			}
			p.Next = p.First
			if p.ID, err = r.AddReplay(p); err != nil {
				return err
			}
			begun = append(begun, p)
		}
		return nil
	})
	return begun, err
}

// appNext is the sequence of the app's next event.
func appNext(r Records) (Sequence, error) {
	if _, ok, err := r.App(); err != nil {
		return 0, err
	} else if !ok {
		return 0, Fail(api.CodeAppNotFound)
	}
	return r.Next()
}

func errNoEndpoint() *Refusal {
	return Fail(api.CodeInvalidParameter, "the app has no endpoint with this Id")
}

func validEndpointID(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}
