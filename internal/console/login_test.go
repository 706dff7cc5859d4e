package console_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/console"
)

func TestEverythingButTheOpenAddressesNeedsALogin(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	cookie := s.login()
	for _, path := range []string{
		"/admin/", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1",
		"/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=0.01",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			a := s.do(call{path: path})
			if a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("a program without a login: %d %v", a.StatusCode, a.Header)
			}
			a = s.do(call{path: path, header: map[string]string{"Accept": "text/html,*/*"}})
			if a.StatusCode != 303 || a.Header.Get("Location") != "/admin/login" {
				t.Errorf("a browser without a login: %d to %q", a.StatusCode, a.Header.Get("Location"))
			}
			if a := s.do(call{path: path, header: bearer("wrong")}); a.StatusCode != 401 {
				t.Errorf("a wrong bearer: %d", a.StatusCode)
			}
			if strings.Contains(path, "profile") {
				return // only one may run in the process
			}
			if a := s.do(call{path: path, header: bearer(password)}); a.StatusCode != 200 {
				t.Errorf("the right bearer: %d %s", a.StatusCode, a.body)
			}
			if a := s.do(call{path: path, cookie: cookie}); a.StatusCode != 200 {
				t.Errorf("a session: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestSecretIsTakenInEachForm(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("anybody:"+password))
	for name, c := range map[string]struct {
		call call
		want int
	}{
		"bearer":              {call{path: "/admin/", header: bearer(password)}, 200},
		"bearer, lower case":  {call{path: "/admin/", header: map[string]string{"Authorization": "bearer " + password}}, 200},
		"basic, as in a URL":  {call{path: "/debug/pprof/heap", header: map[string]string{"Authorization": basic}}, 200},
		"form field password": {call{method: "POST", path: "/admin/login", form: url.Values{"password": {password}}}, 303},
		"form field token":    {call{method: "POST", path: "/admin/login", form: url.Values{"token": {password}}}, 303},
		"nothing in the form": {call{method: "POST", path: "/admin/login", form: url.Values{}}, 401},
		"a part of it":        {call{method: "POST", path: "/admin/login", form: url.Values{"password": {password[:5]}}}, 401},
		"more than it":        {call{method: "POST", path: "/admin/login", form: url.Values{"password": {password + "x"}}}, 401},
		"in the URL":          {call{method: "POST", path: "/admin/login?password=" + url.QueryEscape(password), form: url.Values{}}, 401},
		"as another scheme":   {call{path: "/admin/", header: map[string]string{"Authorization": "Token " + password}}, 401},
		"a form too large":    {call{method: "POST", path: "/admin/login", form: url.Values{"x": {strings.Repeat("x", 9000)}, "password": {password}}}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			if a := s.do(c.call); a.StatusCode != c.want {
				t.Errorf("answered %d, want %d: %s", a.StatusCode, c.want, a.body)
			}
		})
	}
}

func TestWithoutAPasswordARandomTokenIsMade(t *testing.T) {
	t.Parallel()
	s, other := start(t, console.Config{}), start(t, console.Config{})
	token := s.console.Token()
	if len(token) < 22 || token == other.console.Token() {
		t.Errorf("the token %q is too short or not random", token)
	}
	if got := s.try(token).StatusCode; got != 303 {
		t.Errorf("the token: %d", got)
	}
	for _, wrong := range []string{"", other.console.Token()} {
		if got := s.try(wrong).StatusCode; got != 401 {
			t.Errorf("%q instead of the token: %d", wrong, got)
		}
	}
	if token := start(t, console.Config{Password: password}).console.Token(); token != "" {
		t.Errorf("a token %q beside the password", token)
	}
}

func TestCookieIsForThisSiteAndNoScript(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, c *http.Cookie, secure bool) {
		t.Helper()
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" ||
			c.MaxAge != 12*60*60 || c.Secure != secure || len(c.Value) < 22 {
			t.Errorf("cookie %v", c)
		}
	}
	check(t, start(t, console.Config{Password: password}).login(), false)
	check(t, serve(t, console.Config{Password: password}, (*httptest.Server).StartTLS).login(), true)
}

