package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
)

// migrate moves a folder and returns what the program printed.
func migrate(t *testing.T, dir, url string, code int) string {
	t.Helper()
	p := parley(t, nil, "migrate", "--from", dir, "--to-file", write(t, "url", url+"\n"))
	text := p.stdout.String() + p.stderr.String()
	if p.code != code {
		t.Fatalf("parley migrate: code %d, want %d: %s", p.code, code, text)
	}
	return text
}

// refusesToServe starts a server that must end at once, with one line that says
// why.
func refusesToServe(t *testing.T, why string, flags ...string) {
	t.Helper()
	p := parley(t, nil, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", ""}, flags...)...)
	if lines := p.stderr.lines(); p.code != 1 || len(lines) != 1 || !strings.Contains(lines[0], why) {
		t.Errorf("code %d, want 1 and one line with %q: %q", p.code, why, lines)
	}
}

// asleep counts the sessions of the database that sleep in a statement.
func asleep(t *testing.T, url string) (n int) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// endInTable moves a folder until rows of a table are written, and ends the
// program there.
func endInTable(t *testing.T, dir, url, table string, s syscall.Signal) {
	t.Helper()
	pgtest.Exec(t, url, "CREATE TRIGGER pause BEFORE INSERT ON parley."+table+" FOR EACH STATEMENT EXECUTE FUNCTION pause()")
	p := launch(t, nil, "migrate", "--from", dir, "--to", url)
	eventually(t, "the move comes to "+table, func() bool { return asleep(t, url) == 1 })
	p.signal(t, s)
	if code := p.end(t); s == syscall.SIGTERM && (code != 1 || !strings.HasSuffix(p.stderr.String(), "parley: broken off; run it again to go on\n")) {
		t.Errorf("code %d: %s", code, &p.stderr)
	}
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
	pgtest.Exec(t, url, "DROP TRIGGER pause ON parley."+table)
}

// A server under load is moved from a folder into a database, by a program that
// is killed again and again on the way. Neither senders nor receivers can tell.
func TestMoveToPostgreSQLIsNoticedByNobody(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if _, err := postgres.Prepare(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'")

	rc := ofApp(t, nil)
	dir := filepath.Join(t.TempDir(), "data")
	flags := oneApp(folder(dir), rc, "--group-rate", "0")
	s := serve(t, nil, flags...)
	c := s.client()
	lobby(t, c)
	w := gather(t, 16, "lobby", "gagged", c)
	w.awaitMore(200)
	before := shown(t, c)
	if text := migrate(t, dir, url, 1); !strings.Contains(text, "stop the server first") {
		t.Errorf("while the server runs: %s", text)
	}
	rc.close() // what waits for the receiver goes over as well
	w.awaitMore(100)
	s.stop(t)

	for _, at := range []struct { // in the order in which they go over
		table  string
		signal syscall.Signal
	}{{"groups", syscall.SIGKILL}, {"messages", syscall.SIGTERM}, {"events", syscall.SIGKILL}, {"repeats", syscall.SIGKILL}} {
		endInTable(t, dir, url, at.table, at.signal)
		refusesToServe(t, "is not finished; run `parley migrate` again", oneApp(database(url), rc)...)
		if t.Failed() {
			return
		}
	}
	text := migrate(t, dir, url, 0)
	if !regexp.MustCompile(`(?m)^ +events +(\d+) +(\d+)$`).MatchString(text) || !strings.Contains(text, "is moved to postgres://127.0.0.1:") || strings.Contains(text, "postgres@") {
		t.Errorf("it printed: %s", text)
	}
	refusesToServe(t, "was moved to postgres://127.0.0.1:", flags...)

	s = serve(t, nil, oneApp(database(url), rc, "--group-rate", "0")...)
	if text := migrate(t, dir, url, 1); !strings.Contains(text, "is using it") {
		t.Errorf("while the database is served: %s", text)
	}
	w.repeat(s.client(), 20)
	w.move(0, s.client())
	w.awaitMore(100)
	rc.comeBack()
	w.awaitMore(100)
	w.settle(s, rc)
	if after := shown(t, s.client()); after.Epoch != before.Epoch {
		t.Errorf("epoch %s, before the move %s", after.Epoch, before.Epoch)
	}
	s.stop(t)
	if text := migrate(t, dir, url, 0); !strings.Contains(text, "there is nothing to do") {
		t.Errorf("again: %s", text)
	}
}

func TestMoveTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	p := parley(t, nil, "migrate", "--to", "mysql://u:s3cret@h/d")
	if lines := p.stderr.lines(); p.code != 2 || len(lines) != 2 || !strings.Contains(lines[0], "--from: ") || !strings.Contains(lines[1], "--to: ") || strings.Contains(p.stderr.String(), "s3cret") {
		t.Errorf("code %d: %q", p.code, lines)
	}
	p = parley(t, []string{"PARLEY_TO=postgres://u:s3cret@127.0.0.1:1/d?sslmode=disable", "PARLEY_FROM=" + t.TempDir()}, "migrate")
	if lines := p.stderr.lines(); p.code != 1 || len(lines) != 1 || !strings.Contains(lines[0], "is no data folder of a server") {
		t.Errorf("code %d: %q", p.code, lines)
	}
}
