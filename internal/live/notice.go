package live

import (
	"hash/fnv"
	"math"
	"sync/atomic"

	"github.com/parley-im/parley/internal/chat"
)

// Sent takes messages that were committed; see [chat.Audience].
func (d *Door) Sent(app chat.AppID, messages []chat.Message) {
	if !d.running.Load() {
		return
	}
	n, ok := d.handed.Load(app)
	if !ok {
		n, _ = d.handed.LoadOrStore(app, new(atomic.Uint64))
	}
	n.(*atomic.Uint64).Add(uint64(len(messages)))
	for i := range messages {
		d.shard(messages[i].Group).hint(&messages[i])
	}
}

// Noticed takes what changes told; see [chat.Audience].
func (d *Door) Noticed(app chat.AppID, notices []chat.Notice, complete bool) {
	if !d.running.Load() {
		return
	}
	for i := range notices {
		n := &notices[i]
		switch n.Kind {
		case chat.NoticeMutedOut, chat.NoticeKickedOut, chat.NoticeHandled, chat.NoticeRead:
			if len(n.Users) > 0 {
				d.shards[hash(n.Users[0])%shards].post(func() { d.tellUser(app, n) })
			}
		case chat.NoticeDeletedOut:
			for _, s := range d.shards { // what they said is blanked, also what waits to be pushed
				s.erase(app, n.Users)
				s.post(func() { s.erase(app, n.Users) })
			}
			for _, user := range n.Users {
				d.shards[hash(user)%shards].post(func() {
					for _, c := range d.of(app, user) {
						c.end(disconnectDeleted)
					}
				})
			}
		case chat.NoticeRecalled:
			s := d.shard(n.Key)
			if h := s.find(n.Key); h != nil { // before the recall is answered
				h.recent.takeBack(n.Seqs)
			}
			s.post(func() { s.notice(app, n) })
		default:
			s := d.shard(n.Key)
			s.post(func() { s.notice(app, n) })
		}
	}
	if !complete {
		d.look(app, true)
	}
}

// Offer, Changed and Behind make the door one of the [chat.Offers]: it wants to
// know of apps alone.
func (d *Door) Offer(chat.AppID, []chat.Event) {}

// Behind is nothing to the door.
func (d *Door) Behind(chat.AppID, chat.Sequence) {}

// Changed tells of an app that was changed: it may be gone, or have another key.
func (d *Door) Changed(app chat.AppID) { d.look(app, false) }

// look has the connections of an app looked at soon, all memberships too.
func (d *Door) look(app chat.AppID, memberships bool) {
	if !d.running.Load() {
		return
	}
	d.mu.Lock()
	d.changed[app] = d.changed[app] || memberships
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func hash(user chat.UserID) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user))
	return h.Sum32()
}

// erase blanks what users said in what an app's groups have in memory.
func (s *shard) erase(app chat.AppID, users []chat.UserID) {
	for _, h := range s.list(app) {
		h.recent.erase(users)
	}
}

// forget drops what an app's groups have in memory of what was said, also what
// waits to be pushed.
func (d *Door) forget(app chat.AppID) {
	for _, s := range d.shards {
		for _, h := range s.list(app) {
			h.recent.clear()
			s.post(func() {
				h.recent.clear()
				h.recall()
			})
		}
	}
}

// tellUser tells one user what concerns him alone.
func (d *Door) tellUser(app chat.AppID, n *chat.Notice) {
	frame := noticeFrame(n)
	for _, c := range d.of(app, n.Users[0]) {
		if n.Kind == chat.NoticeKickedOut {
			c.end(disconnectKicked)
			continue
		}
		c.send(frame)
	}
}

