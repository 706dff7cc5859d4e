package live

import (
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge"

	"github.com/parley-im/parley/internal/chat"
)

// hall is a group with connections on this node. All but what is marked belongs
// to its shard's worker.
type hall struct {
	shard   *shard
	app     chat.AppID
	key     chat.GroupKey
	id      chat.GroupID
	kind    chat.GroupType
	channel string

	start   atomic.Uint64 // anybody's: the number from which on it follows; 0: not known yet
	next    atomic.Uint64 // anybody's to read: the number of the next message to be pushed; 0: it does not follow yet
	touched atomic.Int64  // anybody's: unix seconds of the last connection that came
	early   chat.MsgSeq   // the newest message that was handed over before it followed
	owed    atomic.Uint64 // anybody's to read: the newest message that is to be pushed and could not be read; 0: none
	later   []waiting     // what waits until the messages before it could be read
	conns   map[*conn]struct{}
	here    atomic.Int32 // anybody's to read: how many they are
	recent  recent       // anybody's
}

// waiting is a notice, or a message to those online, that what was said before
// the number next comes before.
type waiting struct {
	next    chat.MsgSeq
	notice  *chat.Notice
	message *chat.Message
}

// maxLater is how many messages to those online may wait for those before them.
const maxLater = 1000

func newHall(s *shard, app chat.AppID, g *chat.Group) *hall {
	h := &hall{
		shard: s, app: app, key: g.Key, id: g.ID, kind: g.Type, channel: channel(app, g.Key),
		conns: make(map[*conn]struct{}),
	}
	h.recent.budget = &s.door.recent
	h.touched.Store(time.Now().Unix())
	return h
}

// position is the number from which on it pushes, as far as that is known.
func (h *hall) position() chat.MsgSeq {
	return chat.MsgSeq(max(h.start.Load(), h.next.Load()))
}

// begin has the hall follow its group.
func (h *hall) begin() {
	start := h.start.Load()
	if start == 0 || h.next.Load() != 0 {
		return
	}
	h.next.Store(start)
	h.recent.begin(chat.MsgSeq(start))
	h.recall()
	if h.early >= chat.MsgSeq(start) {
		h.readTo(h.early)
	}
}

// recall reads what was said last in a room whose members do not ask.
func (h *hall) recall() {
	next := h.next.Load()
	if h.kind != chat.AVChatRoom || next <= 1 {
		return
	}
	last := chat.MsgSeq(next - 1)
	ctx, cancel := h.shard.reading()
	defer cancel()
	list, err := h.shard.door.backend.Reader().Messages(ctx, h.app, h.key, last, roomRecent)
	if err != nil {
		h.shard.door.log.Warn("the last messages of a room could not be read", "app", h.app, "group", h.id, "error", err)
		return
	}
	h.recent.prepend(list)
}

// take pushes a message that was handed over, with those before it that were not.
func (h *hall) take(m *chat.Message) {
	next := chat.MsgSeq(h.next.Load())
	switch {
	case m.Seq == 0 && len(h.later) >= maxLater:
		h.shard.door.metrics.lost.Inc()
	case m.Seq == 0 && len(h.later) > 0: // who has left by then does not hear it
		h.later = append(h.later, waiting{next: h.later[len(h.later)-1].next, message: m})
	case m.Seq == 0:
		h.push(m)
	case next == 0:
		h.early = max(h.early, m.Seq)
	case m.Seq == next && len(h.later) == 0:
		h.push(m)
		h.next.Store(uint64(next + 1))
	case m.Seq >= next:
		h.readTo(m.Seq)
	}
}

// readPage is how many messages are read at once.
const readPage = 100

// readTo pushes what is stored up to a number. What cannot be read now is read
// later.
func (h *hall) readTo(last chat.MsgSeq) {
	if h.next.Load() == 0 {
		h.early = max(h.early, last)
		return
	}
	last = max(last, chat.MsgSeq(h.owed.Swap(0)))
	for {
		next := chat.MsgSeq(h.next.Load())
		for len(h.later) > 0 && h.later[0].next <= next {
			w := h.later[0]
			h.later = h.later[1:]
			if w.message != nil {
				h.push(w.message)
			} else {
				h.shard.tell(h.app, w.notice)
			}
		}
		if next > last {
			return
		}
		ctx, cancel := h.shard.reading()
		upTo := min(last, next+readPage-1)
		if len(h.later) > 0 {
			upTo = min(upTo, h.later[0].next-1)
		}
		list, err := h.shard.door.backend.Reader().Messages(ctx, h.app, h.key, upTo, int(upTo-next)+1)
		cancel()
		if err != nil {
			h.shard.door.log.Warn("messages to be pushed could not be read; it is tried again", "app", h.app, "group", h.id, "error", err)
			h.owed.Store(uint64(last))
			return
		}
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Seq >= next {
				h.push(&list[i])
			}
		}
		h.next.Store(uint64(upTo + 1))
	}
}

// readToHead has all that is stored pushed, after what waits: a notice among that
// may be of a change before the newest message.
func (h *hall) readToHead() {
	ctx, cancel := h.shard.reading()
	heads, err := h.shard.door.backend.Reader().GroupHeads(ctx, h.app, []chat.GroupKey{h.key})
	cancel()
	if err != nil {
		h.owed.Store(h.next.Load()) // at least one number is looked for again
		return
	}
	if next := heads[h.key]; next > chat.MsgSeq(h.next.Load()) {
		h.shard.post(func() { h.readTo(next - 1) })
	}
}

