package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/pgtest"
)

// dba is a session of the test's own with a server's database.
func dba(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// endSession ends one session of a Parley with the database, drawn at random, and
// says whether there was one.
func endSession(t *testing.T, c *pgx.Conn) bool {
	t.Helper()
	var ended bool
	err := c.QueryRow(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'parley' AND datname = current_database() ORDER BY random() LIMIT 1`).Scan(&ended)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return ended
}

// balance checks that the server counts every send once, and has recorded every
// refusal.
func (s *server) balance(t *testing.T) {
	t.Helper()
	m := s.metrics(t)
	l := s.ledger(t, appID)
	unanswered := int(m[fmt.Sprintf(`parley_unanswered_sends{app="%d"}`, appID)])
	if l.Attempts != l.Accepted+l.Refused+l.Dropped+l.Repeated+unanswered || m["parley_unrecorded_refusals"] != 0 {
		t.Errorf("metrics say %+v, unanswered %d, unrecorded %v", l, unanswered, m["parley_unrecorded_refusals"])
	}
}

func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, "the server is ready by itself", func() bool { return s.health(t, "/readyz") == 200 })
}

// awaitReads waits until no session is left that was ended unnoticed. Who reads
// over one is told 10002; so many ask at once that each session is used.
func (s *server) awaitReads(t *testing.T) {
	t.Helper()
	eventually(t, "all reads are answered", func() bool {
		var all sync.WaitGroup
		var failed atomic.Int32
		for range 32 {
			all.Go(func() {
				if _, err := s.client().GetGroupInfo(t.Context(), api.GetGroupInfoRequest{GroupIdList: []string{"lobby"}}); err != nil {
					failed.Add(1)
				}
			})
		}
		all.Wait()
		return failed.Load() == 0
	})
}

func TestEndedSessionsOfTheDatabaseLoseNothing(t *testing.T) {
	t.Parallel()
	kills := 200
	if long {
		kills = 2000
	}
	url := pgtest.Database(t)
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(database(url), rc, "--group-rate", "0")...)
	lobby(t, s.client())
	c := dba(t, url)

	w := gather(t, 16, "lobby", "gagged", s.client())
	w.awaitMore(50)
	began := time.Now()
	for range kills {
		for !endSession(t, c) { // all of them were ended before
			w.awaitAny(1)
		}
		w.awaitAny(5)
	}
	t.Logf("%d sessions ended within %v", kills, time.Since(began).Round(time.Millisecond))
	s.awaitReady(t)
	w.awaitMore(50)
	s.awaitReads(t)
	w.settle(s, rc)
	w.repeat(s.client(), 20)
	s.awaitReady(t)
	s.balance(t)
	s.stop(t)
}
