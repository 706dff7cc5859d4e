// Package pgtest gives tests a real PostgreSQL.
//
// [Database] makes an empty database for one test on the server named by the
// environment variable PARLEY_TEST_POSTGRES, and skips the test when there is
// none. [Start] runs a server of the test's own, for those that kill it.
// The command internal/pgtest/with runs another command with such a server in
// its environment; `make test` uses it.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that holds the URL of a server where tests may make
// databases, as a user who may.
const Env = "PARLEY_TEST_POSTGRES"

// ErrNotInstalled: there are no server programs of PostgreSQL on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed")

// Server is a PostgreSQL in a folder of its own, on a free port of loopback.
type Server struct {
	bin  string
	root string // holds the data folder, the socket and the log
	port int
	conf []string
}

// programs finds the newest installed server programs.
func programs() (string, error) {
	if dir := os.Getenv("PARLEY_TEST_POSTGRES_BIN"); dir != "" {
		return dir, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl") // the pattern is well formed
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrNotInstalled
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// New makes a database cluster in a new folder below the system's temporary
// one and starts a server on it. conf are lines of postgresql.conf. It fails
// with [ErrNotInstalled] where there is no PostgreSQL.
func New(conf ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	root, err := newRoot()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, root: root, conf: conf}
	if err := s.make(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	return s, nil
}

// newRoot makes a folder for a server. It is not below a test's folder, which is
// for its owner alone: the server runs as another user when the tests are root's.
func newRoot() (string, error) {
	root, err := os.MkdirTemp("", "parley-pg-")
	if err != nil {
		return "", err
	}
	if owner, ok := asOther(); ok {
		if err := os.Chown(root, owner.uid, owner.gid); err != nil {
			return "", errors.Join(err, os.RemoveAll(root))
		}
	}
	return root, nil
}

// freePort is a port of loopback that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *Server) make() (err error) {
	if err := s.run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	if err := s.configure(append([]string{
		"listen_addresses = '127.0.0.1'", fmt.Sprintf("port = %d", s.port), "unix_socket_directories = ''",
		"max_connections = 300", "shared_buffers = 128MB",
	}, s.conf...)...); err != nil {
		return err
	}
	return s.Up()
}

// configure adds lines to postgresql.conf, of which the last counts.
func (s *Server) configure(lines ...string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}

func (s *Server) data() string { return filepath.Join(s.root, "data") }

// Log is the file that the server writes its log to.
func (s *Server) Log() string { return filepath.Join(s.root, "log") }

// URL names a database of the server.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Up starts the server and returns when it takes connections.
func (s *Server) Up() error {
	return s.run("pg_ctl", "start", "-D", s.data(), "-l", s.Log(), "-w", "-t", "60", "-s")
}

// Immediate ends the server as a crash would: no checkpoint, every process of it
// killed by its postmaster.
func (s *Server) Immediate() error {
	return s.run("pg_ctl", "stop", "-D", s.data(), "-m", "immediate", "-w", "-s")
}

// Kill ends the server with SIGKILL to its postmaster, whose processes end
// themselves then, and waits until none of them is left: before, a new server
// refuses to start.
func (s *Server) Kill() error {
	pid, err := s.postmaster()
	if err != nil {
		return err
	}
	all := append(children(pid), pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(all) > 0 {
		all = slices.DeleteFunc(all, func(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
		if time.Now().After(deadline) {
			return fmt.Errorf("processes of the killed server live on: %v", all)
		}
		time.Sleep(time.Millisecond) // nothing tells of the end of another's process
	}
	return nil
}

func (s *Server) postmaster() (pid int, err error) {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return strconv.Atoi(string(line))
}

// Freeze has every process of the server stand still: what is connected stays so,
// and nothing is answered. Thaw has them go on.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

// signal sends a signal to the postmaster, which starts nothing more then, and to
// its processes.
func (s *Server) signal(sig syscall.Signal) error {
	pid, err := s.postmaster()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, sig); err != nil {
		return err
	}
	for _, child := range children(pid) {
		if err := syscall.Kill(child, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// children are the processes that pid has started, where /proc tells of them.
func children(pid int) (list []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT …, where NAME may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			list = append(list, child)
		}
	}
	return list
}

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	err := s.Immediate()
	if err != nil && !s.running() { // ended before
		err = nil
	}
	return errors.Join(err, os.RemoveAll(s.root))
}

func (s *Server) running() bool {
	return s.run("pg_ctl", "status", "-D", s.data()) == nil
}

// run calls a program of PostgreSQL, which refuses to work for root.
func (s *Server) run(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.root
	if _, ok := asOther(); ok {
		cmd.Args = append([]string{"runuser", "-u", "postgres", "--", cmd.Path}, args...)
		path, err := exec.LookPath("runuser")
		if err != nil {
			return err
		}
		cmd.Path = path
	}
	// A file, not a pipe: the server started by pg_ctl would keep a pipe open.
	out, err := os.CreateTemp("", "parley-pg-out-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name()) // the error stands without it
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(text))
	}
	return nil
}

type owner struct{ uid, gid int }

// asOther says whether, and as whom, the programs are to be run.
func asOther() (owner, bool) {
	if os.Geteuid() != 0 {
		return owner{}, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return owner{}, false
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return owner{uid, gid}, true
}

// exec runs one statement on a server.
func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
