package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Copy loads a dump of one database into another, which is empty. Where the
// programs of PostgreSQL are missing the test is skipped.
func Copy(t testing.TB, from, to string) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Skipf("needs pg_dump: %v", err)
	}
	file := filepath.Join(t.TempDir(), "dump")
	for _, args := range [][]string{
		{"pg_dump", "--format=custom", "--file=" + file, from},
		{"pg_restore", "--exit-on-error", "--dbname=" + to, file},
	} {
		if text, err := exec.Command(filepath.Join(bin, args[0]), args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args[0], err, text)
		}
	}
}

// Standby makes a standby of the server, which streams from it.
func (s *Server) Standby() (*Server, error) {
	root, err := newRoot()
	if err != nil {
		return nil, err
	}
	b := &Server{bin: s.bin, root: root}
	err = b.run("pg_basebackup", "--pgdata="+b.data(), "--dbname="+s.URL("postgres"), "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	if err == nil {
		b.port, err = freePort()
	}
	if err == nil {
		err = b.configure(fmt.Sprintf("port = %d", b.port))
	}
	if err == nil {
		err = b.Up()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	return b, nil
}

// Promote makes a server of a standby. It returns when the server takes writes.
func (s *Server) Promote() error {
	return s.run("pg_ctl", "promote", "-D", s.data(), "-w", "-t", "60", "-s")
}

// URLOfEither names a database of whichever of the servers takes writes.
func URLOfEither(database string, servers ...*Server) string {
	var hosts []string
	for _, s := range servers {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", s.port))
	}
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&target_session_attrs=read-write", strings.Join(hosts, ","), database)
}
