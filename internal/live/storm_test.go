package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// ear is one device of a user in the storm. It judges what it hears as it comes:
// the numbers of a group follow each other without a gap or a repeat, and nothing
// comes after the user was taken out.
type ear struct {
	t    *testing.T
	user string

	moving sync.Mutex
	device *device       // nil: not connected
	over   chan struct{} // closed when the device's connection has ended

	mu        sync.Mutex
	connected bool
	groups    map[string]*heardGroup // in this connection
	listed    bool                   // the list of groups has come
	messages  int                    // in all of them
}

type heardGroup struct {
	last  uint64   // 0: no number yet
	early []uint64 // numbers heard before the list of groups came
	anew  bool     // the list does not say where it begins
	out   bool     // the user was taken out, and hears nothing more
}

// list takes the list of groups. What it knows may have been pushed or not; from
// there on every number is.
func (e *ear) list(answer []byte) {
	var list struct {
		GroupIdList []struct {
			GroupId    string
			NextMsgSeq uint64
		}
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		e.t.Errorf("the list of groups is no JSON: %v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listed = true
	// The answer comes past what is still to be pushed: perhaps the end of what he
	// heard in a group that he is not in any more, or that was made anew since.
	listed := make(map[string]bool)
	for _, l := range list.GroupIdList {
		listed[l.GroupId] = true
		g := e.groups[l.GroupId]
		if g == nil {
			g = &heardGroup{}
			e.groups[l.GroupId] = g
		}
		g.anew = g.anew || l.NextMsgSeq == 1
		if !g.anew && !g.out {
			g.last = l.NextMsgSeq - 1
		}
	}
	for id, g := range e.groups {
		g.anew = g.anew || !listed[id]
		for _, seq := range g.early {
			e.number(id, g, seq)
		}
		g.early = nil
	}
}

// number takes a number of a group.
func (e *ear) number(id string, g *heardGroup, seq uint64) {
	switch {
	case !e.listed:
		g.early = append(g.early, seq)
		return
	case seq <= g.last && !g.anew: // the list has it
		return
	case (g.last > 0 || !g.anew) && seq != g.last+1:
		e.t.Errorf("%s heard %d of %s after %d", e.user, seq, id, g.last)
	}
	g.last = seq
	e.messages++
}

// connect connects the device, if it is not.
func (e *ear) connect(w *world) {
	if e.device != nil {
		select {
		case <-e.over:
		default:
			return
		}
	}
	d, err := w.connectDevice(e.t, e.user)
	if err != nil {
		e.t.Errorf("%s cannot connect: %v", e.user, err)
		return
	}
	over := make(chan struct{})
	e.device, e.over = d, over
	e.mu.Lock()
	e.groups, e.listed = make(map[string]*heardGroup), false
	e.mu.Unlock()
	d.listed = e.list
	go func() {
		defer close(over)
		d.read(func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.connected = true
		}, e.take)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.connected = false
	}()
}

// hangUp ends the connection: with a word, or cut.
func (e *ear) hangUp(politely bool) {
	if e.device == nil {
		return
	}
	if politely {
		_ = e.device.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	}
	e.device.line.Close()
	<-e.over
	e.device = nil
}

func (e *ear) take(data []byte) {
	var p push
	if err := json.Unmarshal(data, &p); err != nil {
		e.t.Errorf("a push is no JSON: %v: %s", err, data)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.groups[p.GroupId]
	if g == nil {
		g = &heardGroup{anew: e.listed}
		e.groups[p.GroupId] = g
	}
	self := func() bool {
		return slices.ContainsFunc(p.MemberList, func(m struct{ Member_Account string }) bool { return m.Member_Account == e.user })
	}
	switch {
	case p.Event == "MemberJoined" && self():
		*g = heardGroup{anew: true}
	case g.out:
		e.t.Errorf("%s heard after the end of %s: %s", e.user, p.GroupId, data)
	case p.Event == "GroupDissolved", p.Event == "MemberLeft" && self():
		*g = heardGroup{out: true}
	case p.MsgSeq > 0:
		e.number(p.GroupId, g, p.MsgSeq)
	}
}

// move connects, disconnects or cuts the device.
func (e *ear) move(w *world) {
	if !e.moving.TryLock() {
		return
	}
	defer e.moving.Unlock()
	if rand.IntN(20) > 0 { // seldom cut, so that there is something to hear
		e.connect(w)
	} else {
		e.hangUp(rand.IntN(2) == 0)
	}
}

// last is the newest number heard of a group in this connection.
func (e *ear) last(group string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g := e.groups[group]; g != nil && !g.out {
		return g.last
	}
	return 0
}

// stormTime is PARLEY_STORM, or a few seconds.
func stormTime(t *testing.T) time.Duration {
	text := os.Getenv("PARLEY_STORM")
	if text == "" {
		return 6 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Everything that moves moves at once: connections come, go and are cut, users
// join, leave, are added, taken out and deleted, groups are dissolved and made
// anew, and all the while it is spoken. Then it is quiet, and all is as it should
// be.
func TestStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const users, groups, devices = 10, 5, 3
	user := func(i int) string { return fmt.Sprint("u", i) }
	group := func(i int) string { return fmt.Sprint("g", i) }
	ctx, admin := context.Background(), chat.Admin("admin")
	var ears []*ear
	for i := range users {
		for range devices {
			e := &ear{t: t, user: user(i)}
			ears = append(ears, e)
			t.Cleanup(func() { e.hangUp(true) })
		}
	}
	make1 := func(g string) error {
		spec := chat.GroupSpec{ID: chat.GroupID(g), Type: chat.Public, Name: g, ApplyJoinOption: "FreeAccess"}
		for _, i := range rand.Perm(users)[:users/2] {
			spec.Members = append(spec.Members, chat.MemberSpec{User: chat.UserID(user(i))})
		}
		_, err := w.backend.CreateGroup(ctx, app, admin, spec)
		return err
	}
	for i := range users {
		if err := w.backend.Login(ctx, app, chat.UserID(user(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range groups {
		if err := make1(group(i)); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(stormTime(t))
	var storm sync.WaitGroup
	var did atomic.Int64
	repeat := func(n int, do func(u chat.UserID, g chat.GroupID) error) {
		for range n {
			storm.Go(func() {
				for time.Now().Before(deadline) && !t.Failed() {
					err := do(chat.UserID(user(rand.IntN(users))), chat.GroupID(group(rand.IntN(groups))))
					var refusal *chat.Refusal
					if err != nil && !errors.As(err, &refusal) {
						t.Errorf("the storm: %v", err)
					}
					if err == nil {
						did.Add(1)
					}
				}
			})
		}
	}
	say := func(g string, from chat.UserID, to ...string) {
		s := &chat.Send{App: app, Caller: from, Entry: chat.EntryClient, Platform: "Web", From: from, Group: chat.GroupID(g), Random: w.random.Add(1), Priority: chat.Normal}
		body := text(g, s.Random, "storm")
		if len(to) > 0 {
			body["To_Account"] = to
		}
		data, _ := json.Marshal(body)
		wire.ReadSend(data, s)
		if _, err := w.backend.Send(ctx, s); err != nil {
			t.Errorf("a send: %v", err)
		}
	}
	repeat(8, func(u chat.UserID, g chat.GroupID) error {
		if rand.IntN(5) == 0 {
			say(string(g), u, user(rand.IntN(users)))
		} else {
			say(string(g), u)
		}
		return nil
	})
	repeat(2, func(u chat.UserID, g chat.GroupID) error {
		switch rand.IntN(40) {
		case 0:
			return w.backend.DeleteMembers(ctx, app, admin, g, []chat.UserID{u})
		case 1:
			_, err := w.backend.AddMembers(ctx, app, admin, g, []chat.UserID{u, chat.UserID(user(rand.IntN(users)))})
			return err
		case 2:
			_, err := w.backend.Apply(ctx, app, chat.Client(u), g, "")
			return err
		case 3:
			return w.backend.Quit(ctx, app, chat.Client(u), g)
		case 4:
			_, err := w.backend.Recall(ctx, app, admin, g, []chat.MsgSeq{chat.MsgSeq(1 + rand.IntN(50))})
			return err
		case 5:
			name := fmt.Sprint("name", rand.IntN(100))
			return w.backend.UpdateGroup(ctx, app, admin, g, chat.GroupChange{Name: &name})
		}
		say(string(g), u)
		return nil
	})
	repeat(1, func(u chat.UserID, g chat.GroupID) error {
		switch rand.IntN(800) { // seldom, so that there is somebody to hear
		case 0:
			if err := w.backend.DeleteGroup(ctx, app, admin, g); err != nil {
				return err
			}
			return make1(string(g))
		case 1:
			_, err := w.backend.DeleteAccounts(ctx, app, admin, []chat.UserID{u})
			return err
		}
		say(string(g), u)
		return nil
	})
	pace := time.NewTicker(2 * time.Millisecond) // else nothing but moves would have the processor
	defer pace.Stop()
	repeat(3, func(chat.UserID, chat.GroupID) error {
		<-pace.C
		ears[rand.IntN(len(ears))].move(w)
		return nil
	})
	storm.Wait()
	if t.Failed() {
		return
	}

	for i := range groups {
		if err := make1(group(i)); err != nil {
			var refusal *chat.Refusal
			if !errors.As(err, &refusal) { // it is there
				t.Fatal(err)
			}
		}
	}
	for _, e := range ears {
		w.eventually(t, "connection of "+e.user, func() bool {
			e.mu.Lock()
			up := e.connected
			e.mu.Unlock()
			e.connect(w)
			return up
		})
	}
	keys := make(map[chat.GroupKey]bool)
	heads := make(map[string]uint64)
	for i := range groups {
		heads[group(i)] = uint64(w.sayAs(t, group(i), "", "the end"))
		g, _, err := w.backend.Reader().Group(ctx, app, chat.GroupID(group(i)))
		if err != nil {
			t.Fatal(err)
		}
		keys[g.Key] = true
	}
	heard := 0
	for _, e := range ears {
		joined, err := w.backend.Reader().Joined(ctx, app, chat.UserID(e.user))
		if err != nil {
			t.Fatal(err)
		}
		for i := range joined {
			g := &joined[i].Group
			w.eventually(t, fmt.Sprintf("the last message of %s at %s", g.ID, e.user), func() bool { return e.last(string(g.ID)) == heads[string(g.ID)] })
		}
		want := make(map[chat.GroupKey]bool)
		for i := range joined {
			want[joined[i].Group.Key] = true
		}
		w.eventually(t, "the subscriptions of "+e.user, func() bool {
			library, halls := w.door.Hearing(app, chat.UserID(e.user))
			right := func(m map[chat.GroupKey]bool) bool { return maps.Equal(m, want) }
			return len(library) == devices && !slices.ContainsFunc(library, func(m map[chat.GroupKey]bool) bool { return !right(m) }) &&
				!slices.ContainsFunc(halls, func(m map[chat.GroupKey]bool) bool { return !right(m) })
		})
		heard += e.messages
	}
	w.eventually(t, "the end of the halls of groups that are gone", func() bool {
		return !slices.ContainsFunc(w.door.Halls(app), func(k chat.GroupKey) bool { return !keys[k] })
	})
	if n := w.metric(t, "parley_connections"); n != float64(len(ears)) {
		t.Errorf("%v connections are counted, want %d", n, len(ears))
	}
	if n := w.metric(t, "parley_followed_groups"); n != float64(len(w.door.Halls(app))) {
		t.Errorf("%v groups are counted", n)
	}
	t.Logf("%d changes and sends; %d messages were heard", did.Load(), heard)
}

// eventually waits until something is so.
func (w *world) eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not come to be", what)
		}
	}
}
