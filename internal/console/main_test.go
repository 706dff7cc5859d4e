package console_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/console"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse"

// clock is a clock that moves when told.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2030, 5, 17, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// server is a console behind a real HTTP server, with a client that follows
// no redirect.
type server struct {
	t       testing.TB
	console *console.Console
	base    string // http://127.0.0.1:port
	http    *http.Client
}

// start serves a console with the password, on all addresses of a loopback
// listener unless cfg says otherwise.
func start(t testing.TB, cfg console.Config) *server {
	t.Helper()
	return serve(t, cfg, (*httptest.Server).Start)
}

func serve(t testing.TB, cfg console.Config, begin func(*httptest.Server)) *server {
	t.Helper()
	if cfg.Gatherer == nil {
		cfg.Gatherer = prometheus.NewRegistry()
	}
	c, err := console.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(c.Handler())
	begin(h)
	t.Cleanup(h.Close)
	client := h.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &server{t, c, h.URL, client}
}

// call is one request. Header values given as "" remove the header that do
// would set.
type call struct {
	method, path string // GET and / if empty
	host         string
	header       map[string]string
	form         url.Values
	cookie       *http.Cookie
}

type answer struct {
	*http.Response
	body string
}

func (s *server) do(c call) answer {
	s.t.Helper()
	if c.method == "" {
		c.method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(context.Background(), c.method, s.base+c.path, strings.NewReader(c.form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if c.form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.method != http.MethodGet {
		request.Header.Set("Origin", s.base)
	}
	for name, value := range c.header {
		if value == "" {
			request.Header.Del(name)
		} else {
			request.Header.Set(name, value)
		}
	}
	if c.host != "" {
		request.Host = c.host
	}
	if c.cookie != nil {
		request.AddCookie(c.cookie)
	}
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, string(body)}
}

// try logs in with a secret.
func (s *server) try(secret string) answer {
	s.t.Helper()
	return s.do(call{method: http.MethodPost, path: "/admin/login", form: url.Values{"password": {secret}}})
}

// login logs in with the password and returns the session's cookie.
func (s *server) login() *http.Cookie {
	s.t.Helper()
	a := s.try(password)
	if a.StatusCode != http.StatusSeeOther || len(a.Cookies()) != 1 {
		s.t.Fatalf("login answered %d %q with cookies %v", a.StatusCode, a.body, a.Cookies())
	}
	return a.Cookies()[0]
}

// page is the status of the console page under a cookie.
func (s *server) page(cookie *http.Cookie) int {
	s.t.Helper()
	return s.do(call{path: "/admin/", cookie: cookie}).StatusCode
}

func bearer(secret string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + secret}
}
