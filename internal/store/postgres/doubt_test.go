package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

// The session of a failed COMMIT may be lost while the server still works on it.
// An answer before it has ended could be overtaken.
func TestDoubtfulTransactionIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{"that commits": "COMMIT", "that does not": "ROLLBACK"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := pgtest.Database(t)
			s := open(t, database)
			newApp(t, s)
			var id chat.AttemptID
			copy(id[:], "the doubtful one")
			c, err := pgx.Connect(t.Context(), database)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			for _, statement := range []string{
				"SET search_path = parley", "BEGIN", "SELECT 1 FROM heads FOR NO KEY UPDATE",
				`INSERT INTO events SELECT app, journal, 1, '` + id.String() + `', '` + id.String() + `', '', 0, '', '', 0, '', '', 0, '', '', '', 1, 0 FROM heads`,
			} {
				if _, err := c.Exec(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			type answer struct {
				found []bool
				err   error
			}
			asked := make(chan answer, 1)
			go func() {
				found, err := s.Found(context.Background(), app, []chat.Trace{{Attempt: id, Event: 1}})
				asked <- answer{found, err}
			}()
			for waits := 0; waits == 0; {
				if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waits); err != nil {
					t.Fatal(err)
				}
				select {
				case a := <-asked:
					t.Fatalf("answered before the transaction ended: %+v", a)
				default:
				}
			}
			if _, err := c.Exec(t.Context(), end); err != nil {
				t.Fatal(err)
			}
			if a := <-asked; a.err != nil || a.found[0] != (end == "COMMIT") {
				t.Errorf("%+v", a)
			}
		})
	}
}

// An outage may outlast the table of repeats, which another process empties.
func TestAcceptedSendIsFoundWhenItsRepeatIsGone(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s := open(t, database)
	group := newApp(t, s)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	head, err := tx.Lock(app, []chat.GroupKey{group}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	trace := chat.Trace{Attempt: chat.AttemptID{1}, Repeat: chat.RepeatKey{2}, Stored: true, Group: group, Message: 1}
	if err := tx.Put(app, &chat.Rows{Next: head.Next, Groups: []chat.GroupHead{{Key: group, Next: 2}},
		Messages: []chat.Message{{Group: group, Seq: 1, Attempt: trace.Attempt}}, Repeats: []chat.Repeat{{Key: trace.Repeat, Attempt: trace.Attempt, Seq: 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, database, "TRUNCATE parley.repeats")
	other := trace
	other.Attempt[0]++
	if found, err := s.Found(t.Context(), app, []chat.Trace{trace, other}); err != nil || !found[0] || found[1] {
		t.Errorf("%v, %v", found, err)
	}
}

// A COMMIT that waits for a standby in vain is on one machine only, though it can
// be seen there once its session was given up.
func TestCommitWithoutItsStandbyStaysInDoubt(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, server.URL("postgres"))
	newApp(t, s)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	head, err := tx.Lock(app, nil, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	trace := chat.Trace{Attempt: chat.AttemptID{1}, Event: head.Next}
	if err := tx.Put(app, &chat.Rows{Next: head.Next + 1, Events: []chat.Event{{Seq: head.Next, Attempt: trace.Attempt}}}); err != nil {
		t.Fatal(err)
	}
	standbys := func(names string) {
		pgtest.Exec(t, server.URL("postgres"), "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		pgtest.Exec(t, server.URL("postgres"), "SELECT pg_reload_conf()")
		for got := "?"; got != names; {
			c, err := pgx.Connect(t.Context(), server.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.QueryRow(t.Context(), "SHOW synchronous_standby_names").Scan(&got); err != nil {
				t.Fatal(err)
			}
			_ = c.Close(t.Context())
		}
	}
	standbys("nobody")
	if err := tx.Commit(); err == nil || errors.As(err, new(*chat.Uncommitted)) {
		t.Fatalf("COMMIT: %v", err)
	}
	if found, err := s.Found(t.Context(), app, []chat.Trace{trace}); err == nil {
		t.Errorf("without a standby it was answered: %v", found)
	}
	standbys("")
	if found, err := s.Found(t.Context(), app, []chat.Trace{trace}); err != nil || !found[0] {
		t.Errorf("%v, %v", found, err)
	}
}
