package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
)

func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	var all sync.WaitGroup
	stores := make([]*postgres.Store, 6)
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = postgres.Open(context.Background(), database, postgres.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, s := range stores {
		if s == nil {
			continue
		}
		if _, err := s.Apps(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSchemaOfANewerProgramIsNotTouched(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	if err := open(t, database).Close(); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, database, "INSERT INTO parley.goose_db_version (version_id, is_applied) VALUES (999, true)")
	if _, err := postgres.Open(t.Context(), database, postgres.Options{}); !errors.Is(err, postgres.ErrNewer) {
		t.Fatalf("%v", err)
	}
}

// A role that owns nothing but its database has all that is needed: no function
// for superusers, no extension.
func TestPlainRoleIsEnough(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	u, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	role := "role_" + u.Database
	pgtest.Exec(t, database, fmt.Sprintf("CREATE ROLE %s LOGIN", role))
	t.Cleanup(func() { pgtest.Exec(t, database, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role) })
	pgtest.Exec(t, database, fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s", u.Database, role))
	s := open(t, strings.Replace(database, "postgres@", role+"@", 1))
	newApp(t, s)
	if _, err := s.Maintain(); err != nil {
		t.Error(err)
	}
	if _, err := s.Promises(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A server with another identity holds a copy: nobody can prove that nothing
// committed is missing in it.
func TestAnotherServerBeginsANewEpochOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	first := open(t, database)
	group := newApp(t, first)
	n := &node{name: "a", store: first, group: group, told: make(map[chat.AttemptID]chat.Sequence)}
	if ok, err := n.batch(3, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	before, err := first.Head(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, database, "UPDATE parley.origin SET timeline = timeline - 1")

	var log bytes.Buffer
	for range 2 {
		s, err := postgres.Open(t.Context(), database, postgres.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		head, err := s.Head(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		if head.Epoch == before.Epoch || len(head.Epoch) != 16 || head.Next != chat.FirstOfEpoch(before.Next) || head.Version <= before.Version || head.Totals != before.Totals {
			t.Errorf("before %+v, now %+v", before, head)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "another database server has taken over"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, &log)
	}
}

// A session with a standby that is not promoted yet is no row's fault: who sends
// is not told 10002 for it.
func TestStandbyThatIsNotPromotedYetIsAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	standby := pgtest.StartStandby(t, primary)
	s := open(t, strings.Replace(pgtest.URLOfEither("postgres", primary, standby), "read-write", "any", 1))
	newApp(t, s)
	c, err := pgx.Connect(t.Context(), standby.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	for there := 0; there == 0; { // the standby has the tables
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname = 'heads'").Scan(&there); err != nil {
			t.Fatal(err)
		}
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 10 { // the sessions with the primary first
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Lock(app, nil, nil, 0)
		tx.Rollback()
		if !errors.Is(err, chat.ErrStoreAway) {
			t.Errorf("lock: %v", err)
		}
		if _, err := s.Head(t.Context(), app); !errors.Is(err, chat.ErrStoreAway) {
			t.Errorf("read: %v", err)
		}
	}
	if err := s.Reopen(); !errors.Is(err, chat.ErrStoreAway) {
		t.Errorf("reopen: %v", err)
	}
}

func TestNoPasswordIsTold(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), "postgres://user:geheim@127.0.0.1:1/db?sslmode=disable", postgres.Options{})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
}
