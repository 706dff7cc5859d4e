package e2e

import (
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/pgtest"
)

func TestCrashesOfTheDatabaseServerLoseNothing(t *testing.T) {
	t.Parallel()
	crashes := 3
	if long {
		crashes = 12
	}
	pg := pgtest.Start(t) // which syncs
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(database(pg.URL("postgres")), rc, "--group-rate", "0")...)
	lobby(t, s.client())
	w := gather(t, 16, "lobby", "gagged", s.client())
	for i := range crashes {
		w.awaitMore(50)
		crash := pg.Kill
		if i%2 == 1 {
			crash = pg.Immediate
		}
		if err := crash(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server says that it takes no writes", func() bool { return s.health(t, "/readyz") == 503 })
		if status := s.health(t, "/healthz"); status != 200 {
			t.Errorf("/healthz answers %d while the database is away", status)
		}
		w.awaitSick(20)
		if i%3 == 2 { // for longer than callers wait
			w.awaitUnknown()
		}
		if err := pg.Up(); err != nil {
			t.Fatal(err)
		}
		s.awaitReady(t)
		w.awaitMore(50)
		w.repeat(s.client(), 20)
	}
	w.settle(s, rc)
	s.awaitReady(t)
	s.balance(t)
	s.stop(t)
}

func TestSendsAreRefusedAtOnceWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(database(pg.URL("postgres")), rc, "--group-rate", "0")...)
	c := s.client()
	group(t, c, api.TypePublic, "lobby")
	if _, err := c.SendGroupMsg(t.Context(), say("lobby", appAdmin, 100, "what the rules look at is known now")); err != nil {
		t.Fatal(err)
	}
	if err := pg.Immediate(); err != nil {
		t.Fatal(err)
	}
	var told []string
	refused := func() {
		t.Helper()
		_, err := c.SendGroupMsg(t.Context(), say("lobby", appAdmin, uint32(len(told)), "hello"))
		if code, _ := api.CodeOf(err); code != api.CodeInternal || eventOf(err) == "" {
			t.Fatal(err)
		}
		told = append(told, eventOf(err))
	}
	refused() // the first one waits for the database
	slowest := time.Duration(0)
	for range 1500 { // the database is looked for several times meanwhile
		began := time.Now()
		refused()
		slowest = max(slowest, time.Since(began))
	}
	if slowest > 1500*time.Millisecond {
		t.Errorf("a send was refused within %v", slowest)
	}
	if n := s.metrics(t)["parley_unrecorded_refusals"]; n != float64(len(told)) {
		t.Errorf("parley_unrecorded_refusals is %v, want %d", n, len(told))
	}
	if err := pg.Up(); err != nil {
		t.Fatal(err)
	}
	for _, id := range told { // nobody sends; the server recovers by itself
		rc.event(t, id)
	}
	s.awaitReady(t)
	s.balance(t)
	s.stop(t)
	if n := len(rc.events(t, appID)); n != len(told) {
		t.Errorf("%d events for %d refusals", n, len(told))
	}
}
