package chat

import (
	"context"
	"sync"
)

// inProgress are the sends of one app whose outcome is not known yet, by what
// makes a send the same as another. An equal send waits here for the first.
type inProgress struct {
	mu   sync.Mutex
	open map[RepeatKey]chan struct{}
}

// enter makes the caller the one send of this key in work, waiting for an equal
// one to end first. It fails only when ctx ends while it waits.
func (p *inProgress) enter(ctx context.Context, key RepeatKey) error {
	for {
		p.mu.Lock()
		first, busy := p.open[key]
		if !busy {
			if p.open == nil {
				p.open = make(map[RepeatKey]chan struct{})
			}
			p.open[key] = nil // made when somebody waits
			p.mu.Unlock()
			return nil
		}
		if first == nil {
			first = make(chan struct{})
			p.open[key] = first
		}
		p.mu.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave ends the caller's turn and lets those who wait look again.
func (p *inProgress) leave(key RepeatKey) {
	p.mu.Lock()
	first := p.open[key]
	delete(p.open, key)
	p.mu.Unlock()
	if first != nil {
		close(first)
	}
}
