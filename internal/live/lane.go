package live

import "sync"

// Bounds of the calls of a connection that wait.
const (
	maxWaiting      = 64
	maxWaitingBytes = 2 << 20 // beyond it only a call that is the first
)

// job is a call that waits for its turn.
type job struct {
	size int
	do   func()
}

// lane does calls one after the other. Nothing of it is left while there are
// none.
type lane struct {
	mu      sync.Mutex
	waiting []job
	bytes   int
	running bool
}

// put has a call done after those before it; it reports false when too many wait.
func (l *lane) put(j job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running && (len(l.waiting) >= maxWaiting || l.bytes+j.size > maxWaitingBytes) {
		return false
	}
	l.waiting = append(l.waiting, j)
	l.bytes += j.size
	if !l.running {
		l.running = true
		go l.run()
	}
	return true
}

func (l *lane) run() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.running, l.waiting = false, nil
			l.mu.Unlock()
			return
		}
		j := l.waiting[0]
		l.waiting[0] = job{}
		l.waiting = l.waiting[1:]
		l.bytes -= j.size
		l.mu.Unlock()
		j.do()
	}
}
