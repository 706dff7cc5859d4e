package chat

import (
	"context"
	"sync"
	"time"
)

// Pace is how fast the refusals of one user's connections are told: Burst at
// once, then Rate a second. A Rate of 0 is no bound.
type Pace struct{ Rate, Burst int }

// late makes the senders of refused messages wait for their answers: a client
// that sends what is refused, again and again, is slowed down to the pace. The
// refusal is on disk before; who waits holds no place in the queue.
//
// A user is remembered only while he is above zero: in memory are those with a
// refusal in the last Burst/Rate seconds.
type late struct {
	mu    sync.Mutex
	full  map[lateKey]time.Time // when the user has his whole burst again
	sweep int
}

type lateKey struct {
	app  AppID
	user UserID
}

// take counts one refusal of a user and says how long its answer waits.
func (l *late) take(k lateKey, p Pace, now time.Time) time.Duration {
	if p.Rate <= 0 {
		return 0
	}
	each := time.Second / time.Duration(p.Rate)
	l.mu.Lock()
	defer l.mu.Unlock()
	full, known := l.full[k]
	if !known {
		if l.full == nil {
			l.full, l.sweep = make(map[lateKey]time.Time), 1024
		}
		if len(l.full) >= l.sweep {
			for k, full := range l.full {
				if !full.After(now) {
					delete(l.full, k)
				}
			}
			l.sweep = max(1024, 2*len(l.full))
		}
	}
	if full.Before(now) {
		full = now
	}
	full = full.Add(each)
	l.full[k] = full
	return max(0, full.Sub(now)-each*time.Duration(p.Burst))
}

// slow lets the sender of a refused message wait as long as the pace wants. The
// wait ends with the caller, and with the backend.
func (b *Backend) slow(ctx context.Context, s *Send) {
	wait := b.late.take(lateKey{s.App, s.Caller}, b.refusals, b.clock())
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
