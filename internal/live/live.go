package live

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
)

const shards = 16

// Config is what the door needs.
type Config struct {
	Backend *chat.Backend
	Logger  *slog.Logger // nil throws everything away
	// Registry takes the metrics; nil is none.
	Registry *prometheus.Registry
	// Rejected counts who was not let in; nil does not count.
	Rejected *caller.Rejected
	// TrustedProxies are the networks of the proxies whose X-Forwarded-For is
	// believed.
	TrustedProxies []netip.Prefix
	// Connections is the most there may be, in or not in yet, UserConnections the most of one user: the
	// oldest of them gives way. 0 is no bound.
	Connections, UserConnections int
	// Ping is how often a connection is asked whether it is there, Pong how long its
	// answer may take, and Grace how long after its UserSig expired a client may
	// still show a new one. 0 is 25 s, 10 s and 25 s; Ping is whole seconds, and Pong
	// shorter.
	Ping, Pong, Grace time.Duration
	// PushMemory is about how many bytes may wait for all connections together. When
	// there is more, those furthest behind are disconnected. 0 is 256 MB.
	PushMemory int64
	// Patience is how long a call that is no send may take: what it asks of the store
	// is given up then, and a change that has not begun. 0 is 10 s.
	Patience time.Duration
}

// Door is the client door. It is the [chat.Audience] and one of the [chat.Offers]
// of the backend that it is given with Open.
type Door struct {
	cfg      Config
	backend  *chat.Backend
	commands *command.Commands
	log      *slog.Logger
	node     *centrifuge.Node
	metrics  *metrics
	shards   [shards]*shard
	recent   recentBudget
	arrivals *arrivals

	ctx  context.Context // of questions to the store; over when the door closes
	stop context.CancelFunc

	mu      sync.Mutex
	conns   []*conn
	changed map[chat.AppID]bool   // apps to look at; true: at all memberships too
	heads   map[chat.AppID]uint64 // of tick: what an app had accepted when its groups were asked for last
	closed  bool

	handed sync.Map              // by app: *atomic.Uint64, messages that were handed over since the door opened
	before map[chat.AppID]uint64 // of tick: what each app had accepted until then
	epochs map[chat.AppID]string // of tick: of the apps' journals
	doubt  atomic.Bool           // something that was handed over was dropped: ask, whatever the numbers say

	wake     chan struct{}
	stopping chan struct{}
	stopOnce sync.Once
	running  atomic.Bool
	beside   sync.WaitGroup
	left     atomic.Int64 // that run beside
}

// New makes a door. It takes what the backend hands over at once, and serves
// after Open.
func New(cfg Config) *Door {
	d := &Door{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(),
		changed: make(map[chat.AppID]bool), heads: make(map[chat.AppID]uint64),
		wake: make(chan struct{}, 1), stopping: make(chan struct{}),
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.arrivals = newArrivals(cfg.Connections)
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.cfg.PushMemory == 0 {
		d.cfg.PushMemory = 256 << 20
	}
	d.cfg.Ping = cmp.Or(d.cfg.Ping, ping.PingInterval)
	d.cfg.Pong = cmp.Or(d.cfg.Pong, ping.PongTimeout)
	d.cfg.Grace = cmp.Or(d.cfg.Grace, 25*time.Second)
	for i := range d.shards {
		d.shards[i] = newShard(d)
	}
	return d
}

// Open starts the door in front of a started backend.
func (d *Door) Open(b *chat.Backend) error {
	d.backend, d.commands = b, command.New(b)
	registry := d.cfg.Registry
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	cfg := LibraryConfig(registry)
	cfg.LogHandler, cfg.ClientExpiredCloseDelay = d.logLibrary, d.cfg.Grace
	node, err := centrifuge.New(cfg)
	if err != nil {
		return fmt.Errorf("open the client door: %w", err)
	}
	d.node = node
	d.metrics.register(registry, d)
	node.OnConnecting(d.connecting)
	node.OnConnect(d.connected)
	node.OnTransportWrite(d.writing)
	node.OnCommandRead(commandRead)
	if err := node.Run(); err != nil {
		return fmt.Errorf("open the client door: %w", err)
	}
	for _, s := range d.shards {
		d.run(s.run)
	}
	heads, err := b.Reader().Heads(context.Background())
	if err != nil {
		return fmt.Errorf("open the client door: %w", err)
	}
	d.before = make(map[chat.AppID]uint64, len(heads))
	d.epochs = make(map[chat.AppID]string, len(heads))
	for app, head := range heads {
		d.before[app], d.epochs[app] = head.Totals.Accepted, head.Epoch
	}
	d.running.Store(true)
	d.run(d.tick)
	return nil
}

// Close ends all connections, with a code that tells clients to come back, and
// returns when nothing of the door runs any more, or with ctx.
func (d *Door) Close(ctx context.Context) {
	d.stopOnce.Do(func() {
		if d.node != nil {
			leaving, cancel := d.mostOf(ctx)
			if err := d.node.Shutdown(leaving); err != nil {
				d.log.Warn("connections were left open", "error", err)
			}
			cancel()
		}
		d.mu.Lock()
		d.closed = true
		d.mu.Unlock()
		close(d.stopping)
		d.stop()
		done := make(chan struct{})
		go func() {
			d.beside.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-ctx.Done():
			d.log.Warn("the client door was left before all of it had ended", "left", d.left.Load(), "error", ctx.Err())
		}
	})
}

// mostOf is the time for the connections to end: three quarters of ctx's, so that
// the door's own work has some left.
func (d *Door) mostOf(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)*3/4)
}

