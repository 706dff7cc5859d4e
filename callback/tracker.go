package callback

import (
	"math"
	"slices"
	"sync"
)

// MaxGaps bounds what a [Tracker] remembers. Beyond it the two gaps with the
// fewest events between them become one: nothing that is missing is forgotten,
// but what was seen between them counts as not seen.
const MaxGaps = 1024

// Gap is a range of sequences in which events were not seen.
type Gap struct {
	First, Last uint64 // both belong to it
	// Certain says that Last is an event of this endpoint. Else there may be
	// none: sequences belong to the app, and an endpoint gets some of them.
	Certain bool
}

// TrackerState is what a [Tracker] knows, to be kept over a restart, as JSON
// for example. A state that is older than what was delivered since does no
// harm: those events count as missing, and are recognised when they come again.
type TrackerState struct {
	Epoch   string // the journal that sequences belong to; "" before the first event
	After   uint64 // what came before does not matter
	Top     uint64 // the greatest sequence that is known to matter
	Settled uint64 // the greatest Parley-Settled
	Gaps    []Gap  // ascending, in After+1 to Top: all others of these were seen or are of no concern
	// Begun says that a [Fill] has read a page. What had expired before that, and
	// is older than all that arrived, is not lost to it: it was never its own.
	Begun bool `json:",omitempty"`
	// Past are epochs that ended, the latest last.
	Past []string `json:",omitempty"`
	// Next is a newer epoch, until it is known which of its sequences are new.
	Next *TrackerState `json:",omitempty"`
}

// maxSequence is beyond what any journal reaches. A greater one is not noted.
const maxSequence = math.MaxInt64

// maxPast is how many ended epochs are remembered.
const maxPast = 8

// Tracker finds out which events did not arrive, from the headers of those that
// did. Its rule: an event is missing when its sequence is at most Settled and it
// was not seen; until then it may be on its way. Which sequences are events of
// this endpoint at all is told by Previous, and by heartbeats.
//
// A tracker is for one endpoint of one app. It needs a kilobyte for 25 gaps at
// once, at most [MaxGaps], however many events there are. It may be used by
// several goroutines.
//
// A new epoch goes on counting far above the old one. What was missing of the
// old one up to there stays missing, and is in the new journal if it was not
// lost with a part of the old one.
type Tracker struct {
	mu sync.Mutex
	s  TrackerState
	// asks is set by a Fill, which asks the server where a new epoch begins and
	// which events there were before the first that arrived.
	asks bool
}

// NewTracker goes on from a state; the zero state begins with the first event
// that arrives.
func NewTracker(s TrackerState) *Tracker { return &Tracker{s: s.clone()} }

func (s TrackerState) clone() TrackerState {
	s.Gaps, s.Past = slices.Clone(s.Gaps), slices.Clone(s.Past)
	if s.Next != nil {
		next := s.Next.clone()
		s.Next = &next
	}
	return s
}

// State returns what the tracker knows.
func (t *Tracker) State() TrackerState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.clone()
}

// Delivered notes an event that arrived. Call it once the event is stored. It
// is false for one that was noted before; an event of an epoch that has ended,
// of a sender that sets no headers, or a sample, is not noted and always new.
func (t *Tracker) Delivered(d Delivery) (fresh bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Sequence == 0 || d.Sequence > maxSequence || d.Epoch == "" || d.Test {
		return true
	}
	s := t.journal(d)
	if s == nil {
		return true
	}
	fresh = s.see(d.Sequence, d.Previous)
	s.settle(d.Settled)
	return fresh
}

// Seen reports whether an event was noted before.
func (t *Tracker) Seen(d Delivery) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Sequence == 0 || d.Test {
		return false
	}
	for s := &t.s; s != nil; s = s.Next {
		if s.Epoch == d.Epoch {
			return d.Sequence > s.After && d.Sequence <= s.Top && !s.open(d.Sequence)
		}
	}
	return false
}

// Heartbeat notes that events up to h.LastSequence were made for this endpoint.
func (t *Tracker) Heartbeat(d Delivery, h *Heartbeat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Epoch == "" || d.Test || h.LastSequence > maxSequence {
		return
	}
	s := t.journal(Delivery{Epoch: d.Epoch, Sequence: h.LastSequence + 1})
	if s == nil {
		return
	}
	if h.LastSequence > s.Top {
		s.gap(Gap{s.Top + 1, h.LastSequence, true})
		s.Top = h.LastSequence
	}
	s.settle(d.Settled)
}

