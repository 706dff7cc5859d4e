package console_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
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

func TestPageShowsTheAppsAndWhatIsBehindFirst(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{
		Password: password,
		Ready:    func(context.Context) error { return errors.New("the disk is <full>") },
		Apps: func(context.Context) []console.AppStatus {
			return []console.AppStatus{
				{ID: 1400000001, Epoch: "e1", CallbackHost: "calm.example", Attempts: 5, Accepted: 4, Refused: 1, Head: 1, Cursor: 1},
				{ID: 1400000002, Epoch: "e2", CallbackHost: "<b>late.example", Attempts: 1234567, Accepted: 1200000, Refused: 34000, Dropped: 500,
					Repeated: 60, Unanswered: 7, Head: 34000, Cursor: 33990, Waiting: 12},
				{ID: 1400000003, Epoch: "e3"},
			}
		},
	})
	a := s.do(call{path: "/admin/", header: bearer(password)})
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("answered %d %v", a.StatusCode, a.Header)
	}
	page := strings.ReplaceAll(a.body, "\u202f", " ")
	order := []string{
		"the disk is &lt;full&gt;",
		"<b>1 234 572</b><span>sends", "<b>1 200 004</b><span>accepted", "<b>34 001</b><span>refused", "<b>12</b><span>callbacks waiting, in 1 app<",
		">1400000002<", "&lt;b&gt;late.example", "e2", ">1 234 567<", ">1 200 000<", ">34 000<", ">500<", ">60<", ">7<", "33990 <i>of 34000<", ">12<",
		">1400000001<", "calm.example", "1 <i>of 1<",
		">1400000003<", "no callback URL",
	}
	rest := page
	for _, want := range order {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is missing, or not after what must stand before it, in\n%s", want, page)
		}
		rest = after
	}
}

func TestPageWithoutAnAppSaysHowToMakeOne(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password, Now: newClock().now})
	a := s.do(call{path: "/admin/", header: bearer(password)})
	for _, want := range []string{"There is no app yet", "parley apps add", "2030-05-17 09:00:00 UTC"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%q is missing in %s", want, a.body)
		}
	}
	if strings.Contains(a.body, "not well") {
		t.Error("a fault is shown")
	}
}

func TestListOfAppsIsBounded(t *testing.T) {
	t.Parallel()
	apps := make([]console.AppStatus, 503)
	for i := range apps {
		apps[i] = console.AppStatus{ID: chat.AppID(i + 1), Waiting: uint64(i), Attempts: 1}
	}
	s := start(t, console.Config{Password: password, Apps: func(context.Context) []console.AppStatus { return apps }})
	a := s.do(call{path: "/admin/", header: bearer(password)})
	if got := strings.Count(a.body, `scope="row"`); got != 500 {
		t.Errorf("%d apps are listed", got)
	}
	for _, want := range []string{"3 more are not listed", "<b>503</b><span>sends"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if apps[0].ID != 1 {
		t.Error("the page sorted the caller's apps")
	}
}

func TestPageRefreshesItselfWhenAskedTo(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{Password: password})
	for path, want := range map[string]bool{"/admin/": false, "/admin/?refresh=on": true} {
		a := s.do(call{path: path, header: bearer(password)})
		if got := strings.Contains(a.body, `http-equiv="refresh" content="5"`); got != want {
			t.Errorf("%s refreshes: %v", path, got)
		}
	}
}

func TestLoginPageLooksLikeOneBeforeTheLogin(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{})
	a := s.do(call{path: "/admin/login"})
	if a.StatusCode != 200 || !strings.Contains(a.body, "Admin token") || strings.Contains(a.body, s.console.Token()) {
		t.Errorf("answered %d %s", a.StatusCode, a.body)
	}
	css := s.do(call{path: "/admin/page.css"})
	if css.StatusCode != 200 || !strings.HasPrefix(css.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style: %d %v", css.StatusCode, css.Header)
	}
	if a := s.try("wrong"); a.StatusCode != 401 || !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("a wrong token: %d %s", a.StatusCode, a.body)
	}
}
