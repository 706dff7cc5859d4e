package demo

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/parley-im/parley/usersig"
)

// dist is the chat page, as `make web` built it from the folder web.
//
//go:embed dist
var dist embed.FS

// sigTime is how long a UserSig of the page holds; its client gets a new one by
// itself.
const sigTime = time.Hour

// guestName is what a user of the page may be called.
var guestName = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

// page is the address of the chat page. It hands out UserSigs of the page's app
// to whoever asks, so it is for this machine alone: it listens on loopback, and
// answers nothing that a page of somebody else could have asked for.
type page struct {
	server   *http.Server
	listener net.Listener
	done     chan struct{}
	key      string // of the app
	hello    hello
}

// hello is what the page is told first.
type hello struct {
	Server   string // public address of the server
	SDKAppID int64
	Users    []guest
	Groups   []lounge
	Gone     string // a group that was dissolved
	Word     string // a word of the filter
	Monitor  string // address of its page
	Console  string
}

type guest struct{ UserID, Nick string }

type lounge struct{ GroupId, Type, Name string }

// openPage serves the chat page of an app on address.
func openPage(address string, h hello, key string, log *slog.Logger) (*page, error) {
	for _, g := range guests {
		h.Users = append(h.Users, guest{g.user, g.nick})
	}
	for _, l := range lounges {
		h.Groups = append(h.Groups, lounge{l.id, l.kind, l.name})
	}
	h.Gone, h.Word = pageGone, forbidden
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	p := &page{listener: listener, done: make(chan struct{}), key: key, hello: h}
	monitor, err := url.Parse(h.Monitor)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.server = &http.Server{
		Handler: p.routes(monitor, log), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(p.done)
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("page.failed", "error", err)
		}
	}()
	return p, nil
}

func (p *page) url() string { return "http://" + p.listener.Addr().String() + "/" }

// close ends all requests.
func (p *page) close() error {
	err := p.server.Close()
	<-p.done
	return err
}

func (p *page) routes(monitor *url.URL, log *slog.Logger) http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	exceptions := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(monitor)
			r.Out.Header = http.Header{} // nothing of the browser's is the monitor's business
		},
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /api/hello", p.sayHello)
	mux.HandleFunc("GET /api/usersig", p.usersig)
	mux.Handle("GET /api/exceptions", exceptions)
	return p.guarded(mux)
}

// guarded refuses what was sent to another host's name, which a foreign page
// could have had pointed here, and what a foreign page asks for. What passes may
// do in a browser only what the page needs.
func (p *page) guarded(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' " +
		p.hello.Server + " ws" + strings.TrimPrefix(p.hello.Server, "http") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if !OnLoopback(r.Host) {
			http.Error(w, "this page is not known under the host of this request", http.StatusForbidden)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && !ownPage(r) {
			http.Error(w, "this request was not sent by the chat page", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// OnLoopback says whether host, with or without a port, names this machine and
// nothing that another could reach.
func OnLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// ownPage says whether the page itself asks, or somebody who typed the address,
// or a program: a browser tells where a request comes from.
func ownPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}

func (p *page) sayHello(w http.ResponseWriter, _ *http.Request) {
	tell(w, http.StatusOK, p.hello)
}

// usersig makes a UserSig for one of the page's users, or for a new one, who gets
// his account when he logs in.
func (p *page) usersig(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if !guestName.MatchString(user) {
		tell(w, http.StatusBadRequest, map[string]string{"Error": "user must be 1 to 12 of a-z and 0-9"})
		return
	}
	sig, err := usersig.Make(p.hello.SDKAppID, p.key, user, sigTime)
	if err != nil {
		tell(w, http.StatusInternalServerError, map[string]string{"Error": err.Error()})
		return
	}
	tell(w, http.StatusOK, map[string]string{"UserSig": sig})
}

func tell(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller hung up
}
