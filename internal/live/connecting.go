package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/centrifugal/centrifuge"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
)

// greeting is what a connection says of itself.
type greeting struct {
	SDKAppID appNumber
	UserID   string
	UserSig  string
	Platform string
}

// appNumber is an SDKAppID, as a number or as its text.
type appNumber chat.AppID

func (n *appNumber) UnmarshalJSON(text []byte) error {
	id, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64)
	*n = appNumber(id)
	return err
}

// platforms are the values of OptPlatform that a client may give (document
// 1047/34354); any other is Unknown.
var platforms = map[string]string{
	"Web": "Web", "Android": "Android", "iOS": "iOS", "Windows": "Windows", "Mac": "Mac", "macOS": "macOS", "iPad": "iPad", "Linux": "Linux",
}

// welcome is the data of the answer to a connect.
type welcome struct {
	SDKAppID     int64
	UserID       string
	ConnectionId string
	ServerTime   int64 // unix milliseconds
}

// steadyReads is how often the groups of who connects are read while the app is
// changed, so that who is taken out meanwhile hears as little as can be.
const steadyReads = 3

// connecting lets a client in: who is it, and which groups may he hear.
func (d *Door) connecting(ctx context.Context, e centrifuge.ConnectEvent) (reply centrifuge.ConnectReply, err error) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("a connect panicked", "panic", p)
			reply, err = centrifuge.ConnectReply{}, centrifuge.ErrorInternal
		}
	}()
	arrival, ok := ctx.Value(arrivalKey{}).(*arrival)
	if !ok {
		return reply, d.troubled("find out where a client comes from", errors.New("it came by no address of the door"))
	}
	app, g, expires, refusal := d.identify(&e)
	if refusal != nil {
		d.reject(refusal.Code)
		return reply, connectError(refusal)
	}
	name := libraryUser(app.ID, chat.UserID(g.UserID))
	c := &conn{
		door: d, app: app.ID, key: app.Key, user: chat.UserID(name[len(name)-len(g.UserID):]), platform: g.Platform, arrival: arrival, since: time.Now().UnixNano(), ready: make(chan struct{}),
	}
	if err := d.backend.Login(ctx, app.ID, c.user); err != nil {
		return reply, d.troubled("log in", err)
	}
	var halls map[*hall]struct{}
	var joinSeqs map[chat.GroupKey]chat.MsgSeq
	for range steadyReads {
		// The version first: when it has moved once the connection is there, its groups
		// are read again.
		c.version = d.backend.Version(app.ID)
		var groups []chat.Group
		if groups, joinSeqs, err = d.audible(ctx, app.ID, c.user); err != nil {
			return reply, d.troubled("read the groups of a user", err)
		}
		if halls, err = d.open(ctx, app.ID, groups); err != nil {
			return reply, d.troubled("read the heads of groups", err)
		}
		if d.backend.Version(app.ID) == c.version {
			break
		}
	}
	c.halls = make([]*hall, 0, len(halls))
	reply.Subscriptions = make(map[string]centrifuge.SubscribeOptions, len(halls))
	for h := range halls {
		if h.position() < joinSeqs[h.key] { // what was said before he joined is to be pushed still: a later look lets him in
			c.suspect.Store(true)
			continue
		}
		c.halls = append(c.halls, h)
		reply.Subscriptions[h.channel] = centrifuge.SubscribeOptions{}
	}
	c.Context = ctx // which the library ends with the connection
	reply.Context = c
	reply.Credentials = &centrifuge.Credentials{UserID: name, ExpireAt: expires}
	reply.ClientSideRefresh = true
	// An answer goes past the queue of pushes: who does not read it holds up his
	// own calls alone, and large answers need no room in the queue. Not so over plain
	// HTTP: there the library writes from the goroutine that would wait for the write.
	reply.ReplyWithoutQueue = e.Transport.Name() == "websocket"
	if !reply.ReplyWithoutQueue {
		c.room = queuedAnswer
	}
	reply.Data, err = json.Marshal(welcome{int64(app.ID), g.UserID, e.ClientID, d.backend.Now().UnixMilli()})
	if err == nil {
		arrival.enter()
	}
	return reply, err
}

// audible lists the groups that a connection hears, by key, and from which number
// on where that is not the first. Who is in more than MaxJoined, from a time when
// that had no bound, hears the oldest of them rather than being shut out.
func (d *Door) audible(ctx context.Context, app chat.AppID, user chat.UserID) ([]chat.Group, map[chat.GroupKey]chat.MsgSeq, error) {
	joined, err := d.backend.Reader().Joined(ctx, app, user)
	joined = joined[:min(len(joined), chat.MaxJoined)]
	groups := make([]chat.Group, len(joined))
	var from map[chat.GroupKey]chat.MsgSeq
	for i := range joined {
		groups[i] = joined[i].Group
		if seq := joined[i].Self.JoinSeq; seq > 1 {
			if from == nil {
				from = make(map[chat.GroupKey]chat.MsgSeq)
			}
			from[groups[i].Key] = seq
		}
	}
	return groups, from, err
}

