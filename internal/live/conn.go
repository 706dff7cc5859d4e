package live

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/centrifugal/centrifuge"
	"github.com/centrifugal/protocol"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
)

// conn is one connection of a user, and the context that its client has in the
// library, by which it is found.
type conn struct {
	context.Context
	door     *Door
	client   *centrifuge.Client
	app      chat.AppID
	key      string // of the app, with which its UserSig was made
	user     chat.UserID
	platform string
	arrival  *arrival
	since    int64  // unix nanoseconds
	version  uint64 // of the app, before the user's groups were read
	place    int    // among the door's; under its lock

	attached atomic.Bool  // it hears of changes
	missing  atomic.Int32 // shards' answers until then
	suspect  atomic.Bool  // its groups could not be read again
	left     atomic.Bool  // its user has logged out
	room     int          // bytes that an answer to it may have; 0: as many as any
	given    atomic.Int64 // bytes of what was said last in rooms
	pushed   atomic.Int64 // publications that were given to it
	taken    atomic.Int64 // those of them that the library has begun to write
	written  atomic.Int64 // and those that the network took

	mu    sync.Mutex
	halls []*hall                        // that it is subscribed to
	owed  map[chat.GroupKey]*chat.Notice // of its user's joining, that could not be told for want of the store
	gone  bool
	ready chan struct{} // closed when all shards have taken it in
	sends *lane         // one at a time, in the order they came; nil before the first
	asks  *lane         // everything else
}

// Value is the connection itself for its key.
func (c *conn) Value(key any) any {
	if key == (connKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// connKey is where a connection stands in its client's context.
type connKey struct{}

// connOf is the connection of a client of the library; nil before it was let in.
func connOf(client *centrifuge.Client) *conn {
	c, _ := client.Context().Value(connKey{}).(*conn)
	return c
}

// end ends the connection.
func (c *conn) end(why centrifuge.Disconnect) { c.client.Disconnect(why) }

// takenIn notes that a shard has taken the connection in, or has corrected what it
// hears.
func (c *conn) takenIn() {
	if c.missing.Add(-1) > 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready != isReady {
		close(c.ready)
		c.ready = isReady
	}
}

// isReady is what ready is of all connections that are, who are many.
var isReady = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// whenReady is closed when all shards have taken the connection in.
func (c *conn) whenReady() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

// lane is where a call waits for its turn.
func (c *conn) lane(send bool) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.asks
	if send {
		l = &c.sends
	}
	if *l == nil {
		*l = &lane{}
	}
	return *l
}

// send tells the user something that is of no group he hears.
func (c *conn) send(frame []byte) { _ = c.client.Send(frame) } // or he is gone

// refresh lets a client that shows a new UserSig stay.
func (c *conn) refresh(e centrifuge.RefreshEvent, answer centrifuge.RefreshCallback) {
	app, ok := c.door.backend.App(c.app)
	if !ok {
		answer(centrifuge.RefreshReply{}, disconnectAppGone)
		return
	}
	expiry, refusal := caller.Verify(app, string(c.user), e.Token, c.door.backend.Now())
	switch {
	case refusal == nil:
		answer(centrifuge.RefreshReply{ExpireAt: expiry.Unix()}, nil)
	case refusal.Code == api.CodeUserSigExpired:
		answer(centrifuge.RefreshReply{Expired: true}, nil)
	default:
		c.door.reject(refusal.Code)
		answer(centrifuge.RefreshReply{}, centrifuge.DisconnectInvalidToken)
	}
}

// ended takes a connection down that the library has closed.
func (c *conn) ended(e centrifuge.DisconnectEvent) {
	d := c.door
	c.attached.Store(false)
	c.mu.Lock()
	c.gone = true
	halls := c.halls
	c.halls = nil
	c.mu.Unlock()
	d.mu.Lock()
	last := d.conns[len(d.conns)-1]
	d.conns[c.place], last.place = last, c.place
	d.conns[len(d.conns)-1] = nil
	d.conns = d.conns[:len(d.conns)-1]
	d.mu.Unlock()
	for _, h := range halls {
		h.shard.post(func() { h.detach(c) })
	}
	switch code := e.Code; {
	case c.left.Load(), code >= 4500:
		d.announce(c, "Logout", "Unregister", nil)
	case code == centrifuge.DisconnectNoPong.Code:
		d.announce(c, "Disconnect", "TimeOut", nil)
	default:
		d.announce(c, "Disconnect", "LinkClose", nil)
	}
}

// enter notes that the connection is subscribed to a group. It reports false for
// one that is gone.
func (c *conn) enter(h *hall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	if !slices.Contains(c.halls, h) {
		c.halls = append(c.halls, h)
	}
	return true
}

func (c *conn) leave(h *hall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.halls, h); i >= 0 {
		c.halls = slices.Delete(c.halls, i, i+1)
	}
}

// owe keeps the notice of its user's joining until the store can be read again.
func (c *conn) owe(n *chat.Notice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed == nil {
		c.owed = make(map[chat.GroupKey]*chat.Notice)
	}
	c.owed[n.Key] = n
	c.suspect.Store(true)
}

func (c *conn) takeOwed(key chat.GroupKey) *chat.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.owed[key]
	delete(c.owed, key)
	return n
}

// hallOf is the hall of a group that the connection is subscribed to, dropped or not.
func (c *conn) hallOf(key chat.GroupKey) *hall {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.halls {
		if h.key == key {
			return h
		}
	}
	return nil
}

// in says whether the connection is subscribed to a group.
func (c *conn) in(h *hall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.halls, h)
}

func (c *conn) listHalls() []*hall {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.halls)
}

// behind is how many publications wait for the connection, or are lost to it. What
// it got before it was taken in was written and not counted as pushed: that is made
// up for here. Written is read first, so that it is not above pushed otherwise.
func (c *conn) behind() int64 {
	written := c.written.Load()
	n := c.pushed.Load() - written
	if n < 0 {
		c.pushed.Add(-n)
	}
	return max(0, n)
}

// wrote notes that all is with the network that the library has begun to write.
func (c *conn) wrote() { c.written.Store(c.taken.Load()) }

// writing counts what goes out to a connection.
func (d *Door) writing(client *centrifuge.Client, e centrifuge.TransportWriteEvent) bool {
	switch e.FrameType {
	case protocol.FrameTypePushPublication:
		c := connOf(client) // who is subscribed has one
		c.taken.Add(1)
		if c.arrival.Conn == nil { // HTTP does not tell when the network took it
			c.wrote()
		}
	case protocol.FrameTypeServerPing:
		if c := connOf(client); c != nil {
			c.arrival.pinged()
		}
	}
	return true
}

// commandRead notes that a command came whole.
func commandRead(client *centrifuge.Client, _ centrifuge.CommandReadEvent) error {
	if c := connOf(client); c != nil {
		c.arrival.whole()
	}
	return nil
}

// announce tells the app backend of a login or a logout, if it wants to know.
func (d *Door) announce(c *conn, action, reason string, kicked []string) {
	d.backend.Announce(c.app, stateChange(c, action, reason, kicked))
}
