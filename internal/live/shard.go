package live

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// maxHints is how many messages may wait for a worker in memory. Those above it
// are read from the store.
const maxHints = 8192

// maxHintBytes is how much they may take, of one shard.
const maxHintBytes = 4 << 20

// readWait bounds one question of a worker to the store.
const readWait = 5 * time.Second

// shard is a part of the groups that have connections here, with the worker that
// alone pushes to them.
type shard struct {
	door *Door
	wake chan struct{}

	mu    sync.RWMutex
	halls map[chat.GroupKey]*hall
	queue []work
	hints int   // messages in the queue
	bytes int64 // that they take
	lost  bool  // hints were dropped: every hall may be behind
}

// work is something for the worker: a message, or something else to do.
type work struct {
	hall    *hall
	message *chat.Message
	do      func()
}

func newShard(d *Door) *shard {
	return &shard{door: d, wake: make(chan struct{}, 1), halls: make(map[chat.GroupKey]*hall)}
}

// post has the worker do something, after all that was posted before.
func (s *shard) post(do func()) {
	s.mu.Lock()
	s.queue = append(s.queue, work{do: do})
	s.mu.Unlock()
	s.rouse()
}

// hint gives the worker a message, if anybody here may hear it.
func (s *shard) hint(m *chat.Message) {
	s.mu.RLock()
	h := s.halls[m.Group]
	s.mu.RUnlock()
	if h == nil {
		return
	}
	s.mu.Lock()
	if s.hints >= maxHints || s.bytes >= maxHintBytes {
		s.lost = true
		s.door.doubt.Store(true)
		if m.Seq == 0 {
			s.door.metrics.lost.Inc()
		}
	} else {
		s.hints++
		s.bytes += sizeOf(m)
		s.queue = append(s.queue, work{hall: h, message: m})
	}
	s.mu.Unlock()
	s.rouse()
}

func (s *shard) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run works until the door closes.
func (s *shard) run() {
	for {
		select {
		case <-s.wake:
		case <-s.door.stopping:
			return
		}
		for s.turn() {
		}
	}
}

// turn does all that waits; it reports false when nothing did.
func (s *shard) turn() bool {
	s.mu.Lock()
	queue, lost := s.queue, s.lost
	s.queue, s.hints, s.bytes, s.lost = nil, 0, 0, false
	s.mu.Unlock()
	for _, w := range queue {
		select {
		case <-s.door.stopping: // nobody is left to hear the rest
			return false
		default:
		}
		s.work(w)
	}
	if lost {
		s.door.askAll(s)
	}
	return len(queue) > 0 || lost
}

func (s *shard) work(w work) {
	defer s.door.guard("push")
	if w.message != nil {
		w.hall.take(w.message)
		return
	}
	w.do()
}

// reading is the context of a question to the store.
func (s *shard) reading() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.door.ctx, readWait)
}

// find is the hall of a group; nil if it has none here.
func (s *shard) find(key chat.GroupKey) *hall {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.halls[key]
}

// enter finds the hall of a group, or makes one that follows nothing yet.
func (s *shard) enter(app chat.AppID, g *chat.Group) (h *hall, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h = s.halls[g.Key]; h != nil {
		h.touched.Store(time.Now().Unix())
		return h, false
	}
	h = newHall(s, app, g)
	s.halls[g.Key] = h
	return h, true
}

// drop forgets a hall that nobody is in, unless a connection came to it after
// since, in unix seconds.
func (s *shard) drop(h *hall, since int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halls[h.key] == h && h.touched.Load() <= since {
		delete(s.halls, h.key)
		h.forget()
	}
}

// list is all halls of an app, or of all (0).
func (s *shard) list(app chat.AppID) (all []*hall) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, h := range s.halls {
		if app == 0 || h.app == app {
			all = append(all, h)
		}
	}
	return all
}

// correct subscribes a connection to a group whose member its user is now, and
// unsubscribes it from one whose member he is not. g is the group if it is known;
// without it no hall is made. It runs in the worker and reads the membership as
// it is now, so that whatever came in what order, the last one to read it is
// right. It tells the hall if the connection is in it anew, and from which number
// on it may hear it; the error is of the store, and the connection is looked at
// again then.
func (s *shard) correct(c *conn, key chat.GroupKey, g *chat.Group) (in *hall, from chat.MsgSeq, err error) {
	h := s.find(key)
	if !c.attached.Load() {
		return nil, 0, nil
	}
	if h == nil && g == nil {
		if h = c.hallOf(key); h == nil {
			return nil, 0, nil
		}
	}
	ctx, cancel := s.reading()
	defer cancel()
	m, member, err := s.door.backend.Reader().Member(ctx, c.app, key, c.user)
	if err != nil {
		c.suspect.Store(true) // to be tried again
		return nil, 0, err
	}
	if !member {
		if h != nil {
			h.remove(c)
		}
		return nil, 0, nil
	}
	if h == nil {
		halls, err := s.door.open(ctx, c.app, []chat.Group{*g})
		if err != nil {
			c.suspect.Store(true)
			return nil, 0, err
		}
		for h = range halls {
			h.begin() // its start waits behind this
		}
		if h == nil { // dissolved meanwhile
			return nil, 0, nil
		}
	}
	if chat.MsgSeq(h.next.Load()) < m.JoinSeq {
		// He joined later than what waits to be pushed. The notice of it lets him in, or
		// the next look.
		c.suspect.Store(true)
		return nil, 0, nil
	}
	if !h.admit(c) {
		return nil, 0, nil
	}
	return h, m.JoinSeq, nil
}

// letIn is correct for a connection that nobody told of its group. In it anew, it
// is told what it was to hear when its user joined, if that could not be; else the
// newest message, which shows whoever knows the group whether he missed any.
func (s *shard) letIn(c *conn, g *chat.Group) {
	h, from, err := s.correct(c, g.Key, g)
	if err != nil || h == nil {
		return
	}
	since := chat.MsgSeq(max(2, h.next.Load())) - 1 // the newest
	if n := c.takeOwed(g.Key); n != nil {
		h.give(c, noticeFrame(n))
		since = n.Next
	}
	if h.kind != chat.AVChatRoom { // whose last messages were given
		h.giveSince(max(since, from), []*conn{c})
	}
}

// open finds or makes the halls of groups, and has new ones follow their group
// from now on: whatever is committed after it returned is pushed.
func (d *Door) open(ctx context.Context, app chat.AppID, groups []chat.Group) (map[*hall]struct{}, error) {
	halls := make(map[*hall]struct{}, len(groups))
	var made []chat.GroupKey
	for i := range groups {
		h, isNew := d.shard(groups[i].Key).enter(app, &groups[i])
		halls[h] = struct{}{}
		if isNew || h.next.Load() == 0 {
			made = append(made, h.key)
		}
	}
	if len(made) == 0 {
		return halls, nil
	}
	// Read after the halls can be found: what is committed later comes as a hint.
	heads, err := d.backend.Reader().GroupHeads(ctx, app, made)
	if err != nil {
		return nil, err
	}
	for h := range halls {
		if next, ok := heads[h.key]; ok {
			h.start.CompareAndSwap(0, uint64(next))
			h.shard.post(h.begin)
		}
	}
	for _, key := range made {
		if _, ok := heads[key]; !ok { // dissolved meanwhile, and never to be again
			h := d.shard(key).find(key)
			delete(halls, h)
			if h != nil {
				h.shard.drop(h, math.MaxInt64)
			}
		}
	}
	return halls, nil
}
