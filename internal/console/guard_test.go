package console_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/console"
	"github.com/prometheus/client_golang/prometheus"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestHostMustBeOurs(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password, Listen: "Admin.Example.com:8081"})
	for host, want := range map[string]int{
		"":                         200, // the address of the listener
		"127.0.0.1":                200,
		"127.8.9.10:1":             200,
		"[::1]:8081":               200,
		"[::1]":                    200,
		"[::ffff:127.0.0.1]:8081":  200,
		"localhost":                200,
		"LOCALHOST:8081":           200,
		"localhost.":               200,
		"admin.example.com":        200,
		"admin.example.com:9999":   200,
		"ADMIN.example.com.:8081":  200,
		"evil.example":             403,
		"evil.example:8081":        403,
		"localhost.evil.example":   403,
		"127.0.0.1.evil.example":   403,
		"xadmin.example.com":       403,
		"example.com":              403,
		"192.0.2.1:8081":           403,
		"0.0.0.0:8081":             403,
		"[2001:db8::1]:8081":       403,
		"2130706433":               403,
		"127.1":                    403,
		"[::ffff:192.0.2.1]:8081":  403,
		"localhost@evil.example:1": 403,
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			a := s.do(call{path: "/admin/", host: host, header: bearer(password)})
			if a.StatusCode != want {
				t.Errorf("answered %d, want %d: %s", a.StatusCode, want, a.body)
			}
			if a := s.do(call{path: "/healthz", host: host}); a.StatusCode != 200 {
				t.Errorf("/healthz answered %d", a.StatusCode)
			}
		})
	}
}

func TestGuardStandsBeforeEveryAddressThatIsNotOpen(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	cookie := s.login()
	for path, open := range map[string]bool{
		"/metrics": true, "/healthz": true, "/readyz": true,
		"/": false, "/admin/": false, "/admin/login": false, "/admin/assets/console.css": false, "/debug/pprof/": false,
		"/debug/pprof/heap": false, "/nothing": false,
	} {
		for name, c := range map[string]call{
			"foreign host":     {path: path, host: "evil.example", cookie: cookie},
			"untrusted header": {path: path, header: map[string]string{"X-Forwarded-For": "192.0.2.1"}, cookie: cookie},
		} {
			want := 403
			if open {
				want = 200
			}
			if a := s.do(c); a.StatusCode != want {
				t.Errorf("%s, %s: %d, want %d", path, name, a.StatusCode, want)
			}
		}
	}
	if a := s.do(call{method: "POST", path: "/admin/logout", header: map[string]string{"Origin": "http://evil.example"}, cookie: cookie}); a.StatusCode != 403 || s.page(cookie) != 200 {
		t.Errorf("a logout from elsewhere: %d", a.StatusCode)
	}
}

func TestForwardedRequestNeedsATrustedProxy(t *testing.T) {
	t.Parallel()
	untrusted := start(t, console.Config{Password: password, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	trusted := start(t, console.Config{Password: password, TrustedProxies: loopback})
	for _, header := range []map[string]string{
		{"X-Forwarded-For": "127.0.0.1"},
		{"X-Forwarded-Host": "localhost"},
		{"X-Forwarded-Proto": "http"},
		{"Forwarded": "for=127.0.0.1"},
		{"X-Forwarded-For": " "},
	} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			t.Parallel()
			for s, want := range map[*server]int{untrusted: 403, trusted: 200} {
				s := *s
				s.t = t
				if a := s.do(call{path: "/admin/login", header: header}); a.StatusCode != want {
					t.Errorf("answered %d, want %d: %s", a.StatusCode, want, a.body)
				}
			}
		})
	}
}

func TestTrustedProxyStillNeedsALogin(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password, TrustedProxies: loopback})
	if a := s.do(call{path: "/admin/", host: "admin.example.com", header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}); a.StatusCode != 401 {
		t.Errorf("answered %d", a.StatusCode)
	}
}

func TestTrustedProxySaysWhichHostWasAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password, TrustedProxies: loopback})
	for name, c := range map[string]struct {
		host   string
		header map[string]string
		want   int
		secure bool
	}{
		"X-Forwarded-Host and -Proto": {"", map[string]string{"X-Forwarded-Host": "admin.example.com", "X-Forwarded-Proto": "https"}, 303, true},
		"Forwarded":                   {"", map[string]string{"Forwarded": `for=192.0.2.1;proto=https;host="admin.example.com"`}, 303, true},
		"Host passed on":              {"admin.example.com", map[string]string{"X-Forwarded-For": "192.0.2.1"}, 303, false},
		"the nearest proxy counts":    {"", map[string]string{"X-Forwarded-Host": "evil.example, admin.example.com", "X-Forwarded-Proto": "https, http"}, 303, false},
		"another host":                {"", map[string]string{"X-Forwarded-Host": "other.example.com", "X-Forwarded-Proto": "https"}, 403, false},
		"no forwarding, foreign host": {"admin.example.com", nil, 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			header := map[string]string{"Origin": "https://admin.example.com"}
			for k, v := range c.header {
				header[k] = v
			}
			if !c.secure {
				header["Origin"] = "http://admin.example.com"
			}
			a := s.do(call{method: "POST", path: "/admin/login", host: c.host, header: header, form: url.Values{"password": {password}}})
			if a.StatusCode != c.want {
				t.Fatalf("answered %d, want %d: %s", a.StatusCode, c.want, a.body)
			}
			if c.want == 303 && a.Cookies()[0].Secure != c.secure {
				t.Errorf("cookie %v, want Secure %v", a.Cookies()[0], c.secure)
			}
		})
	}
}

