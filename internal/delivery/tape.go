package delivery

import (
	"sync"
	"sync/atomic"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of what is kept of an app's newest events, so that its lanes need not
// read them from the journal: of one app, and of all together.
const (
	maxTape      = 2048
	maxTapeBytes = 8 << 20
	maxTapes     = 64 << 20
	minTapeBytes = 256 << 10 // each may keep, whatever the others do
)

// tape holds the newest events of an app, in order and without a hole, for all
// lanes of the app. It is a cache: what is not there is in the journal.
type tape struct {
	all *atomic.Int64 // bytes of the bodies on all tapes

	mu     sync.Mutex
	events []chat.Event // lanes hold parts of it: what is in it does not change
	bytes  int
	head   chat.Sequence // the newest event known to be committed
	lanes  []*lane
}

// offer takes committed events, at least one, in order. It never blocks for long.
func (t *tape) offer(events []chat.Event) {
	t.mu.Lock()
	if n := len(t.events); n > 0 && t.events[n-1].Seq+1 != events[0].Seq {
		t.clear()
	}
	if len(t.lanes) > 0 {
		t.events = append(t.events, events...)
		for i := range events {
			t.add(len(events[i].Body))
		}
		t.trim()
	}
	t.head = max(t.head, events[len(events)-1].Seq)
	t.wakeAll()
	t.mu.Unlock()
}

// behindTo notes that the journal goes on up to head, whoever wrote it.
func (t *tape) behindTo(head chat.Sequence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if head > t.head {
		t.head = head
		t.wakeAll()
	}
}

// wakeAll wakes the lanes that have nothing to do: the others look by themselves.
func (t *tape) wakeAll() {
	for _, l := range t.lanes {
		if l.hungry.CompareAndSwap(true, false) {
			l.signal()
		}
	}
}

func (t *tape) add(bytes int) {
	t.bytes += bytes
	t.all.Add(int64(bytes))
}

func (t *tape) clear() {
	t.add(-t.bytes)
	t.events = nil
}

// trim drops the oldest events while there are too many.
func (t *tape) trim() {
	drop, bytes := 0, t.bytes
	for len(t.events)-drop > 1 && (len(t.events)-drop > maxTape || bytes > maxTapeBytes || bytes > minTapeBytes && t.all.Load()-int64(t.bytes-bytes) > maxTapes) {
		bytes -= len(t.events[drop].Body)
		drop++
	}
	if drop > 0 {
		t.add(bytes - t.bytes)
		t.events = t.events[drop:]
	}
}

// after gives events that follow a sequence, as far as they are here, and how
// far the journal goes.
func (t *tape) after(seq chat.Sequence, most int) (events []chat.Event, head chat.Sequence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.events) == 0 || t.events[0].Seq > seq+1 || t.events[len(t.events)-1].Seq <= seq {
		return nil, t.head
	}
	rest := t.events[seq+1-t.events[0].Seq:]
	return rest[:min(len(rest), most)], t.head
}

// newest is the newest event known to be committed.
func (t *tape) newest() chat.Sequence {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// join adds a lane; from then on no event passes it.
func (t *tape) join(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lanes = append(t.lanes, l)
}

// leave takes a lane away.
func (t *tape) leave(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, have := range t.lanes {
		if have == l {
			t.lanes = append(t.lanes[:i:i], t.lanes[i+1:]...)
			break
		}
	}
	if len(t.lanes) == 0 {
		t.clear()
	}
}

// empty says that no lane is left.
func (t *tape) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lanes) == 0
}

// caughtUp forgets what every lane that takes events has had.
func (t *tape) caughtUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lanes {
		if chat.Sequence(l.position.Load()) < t.head && !l.idle.Load() {
			return
		}
	}
	t.clear()
}
