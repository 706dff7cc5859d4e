package e2e

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/pgtest"
)

// A database that does not answer: connected, and silent. Callers are told within
// a few seconds, and the server ends as it should, or goes on when the database
// does.
func TestSilentDatabaseHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	freeze := func() {
		t.Helper()
		if err := pg.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	thaw := func() {
		t.Helper()
		if err := pg.Thaw(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(thaw) // before it is ended
	rc := ofApp(t, nil)
	flags := oneApp(database(pg.URL("postgres")), rc, "--group-rate", "0")
	s := serve(t, nil, flags...)
	lobby(t, s.client())
	group(t, s.client(), api.TypePublic, "quiet")
	w := gather(t, 4, "lobby", "gagged", s.client())
	w.awaitMore(20)
	freeze()
	for random, to := range []string{"quiet", "lobby", "nobody-looked-yet", "quiet", "lobby"} {
		began := time.Now()
		_, err := s.client().SendGroupMsg(t.Context(), say(to, appAdmin, 1<<31+uint32(random), "is anybody there?"))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("a send to %s was answered after %v", to, took)
		}
		var status *api.StatusError
		if code, told := api.CodeOf(err); !errors.As(err, &status) && !(told && code == api.CodeInternal) {
			t.Errorf("a send to %s: %v", to, err)
		}
	}
	eventually(t, "the server says that it takes no writes", func() bool { return s.health(t, "/readyz") == 503 })
	thaw()
	s.awaitReady(t)
	w.awaitMore(20)

	freeze()
	w.awaitUnknown()
	began := time.Now()
	s.http.CloseIdleConnections()
	s.signal(t, syscall.SIGTERM)
	if code := s.end(t); code != 0 {
		t.Errorf("the server ended with code %d", code)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("it ended after %v", took)
	}
	thaw()
	s = serve(t, nil, flags...)
	w.move(0, s.client())
	w.awaitMore(20)
	w.leave()
	w.settleMessages(s)
	w.repeat(s.client(), 20)
	s.stop(t)
}