func TestSessionEndsWithLogout(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	cookie, other := s.login(), s.login()
	if got := s.page(cookie); got != 200 {
		t.Fatalf("logged in: %d", got)
	}
	if a := s.do(call{path: "/admin/login", cookie: cookie}); a.StatusCode != 303 || a.Header.Get("Location") != "/admin/" {
		t.Errorf("the login shown to a session: %d", a.StatusCode)
	}
	if a := s.do(call{path: "/admin/logout", cookie: cookie}); a.StatusCode != 405 {
		t.Errorf("logout by GET: %d", a.StatusCode)
	}
	a := s.do(call{method: "POST", path: "/admin/logout", cookie: cookie})
	if a.StatusCode != 303 || a.Header.Get("Location") != "/admin/login" || len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %d %v", a.StatusCode, a.Header)
	}
	if got := s.page(cookie); got != 401 {
		t.Errorf("the cookie after the logout: %d", got)
	}
	if got := s.page(other); got != 200 {
		t.Errorf("another session after the logout: %d", got)
	}
	if a := s.do(call{method: "POST", path: "/admin/logout"}); a.StatusCode != 303 {
		t.Errorf("logout without a session: %d", a.StatusCode)
	}
}

func TestNewLoginEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	first := s.login()
	a := s.do(call{method: "POST", path: "/admin/login", form: url.Values{"password": {password}}, cookie: first})
	if a.StatusCode != 303 || a.Cookies()[0].Value == first.Value {
		t.Fatalf("second login: %d %v", a.StatusCode, a.Cookies())
	}
	if got := s.page(first); got != 401 {
		t.Errorf("the cookie before: %d", got)
	}
}

func TestSessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, console.Config{Password: password, Now: c.now})
	cookie := s.login()
	c.pass(12*time.Hour - time.Second)
	if got := s.page(cookie); got != 200 {
		t.Errorf("a second before its end: %d", got)
	}
	c.pass(time.Second)
	if got := s.page(cookie); got != 401 {
		t.Errorf("at its end: %d", got)
	}
}

func TestSessionsAreBoundedAndTheOldestGives(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, console.Config{Password: password, Now: c.now})
	var cookies []*http.Cookie
	for range 65 {
		c.pass(time.Second)
		cookies = append(cookies, s.login())
	}
	for i, want := range map[int]int{0: 401, 1: 200, 64: 200} {
		if got := s.page(cookies[i]); got != want {
			t.Errorf("session %d of 65: %d, want %d", i+1, got, want)
		}
	}
}

func TestForeignCookieIsNoSession(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	cookie := s.login()
	cookie.Value += "A"
	if got := s.page(cookie); got != 401 {
		t.Errorf("answered %d", got)
	}
}

func TestGuessingIsStoppedAtTenAMinute(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, console.Config{Password: password, Now: c.now})
	session := s.login()
	for i := range 10 {
		if i%2 == 0 { // both ways count
			if got := s.try("guess").StatusCode; got != 401 {
				t.Fatalf("wrong try %d: %d", i+1, got)
			}
		} else if got := s.do(call{path: "/debug/pprof/", header: bearer("guess")}).StatusCode; got != 401 {
			t.Fatalf("wrong try %d: %d", i+1, got)
		}
		c.pass(time.Second)
	}
	closed := func(when string) {
		t.Helper()
		for _, secret := range []string{"guess", password} {
			a := s.try(secret)
			if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || len(a.Cookies()) != 0 {
				t.Errorf("%s, %q in the form: %d %v", when, secret, a.StatusCode, a.Header)
			}
			if a := s.do(call{path: "/admin/", header: bearer(secret)}); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s, %q as a bearer: %d", when, secret, a.StatusCode)
			}
		}
	}
	closed("after ten wrong tries")
	if got := s.try("x").Header.Get("Retry-After"); got != "50" {
		t.Errorf("Retry-After is %s, want 50: the first wrong try was 10 s ago", got)
	}
	if got := s.page(session); got != 200 {
		t.Errorf("a session that existed: %d", got)
	}
	c.pass(50*time.Second - time.Millisecond)
	closed("just before the minute is over")
	c.pass(time.Millisecond)
	if got := s.try(password).StatusCode; got != 303 {
		t.Errorf("a minute after the first wrong try: %d", got)
	}
	if got := s.try("guess").StatusCode; got != 401 {
		t.Errorf("one more wrong try: %d", got)
	}
	closed("after it was used up again")
}

func TestGuessesAtOnceAreCountedOneByOne(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, console.Config{Password: password, Now: c.now})
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			status := s.try("guess").StatusCode
			mu.Lock()
			statuses[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if statuses[401] != 10 || statuses[429] != 30 {
		t.Errorf("answers: %v", statuses)
	}
}

func TestLogTellsOfLoginsAndNeverOfSecrets(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	s := start(t, console.Config{Password: password, Logger: slog.New(slog.NewTextHandler(&text, nil))})
	s.try("a wrong guess")
	cookie := s.login()
	s.http.CloseIdleConnections()
	got := text.String()
	for _, want := range []string{"console.wrong_secret", "console.login", "127.0.0.1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	for _, secret := range []string{"a wrong guess", password, cookie.Value} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is in %s", secret, got)
		}
	}
}