// journal returns the state that d belongs to, which it may begin; nil for an
// epoch that has ended.
func (t *Tracker) journal(d Delivery) *TrackerState {
	begin := TrackerState{Epoch: d.Epoch, After: d.Sequence - 1, Top: d.Sequence - 1}
	switch {
	case t.s.Epoch == d.Epoch:
		return &t.s
	case slices.Contains(t.s.Past, d.Epoch):
		return nil
	case t.s.Epoch == "":
		if t.s.Epoch = d.Epoch; !t.asks {
			t.s = begin
		}
		return &t.s
	case t.s.Next != nil && t.s.Next.Epoch == d.Epoch:
		return t.s.Next
	case t.asks:
		t.s.Next = &begin
		return t.s.Next
	}
	t.move(d.Epoch, d.Sequence)
	return &t.s
}

// Missing returns the gaps up to Settled: what was given up by the sender, or
// got lost on the way back from this receiver.
func (t *Tracker) Missing() (gaps []Gap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.s.Gaps {
		if g.First > t.s.Settled {
			break
		}
		if g.Last > t.s.Settled {
			g.Last, g.Certain = t.s.Settled, false
		}
		gaps = append(gaps, g)
	}
	return gaps
}

// Position is up to where all events were seen; 0 in the beginning.
func (t *Tracker) Position() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.s.Gaps) > 0 {
		return t.s.Gaps[0].First - 1
	}
	return t.s.Top
}

// nextOpen returns the sequence before the first that may be missing, and how
// many after it may be, up to target; 0 if none.
func (t *Tracker) nextOpen(target uint64) (after, many uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := target
	after = t.s.Top
	if len(t.s.Gaps) > 0 {
		after, last = t.s.Gaps[0].First-1, min(t.s.Gaps[0].Last, target)
	}
	if after >= last {
		return after, 0
	}
	return after, last - after
}

// page notes what a page of the journal says beside its events: the epoch, and
// up to where nothing is kept. It returns what is lost for good, and false if
// the page is of another epoch.
func (t *Tracker) page(epoch string, expired uint64) (lost []Gap, ours bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.s.Epoch == "" {
		t.s.Epoch = epoch
	}
	if t.s.Epoch != epoch {
		return nil, false
	}
	if expired > 0 {
		lost = t.s.expire(expired)
	}
	if !t.s.Begun && len(lost) > 0 && lost[0].First == t.s.After+1 {
		lost = lost[1:] // it was before the first that arrived
	}
	t.s.Begun = true
	return lost, true
}

// pass notes that no event followed the newest one of s up to last, unless the
// epoch is another meanwhile.
func (t *Tracker) pass(s TrackerState, last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.s.Epoch == s.Epoch {
		t.s.cover(s.Top+1, last)
	}
}

// wanting reports whether the server has something to tell.
func (t *Tracker) wanting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.Next != nil || len(t.s.Gaps) > 0 && t.s.Gaps[0].First <= t.s.Settled
}

func (t *Tracker) epoch() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.Epoch
}

// Cover notes that all events of this endpoint from first to last were seen, as
// a page of the journal shows them.
func (t *Tracker) Cover(first, last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.cover(first, last)
}

// Expire notes that nothing up to last is kept any more, and returns what was
// not seen of it: that is lost for good.
func (t *Tracker) Expire(last uint64) (lost []Gap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.s.expire(last)
}

// Move notes that the journal goes on in another epoch, whose own sequences
// begin with first; those below are of the journal as it was before.
func (t *Tracker) Move(epoch string, first uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.move(epoch, first)
}

func (t *Tracker) move(epoch string, first uint64) {
	if epoch == t.s.Epoch {
		return
	}
	next := t.s.Next
	if t.s.Epoch != "" {
		t.s.Past = append(t.s.Past, t.s.Epoch)
		t.s.Past = slices.Delete(t.s.Past, 0, max(0, len(t.s.Past)-maxPast))
	}
	t.s.Epoch, t.s.Settled, t.s.Next = epoch, 0, nil
	t.s.cut(max(first, 1) - 1)
	if next == nil || next.Epoch != epoch {
		return
	}
	// What arrived before it was known where the epoch begins.
	t.s.settle(next.Settled)
	from := next.After + 1
	for _, g := range next.Gaps {
		t.s.adopt(from, g.First-1)
		t.s.adopt(g.First, g.Last, g)
		from = g.Last + 1
	}
	t.s.adopt(from, next.Top)
}

