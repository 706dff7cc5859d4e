package live_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
	"github.com/parley-im/parley/usersig"
)

const (
	app   = chat.AppID(1400000001)
	other = chat.AppID(1400000002)
	key   = "the-key"
)

// patience bounds waits for what must come.
const patience = 20 * time.Second

// world is a server's heart with the client door before it, over a real store
// and real HTTP.
type world struct {
	*httptest.Server
	backend  *chat.Backend
	door     *live.Door
	registry *prometheus.Registry
	random   atomic.Uint32
	lose     func(*chat.Message) bool // messages that are not handed over; nil: none. Set before the first
}

// Sent and Noticed stand between the heart and the door.
func (w *world) Sent(id chat.AppID, messages []chat.Message) {
	if w.lose != nil {
		messages = slices.DeleteFunc(slices.Clone(messages), func(m chat.Message) bool { return w.lose(&m) })
	}
	w.door.Sent(id, messages)
}

func (w *world) Noticed(id chat.AppID, notices []chat.Notice, complete bool) {
	w.door.Noticed(id, notices, complete)
}

func newWorld(t testing.TB, change ...func(*live.Config)) *world {
	t.Helper()
	return newWorldOf(t, func(*chat.Options) {}, change...)
}

// newWorldOf is newWorld with another heart.
func newWorldOf(t testing.TB, heart func(*chat.Options), change ...func(*live.Config)) *world {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOver(t, store, heart, change...)
	w.makeApps(t)
	return w
}

