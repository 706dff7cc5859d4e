package console_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/console"
)

// echo answers what reached it.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
})

func TestAPIGetsWhatPassedGuardLoginAndHeader(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password, API: echo})
	cookie := s.login()
	page := map[string]string{"X-Parley-Console": "1", "Origin": s.base}
	with := func(name, value string) map[string]string {
		h := map[string]string{name: value}
		for n, v := range page {
			if n != name {
				h[n] = v
			}
		}
		return h
	}
	for name, c := range map[string]struct {
		call call
		want int
		body string
	}{
		"GET":                         {call{path: "/admin/api/apps?x=1", cookie: cookie}, 200, "GET /apps?x=1 "},
		"a name with a slash":         {call{path: "/admin/api/apps/1/v1/endpoints/a%2Fb", cookie: cookie}, 200, "GET /apps/1/v1/endpoints/a%2Fb "},
		"POST":                        {call{method: "POST", path: "/admin/api/apps", cookie: cookie, header: page, form: url.Values{"a": {"b"}}}, 200, "POST /apps a=b"},
		"PATCH":                       {call{method: "PATCH", path: "/admin/api/apps/1", cookie: cookie, header: page}, 200, "PATCH /apps/1 "},
		"DELETE":                      {call{method: "DELETE", path: "/admin/api/apps/1", cookie: cookie, header: page}, 200, "DELETE /apps/1 "},
		"a bearer":                    {call{path: "/admin/api/apps", header: bearer(password)}, 200, "GET /apps "},
		"no login":                    {call{path: "/admin/api/apps"}, 401, ""},
		"no login, as a browser":      {call{path: "/admin/api/apps", header: map[string]string{"Accept": "text/html"}}, 401, ""},
		"a wrong bearer":              {call{path: "/admin/api/apps", header: bearer("wrong")}, 401, ""},
		"POST without login":          {call{method: "POST", path: "/admin/api/apps", header: page}, 401, ""},
		"POST without the header":     {call{method: "POST", path: "/admin/api/apps", cookie: cookie, header: with("X-Parley-Console", "")}, 403, ""},
		"DELETE without the header":   {call{method: "DELETE", path: "/admin/api/apps/1", cookie: cookie, header: with("X-Parley-Console", "")}, 403, ""},
		"PATCH with another value":    {call{method: "PATCH", path: "/admin/api/apps/1", cookie: cookie, header: with("X-Parley-Console", "0")}, 403, ""},
		"POST of another site":        {call{method: "POST", path: "/admin/api/apps", cookie: cookie, header: with("Origin", "https://evil.example")}, 403, ""},
		"PATCH of another site":       {call{method: "PATCH", path: "/admin/api/apps/1", cookie: cookie, header: with("Origin", "https://evil.example")}, 403, ""},
		"DELETE of another site":      {call{method: "DELETE", path: "/admin/api/apps/1", cookie: cookie, header: with("Sec-Fetch-Site", "cross-site")}, 403, ""},
		"DELETE from nowhere":         {call{method: "DELETE", path: "/admin/api/apps/1", cookie: cookie, header: with("Origin", "")}, 403, ""},
		"GET under another host":      {call{path: "/admin/api/apps", cookie: cookie, host: "evil.example"}, 403, ""},
		"GET that says was forwarded": {call{path: "/admin/api/apps", cookie: cookie, header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}, 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			a := s.do(c.call)
			if a.StatusCode != c.want || (c.want == 200 && a.body != c.body) {
				t.Errorf("answered %d %q, want %d %q", a.StatusCode, a.body, c.want, c.body)
			}
			if c.want == 401 && a.Header.Get("Location")+a.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("a script is sent elsewhere: %v", a.Header)
			}
		})
	}
}

func TestAPIRefusesInJSON(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for name, c := range map[string]struct {
		call call
		want int
	}{
		"no login":  {call{path: "/admin/api/apps"}, 401},
		"no API":    {call{path: "/admin/api/apps", header: bearer(password)}, 404},
		"no header": {call{method: "POST", path: "/admin/api/apps", header: bearer(password)}, 403},
	} {
		a := s.do(c.call)
		var answer struct {
			ErrorCode api.Code
			ErrorInfo string
		}
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil || answer.ErrorCode == api.CodeOK || answer.ErrorInfo == "" ||
			a.StatusCode != c.want || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %q", name, a.StatusCode, a.Header, a.body)
		}
	}
	for range 10 {
		s.do(call{path: "/admin/api/apps", header: bearer("wrong")})
	}
	if a := s.do(call{path: "/admin/api/apps", header: bearer("wrong")}); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("after ten wrong secrets: %d %v", a.StatusCode, a.Header)
	}
}

func TestLoginGoesOnToThePageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	html := map[string]string{"Accept": "text/html"}
	for path, want := range map[string]string{
		"/admin/":                       "/admin/login",
		"/debug/pprof/":                 "/admin/login",
		"/admin/assets/console.js":      "/admin/login",
		"/admin/apps/1/events?from=mei": "/admin/login?next=" + url.QueryEscape("/admin/apps/1/events?from=mei"),
	} {
		if a := s.do(call{path: path, header: html}); a.StatusCode != 303 || a.Header.Get("Location") != want {
			t.Errorf("%s leads to %q, want %q", path, a.Header.Get("Location"), want)
		}
	}
	for next, want := range map[string]string{
		"/admin/apps/1/events?from=mei&x=a//b": "/admin/apps/1/events?from=mei&x=a//b",
		"":                                     "/admin/",
		"https://evil.example/":                "/admin/",
		"http:/admin/apps/":                    "/admin/",
		"/admin/apps/..":                       "/admin/",
		"//evil.example/admin/":                "/admin/",
		"/admin//evil.example":                 "/admin/",
		`/admin/\evil.example`:                 "/admin/",
		"/admin/../debug/pprof/":               "/admin/",
		"/admin/login":                         "/admin/",
		"/admin/api/apps":                      "/admin/",
		"/metrics":                             "/admin/",
		"javascript:alert(1)":                  "/admin/",
		"/admin/x\r\nSet-Cookie:a":             "/admin/",
	} {
		a := s.do(call{method: "POST", path: "/admin/login", form: url.Values{"password": {password}, "next": {next}}})
		if a.StatusCode != 303 || a.Header.Get("Location") != want {
			t.Errorf("next=%q leads to %q, want %q", next, a.Header.Get("Location"), want)
		}
	}
}