// adopt notes that first to last were seen, or that they are a gap.
func (s *TrackerState) adopt(first, last uint64, gap ...Gap) {
	if first > last {
		return
	}
	if first > s.Top+1 {
		s.gap(Gap{s.Top + 1, first - 1, false})
		s.Top = first - 1
	}
	switch {
	case len(gap) == 0:
		s.cover(first, last)
	case last > s.Top:
		s.gap(Gap{s.Top + 1, last, gap[0].Certain})
		s.Top = last
	}
}

// see notes that seq arrived and that nothing of this endpoint is between it and
// previous. Of a previous of 0 nothing follows: it is also set when the
// endpoint's choice of events was changed.
func (s *TrackerState) see(seq, previous uint64) (fresh bool) {
	if seq <= s.After { // the first ones came out of order
		s.gap(Gap{seq + 1, s.After, false})
		s.After = seq - 1
		return true
	}
	fresh = seq > s.Top || s.open(seq)
	between := seq
	if previous > 0 && previous < seq {
		if previous > s.Top {
			s.gap(Gap{s.Top + 1, previous, true})
			s.Top = previous
		}
		between = previous + 1
	}
	s.cover(between, seq)
	// What is open below now ends with an event.
	if i, _ := s.find(previous); previous > 0 && i < len(s.Gaps) && s.Gaps[i].Last == previous {
		s.Gaps[i].Certain = true
	}
	return fresh
}

func (s *TrackerState) settle(n uint64) {
	if n <= maxSequence {
		s.Settled = max(s.Settled, n)
	}
}

// find returns the first gap that does not end before seq, and whether seq is in
// it.
func (s *TrackerState) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(s.Gaps, seq, func(g Gap, seq uint64) int {
		switch {
		case g.Last < seq:
			return -1
		case g.First > seq:
			return 1
		}
		return 0
	})
}

func (s *TrackerState) open(seq uint64) bool {
	_, in := s.find(seq)
	return in
}

// gap adds a range that overlaps no other.
func (s *TrackerState) gap(g Gap) {
	if g.First > g.Last {
		return
	}
	i, _ := s.find(g.First)
	s.Gaps = slices.Insert(s.Gaps, i, g)
	if len(s.Gaps) <= MaxGaps {
		return
	}
	closest := 1
	for i := 1; i < len(s.Gaps); i++ {
		if s.Gaps[i].First-s.Gaps[i-1].Last < s.Gaps[closest].First-s.Gaps[closest-1].Last {
			closest = i
		}
	}
	s.Gaps[closest].First = s.Gaps[closest-1].First
	s.Gaps = slices.Delete(s.Gaps, closest-1, closest)
}

// cover takes first to last out of the gaps. What is between Top and first was
// not seen.
func (s *TrackerState) cover(first, last uint64) {
	if first > last {
		return
	}
	if first > s.Top+1 {
		s.gap(Gap{s.Top + 1, first - 1, false})
	}
	s.Top = max(s.Top, last)
	from, _ := s.find(first)
	to := from
	var rest []Gap
	for ; to < len(s.Gaps) && s.Gaps[to].First <= last; to++ {
		g := s.Gaps[to]
		if g.First < first {
			rest = append(rest, Gap{g.First, first - 1, false})
		}
		if g.Last > last {
			rest = append(rest, Gap{last + 1, g.Last, g.Certain})
		}
	}
	if to == from {
		return
	}
	s.Gaps = slices.Replace(s.Gaps, from, to, rest...)
	if len(s.Gaps) > MaxGaps {
		last := s.Gaps[len(s.Gaps)-1]
		s.Gaps = s.Gaps[:len(s.Gaps)-1]
		s.gap(last)
	}
}

func (s *TrackerState) expire(last uint64) (lost []Gap) {
	if last > s.Top {
		s.gap(Gap{s.Top + 1, last, false})
		s.Top = last
	}
	for _, g := range s.Gaps {
		if g.First > last {
			break
		}
		if g.Last > last {
			g.Last, g.Certain = last, false
		}
		lost = append(lost, g)
	}
	s.cover(0, last)
	return lost
}

// cut forgets everything above last.
func (s *TrackerState) cut(last uint64) {
	if last >= s.Top {
		return
	}
	s.Top, s.After = last, min(s.After, last)
	for i, g := range s.Gaps {
		if g.First > last {
			s.Gaps = s.Gaps[:i]
			return
		}
		if g.Last > last {
			s.Gaps[i].Last, s.Gaps[i].Certain = last, false
		}
	}
}
