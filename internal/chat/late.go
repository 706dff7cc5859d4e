package chat

import (
	"context"
	"time"
)

// slow makes the sender of a refused message wait for its answer as long as the
// pace wants: a client that sends what is refused, again and again, is slowed down
// to it. The refusal is on disk before; who waits holds no place in the queue. The
// wait ends with the caller, and with the backend.
func (b *Backend) slow(ctx context.Context, s *Send) {
	wait := b.late.take(pacedKey{s.App, s.Caller}, b.refusals, b.clock())
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-b.stopping:
	}
}
