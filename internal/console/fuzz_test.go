package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/console"
	"github.com/prometheus/client_golang/prometheus"
)

func fuzzed(f *testing.F) http.Handler {
	c, err := console.New(console.Config{Password: password, Gatherer: prometheus.NewRegistry()})
	if err != nil {
		f.Fatal(err)
	}
	return c.Handler()
}

// The login leads to a page of the console, whatever it is asked for.
func FuzzLoginLeadsToOurPagesOnly(f *testing.F) {
	for _, next := range []string{"", "/admin/", "/admin/apps/1/events?from=mei#x", "//evil.example", "/admin/apps//evil.example", `/admin/apps/\evil`, "/admin/apps/../../x", "/admin/apps/%2e%2e/%2F", "http:/admin/apps/", "/admin/apps/\r\nx: y", "/admin/apps/\u2028"} {
		f.Add(next)
	}
	handler := fuzzed(f)
	f.Fuzz(func(t *testing.T, next string) {
		r := httptest.NewRequest("POST", "http://127.0.0.1:8081/admin/login", strings.NewReader(url.Values{"password": {password}, "next": {next}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://127.0.0.1:8081")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusBadRequest && len(next) > 2000 {
			return // the form is too large
		}
		to, err := r.URL.Parse(w.Header().Get("Location"))
		if w.Code != http.StatusSeeOther || err != nil {
			t.Fatalf("next=%q: %d %q %v", next, w.Code, w.Header().Get("Location"), err)
		}
		if to.Scheme != "http" || to.Host != r.URL.Host || (to.Path != "/admin/" && !strings.HasPrefix(to.Path, "/admin/apps/")) {
			t.Errorf("next=%q leads to %s", next, to)
		}
	})
}

// The login answers in one of our languages, whatever the browser prefers.
func FuzzLoginLanguage(f *testing.F) {
	for _, header := range []string{"", "en", "zh-CN,zh;q=0.9", "ko;q=1e9", "*;q=NaN, zh;q=-1", ";;,,q=", "KO-kr ; q = 0.1"} {
		f.Add(header, "")
	}
	f.Add("", "zh")
	f.Add("ko", `"><script>`)
	handler := fuzzed(f)
	one := regexp.MustCompile(`^<!DOCTYPE html>\n<html lang="(en|zh|ko)">`)
	f.Fuzz(func(t *testing.T, header, chosen string) {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8081/admin/login?"+url.Values{"lang": {chosen}}.Encode(), nil)
		r.Header.Set("Accept-Language", header)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !one.MatchString(w.Body.String()) {
			t.Errorf("Accept-Language %q, lang=%q: %d %s", header, chosen, w.Code, w.Body)
		}
	})
}
