package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
	"github.com/parley-im/parley/usersig"
)

// hello is connect data with some fields set, or with a nil value left out.
func hello(t testing.TB, user string, fields map[string]any) []byte {
	t.Helper()
	all := map[string]any{"SDKAppID": int64(app), "UserID": user, "UserSig": sign(t, app, user, key, time.Hour), "Platform": "Web"}
	for name, value := range fields {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// old is a UserSig that expired an hour ago.
func old(t testing.TB, user string) string {
	t.Helper()
	sig, err := usersig.Sign(usersig.Claims{SDKAppID: int64(app), UserID: user, IssuedAt: time.Now().Add(-2 * time.Hour).Unix(), Expire: 3600}, key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := func(fields map[string]any) []byte { return hello(t, "alice", fields) }
	for name, c := range map[string]struct {
		data  []byte
		token string
		code  api.Code // 0: let in; 109: expired
	}{
		"nothing":                     {code: api.CodeNoSDKAppID},
		"an array":                    {data: []byte(`[1]`), code: api.CodeInvalidParameter},
		"a text":                      {data: []byte(`"alice"`), code: api.CodeInvalidParameter},
		"null":                        {data: []byte(`null`), code: api.CodeNoSDKAppID},
		"no SDKAppID":                 {data: data(map[string]any{"SDKAppID": nil}), code: api.CodeNoSDKAppID},
		"SDKAppID 0":                  {data: data(map[string]any{"SDKAppID": 0}), code: api.CodeNoSDKAppID},
		"SDKAppID a word":             {data: data(map[string]any{"SDKAppID": "mine"}), code: api.CodeInvalidParameter},
		"SDKAppID fractional":         {data: data(map[string]any{"SDKAppID": 1.5}), code: api.CodeInvalidParameter},
		"SDKAppID above 64 bits":      {data: data(map[string]any{"SDKAppID": json.RawMessage("18446744073709551617")}), code: api.CodeInvalidParameter},
		"SDKAppID as text":            {data: data(map[string]any{"SDKAppID": "1400000001"})},
		"no such app":                 {data: data(map[string]any{"SDKAppID": 1400000009}), code: api.CodeAppNotFound},
		"no UserID":                   {data: data(map[string]any{"UserID": nil}), code: api.CodeURLParameter},
		"UserID a number":             {data: data(map[string]any{"UserID": 7}), code: api.CodeInvalidParameter},
		"UserID too long":             {data: data(map[string]any{"UserID": strings.Repeat("u", 33)}), code: api.CodeURLParameter},
		"UserID not ASCII":            {data: data(map[string]any{"UserID": "爱丽丝"}), code: api.CodeURLParameter},
		"no UserSig":                  {data: data(map[string]any{"UserSig": nil}), code: api.CodeUserSigEmpty},
		"UserSig malformed":           {data: data(map[string]any{"UserSig": "eJw"}), code: api.CodeUserSigMalformed},
		"UserSig of another key":      {data: data(map[string]any{"UserSig": sign(t, app, "alice", "another", time.Hour)}), code: api.CodeUserSigWrongKey},
		"UserSig of another user":     {data: data(map[string]any{"UserSig": sign(t, app, "bob", key, time.Hour)}), code: api.CodeUserSigWrongUser},
		"UserSig of another app":      {data: data(map[string]any{"UserSig": sign(t, other, "alice", key, time.Hour)}), code: api.CodeUserSigWrongApp},
		"UserSig expired":             {data: data(map[string]any{"UserSig": old(t, "alice")}), code: 109},
		"UserSig as token":            {data: data(map[string]any{"UserSig": nil}), token: sign(t, app, "alice", key, time.Hour)},
		"expired, a new one as token": {data: data(map[string]any{"UserSig": old(t, "alice")}), token: sign(t, app, "alice", key, time.Hour)},
		"token of another key":        {data: data(map[string]any{"UserSig": nil}), token: sign(t, app, "alice", "another", time.Hour), code: api.CodeUserSigWrongKey},
		"token expired":               {data: data(map[string]any{"UserSig": nil}), token: old(t, "alice"), code: 109},
		"no Platform":                 {data: data(map[string]any{"Platform": nil})},
		"Platform a number":           {data: data(map[string]any{"Platform": 7}), code: api.CodeInvalidParameter},
		"good":                        {data: data(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := w.socket(t, nil)
			s.send(connectCommand(c.data, c.token))
			r := s.next()
			if c.code == 0 {
				if r.Error != nil || r.Connect == nil {
					t.Fatalf("not let in: %+v", r)
				}
				var welcome struct {
					ServerTime           int64
					UserID, ConnectionId string
					SDKAppID             int64
				}
				if err := json.Unmarshal(r.Connect.Data, &welcome); err != nil || welcome.UserID != "alice" || welcome.SDKAppID != int64(app) || welcome.ConnectionId != r.Connect.Client ||
					time.Since(time.UnixMilli(welcome.ServerTime)).Abs() > patience {
					t.Errorf("welcomed with %s, %v", r.Connect.Data, err)
				}
			} else if r.Error == nil || r.Error.Code != int(c.code) || r.Error.Temporary || r.Error.Message == "" {
				t.Fatalf("told %+v, want %d", r, c.code)
			}
			if c.code == 0 || c.code == 109 || len(c.data) == 0 {
				return
			}
			// The official SDK gives up, with this code.
			p := w.dial(t, "alice", func(o *phoneOptions) {
				o.data, o.sig = c.data, "-"
				if c.token != "" {
					o.token = func() (string, error) { return c.token, nil }
				}
			})
			if err := p.client.Connect(); err != nil {
				t.Fatal(err)
			}
			if e := await(t, "the end", p.downs); e.Code != uint32(c.code) || e.Reason != r.Error.Message {
				t.Errorf("the SDK ended with %d %q, told was %+v", e.Code, e.Reason, r.Error)
			}
		})
	}
}

func TestAClientWithAnExpiredUserSigGetsANewOneAndComesIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	p := w.dial(t, "alice", func(o *phoneOptions) {
		o.sig = old(t, "alice")
		o.token = func() (string, error) {
			if asked.Add(1) == 1 {
				return old(t, "alice"), nil
			}
			return sign(t, app, "alice", key, time.Hour), nil
		}
	})
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection", p.ups)
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times for a UserSig, want 2", n)
	}
}

func TestAClientWithAnExpiredUserSigAndNoOtherGivesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.dial(t, "alice", func(o *phoneOptions) { o.sig = old(t, "alice") })
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	if e := await(t, "the end", p.downs); e.Code != 1 { // the SDK's own "unauthorized"
		t.Errorf("ended with %d %s", e.Code, e.Reason)
	}
}

func TestTheFirstLoginMakesTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	is := func(user chat.UserID) bool {
		t.Helper()
		list, err := w.backend.CheckAccounts(context.Background(), app, []chat.UserID{user})
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	if is("newcomer") {
		t.Fatal("the account is there before")
	}
	s := w.socket(t, nil) // who is not let in makes none
	s.send(connectCommand(hello(t, "newcomer", map[string]any{"UserSig": sign(t, app, "newcomer", "another", time.Hour)}), ""))
	s.next()
	if is("newcomer") {
		t.Fatal("a wrong UserSig made an account")
	}
	w.phone(t, "newcomer")
	if !is("newcomer") {
		t.Error("a login made no account")
	}
}

func TestWhoShowsANewUserSigStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.Grace = time.Second })
	asked := make(chan struct{}, 4)
	staying := w.phone(t, "alice", func(o *phoneOptions) {
		o.sig = sign(t, app, "alice", key, 2*time.Second)
		o.token = func() (string, error) {
			asked <- struct{}{}
			if len(asked) == 1 { // the first connect
				return sign(t, app, "alice", key, 2*time.Second), nil
			}
			return sign(t, app, "alice", key, time.Hour), nil
		}
	})
	await(t, "the first question", asked)
	await(t, "the question for a new UserSig", asked)
	leaving := w.enter(t, "bob", map[string]any{"UserSig": sign(t, app, "bob", key, 2*time.Second)})
	if code := leaving.ended(); code != 3005 {
		t.Errorf("who shows no new UserSig is ended with %d", code)
	}
	// By now the time of the old UserSig is over.
	if a := staying.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
		t.Errorf("answered %+v", a)
	}
	select {
	case e := <-staying.waits:
		if e.Code != 0 {
			t.Errorf("who showed a new UserSig was ended with %d %s", e.Code, e.Reason)
		}
	default:
	}
	if len(staying.ups) > 0 {
		t.Error("who showed a new UserSig had to come again")
	}
}

func TestARefreshThatProvesNothingEndsTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		sig  string
		code int
	}{
		"expired":         {old(t, "alice"), 3005},
		"of another key":  {sign(t, app, "alice", "another", time.Hour), 3500},
		"of another user": {sign(t, app, "bob", key, time.Hour), 3500},
		"of another app":  {sign(t, other, "alice", key, time.Hour), 3500},
		"malformed":       {"x", 3500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := w.enter(t, "alice", nil)
			s.send(command{Refresh: &refreshCommand{c.sig}})
			if code := s.ended(); code != c.code {
				t.Errorf("ended with %d, want %d", code, c.code)
			}
		})
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		s := w.enter(t, "alice", nil)
		s.send(command{Refresh: &refreshCommand{sign(t, app, "alice", key, 90*time.Second)}})
		if r := s.next(); r.Error != nil || r.Refresh == nil || !r.Refresh.Expires || r.Refresh.TTL < 80 || r.Refresh.TTL > 90 {
			t.Errorf("told %+v %+v", r, r.Refresh)
		}
		if a := s.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
			t.Errorf("answered %+v", a)
		}
	})
}

// Whoever ends a connection ends it with the code that tells the client what to
// do, and other connections stay.
func TestConnectionsAreEndedWithTheirCodes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		end    func(*world, *phone) error
		code   uint32
		others bool // of the app stay
	}{
		"kicked": {func(w *world, _ *phone) error { return w.backend.Kick(ctx, app, chat.Admin("admin"), "alice") }, 4500, true},
		"account deleted": {func(w *world, _ *phone) error {
			_, err := w.backend.DeleteAccounts(ctx, app, chat.Admin("admin"), []chat.UserID{"alice"})
			return err
		}, 4502, true},
		"app removed": {func(w *world, _ *phone) error { return w.backend.DeleteApp(ctx, app) }, 4503, false},
		"logged out": {func(w *world, p *phone) error {
			if a := p.call("logout", `{}`); a.ActionStatus != "OK" {
				return fmt.Errorf("answered %+v", a)
			}
			return nil
		}, 4504, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice, bob, neighbour := w.phone(t, "alice"), w.phone(t, "bob"), w.phone(t, "alice", func(o *phoneOptions) { o.app = other })
			if err := c.end(w, alice); err != nil {
				t.Fatal(err)
			}
			if e := await(t, "the end", alice.downs); e.Code != c.code || e.Reason == "" {
				t.Errorf("ended with %d %q, want %d", e.Code, e.Reason, c.code)
			}
			if a := neighbour.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
				t.Errorf("the same user of another app: %+v", a)
			}
			if c.others {
				if a := bob.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
					t.Errorf("another user: %+v", a)
				}
			} else if e := await(t, "the end of another user", bob.downs); e.Code != c.code {
				t.Errorf("another user ended with %d", e.Code)
			}
		})
	}
}

