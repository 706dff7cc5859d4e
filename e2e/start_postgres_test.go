package e2e

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/pgtest"
)

// closedPort is an address of loopback where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// failsToStart checks that a server with this database ends with code 1 and one
// line, which says what it says and not the password "s3cret".
func failsToStart(t *testing.T, database, says string) {
	t.Helper()
	p := parley(t, nil, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--database", database)
	if lines := p.stderr.lines(); p.code != 1 || len(lines) != 1 || !strings.Contains(lines[0], says) {
		t.Errorf("code %d, want 1; %q is not one line with %q", p.code, &p.stderr, says)
	}
	if text := p.stdout.String(); text != "" {
		t.Errorf("printed %q", text)
	}
	if strings.Contains(p.stderr.String(), "s3cret") {
		t.Errorf("a password was printed: %q", &p.stderr)
	}
}

// withParameter adds a parameter to a database's URL.
func withParameter(t *testing.T, database, name, value string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestStartFailsWithCodeOneWhereTheDatabaseIsOutOfReach(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	_, port, _ := net.SplitHostPort(address)
	failsToStart(t, "postgres://u:s3cret@"+address+"/d", "connection refused")
	failsToStart(t, "postgres://u:s3cret@127.0.0.1,localhost/d?port="+port, "connection refused")
}

func TestStartFailsWithCodeOneWhereTheDatabaseWillNotDo(t *testing.T) {
	t.Parallel()
	empty := pgtest.Database(t)
	failsToStart(t, withParameter(t, empty, "database", "nowhere_"), "nowhere_")
	failsToStart(t, withParameter(t, empty, "default_transaction_read_only", "on"), "read-only")
	// A role that every server has, and that may make nothing.
	failsToStart(t, withParameter(t, empty, "role", "pg_monitor"), "permission denied for database")

	used := pgtest.Database(t)
	serve(t, nil, oneApp(database(used), nil)...).stop(t)
	failsToStart(t, withParameter(t, used, "default_transaction_read_only", "on"), "read-only")
	failsToStart(t, withParameter(t, used, "role", "pg_monitor"), "permission denied for schema")
	pgtest.Exec(t, used, "INSERT INTO parley.goose_db_version (version_id, is_applied) VALUES (99999, true)")
	failsToStart(t, used, "newer than this program")
}

func TestSchemaThatIsThereNeedsNoRightToMakeOne(t *testing.T) {
	t.Parallel()
	where := pgtest.Database(t)
	pgtest.Exec(t, where, "CREATE SCHEMA parley AUTHORIZATION pg_monitor")
	flags := oneApp(database(withParameter(t, where, "role", "pg_monitor")), nil)
	serve(t, nil, flags...).stop(t)
	serve(t, nil, flags...).stop(t)
}