// run has something run until the door closes.
func (d *Door) run(f func()) {
	d.left.Add(1)
	d.beside.Go(func() {
		defer d.left.Add(-1)
		f()
	})
}

// Handler serves the addresses of clients.
func (d *Door) Handler() http.Handler {
	mux := http.NewServeMux()
	pings := centrifuge.PingPongConfig{PingInterval: d.cfg.Ping, PongTimeout: d.cfg.Pong}
	socket := WebSocketConfig()
	socket.PingPongConfig = pings
	mux.Handle("/connection/websocket", d.arriving(hijacking(centrifuge.NewWebsocketHandler(d.node, socket))))
	mux.Handle("/connection/http_stream", d.arriving(crossOrigin(streaming(centrifuge.NewHTTPStreamHandler(d.node, centrifuge.HTTPStreamConfig{
		MaxRequestBodySize: greetingBytes, PingPongConfig: pings,
	})))))
	mux.Handle("/connection/sse", d.arriving(crossOrigin(streaming(centrifuge.NewSSEHandler(d.node, centrifuge.SSEConfig{
		MaxRequestBodySize: greetingBytes, PingPongConfig: pings,
	})))))
	mux.Handle("/emulation", crossOrigin(d.emulating(centrifuge.NewEmulationHandler(d.node, centrifuge.EmulationConfig{MaxRequestBodySize: frameBytes}))))
	return mux
}

// Paths are the addresses that Handler serves.
var Paths = []string{"/connection/", "/emulation"}

// crossOrigin lets pages of any origin call, without credentials.
func crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
			w.Header().Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// streaming takes off the server's bound on the time of one request, but not
// before the request is there: who sends it slowly holds nothing up.
func streaming(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, greetingBytes))
		if err != nil {
			unreadable(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// aside runs something beside the shards; not while the door closes.
func (d *Door) aside(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.run(f)
	}
}

func (d *Door) logLibrary(e centrifuge.LogEntry) {
	level := slog.LevelWarn
	if e.Level >= centrifuge.LogLevelError {
		level = slog.LevelError
	}
	// What a client sent is among the fields, his UserSig with it; these are none of
	// that.
	var args []any
	for _, name := range []string{"error", "transport", "client", "user", "channel", "code", "reason"} {
		if value, ok := e.Fields[name]; ok {
			text := fmt.Sprint(value)
			if name == "error" && strings.Contains(text, "node not found") {
				level = slog.LevelDebug // a fall-back's client that talks to another process, or to one that is gone
			}
			args = append(args, name, text[:min(len(text), 200)])
		}
	}
	d.log.Log(context.Background(), level, "client door: "+e.Message, args...)
}

// guard keeps a panic in what it runs from ending the process.
func (d *Door) guard(doing string) {
	if p := recover(); p != nil {
		d.log.Error("a client's call panicked", "doing", doing, "panic", p, "stack", string(debug.Stack()))
	}
}

// libraryUser is a user's name in the library, where names are global.
func libraryUser(app chat.AppID, user chat.UserID) string { return app.String() + ":" + string(user) }

// channel is a group's channel. A group that is made anew has another key.
func channel(app chat.AppID, key chat.GroupKey) string { return fmt.Sprintf("%s:%d", app, key) }

func (d *Door) shard(key chat.GroupKey) *shard { return d.shards[uint64(key)%shards] }

// of lists a user's connections that may be told something.
func (d *Door) of(app chat.AppID, user chat.UserID) (list []*conn) {
	for _, client := range d.node.Hub().UserConnections(libraryUser(app, user)) {
		if c := connOf(client); c != nil && c.attached.Load() {
			list = append(list, c)
		}
	}
	return list
}

// refusal of a caller who is not let in is counted like those of the REST door.
func (d *Door) reject(code api.Code) {
	if d.cfg.Rejected != nil {
		d.cfg.Rejected.Count(code)
	}
}