func TestANewKeyMakesClientsShowANewUserSig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var now atomic.Value
	now.Store(key)
	p := w.phone(t, "alice", func(o *phoneOptions) {
		o.token = func() (string, error) { return sign(t, app, "alice", now.Load().(string), time.Hour), nil }
		o.data = hello(t, "alice", map[string]any{"UserSig": nil})
	})
	lost := w.phone(t, "bob")
	now.Store("another-key")
	err := w.backend.UpdateApp(context.Background(), app, func(a *chat.App, _ *chat.Endpoint) error { a.Key = "another-key"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for e := await(t, "the end", p.waits); e.Code != 3014; e = await(t, "the end", p.waits) {
		if e.Code != 0 {
			t.Fatalf("ended with %d %s", e.Code, e.Reason)
		}
	}
	await(t, "the new connection", p.ups)
	if a := p.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
		t.Errorf("answered %+v", a)
	}
	if e := await(t, "the end of who has no other UserSig", lost.downs); e.Code != uint32(api.CodeUserSigWrongKey) && e.Code != 1 {
		t.Errorf("ended with %d %s", e.Code, e.Reason)
	}
}

func TestTheOldestConnectionOfAUserGivesWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.UserConnections = 2 })
	first, second := w.phone(t, "alice"), w.phone(t, "alice")
	bob := w.phone(t, "bob")
	third := w.phone(t, "alice")
	if e := await(t, "the end of the oldest", first.downs); e.Code != 4501 {
		t.Errorf("ended with %d %s", e.Code, e.Reason)
	}
	fourth := w.phone(t, "alice")
	if e := await(t, "the end of the second", second.downs); e.Code != 4501 {
		t.Errorf("ended with %d %s", e.Code, e.Reason)
	}
	for name, p := range map[string]*phone{"third": third, "fourth": fourth, "bob": bob} {
		if a := p.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestAboveTheMostConnectionsClientsComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.Connections = 1 })
	first := w.phone(t, "alice")
	for _, path := range []string{"/connection/websocket", "/connection/http_stream", "/connection/sse"} {
		res, err := http.Get(w.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	second := w.dial(t, "carol")
	failed := make(chan error, 64)
	second.client.OnError(func(e centrifuge.ErrorEvent) { failed <- e.Error })
	_ = second.client.Connect() // which tells the first failure too
	await(t, "a failed connect", failed)
	if err := first.client.Disconnect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection, once there is room", second.ups)
}

func TestClientsComeBackAfterAShutdown(t *testing.T) {
	t.Parallel()
	one, two := newWorld(t), newWorld(t)
	var now atomic.Pointer[http.Handler]
	handler := one.door.Handler()
	now.Store(&handler)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(rw, r) }))
	t.Cleanup(front.Close)
	w := &world{Server: front}
	p := w.phone(t, "alice")
	next := two.door.Handler()
	now.Store(&next)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	one.door.Close(ctx)
	for e := await(t, "the end", p.waits); e.Code != 3001; e = await(t, "the end", p.waits) {
		if e.Code != 0 {
			t.Fatalf("ended with %d %s", e.Code, e.Reason)
		}
	}
	await(t, "the new connection", p.ups)
	if a := p.call("get_joined_group_list", `{}`); a.ErrorCode != 0 {
		t.Errorf("answered %+v", a)
	}
}

