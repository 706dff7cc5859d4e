package live_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
)

// stormTime is how long the storm lasts; PARLEY_STORM makes it longer.
func stormTime(t *testing.T) time.Duration {
	text := os.Getenv("PARLEY_STORM")
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// storm is users who come and go, and groups that are made and dissolved, all at
// once.
type storm struct {
	*world
	t *testing.T

	mu     sync.Mutex
	groups []chat.GroupID
	made   int
	phones []*stormPhone
}

// stormPhone is a phone that writes down what it hears, from connect to connect.
type stormPhone struct {
	*phone
	user string

	mu   sync.Mutex
	link net.Conn
	log  []push // a push without Event: connected anew
}

const (
	stormUsers  = 24
	stormGroups = 8
)

func stormUser(r *rand.Rand) string { return fmt.Sprintf("u%02d", r.IntN(stormUsers)) }

func TestStormOfConnectionsMembersAndMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &storm{world: w, t: t}
	for i := range stormUsers {
		if err := w.backend.Login(t.Context(), app, chat.UserID(fmt.Sprintf("u%02d", i))); err != nil {
			t.Fatal(err)
		}
	}
	for range stormGroups {
		s.makeGroup(rand.New(rand.NewPCG(1, uint64(s.made))))
	}
	for i := range stormUsers * 2 {
		s.phones = append(s.phones, s.plug(fmt.Sprintf("u%02d", i%stormUsers)))
	}
	for _, p := range s.phones {
		if err := p.client.Connect(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), stormTime(t))
	defer cancel()
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))
			for ctx.Err() == nil {
				s.deed(r)
			}
		})
	}
	workers.Wait()
	s.calm()
	heard := 0
	for _, p := range s.phones {
		heard += p.judge()
	}
	if heard == 0 {
		t.Error("nobody heard anything")
	}
}

// plug makes a phone whose network can be cut.
func (s *storm) plug(user string) *stormPhone {
	p := &stormPhone{user: user}
	p.phone = s.dial(s.t, user, func(o *phoneOptions) {
		o.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				p.cut() // the SDK may leave an attempt behind that was broken off, and hear by both
				p.mu.Lock()
				p.link = c
				p.mu.Unlock()
			}
			return c, err
		}
	})
	p.note = func(one push) {
		p.mu.Lock()
		p.log = append(p.log, one)
		p.mu.Unlock()
	}
	p.client.OnConnected(func(centrifuge.ConnectedEvent) { p.note(push{}) })
	p.client.OnConnecting(func(centrifuge.ConnectingEvent) {})
	p.client.OnDisconnected(func(centrifuge.DisconnectedEvent) {})
	return p
}

// cut breaks the phone's network connection; it comes back by itself.
func (p *stormPhone) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		_ = p.link.Close()
	}
}

func (s *storm) any(r *rand.Rand) chat.GroupID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[r.IntN(len(s.groups))]
}

func (s *storm) makeGroup(r *rand.Rand) {
	s.mu.Lock()
	s.made++
	id := chat.GroupID(fmt.Sprintf("g%d", s.made))
	s.mu.Unlock()
	kind := []chat.GroupType{chat.Public, chat.ChatRoom, chat.Private}[r.IntN(3)]
	spec := chat.GroupSpec{ID: id, Type: kind, Name: string(id), ApplyJoinOption: "FreeAccess", InviteOption: "FreeAccess"}
	for range 6 {
		spec.Members = append(spec.Members, chat.MemberSpec{User: chat.UserID(stormUser(r))})
	}
	if _, err := s.backend.CreateGroup(context.Background(), app, chat.Admin("admin"), spec); err != nil {
		s.t.Errorf("create: %v", err)
		return
	}
	s.mu.Lock()
	s.groups = append(s.groups, id)
	s.mu.Unlock()
}

