package e2e

import (
	"testing"

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