// states switches State.StateChange on for the app.
func (w *world) states(t testing.TB) {
	t.Helper()
	err := w.backend.UpdateApp(context.Background(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1/", []string{chat.CommandStateChange}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// events waits until the app's journal has so many and returns them.
func (w *world) events(t testing.TB, n int) []chat.Event {
	t.Helper()
	var list []chat.Event
	eventually(t, fmt.Sprintf("%d events", n), func() bool {
		var err error
		if list, err = w.backend.Reader().Events(context.Background(), app, 0, 1000, 1<<20); err != nil {
			t.Fatal(err)
		}
		return len(list) >= n
	})
	return list
}

// eventually asks again until ok is true of what tells nobody when it changes.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestLoginsAndLogoutsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.UserConnections, c.Ping, c.Pong = 1, time.Second, 500*time.Millisecond })
	w.states(t)
	body := func(action, reason, user, more string) string {
		return `{"CallbackCommand":"State.StateChange","EventTime":%d,"Info":{"Action":"` + action + `","Reason":"` + reason + `","To_Account":"` + user + `"}` + more + `}`
	}
	want := []struct{ platform, body string }{}
	expect := func(platform, body string) {
		t.Helper()
		want = append(want, struct{ platform, body string }{platform, body})
		w.events(t, len(want)) // each one is there before the next thing happens
	}

	p := w.phone(t, "alice", func(o *phoneOptions) { o.platform = "iOS" })
	expect("IOS", body("Login", "Register", "alice", ""))
	p.call("logout", `{}`)
	expect("IOS", body("Logout", "Unregister", "alice", ""))

	lost := w.enter(t, "bob", map[string]any{"Platform": "Toaster"})
	expect("Unknown", body("Login", "Register", "bob", ""))
	_ = lost.conn.Close()
	expect("Unknown", body("Disconnect", "LinkClose", "bob", ""))

	silent := w.enter(t, "carol", map[string]any{"Platform": "Android"})
	expect("Android", body("Login", "Register", "carol", ""))
	silent.deaf.Store(true)
	if code := silent.ended(); code != 3012 {
		t.Errorf("who answers no ping is ended with %d", code)
	}
	expect("Android", body("Disconnect", "TimeOut", "carol", ""))

	w.phone(t, "dan", func(o *phoneOptions) { o.platform = "iOS" })
	expect("IOS", body("Login", "Register", "dan", ""))
	w.phone(t, "dan", func(o *phoneOptions) { o.platform = "Mac" })
	// The second device, and the first one that had to give way, in either order.
	list := w.events(t, len(want)+2)
	last := list[len(want):]
	slices.SortFunc(last, func(a, b chat.Event) int { return strings.Compare(a.Platform, b.Platform) })
	want = append(want,
		struct{ platform, body string }{"IOS", body("Logout", "Unregister", "dan", "")},
		struct{ platform, body string }{"Mac", body("Login", "Register", "dan", `,"KickedDevice":[{"Platform":"IOS"}]`)})
	if len(list) != len(want) {
		t.Errorf("%d events, want %d", len(list), len(want))
	}
	for i, e := range list[:len(want)] {
		if got, text := string(e.Body), fmt.Sprintf(want[i].body, e.Time); got != text || e.Platform != want[i].platform || e.Command != chat.CommandStateChange || e.ClientIP != "127.0.0.1" {
			t.Errorf("event %d:\n got %s of %s from %s\nwant %s of %s", i+1, got, e.Platform, e.ClientIP, text, want[i].platform)
		}
	}
}

func TestALoginThatNobodyWantsLeavesNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.phone(t, "alice") // who stays: an end is told a moment after it
	w.states(t)
	w.phone(t, "bob")
	if list := w.events(t, 1); len(list) != 1 || list[0].From != "bob" || list[0].Seq != 1 {
		t.Errorf("%+v", list)
	}
}

func TestPlatformsAreThoseOfTheProtocol(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "alice", "bob")
	if err := w.backend.MuteMembers(context.Background(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}, 3600); err != nil {
		t.Fatal(err)
	}
	err := w.backend.UpdateApp(context.Background(), app, func(_ *chat.App, e *chat.Endpoint) error { e.URL = "http://127.0.0.1:1/"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Web": "Web", "Android": "Android", "iOS": "iOS", "Windows": "Windows", "Mac": "Mac", "macOS": "macOS", "iPad": "iPad", "Linux": "Linux",
		"IOS": "Unknown", "web": "Unknown", "RESTAPI": "Unknown", "": "Unknown", "<script>": "Unknown", "Unknown": "Unknown",
	}
	seen := make(map[chat.MsgSeq]bool)
	for given, platform := range want {
		s := w.enter(t, "bob", map[string]any{"Platform": given})
		a := s.call("send_group_msg", text("g", w.random.Add(1), "hello"))
		if a.ErrorCode != int(api.CodeMuted) {
			t.Fatalf("%+v", a)
		}
		list := w.events(t, len(seen)+1)
		seen[chat.MsgSeq(len(seen))] = true
		if e := list[len(list)-1]; e.Platform != platform || e.ID.String() != a.EventId {
			t.Errorf("Platform %q is told as %q, want %q", given, e.Platform, platform)
		}
	}
}
