package chat

import (
	"context"
	"sync"
	"time"
)

// inProgress are the sends of one app whose outcome is not known yet, by what
// makes a send the same as another. An equal send waits here for the first.
type inProgress struct {
	mu   sync.Mutex
	open map[RepeatKey]turn
}

// turn is a send in work.
type turn struct {
	over chan struct{} // closed when those who wait should look again; made when somebody waits
	// unknown: its caller was told that nobody knows its outcome. The turn lasts
	// until somebody does, so that a repeat is not taken for a new send.
	unknown bool
}

// enter makes the caller the one send of this key in work, waiting for an equal
// one to end first. It fails when ctx ends while it waits, and with ErrUnknown
// when the outcome of the first is not known in time.
func (p *inProgress) enter(ctx context.Context, key RepeatKey) error {
	var late <-chan time.Time
	for {
		p.mu.Lock()
		first, busy := p.open[key]
		if !busy {
			if p.open == nil {
				p.open = make(map[RepeatKey]turn)
			}
			p.open[key] = turn{}
			p.mu.Unlock()
			return nil
		}
		if first.over == nil {
			first.over = make(chan struct{})
			p.open[key] = first
		}
		p.mu.Unlock()
		if first.unknown && late == nil {
			timer := time.NewTimer(reopenWait)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-first.over:
		case <-late:
			return ErrUnknown
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave ends the caller's turn, unless its outcome is unknown, and lets those
// who wait look again.
func (p *inProgress) leave(key RepeatKey) { p.end(key, false) }

// hold makes the turn of a send last until settle.
func (p *inProgress) hold(key RepeatKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, busy := p.open[key]
	if !busy {
		return
	}
	if first.over != nil {
		close(first.over)
	}
	p.open[key] = turn{unknown: true}
}

// settle ends a turn that hold prolonged; of others it does nothing.
func (p *inProgress) settle(key RepeatKey) { p.end(key, true) }

func (p *inProgress) end(key RepeatKey, unknown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, busy := p.open[key]
	if !busy || first.unknown != unknown {
		return
	}
	delete(p.open, key)
	if first.over != nil {
		close(first.over)
	}
}
