package console_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/console"
	"github.com/prometheus/client_golang/prometheus"
)

func TestAllFaultsOfTheConfigAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := console.New(console.Config{Listen: "8081", TrustedProxies: []netip.Prefix{{}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Fatalf("New says %v", err)
	}
	for _, want := range []string{`admin-listen: "8081"`, "trusted-proxy:", "gatherer"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
}

func TestHealthSaysWhy(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{
		Healthy: func(context.Context) error { return nil },
		Ready:   func(context.Context) error { return errors.New("the store takes no writes") },
	})
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/readyz": "503 the store takes no writes\n"} {
		a := s.do(call{path: path})
		if got := a.Status[:4] + a.body; got != want {
			t.Errorf("%s answered %q, want %q", path, got, want)
		}
	}
	s = start(t, console.Config{Healthy: func(context.Context) error { return errors.New("it hangs") }})
	for path, want := range map[string]string{"/healthz": "503 it hangs\n", "/readyz": "200 ok\n"} {
		a := s.do(call{path: path})
		if got := a.Status[:4] + a.body; got != want {
			t.Errorf("%s answered %q, want %q", path, got, want)
		}
	}
}

func TestMetricsAreThoseOfTheGatherer(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	unrecorded := prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_unrecorded_refusals", Help: "x"})
	unrecorded.Set(7)
	registry.MustRegister(unrecorded)
	s := start(t, console.Config{Gatherer: registry})
	if a := s.do(call{path: "/metrics"}); a.StatusCode != 200 || !strings.Contains(a.body, "\nparley_unrecorded_refusals 7\n") {
		t.Errorf("answered %d %s", a.StatusCode, a.body)
	}
}

func TestEveryPageIsTheSameDocument(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	home := s.do(call{path: "/admin/", header: bearer(password)})
	if home.StatusCode != 200 || home.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(home.body, `src="/admin/assets/console.js"`) {
		t.Fatalf("answered %d %v %s", home.StatusCode, home.Header, home.body)
	}
	if strings.Contains(home.body, "<style") || strings.Contains(home.body, " style=") || strings.Contains(home.body, "<script>") {
		t.Errorf("the page has code or style in it, which its policy forbids: %s", home.body)
	}
	for _, path := range []string{"/admin/apps/1/events", "/admin/apps/1/events/some-event?x=1", "/admin/apps/1/nothing"} {
		if a := s.do(call{path: path, header: bearer(password)}); a.StatusCode != 200 || a.body != home.body {
			t.Errorf("%s answered %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := s.do(call{method: "POST", path: "/admin/apps/1", header: bearer(password)}); a.StatusCode != 405 {
		t.Errorf("POST to a page: %d", a.StatusCode)
	}
}

func TestPolicyLetsThePageRunNothingButItsOwnScript(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for _, path := range []string{"/admin/", "/admin/login", "/admin/assets/console.js", "/admin/api/apps"} {
		policy := s.do(call{path: path, header: bearer(password)}).Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: %q is missing in %q", path, want, policy)
			}
		}
	}
}

func TestAssetsAreKeptByTheirTag(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for path, kind := range map[string]string{"/admin/assets/console.js": "text/javascript; charset=utf-8", "/admin/assets/console.css": "text/css; charset=utf-8", "/admin/": "text/html; charset=utf-8",
		"/admin/assets/licenses.txt": "text/plain; charset=utf-8"} {
		a := s.do(call{path: path, header: bearer(password)})
		tag := a.Header.Get("ETag")
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != kind || a.Header.Get("Cache-Control") != "no-cache" || tag == "" || a.body == "" {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
		again := s.do(call{path: path, header: map[string]string{"Authorization": "Bearer " + password, "If-None-Match": tag}})
		if again.StatusCode != 304 || again.body != "" {
			t.Errorf("%s with its tag: %d", path, again.StatusCode)
		}
	}
	for _, path := range []string{"/admin/assets/", "/admin/assets/index.html", "/admin/assets/../login", "/admin/assets/nothing.js"} {
		if a := s.do(call{path: path, header: bearer(password)}); a.StatusCode == 200 {
			t.Errorf("%s answered 200", path)
		}
	}
}

func TestLoginSpeaksTheLanguageOfTheBrowserOrTheOneChosen(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for header, want := range map[string]string{
		"": "Admin password", "de,en;q=0.5": "Admin password", "zh-CN,zh;q=0.9,en;q=0.8": "管理密码", "KO": "관리자 비밀번호",
		"en;q=0.1, ko-KR;q=0.7, zh;q=0": "관리자 비밀번호", "ko;q=x, zh;q=0.2": "管理密码", ";;q=,,": "Admin password",
	} {
		a := s.do(call{path: "/admin/login", header: map[string]string{"Accept-Language": header}})
		if !strings.Contains(a.body, want) {
			t.Errorf("%q: %q is missing in %s", header, want, a.body)
		}
	}
	a := s.do(call{path: "/admin/login?lang=ko&next=%2Fadmin%2Fapps%2F1", header: map[string]string{"Accept-Language": "zh"}})
	if len(a.Cookies()) != 1 || a.Cookies()[0].Value != "ko" || !strings.Contains(a.body, "관리자 비밀번호") || !strings.Contains(a.body, `name="next" value="/admin/apps/1"`) {
		t.Fatalf("chosen: %v %s", a.Cookies(), a.body)
	}
	if a := s.do(call{path: "/admin/login", cookie: a.Cookies()[0], header: map[string]string{"Accept-Language": "zh"}}); !strings.Contains(a.body, `<html lang="ko">`) {
		t.Errorf("the choice was forgotten: %s", a.body)
	}
	if a := s.do(call{path: `/admin/login?lang=%22%3E`}); len(a.Cookies()) != 0 {
		t.Errorf("a language that is none: %v", a.Cookies())
	}
}

func TestLoginPageLooksLikeOneBeforeTheLogin(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{})
	a := s.do(call{path: "/admin/login"})
	if a.StatusCode != 200 || !strings.Contains(a.body, "Admin token") || strings.Contains(a.body, s.console.Token()) {
		t.Errorf("answered %d %s", a.StatusCode, a.body)
	}
	css := s.do(call{path: "/admin/assets/console.css"})
	if css.StatusCode != 200 || !strings.HasPrefix(css.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style: %d %v", css.StatusCode, css.Header)
	}
	if a := s.try("wrong"); a.StatusCode != 401 || !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("a wrong token: %d %s", a.StatusCode, a.body)
	}
}
