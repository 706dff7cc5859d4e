package chat

import "context"

// MarkRead notes up to which number a member has read. It returns when that is on
// disk, with the next batch or 100 ms later. A position never falls, and who is no
// member has none. No version is raised: no rule looks at it. The error is ErrBusy
// when too many wait, and ErrUnknown when ctx ends before it is known.
func (b *Backend) MarkRead(ctx context.Context, app AppID, g GroupKey, user UserID, seq MsgSeq) error {
	if b.marking.Add(1) > maxBeside {
		b.marking.Add(-1)
		return ErrBusy
	}
	done := make(chan error, 1)
	f := &flush{app: app, read: &Read{g, user, seq}, done: func(err error) {
		b.marking.Add(-1)
		done <- err
	}}
	if !b.writers.with(app, func(w *writer) bool { return w.queue.putLazy(f, nil, Totals{}) }) {
		f.done(ErrStopped)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ErrUnknown
	}
}

// mark plans a read position; of several of one member the highest.
func (s *share) mark(r *Read) {
	id := StandingID{r.Group, r.User}
	if at, ok := s.marked[id]; ok {
		have := &s.rows.Read[at]
		have.Seq = max(have.Seq, r.Seq)
		return
	}
	if s.marked == nil {
		s.marked = make(map[StandingID]int)
	}
	s.marked[id] = len(s.rows.Read)
	s.rows.Read = append(s.rows.Read, *r)
}
