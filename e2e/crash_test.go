package e2e

import (
	"errors"
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

// What may have been accepted before is not refused while nobody can be asked:
// the sender is told at once to send it again.
func TestSendsAreAnsweredAtOnceWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	s := serve(t, nil, oneApp(database(pg.URL("postgres")), nil, "--group-rate", "0")...)
	c := s.client()
	group(t, c, api.TypePublic, "lobby")
	first, err := c.SendGroupMsg(t.Context(), say("lobby", appAdmin, 0, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.Immediate(); err != nil {
		t.Fatal(err)
	}
	const sends = 1000
	unknown := func(random uint32) {
		t.Helper()
		_, err := c.SendGroupMsg(t.Context(), say("lobby", appAdmin, random, "hello"))
		var status *api.StatusError
		if !errors.As(err, &status) || status.Status != 503 {
			t.Fatalf("send %d was answered %v, want 503", random, err)
		}
	}
	unknown(0) // a repeat; it waits for the database
	slowest := time.Duration(0)
	for random := range uint32(sends) { // the database is looked for several times meanwhile
		began := time.Now()
		unknown(random)
		slowest = max(slowest, time.Since(began))
	}
	if slowest > 5*time.Second { // a look-up waits for the database for up to two
		t.Errorf("a send was answered within %v", slowest)
	}
	if err := pg.Up(); err != nil {
		t.Fatal(err)
	}
	s.awaitReady(t) // although nobody sends
	for random := range uint32(sends) {
		a, err := c.SendGroupMsg(t.Context(), say("lobby", appAdmin, random, "hello"))
		if err != nil || a.MsgSeq != uint64(random+1) || random == 0 && a.MsgTime != first.MsgTime {
			t.Fatalf("send %d: %+v, %v", random, a, err)
		}
	}
	if app := shown(t, c); app.Head != 0 {
		t.Errorf("the journal ends at %d; nobody was refused", app.Head)
	}
	s.balance(t)
	s.stop(t)
}
