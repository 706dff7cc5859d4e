package chat

import (
	"sync"
	"time"

	"github.com/parley-im/parley/api"
)

// Pace is how fast a user may do something: Burst at once, then Rate a second. A
// Rate of 0 is no bound.
type Pace struct{ Rate, Burst int }

// paced counts what each user does against a pace.
//
// A user is remembered only while he is above zero: in memory are those who did
// something in the last Burst/Rate seconds.
type paced struct {
	mu    sync.Mutex
	full  map[pacedKey]time.Time // when the user has his whole burst again
	sweep int
}

type pacedKey struct {
	app  AppID
	user UserID
}

// take counts one act of a user, and says how long he is over the pace by it.
func (l *paced) take(k pacedKey, p Pace, now time.Time) time.Duration {
	return l.count(k, p, now, true)
}

// try is take, but counts nothing of who is over the pace: asking again and again
// does not lengthen the wait.
func (l *paced) try(k pacedKey, p Pace, now time.Time) time.Duration {
	return l.count(k, p, now, false)
}

func (l *paced) count(k pacedKey, p Pace, now time.Time, always bool) time.Duration {
	if p.Rate <= 0 {
		return 0
	}
	each := time.Second / time.Duration(p.Rate)
	l.mu.Lock()
	defer l.mu.Unlock()
	full, known := l.full[k]
	if full.Before(now) {
		full = now
	}
	full = full.Add(each)
	over := max(0, full.Sub(now)-each*time.Duration(p.Burst))
	if over > 0 && !always {
		return over
	}
	if !known {
		l.makeRoom(now)
	}
	l.full[k] = full
	return over
}

// makeRoom forgets whoever is at zero when the map has doubled since the last time.
func (l *paced) makeRoom(now time.Time) {
	if l.full == nil {
		l.full, l.sweep = make(map[pacedKey]time.Time), 1024
	}
	if len(l.full) < l.sweep {
		return
	}
	for k, full := range l.full {
		if !full.After(now) {
			delete(l.full, k)
		}
	}
	l.sweep = max(1024, 2*len(l.full))
}

// MayChange counts a change that a user asks for over a connection. Who asks for
// more than the pace is refused with 10006; that is not counted.
func (b *Backend) MayChange(app AppID, user UserID) *Refusal {
	wait := b.changing.try(pacedKey{app, user}, b.changes, b.clock())
	if wait <= 0 {
		return nil
	}
	r := Fail(api.CodeOperationTooOften)
	r.RetryAfter = wait
	return r
}