// giveSince gives connections what was pushed from a number on, before they were
// here.
func (h *hall) giveSince(from chat.MsgSeq, conns []*conn) {
	for next := chat.MsgSeq(h.next.Load()); from < next && len(conns) > 0; from += readPage {
		upTo := min(next, from+readPage) - 1
		ctx, cancel := h.shard.reading()
		list, err := h.shard.door.backend.Reader().Messages(ctx, h.app, h.key, upTo, int(upTo-from)+1)
		cancel()
		if err != nil {
			h.shard.door.log.Warn("messages for new members could not be read; they find them in the history", "app", h.app, "group", h.id, "error", err)
			return
		}
		for i := len(list) - 1; i >= 0; i-- {
			for _, c := range conns {
				if list[i].Seq >= from {
					h.give(c, frameFor(h, &list[i], c.user))
				}
			}
		}
	}
}

// heard says whether anybody hears the group, taken in or not yet.
func (h *hall) heard() bool {
	return len(h.conns) > 0 || h.shard.door.node.Hub().NumSubscribers(h.channel) > 0
}

// push gives a message to all who may hear it.
func (h *hall) push(m *chat.Message) {
	if m.Seq != 0 {
		h.recent.add(m)
	}
	if !h.heard() {
		return
	}
	if m.Flags&(chat.FlagRecalled|chat.FlagErased) != 0 {
		h.broadcast(placeholderFrame(h, m.Seq, placeDeleted))
		return
	}
	frame := messageFrame(h, m)
	if len(m.To) == 0 {
		h.broadcast(frame)
		return
	}
	// One by one: who was subscribed and is not taken in yet, and so cannot be
	// judged, must not hear that it is not for him. He finds it in the history.
	var place []byte
	if m.Seq != 0 { // so that the others see no gap
		place = placeholderFrame(h, m.Seq, placeNotForYou)
	}
	for c := range h.conns {
		switch {
		case m.VisibleTo(c.user, 0):
			h.give(c, frame)
		case place != nil:
			h.give(c, place)
		}
	}
}

// broadcast gives a frame to all connections.
func (h *hall) broadcast(frame []byte) {
	for c := range h.conns {
		c.pushed.Add(1)
	}
	if err := h.shard.door.node.Hub().BroadcastPublication(h.channel, &centrifuge.Publication{Data: frame}, centrifuge.StreamPosition{}); err != nil {
		h.shard.door.log.Error("a push failed", "app", h.app, "group", h.id, "error", err)
	}
	h.shard.door.metrics.pushed(len(h.conns), len(frame))
}

// give gives a frame to one connection, in the order of those to all.
func (h *hall) give(c *conn, frame []byte) {
	c.pushed.Add(1)
	if err := c.client.WritePublication(h.channel, &centrifuge.Publication{Data: frame}, centrifuge.StreamPosition{}); err != nil {
		c.pushed.Add(-1) // it is gone, or about to be
	}
	h.shard.door.metrics.pushed(1, len(frame))
}

// attach takes in a connection that was subscribed when it was made.
func (h *hall) attach(c *conn) {
	if !c.in(h) { // gone, or corrected meanwhile
		return
	}
	if h.shard.find(h.key) != h { // dropped since the connection looked for it
		c.suspect.Store(true)
	}
	h.put(c)
	h.welcome(c)
}

func (h *hall) put(c *conn) {
	h.conns[c] = struct{}{}
	h.here.Store(int32(len(h.conns)))
}

func (h *hall) cut(c *conn) {
	delete(h.conns, c)
	h.here.Store(int32(len(h.conns)))
}

// welcome gives a connection what was said last, where nobody can ask for it.
func (h *hall) welcome(c *conn) {
	if h.kind == chat.AVChatRoom {
		frame := recentFrame(h, h.recent.last(h.shard.door.backend.Now(), c.user))
		if c.given.Add(int64(len(frame))) > connRecentBytes {
			frame = recentFrame(h, nil)
		}
		h.give(c, frame)
	}
}

// detach forgets a connection that is gone.
func (h *hall) detach(c *conn) {
	h.cut(c)
	h.touched.Store(time.Now().Unix())
}

// admit subscribes a connection of a member. It tells whether it is in anew.
func (h *hall) admit(c *conn) bool {
	if _, in := h.conns[c]; in || !c.enter(h) {
		return false
	}
	if err := c.client.Subscribe(h.channel); err != nil && err != centrifuge.ErrorAlreadySubscribed {
		c.leave(h)
		c.suspect.Store(true)
		return false
	}
	h.put(c)
	h.welcome(c)
	return true
}

// verify looks again whether a connection's user is a member; in a group that is
// gone nobody is.
func (h *hall) verify(c *conn) {
	if h.shard.find(h.key) != h {
		h.remove(c)
		return
	}
	_, _, _ = h.shard.correct(c, h.key, nil) // who cannot be read is looked at again
}

// remove unsubscribes a connection of who is no member.
func (h *hall) remove(c *conn) {
	c.leave(h)
	h.cut(c)
	c.client.Unsubscribe(h.channel)
}

// forget gives back what the hall holds.
func (h *hall) forget() { h.recent.end() }
