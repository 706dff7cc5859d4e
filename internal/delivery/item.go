package delivery

import (
	"container/heap"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// item is one event on its way to the endpoint.
type item struct {
	event    *chat.Event // nil when it must be read again, and once it is settled
	seq      chat.Sequence
	previous chat.Sequence
	time     int64     // EventTime, if it is known
	attempt  int       // the number of the next attempt, or of the one under way
	before   int       // attempts before this round: a replay begins a new one
	next     time.Time // when the attempt is due
	since    time.Time // since when it stands apart
	started  time.Time
	line     *line // of its group, at an endpoint in order

	settled bool
	wanted  bool // it is for the endpoint
	apart   bool // has, or is about to have, a row of its own
	broken  bool // it failed as it would if the endpoint failed as a whole
	probe   bool // sent to see whether the endpoint answers again
	replay  bool // sent again on somebody's request
	dead    bool // a dead letter, as soon as its row is on disk
}

// apart holds the events that stand apart from the cursor and wait for an
// attempt.
type apart struct {
	due     dueHeap // without those under way, those whose row is not on disk yet, and those behind their group
	seqs    map[chat.Sequence]*item
	lowest  seqHeap // of seqs without replays, and of some that are no longer there
	replays int
}

func (a *apart) add(it *item) {
	if _, ok := a.seqs[it.seq]; !ok {
		if it.replay {
			a.replays++
		} else {
			heap.Push(&a.lowest, it.seq)
		}
	}
	a.seqs[it.seq] = it
}

// push makes an event due at its time.
func (a *apart) push(it *item) { heap.Push(&a.due, it) }

// drop returns those of the events waiting for their time that old is true for;
// they wait for it no more.
func (a *apart) drop(old func(*item) bool) (dropped []*item) {
	keep := a.due[:0]
	for _, it := range a.due {
		if old(it) {
			dropped = append(dropped, it)
		} else {
			keep = append(keep, it)
		}
	}
	clear(a.due[len(keep):])
	a.due = keep
	heap.Init(&a.due)
	return dropped
}

func (a *apart) remove(it *item) {
	if a.seqs[it.seq] != it {
		return
	}
	delete(a.seqs, it.seq)
	if it.replay {
		a.replays--
	}
}

// below is the sequence before the lowest event that waits; end if none does.
// One that is sent again on request was settled before and stays so.
func (a *apart) below(end chat.Sequence) chat.Sequence {
	for len(a.lowest) > 0 {
		if it, ok := a.seqs[a.lowest[0]]; ok && !it.replay {
			return min(end, a.lowest[0]-1)
		}
		heap.Pop(&a.lowest)
	}
	return end
}

// take removes and returns the event that is due. A probe need not wait for
// those that failed because the endpoint did.
func (a *apart) take(now time.Time, probing bool) *item {
	if len(a.due) == 0 {
		return nil
	}
	if !a.due[0].next.After(now) {
		return heap.Pop(&a.due).(*item)
	}
	if !probing {
		return nil
	}
	found := -1
	for i, it := range a.due {
		if it.broken && (found < 0 || it.next.Before(a.due[found].next)) {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	return heap.Remove(&a.due, found).(*item)
}

// sort puts the due ones in order after the times of some were changed.
func (a *apart) sort() { heap.Init(&a.due) }

// hasten makes what failed because the endpoint did due soon.
func (a *apart) hasten(soon func() time.Time) {
	for _, it := range a.seqs {
		if at := soon(); it.broken && it.next.After(at) {
			it.next = at
		}
	}
	a.sort()
}

type seqHeap []chat.Sequence

func (h seqHeap) Len() int           { return len(h) }
func (h seqHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h seqHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *seqHeap) Push(x any)        { *h = append(*h, x.(chat.Sequence)) }
func (h *seqHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

type dueHeap []*item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*item)) }
func (h *dueHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return it
}
