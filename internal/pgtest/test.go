package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"
)

// Database makes an empty database for the test, which is dropped at its end,
// and returns its URL. Without a server in the environment the test is skipped.
func Database(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Env)
	if server == "" {
		t.Skip("needs PostgreSQL: " + Env + " names no server (make test starts one)")
	}
	name := fmt.Sprintf("test_%016x", rand.Uint64())
	if err := execute(t.Context(), server, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Start runs a server for the test alone, with conf as lines of
// postgresql.conf. Where the suite has no PostgreSQL the test is skipped.
func Start(t testing.TB, conf ...string) *Server {
	t.Helper()
	if os.Getenv(Env) == "" {
		t.Skip("needs PostgreSQL: " + Env + " is not set (make test sets it)")
	}
	s, err := New(conf...)
	if errors.Is(err, ErrNotInstalled) {
		t.Skip("needs a PostgreSQL of its own, and none is installed here")
	}
	if err != nil {
		t.Fatal(err)
	}
	endWith(t, s)
	return s
}

// StartStandby runs a standby of a server for the test alone.
func StartStandby(t testing.TB, of *Server) *Server {
	t.Helper()
	s, err := of.Standby()
	if err != nil {
		t.Fatal(err)
	}
	endWith(t, s)
	return s
}

// endWith ends the server at the end of the test.
func endWith(t testing.TB, s *Server) {
	t.Cleanup(func() {
		if t.Failed() {
			if text, err := os.ReadFile(s.Log()); err == nil {
				t.Logf("log of PostgreSQL:\n%s", tail(text, 8000))
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("end PostgreSQL: %v", err)
		}
	})
}

func tail(text []byte, most int) []byte { return text[max(0, len(text)-most):] }

// Exec runs one statement on a database.
func Exec(t testing.TB, url, statement string) {
	t.Helper()
	if err := execute(context.WithoutCancel(t.Context()), url, statement); err != nil { // also from a cleanup
		t.Fatalf("%s: %v", statement, err)
	}
}