// notice tells a group what happened in it. Who joined is subscribed before, and
// who left unsubscribed after, so that both hear it.
func (s *shard) notice(app chat.AppID, n *chat.Notice) {
	if n.Kind == chat.NoticeApplied {
		s.door.tellManagers(app, n)
		return
	}
	if h := s.find(n.Key); h != nil {
		if next := chat.MsgSeq(h.next.Load()); next != 0 && (next < n.Next || len(h.later) > 0) {
			h.later = append(h.later, waiting{next: n.Next, notice: n}) // what was said before comes before
			h.readTo(max(n.Next, next) - 1)
			return
		}
	}
	s.tell(app, n)
}

// tell is notice once all that was said before is pushed.
func (s *shard) tell(app chat.AppID, n *chat.Notice) {
	h := s.find(n.Key)
	after := func() {}
	switch n.Kind {
	case chat.NoticeJoined:
		after = s.admit(app, n)
		h = s.find(n.Key) // it may have been made just now
	case chat.NoticeRecalled:
		if h != nil {
			h.recent.takeBack(n.Seqs) // what came in between
		}
	}
	if h == nil {
		return
	}
	if h.heard() {
		h.broadcast(noticeFrame(n))
	}
	after()
	switch n.Kind {
	case chat.NoticeLeft:
		// Whatever they are by now: who came back is let in by a later notice, and
		// hears nothing of what was said in between.
		for _, user := range n.Users {
			for _, c := range s.door.of(app, user) {
				h.remove(c)
			}
		}
	case chat.NoticeDissolved:
		for c := range h.conns {
			h.remove(c)
		}
		s.drop(h, math.MaxInt64)
	}
}

// admit subscribes the connections of who joined, and returns what is to be done
// when they have heard of it: to give them what was said since.
func (s *shard) admit(app chat.AppID, n *chat.Notice) (after func()) {
	after = func() {}
	var conns []*conn
	for _, user := range n.Users {
		conns = append(conns, s.door.of(app, user)...)
	}
	if len(conns) == 0 {
		return after
	}
	g, err := s.door.group(app, n)
	if err != nil {
		for _, c := range conns {
			c.owe(n)
		}
	}
	if g == nil {
		return after
	}
	h, _ := s.enter(app, g)
	fresh := h.start.CompareAndSwap(0, uint64(n.Next)) // it follows its group from here on
	h.begin()
	var admitted []*conn
	for _, c := range conns {
		if _, in := h.conns[c]; in {
			continue
		}
		switch in, _, err := s.correct(c, n.Key, nil); {
		case err != nil:
			c.owe(n)
		case in != nil:
			admitted = append(admitted, c)
		}
	}
	return func() {
		if fresh { // what was said meanwhile was handed over to nobody
			h.readToHead()
		} else if h.kind != chat.AVChatRoom { // whose last messages were given
			h.giveSince(n.Next, admitted)
		}
	}
}

// group reads the group of a notice; nil if it is gone.
func (d *Door) group(app chat.AppID, n *chat.Notice) (*chat.Group, error) {
	ctx, cancel := d.shard(n.Key).reading()
	defer cancel()
	g, ok, err := d.backend.Reader().Group(ctx, app, n.Group)
	if err != nil || !ok || g.Key != n.Key {
		return nil, err
	}
	return &g, nil
}

// tellManagers tells owner and admins of a group that somebody asks to be let in.
func (d *Door) tellManagers(app chat.AppID, n *chat.Notice) {
	d.aside(func() { // the list of members may be long
		defer d.guard("tell of an application")
		ctx, cancel := d.shard(n.Key).reading()
		defer cancel()
		roles := []chat.Role{chat.RoleOwner, chat.RoleAdmin}
		_, managers, err := d.backend.ListMembers(ctx, app, chat.Admin(""), n.Group, roles, 0, 0)
		if err != nil {
			d.log.Warn("nobody could be told of an application", "app", app, "group", n.Group, "error", err)
			return
		}
		frame := noticeFrame(n)
		for _, m := range managers {
			for _, c := range d.of(app, m.User) {
				c.send(frame)
			}
		}
	})
}