// deed is one thing that somebody does. What is refused, because somebody else was
// faster, is no fault.
func (s *storm) deed(r *rand.Rand) {
	ctx, admin := context.Background(), chat.Admin("admin")
	id := s.any(r)
	user := chat.UserID(stormUser(r))
	var err error
	switch n := r.IntN(100); {
	case n < 55:
		send := &chat.Send{App: app, Caller: user, Entry: chat.EntryClient, Group: id, From: user, Random: s.random.Add(1)}
		send.Content.Body = []byte(`[{"MsgContent":{"Text":"x"},"MsgType":"TIMTextElem"}]`)
		send.Priority = chat.Normal
		_, err = s.backend.Send(ctx, send)
	case n < 63:
		_, err = s.backend.AddMembers(ctx, app, admin, id, []chat.UserID{user, chat.UserID(stormUser(r))})
	case n < 71:
		err = s.backend.DeleteMembers(ctx, app, admin, id, []chat.UserID{user})
	case n < 75:
		_, err = s.backend.Apply(ctx, app, chat.Client(user), id, "")
	case n < 79:
		err = s.backend.Quit(ctx, app, chat.Client(user), id)
	case n < 82:
		_, err = s.backend.Recall(ctx, app, admin, id, []chat.MsgSeq{1, 2, 3})
	case n < 85:
		err = s.backend.MuteMembers(ctx, app, admin, id, []chat.UserID{user}, uint32(r.IntN(2)))
	case n < 87:
		if err = s.backend.DeleteGroup(ctx, app, admin, id); err == nil {
			s.mu.Lock()
			s.groups = slices.DeleteFunc(s.groups, func(g chat.GroupID) bool { return g == id })
			s.mu.Unlock()
			s.makeGroup(r)
		}
	case n < 94:
		s.phones[r.IntN(len(s.phones))].cut()
	default:
		p := s.phones[r.IntN(len(s.phones))]
		_ = p.client.Disconnect()
		_ = p.client.Connect()
	}
	var refusal *chat.Refusal
	if err != nil && !errors.As(err, &refusal) {
		s.t.Errorf("a deed failed: %v", err)
	}
}

// calm waits until every connection hears exactly what its user may hear.
func (s *storm) calm() {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		fault := s.fault()
		if fault == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(fault)
		}
		time.Sleep(10 * time.Millisecond) // the library tells nobody that it is at rest
	}
}

// fault is what is not yet, or no more, as it should be.
func (s *storm) fault() string {
	alive := make(map[chat.GroupKey]bool)
	for i := range stormUsers {
		user := chat.UserID(fmt.Sprintf("u%02d", i))
		groups, err := s.backend.Reader().Joined(context.Background(), app, user)
		if err != nil {
			return err.Error()
		}
		var want []string
		for _, g := range groups {
			alive[g.Key] = true
			want = append(want, live.Channel(app, g.Key))
		}
		slices.Sort(want)
		all := s.door.Heard(app, user)
		if len(all) != 2 {
			return fmt.Sprintf("%s has %d connections", user, len(all))
		}
		for _, got := range all {
			if !slices.Equal(got, want) {
				return fmt.Sprintf("%s hears %v, and is in %v", user, got, want)
			}
		}
	}
	for key, conns := range s.door.Followed() {
		if !alive[key] && conns > 0 {
			return fmt.Sprintf("group %d has no member here and %d connections", key, conns)
		}
	}
	return ""
}

// judge reads what a phone heard: from one connect to the next, numbers of each
// group without repeat or gap, and nothing after it was told that its user left. It tells how many it heard.
func (p *stormPhone) judge() (heard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, out := map[string]uint64{}, map[string]bool{}
	for i, one := range p.log {
		self := slices.ContainsFunc(one.MemberList, func(m struct{ Member_Account string }) bool { return m.Member_Account == p.user })
		switch {
		case one.Event == "":
			clear(last)
			clear(out)
		case one.Event == "MemberJoined" && self:
			delete(last, one.GroupId)
			delete(out, one.GroupId)
		case one.Event == "MemberLeft" && self, one.Event == "GroupDissolved":
			out[one.GroupId] = true
		case one.MsgSeq != 0:
			heard++
			if out[one.GroupId] {
				p.t.Fatalf("%s: entry %d: heard number %d of %s, which it had left", p.user, i, one.MsgSeq, one.GroupId)
			}
			if n := last[one.GroupId]; n != 0 && one.MsgSeq != n+1 {
				p.t.Fatalf("%s: entry %d: number %d of %s after %d", p.user, i, one.MsgSeq, one.GroupId, n)
			}
			last[one.GroupId] = one.MsgSeq
		}
	}
	return heard
}