// troubled is what a client is told when the server is at fault.
func (d *Door) troubled(doing string, err error) error {
	d.log.Error("a client could not be let in", "doing", doing, "error", err)
	return connectError(chat.ErrUnknown)
}

// identify checks what a client says of itself. expires is the last second at
// which it holds.
func (d *Door) identify(e *centrifuge.ConnectEvent) (app *chat.App, g greeting, expires int64, r *chat.Refusal) {
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &g); err != nil {
			return nil, g, 0, chat.Fail(api.CodeInvalidParameter, "the connect data must be an object with SDKAppID, UserID and UserSig")
		}
	}
	if e.Token != "" { // it is what a client renews
		g.UserSig = e.Token
	}
	word, ok := platforms[g.Platform]
	if !ok {
		word = "Unknown"
	}
	g.Platform = word // one text for all
	switch {
	case g.SDKAppID == 0:
		return nil, g, 0, chat.Fail(api.CodeNoSDKAppID)
	case !caller.ValidUserID(g.UserID):
		return nil, g, 0, chat.Fail(api.CodeURLParameter, "UserID is missing or malformed")
	}
	app, there := d.backend.App(chat.AppID(g.SDKAppID))
	if !there {
		return nil, g, 0, chat.Fail(api.CodeAppNotFound)
	}
	expiry, r := caller.Verify(app, g.UserID, g.UserSig, d.backend.Now())
	return app, g, expiry.Unix(), r
}

// connected takes a connection up that the library has let in.
func (d *Door) connected(client *centrifuge.Client) {
	c := connOf(client)
	if c == nil {
		client.Disconnect(centrifuge.DisconnectServerError)
		return
	}
	c.client = client
	c.arrival.conn.Store(c)
	client.OnRPC(c.call)
	client.OnRefresh(c.refresh)
	client.OnDisconnect(c.ended)
	d.mu.Lock()
	c.place = len(d.conns)
	d.conns = append(d.conns, c)
	d.mu.Unlock()
	// From here on it is found by who tells the user something; what was told before
	// has moved the version.
	c.attached.Store(true)
	halls := c.listHalls()
	c.missing.Store(int32(len(halls)) + 1)
	for _, h := range halls {
		h.shard.post(func() {
			h.attach(c)
			c.takenIn()
		})
	}
	d.judge(c)
	if c.suspect.Swap(false) || d.backend.Version(c.app) != c.version {
		d.recheck(c, c.takenIn)
	} else {
		c.takenIn()
	}
	replaced := d.makeRoom(c)
	d.announce(c, "Login", "Register", replaced)
}

// makeRoom ends the oldest connections of a user who has too many, and tells
// their platforms.
func (d *Door) makeRoom(c *conn) (platforms []string) {
	if d.cfg.UserConnections <= 0 {
		return nil
	}
	all := d.of(c.app, c.user)
	for len(all) > d.cfg.UserConnections {
		oldest := 0
		for i := range all {
			if all[i].since < all[oldest].since {
				oldest = i
			}
		}
		platforms = append(platforms, all[oldest].platform)
		all[oldest].end(disconnectReplaced)
		all = append(all[:oldest], all[oldest+1:]...)
	}
	return platforms
}

// judge ends a connection whose app is gone, or has another key than its UserSig
// was made with.
func (d *Door) judge(c *conn) {
	switch app, there := d.backend.App(c.app); {
	case !there:
		c.end(disconnectAppGone)
	case app.Key != c.key:
		c.end(centrifuge.DisconnectStateInvalidated)
	}
}

// recheck reads again whether a connection's user has an account and which
// groups he may hear, and has the shards correct what is not so any more. After
// that it calls done; not if the door closes.
func (d *Door) recheck(c *conn, done func()) {
	d.aside(func() {
		d.readAgain(c)
		done()
	})
}

// readAgain does what recheck says. What it leaves to the shards, a connection that
// is not taken in yet waits for.
func (d *Door) readAgain(c *conn) {
	ctx, cancel := d.shards[0].reading()
	defer cancel()
	if ok, err := d.backend.HasAccount(ctx, c.app, c.user); err == nil && !ok {
		c.end(disconnectDeleted)
		return
	}
	groups, _, err := d.audible(ctx, c.app, c.user)
	if err != nil {
		if c.Err() == nil {
			c.suspect.Store(true)
		}
		return
	}
	wanted := make(map[chat.GroupKey]bool, len(groups))
	for _, g := range groups {
		wanted[g.Key] = true
		c.missing.Add(1)
		d.shard(g.Key).post(func() {
			defer c.takenIn()
			d.shard(g.Key).letIn(c, &g)
		})
	}
	for _, h := range c.listHalls() {
		if !wanted[h.key] {
			h.shard.post(func() { h.verify(c) })
		}
	}
}