func TestPostMustComeFromOurOwnPage(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	port := s.base[strings.LastIndexByte(s.base, ':'):]
	for name, c := range map[string]struct {
		host   string
		header map[string]string
		want   int
	}{
		"same origin":                         {"", nil, 303},
		"same origin, other spelling":         {"LOCALHOST" + port, map[string]string{"Origin": "http://localhost" + port}, 303},
		"same origin, port of the scheme":     {"localhost", map[string]string{"Origin": "http://localhost:80"}, 303},
		"said by the browser":                 {"", map[string]string{"Origin": "", "Sec-Fetch-Site": "same-origin"}, 303},
		"another host":                        {"", map[string]string{"Origin": "http://evil.example"}, 403},
		"another port":                        {"", map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		"another name for us":                 {"", map[string]string{"Origin": "http://localhost" + port}, 403},
		"null":                                {"", map[string]string{"Origin": "null"}, 403},
		"no URL":                              {"", map[string]string{"Origin": "http://%zz"}, 403},
		"none":                                {"", map[string]string{"Origin": ""}, 403},
		"the same site is not enough":         {"", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"another site":                        {"", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"another origin, though with the key": {"", map[string]string{"Origin": "http://evil.example", "Authorization": "Bearer " + password}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			a := s.do(call{method: "POST", path: "/admin/login", host: c.host, header: c.header, form: url.Values{"password": {password}}})
			if a.StatusCode != c.want {
				t.Errorf("answered %d, want %d: %s", a.StatusCode, c.want, a.body)
			}
			if c.want == 403 && len(a.Cookies()) != 0 {
				t.Error("a session was made")
			}
		})
	}
}

// go tool pprof asks for the names of addresses by POST.
func TestProgramWithTheSecretMayPostWithoutAnOrigin(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for secret, want := range map[string]int{password: 200, "wrong": 401, "": 403} {
		header := map[string]string{"Origin": ""}
		if secret != "" {
			header["Authorization"] = "Bearer " + secret
		}
		if a := s.do(call{method: "POST", path: "/debug/pprof/symbol", header: header}); a.StatusCode != want {
			t.Errorf("with %q: %d, want %d", secret, a.StatusCode, want)
		}
	}
}

func TestListenOnAllAddressesTakesTheOneOfTheConnection(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:8081", "[::]:8081", ":8081", ""} {
		c, err := console.New(console.Config{Password: password, Listen: listen, Gatherer: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]int{"192.0.2.7:8081": 200, "192.0.2.8:8081": 403, "evil.example:8081": 403, "0.0.0.0:8081": 403} {
			// Another local address than loopback cannot be had everywhere.
			r := httptest.NewRequest("GET", "http://"+host+"/admin/login", nil)
			local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8081}
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("listen %q, host %s: %d, want %d", listen, host, w.Code, want)
			}
		}
	}
}

func TestPagesForbidABrowserWhatTheyDoNotNeed(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for _, path := range []string{"/admin/", "/admin/login", "/debug/pprof/", "/nothing"} {
		a := s.do(call{path: path, header: bearer(password)})
		policy := a.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: %q is missing in the policy %q", path, want, policy)
			}
		}
		if path == "/debug/pprof/" && strings.Contains(policy, "script-src") {
			t.Errorf("%s may run a script: %q", path, policy)
		}
		if strings.HasPrefix(path, "/admin") && strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		cache := "no-store"
		if path == "/admin/" { // the same for everybody, and kept by its tag
			cache = "no-cache"
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": cache} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestOtherAddressesAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	cookie := s.login()
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 404}, {"GET", "/admin/other", 404}, {"GET", "/admin/page/page.css", 404}, {"GET", "/v4/x/y", 404},
		{"GET", "/debug/", 404}, {"GET", "/debug/vars", 404}, {"GET", "/debug/pprof/nothing", 404}, {"GET", "/metrics/x", 404},
		{"POST", "/healthz", 404}, {"POST", "/metrics", 404}, {"PUT", "/admin/", 405}, {"DELETE", "/admin/login", 405},
		{"HEAD", "/admin/", 200}, {"HEAD", "/healthz", 200},
	} {
		if a := s.do(call{method: c.method, path: c.path, cookie: cookie}); a.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, a.StatusCode, c.want)
		}
	}
}
