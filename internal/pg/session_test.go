package pg_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/parley-im/parley/internal/pg"
	"github.com/parley-im/parley/internal/pgtest"
)

func TestSessionsAreBoundedOnTheServersEndToo(t *testing.T) {
	t.Parallel()
	c, err := pg.Config(pgtest.Database(t), "some schema", "a name")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), c.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, want := range map[string]string{
		"lock_timeout": "1000", "statement_timeout": "5000", "idle_in_transaction_session_timeout": "2000", "tcp_user_timeout": "5000",
		"search_path": `"some schema"`, "application_name": "a name",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT setting FROM pg_settings WHERE name = $1", name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestErrorsMeanWhatTheyMean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		kind pg.Kind
		none bool // it was said that nothing is committed
	}{
		"a duplicate":                  {&pgconn.PgError{Code: "23505", SeverityUnlocalized: "ERROR"}, pg.Refused, true},
		"bytes that are no text":       {&pgconn.PgError{Code: "22021", SeverityUnlocalized: "ERROR"}, pg.Refused, true},
		"a lock not had in time":       {&pgconn.PgError{Code: "55P03", SeverityUnlocalized: "ERROR"}, pg.Busy, true},
		"a deadlock":                   {&pgconn.PgError{Code: "40P01", SeverityUnlocalized: "ERROR"}, pg.Busy, true},
		"a statement that took long":   {&pgconn.PgError{Code: "57014", SeverityUnlocalized: "ERROR"}, pg.Away, true},
		"a session that was ended":     {&pgconn.PgError{Code: "57P01", SeverityUnlocalized: "FATAL"}, pg.Away, false},
		"one silent in a transaction":  {&pgconn.PgError{Code: "25P03", SeverityUnlocalized: "FATAL"}, pg.Away, false},
		"a server that crashed":        {&pgconn.PgError{Code: "57P02", SeverityUnlocalized: "FATAL"}, pg.Away, false},
		"a server that starts":         {&pgconn.PgError{Code: "57P03", SeverityUnlocalized: "FATAL"}, pg.Away, false},
		"a full disk":                  {&pgconn.PgError{Code: "53100", SeverityUnlocalized: "ERROR"}, pg.Away, true},
		"a disk that fails":            {&pgconn.PgError{Code: "58030", SeverityUnlocalized: "ERROR"}, pg.Away, true},
		"a standby":                    {&pgconn.PgError{Code: "25006", SeverityUnlocalized: "ERROR"}, pg.Away, true},
		"too many sessions":            {&pgconn.PgError{Code: "53300", SeverityUnlocalized: "FATAL"}, pg.Away, false},
		"a connection that was closed": {io.ErrUnexpectedEOF, pg.Away, false},
	} {
		if got := pg.KindOf(c.err); got != c.kind {
			t.Errorf("%s: kind %d, want %d", name, got, c.kind)
		}
		if got := pg.NotCommitted(c.err); got != c.none {
			t.Errorf("%s: said to be uncommitted %v", name, got)
		}
		if got := pg.KindOf(errors.Join(errors.New("around"), c.err)); got != c.kind {
			t.Errorf("%s, wrapped: kind %d", name, got)
		}
	}
}

func TestURLsAreCheckedWithoutTellingThePassword(t *testing.T) {
	t.Parallel()
	for database, good := range map[string]bool{
		"postgres://user@host/db":                             true,
		"postgresql://user:geheim@a:1,b:2/db?sslmode=disable": true,
		"postgres://user:geheim@host:port/db":                 false,
		"mysql://user:geheim@host/db":                         false,
		"user:geheim@host/db":                                 false,
		"postgres://user:geheim@host/db?sslmode=geheim":       false,
		"": false,
	} {
		err := pg.Check(database)
		if (err == nil) != good {
			t.Errorf("%s: %v", database, err)
		}
		if err != nil && strings.Contains(err.Error(), "user:geheim") {
			t.Errorf("%s: %v", database, err)
		}
	}
}

func TestPromisesFollowTheSettings(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, c := range []struct{ commit, holds string }{{"on", "crash"}, {"off", ""}, {"local", "crash"}} {
		if _, err := conn.Exec(t.Context(), "SET synchronous_commit = "+c.commit); err != nil {
			t.Fatal(err)
		}
		list, err := pg.Promises(t.Context(), conn)
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		var fsync string
		if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			want := p.Name == c.holds && fsync == "on"
			if p.Name == "torn_pages" {
				continue // as the server is configured
			}
			if p.Holds != want || !strings.Contains(p.Why, "synchronous_commit="+c.commit) {
				t.Errorf("synchronous_commit %s: %+v", c.commit, p)
			}
		}
	}
}
