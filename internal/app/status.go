package app

import (
	"context"
	"net/url"
	"slices"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/console"
)

// status tells the console of every app. What cannot be read stays zero; the
// page is a look, not a ledger.
func (s *Server) status(ctx context.Context) []console.AppStatus {
	ids := s.backend.AppIDs()
	slices.Sort(ids)
	list := make([]console.AppStatus, 0, len(ids))
	for _, id := range ids {
		a, ok := s.backend.App(id)
		if !ok {
			continue
		}
		c, _ := s.backend.Counts(id)
		v := console.AppStatus{
			ID: id, Epoch: a.Epoch, Attempts: c.Attempts, Accepted: c.Accepted, Refused: c.Refused,
			Dropped: c.Dropped, Repeated: c.Repeated, Unanswered: c.Unanswered,
		}
		if head, err := s.store.Head(ctx, id); err == nil && head.Next > 0 {
			v.Head = head.Next - 1
		}
		endpoints, err := s.store.Endpoints(ctx, id)
		if err != nil {
			endpoints = nil
		}
		for _, e := range endpoints {
			if e.ID == chat.PrimaryEndpoint {
				s.describe(ctx, &v, &e)
			}
		}
		list = append(list, v)
	}
	return list
}

func (s *Server) describe(ctx context.Context, v *console.AppStatus, e *chat.Endpoint) {
	if u, err := url.Parse(e.URL); err == nil {
		v.CallbackHost = u.Host
	}
	v.Cursor = e.Cursor
	if v.Head > v.Cursor {
		v.Waiting = uint64(v.Head - v.Cursor)
	}
	if waiting, _, err := s.store.CountPending(ctx, v.ID, e.ID, 1_000_000); err == nil {
		v.Waiting += uint64(waiting)
	}
}
