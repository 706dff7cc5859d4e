// Package rest is the REST door of the server: it answers the commands of
// Tencent Cloud Chat under /v4/<service>/<command>, the operations of package
// manage under /v1, the health of the process under /healthz and /readyz, and
// the description of all this, made from the route table, under /openapi.json.
// [NewConsole] is a second door to the same, for who has logged in to the console.
//
// A command goes through the door in this order, and the first fault answers:
// method and URL (60002), the command's name (60009), the URL's parameters
// (60012, 60025), the app (70020), the UserSig (700xx), the caller's rank
// (60010); then the size of the body (60002), its JSON (60003) and the types of
// its fields (10004). Up to the caller's rank a fault is only counted. From
// there on a call of send_group_msg is a send, whatever is wrong with it, and
// goes to the heart; see send.go.
//
// HTTP status is always 200, with the envelope of the protocol, but for one
// case: 503 without an envelope means that nobody knows what became of the
// call. Query strings carry UserSigs and are never logged.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/manage"
)

// Config is what the door needs.
type Config struct {
	Backend *chat.Backend
	// Logger takes faults of the server; nil throws them away.
	Logger *slog.Logger
	// Rejected counts calls without a caller; nil does not count.
	Rejected *caller.Rejected
	// TrustedProxies are the networks of the proxies whose X-Forwarded-For is
	// believed. Without one, the TCP peer is the client.
	TrustedProxies []netip.Prefix
	// Operator is the app whose admins may manage other apps under /v1: the app
	// that the server was started with. 0 is nobody.
	Operator chat.AppID
	// CheckCallbackURL says why callbacks may not go to a URL that is well
	// formed; nil allows every one.
	CheckCallbackURL func(url string) error
	// Feed wakes who waits for events; nil is nobody.
	Feed *manage.Feed
	// Lanes and Tester are of the delivery; nil is none.
	Lanes  manage.Lanes
	Tester manage.Tester
	// Healthy and Ready say why the process is not alive, or takes no writes.
	// nil is always well.
	Healthy, Ready func(context.Context) error
	// Trouble says what keeps sends out while the process is ready, "" if nothing
	// does; it is shown in the console. nil is nothing.
	Trouble func() string
}

// handler is the door. It keeps nothing between two calls but the UserSigs it
// has verified.
type handler struct {
	Config
	backend  *chat.Backend
	manage   *manage.Manager
	commands *command.Commands
	log      *slog.Logger
	verified *caller.Verified
	control  http.Handler
}

// New makes the door.
func New(c Config) http.Handler {
	h := newHandler(c)
	h.control = h.controlRoutes()
	return h.recovering(http.HandlerFunc(h.serve))
}

func newHandler(c Config) *handler {
	h := &handler{Config: c, backend: c.Backend, log: c.Logger, commands: command.New(c.Backend), verified: caller.NewVerified(4096)}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.manage = manage.New(manage.Config{
		Backend: c.Backend, Operator: c.Operator, CheckURL: c.CheckCallbackURL, Feed: c.Feed, Lanes: c.Lanes, Tester: c.Tester, Log: h.log,
	})
	return h
}

// recovering answers one call. A panic behind the door is a fault of ours, not
// the end of the process.
func (h *handler) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			h.log.Error("a call panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			writeFailure(w, chat.Fail(api.CodeInternal))
		}()
		next.ServeHTTP(w, r)
	})
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "//") || strings.Contains(r.URL.Path, "/.") {
		// The router would redirect to the tidy path, UserSig and all.
		broken := chat.Fail(api.CodeHTTPParse)
		h.reject(broken)
		writeFailure(w, broken)
		return
	}
	if command, ok := strings.CutPrefix(r.URL.Path, "/v4/"); ok {
		h.serveCommand(w, r, command)
		return
	}
	h.control.ServeHTTP(w, r)
}

// reject counts a call that failed before its caller was known.
func (h *handler) reject(refusal *chat.Refusal) {
	if h.Rejected != nil {
		h.Rejected.Count(refusal.Code)
	}
}

// health answers a question for the state of the process.
func health(check func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if check != nil {
			if err := check(r.Context()); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(err.Error() + "\n"))
				return
			}
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}
