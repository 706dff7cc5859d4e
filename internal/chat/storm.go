package chat

import (
	"sync"
	"time"

	"github.com/parley-im/parley/api"
)

// storm shares records: refusals alike in app, sender, group and code within
// one second leave one exception and one callback that carries their number.
// Each sender is told after the shared record is on disk, so at most a second
// later than otherwise; that pause is wanted, it is what slows a storm down.
type storm struct {
	mu   sync.Mutex
	open map[stormKey]*entry
}

type stormKey struct {
	app   AppID
	from  UserID
	group GroupID
	code  api.Code
}

// shares decides whether the refusal goes into a shared record: always for an
// exceeded rate of calls, else when the app's exceptions of this second are
// above its storm limit.
func (s *storm) shares(t *attempt, r *Refusal) bool {
	if r.Code == api.CodeTooManyCalls {
		return true
	}
	limit := t.app.Settings.StormLimit
	if limit <= 0 {
		return false
	}
	return t.tenant.rates.exceptions.take(struct{}{}, limit, time.Now()).over()
}

// join adds the attempt to the open record of its kind, or opens one that is
// committed a second later, and waits for it.
func (s *storm) join(b *Backend, t *attempt, r *Refusal) (Outcome, error) {
	k := stormKey{t.send.App, t.send.From, t.send.Group, r.Code}
	s.mu.Lock()
	e := s.open[k]
	if e != nil {
		e.count++
		s.mu.Unlock()
		return b.await(e)
	}
	e = &entry{attempt: t, refusal: r, count: 1, done: make(chan struct{})}
	if s.open == nil {
		s.open = make(map[stormKey]*entry)
	}
	s.open[k] = e
	s.mu.Unlock()

	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.stopping:
	}
	s.mu.Lock()
	delete(s.open, k) // nobody joins from here on, so the count stands still
	s.mu.Unlock()
	if err := b.submit(e); err != nil {
		e.err = err
		close(e.done)
	}
	return b.await(e)
}
