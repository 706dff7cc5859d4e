package monitor

import (
	"sync"
	"time"
)

// lastMinute counts what happened in the last 60 seconds, by whole seconds.
type lastMinute struct {
	mu      sync.Mutex
	seconds [60]struct{ at, n int64 }
}

func (l *lastMinute) add(now time.Time, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.seconds[slot(now.Unix())]
	if s.at != now.Unix() {
		s.at, s.n = now.Unix(), 0
	}
	s.n += n
}

func (l *lastMinute) total(now time.Time) (sum int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.seconds {
		if s.at > now.Unix()-60 && s.at <= now.Unix() {
			sum += s.n
		}
	}
	return sum
}

// slot is also right before 1970.
func slot(second int64) int64 { return (second%60 + 60) % 60 }