// newWorldOver is a world over a store, which it closes.
func newWorldOver(t testing.TB, store chat.Store, heart func(*chat.Options), change ...func(*live.Config)) *world {
	t.Helper()
	w := &world{registry: prometheus.NewRegistry()}
	cfg := live.Config{Registry: w.registry, Rejected: caller.NewRejected(w.registry), Logger: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, c := range change {
		c(&cfg)
	}
	w.door = live.New(cfg)
	options := chat.Options{Store: store, Render: wire.Bodies{}, Offers: w.door, Audience: w, Memory: w.door, Refusals: chat.Pace{Rate: 1000, Burst: 1000}}
	heart(&options)
	w.backend = chat.New(options)
	if err := w.backend.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := w.door.Open(w.backend); err != nil {
		t.Fatal(err)
	}
	w.Server = httptest.NewUnstartedServer(w.door.Handler())
	w.Server.Config.ConnContext = func(ctx context.Context, line net.Conn) context.Context {
		_ = line.(*net.TCPConn).SetWriteBuffer(64 << 10) // so that who does not read is soon known
		return ctx
	}
	w.Server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		w.door.Close(ctx)
		w.Server.Close()
		w.backend.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// makeApps makes the apps of tests.
func (w *world) makeApps(t testing.TB) {
	t.Helper()
	for _, id := range []chat.AppID{app, other} {
		a := chat.App{ID: id, Key: key, Admins: []chat.UserID{"admin"}, Settings: chat.DefaultSettings()}
		a.Settings.GroupRate = 0
		if err := w.backend.CreateApp(context.Background(), a, chat.Endpoint{}); err != nil {
			t.Fatal(err)
		}
	}
}

// testLog shows a log with the test's output.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func sign(t testing.TB, id chat.AppID, user, key string, lifetime time.Duration) string {
	t.Helper()
	sig, err := usersig.Sign(usersig.Claims{SDKAppID: int64(id), UserID: user, IssuedAt: time.Now().Unix(), Expire: int64(lifetime / time.Second)}, key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// push is anything that was pushed.
type push struct {
	Event          string
	GroupId        string
	Type           string
	From_Account   string
	MsgSeq         uint64
	Random         uint32
	MsgBody        json.RawMessage
	OnlineOnlyFlag int
	PlaceReason    string
	MemberList     []struct{ Member_Account string }
	MsgSeqList     []struct{ MsgSeq uint64 }
	MessageList    []push
	MuteUntil      *int64
	Name           *string
	MuteAllMember  string
	MsgReadedSeq   uint64

	text string // as it came
}

// phone is a user's connection by the official SDK.
type phone struct {
	t      testing.TB
	client *centrifuge.Client
	pushes chan push // what comes for groups and for the user, in order
	downs  chan centrifuge.DisconnectedEvent
	waits  chan centrifuge.ConnectingEvent
	leaves chan string // channels that the server unsubscribed it from
	ups    chan centrifuge.ConnectedEvent
}

type phoneOptions struct {
	app      chat.AppID
	platform string
	sig      string
	token    func() (string, error)
	protobuf bool
	data     []byte
}

// dial makes a phone that does not connect yet.
func (w *world) dial(t testing.TB, user string, change ...func(*phoneOptions)) *phone {
	t.Helper()
	o := phoneOptions{app: app, platform: "Web"}
	for _, c := range change {
		c(&o)
	}
	if o.sig == "" && o.token == nil {
		o.sig = sign(t, o.app, user, key, time.Hour)
	}
	if o.data == nil {
		o.data, _ = json.Marshal(map[string]any{"SDKAppID": int64(o.app), "UserID": user, "UserSig": o.sig, "Platform": o.platform})
	}
	cfg := centrifuge.Config{Data: o.data, MinReconnectDelay: 10 * time.Millisecond, MaxReconnectDelay: 100 * time.Millisecond}
	if o.token != nil {
		cfg.GetToken = func(centrifuge.ConnectionTokenEvent) (string, error) { return o.token() }
	}
	url := "ws" + strings.TrimPrefix(w.URL, "http") + "/connection/websocket"
	p := &phone{
		t: t, pushes: make(chan push, 1<<16), downs: make(chan centrifuge.DisconnectedEvent, 16),
		waits: make(chan centrifuge.ConnectingEvent, 64), leaves: make(chan string, 1<<12), ups: make(chan centrifuge.ConnectedEvent, 64),
	}
	if o.protobuf {
		p.client = centrifuge.NewProtobufClient(url, cfg)
	} else {
		p.client = centrifuge.NewJsonClient(url, cfg)
	}
	take := func(data []byte) {
		var one push
		if err := json.Unmarshal(data, &one); err != nil {
			t.Errorf("a push is no JSON: %v: %s", err, data)
		}
		one.text = string(data)
		p.pushes <- one
	}
	p.client.OnPublication(func(e centrifuge.ServerPublicationEvent) { take(e.Data) })
	p.client.OnMessage(func(e centrifuge.MessageEvent) { take(e.Data) })
	p.client.OnUnsubscribed(func(e centrifuge.ServerUnsubscribedEvent) { p.leaves <- e.Channel })
	p.client.OnDisconnected(func(e centrifuge.DisconnectedEvent) { p.downs <- e })
	p.client.OnConnecting(func(e centrifuge.ConnectingEvent) { p.waits <- e })
	p.client.OnConnected(func(e centrifuge.ConnectedEvent) { p.ups <- e })
	t.Cleanup(p.client.Close)
	return p
}

// phone connects a user.
func (w *world) phone(t testing.TB, user string, change ...func(*phoneOptions)) *phone {
	t.Helper()
	p := w.dial(t, user, change...)
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection", p.ups)
	return p
}

func await[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		return v
	}
}

// next is the next push.
func (p *phone) next() push {
	p.t.Helper()
	return await(p.t, "a push", p.pushes)
}

// nextOf is the next push of a kind; those before it are passed over.
func (p *phone) nextOf(event string) push {
	p.t.Helper()
	for {
		if one := await(p.t, event, p.pushes); one.Event == event {
			return one
		}
	}
}

// answer is what comes back from a call.
type answer struct {
	ActionStatus  string
	ErrorCode     int
	ErrorInfo     string
	MsgSeq        uint64
	MsgTime       int64
	RetryAfter    int64
	EventId       string
	GroupId       string
	RspMsgList    []json.RawMessage
	GroupIdList   []json.RawMessage
	TotalCount    int
	MsgDropReason string
}

// call calls a command.
func (p *phone) call(method string, body any) answer {
	p.t.Helper()
	a, err := p.try(method, body)
	if err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
	return a
}

func (p *phone) try(method string, body any) (a answer, err error) {
	text, ok := body.(string)
	if !ok {
		data, err := json.Marshal(body)
		if err != nil {
			return a, err
		}
		text = string(data)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := p.client.RPC(ctx, method, []byte(text))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(r.Data, &a)
}

// text is the body of a send.
func text(group string, random uint32, words string) map[string]any {
	return map[string]any{"GroupId": group, "Random": random, "MsgBody": []any{map[string]any{"MsgType": "TIMTextElem", "MsgContent": map[string]any{"Text": words}}}}
}

// say sends a message that must be accepted and tells its number.
func (w *world) say(p *phone, group, words string) uint64 {
	p.t.Helper()
	a := p.call("send_group_msg", text(group, w.random.Add(1), words))
	if a.ErrorCode != 0 {
		p.t.Fatalf("refused: %d %s", a.ErrorCode, a.ErrorInfo)
	}
	return a.MsgSeq
}

// sayAs sends over REST on behalf of a user.
func (w *world) sayAs(t testing.TB, group, from, words string) chat.MsgSeq {
	t.Helper()
	s := &chat.Send{App: app, Caller: "admin", Platform: "RESTAPI"}
	body, _ := json.Marshal(text(group, w.random.Add(1), words))
	wire.ReadSend(body, s)
	s.From = chat.UserID(from)
	o, err := w.backend.Send(context.Background(), s)
	if err != nil || o.Kind != chat.Accepted {
		t.Fatalf("send: %+v %v", o, err)
	}
	return o.Seq
}

// group makes a group with its owner first.
func (w *world) group(t testing.TB, id string, kind chat.GroupType, members ...string) {
	t.Helper()
	for _, user := range members {
		if err := w.backend.Login(context.Background(), app, chat.UserID(user)); err != nil {
			t.Fatal(err)
		}
	}
	spec := chat.GroupSpec{ID: chat.GroupID(id), Type: kind, Name: id}
	if len(members) > 0 {
		spec.Owner = chat.UserID(members[0])
		for _, user := range members[1:] {
			spec.Members = append(spec.Members, chat.MemberSpec{User: chat.UserID(user)})
		}
	}
	if kind == chat.AVChatRoom {
		spec.Members = nil
	}
	if _, err := w.backend.CreateGroup(context.Background(), app, chat.Admin("admin"), spec); err != nil {
		t.Fatal(err)
	}
}

func words(p push) string {
	var body []struct{ MsgContent struct{ Text string } }
	if json.Unmarshal(p.MsgBody, &body) != nil || len(body) == 0 {
		return ""
	}
	return body[0].MsgContent.Text
}
