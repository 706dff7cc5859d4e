package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/monitor"
	"github.com/parley-im/parley/internal/pgtest"
)

// monitorFails runs the command, which must end by itself, and returns what it
// said.
func monitorFails(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"monitor", "--listen", "127.0.0.1:0", "--app", "7", "--log-level", "error"}, args...)
	if got := run(args, &out, &errs); got != code {
		t.Errorf("%v: exit %d, want %d: %s", args, got, code, errs.String())
	}
	if strings.Contains(errs.String(), "s3cret") {
		t.Errorf("the password is told: %s", errs.String())
	}
	return strings.TrimSuffix(errs.String(), "\n")
}

func TestMonitorSaysInOneLineWhyTheDatabaseWillNotDo(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	one := func(text, want string) {
		t.Helper()
		if strings.Contains(text, "\n") || !strings.Contains(text, want) {
			t.Errorf("want one line with %q, got %s", want, text)
		}
	}
	one(monitorFails(t, exitFailed, "--database", "postgres://u:s3cret@"+address+"/d"), "connection refused")
	_, port, _ := net.SplitHostPort(address)
	one(monitorFails(t, exitFailed, "--database", "postgres://u:s3cret@127.0.0.1,localhost/d?port="+port), "connection refused")

	url := pgtest.Database(t)
	one(monitorFails(t, exitFailed, "--database", url+"&default_transaction_read_only=on"), "read-only")
	// A taken port lets it make the tables, and no more.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	one(monitorFails(t, exitFailed, "--database", url, "--listen", taken.Addr().String()), "address already in use")
	one(monitorFails(t, exitFailed, "--database", url+"&default_transaction_read_only=on"), "read-only")
	pgtest.Exec(t, url, "INSERT INTO "+monitor.Schema+".goose_db_version (version_id, is_applied) VALUES (99, true)")
	one(monitorFails(t, exitFailed, "--database", url), "newer than this program")
	pgtest.Exec(t, url, "DELETE FROM "+monitor.Schema+".goose_db_version WHERE version_id = 99")
	pgtest.Exec(t, url, "DROP TABLE "+monitor.Schema+".head")
	one(monitorFails(t, exitFailed, "--database", url), "head")
}

func TestMonitorTakesTheDatabaseOfTheFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(name, []byte("database: mysql://u:s3cret@h/d\ndata: d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := monitorFails(t, exitUsage, "--config", name, "--tls-cert", "missing.pem")
	for _, want := range []string{"--database: ", "--data: give it or --database, not both", "--tls-cert: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}
