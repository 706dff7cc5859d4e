package transfer_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
	"github.com/parley-im/parley/internal/store/transfer"
)

// fails runs a move that must fail with one line that holds the words, and leaves
// folder as it was.
func fails(t *testing.T, dir, database string, words ...string) {
	t.Helper()
	_, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database})
	if err == nil {
		t.Errorf("no error; want %q", words)
		return
	}
	for _, w := range words {
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is told: %v", err)
		}
		if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", w, err)
		}
	}
}

func TestFolderThatCannotBeMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	missing := filepath.Join(t.TempDir(), "missing")
	fails(t, missing, database, "is no data folder of a server")
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("it was made: %v", err)
	}

	dir, answers := filled(t)
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fails(t, dir, database, "used by another process", "stop the server first")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	left := filepath.Join(dir, "unrecorded")
	if err := os.WriteFile(left, []byte("{\"ID\":1}\n{\"ID\":2}\n{\"cut off\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, dir, database, "holds 2 refusals that were told and are not recorded yet", "start the server on it once")
	if err := os.WriteFile(left, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, sqlite.MoveName), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, dir, database, "read "+dir)
	if err := serveFolder(dir); err == nil {
		t.Error("served though nobody knows whether it was moved")
	}
	if err := os.Remove(filepath.Join(dir, sqlite.MoveName)); err != nil {
		t.Fatal(err)
	}
	if err := serveFolder(dir); err != nil {
		t.Error(err)
	}
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	same(t, database, answers)
}

func TestDatabaseThatIsNotEmptyIsRefused(t *testing.T) {
	t.Parallel()
	dir, _ := filled(t)
	database := pgtest.Database(t)
	s := served(t, database)
	storetest.Fill(t, s)
	answers := storetest.Describe(t, s)
	fails(t, dir, database, "holds apps already")
	if storetest.Describe(t, s) != answers {
		t.Error("the database was changed")
	}
	database = pgtest.Database(t)
	if err := serveDatabase(t, database); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, database, "INSERT INTO parley.purges VALUES (1, 1, 1)")
	fails(t, dir, database, "there are rows in purges")
	if err := serveDatabase(t, database); err != nil {
		t.Error(err)
	}
	if err := serveFolder(dir); err != nil {
		t.Error(err)
	}
	fails(t, dir, "postgres://u:s3cret@127.0.0.1:1/d?sslmode=disable", "connection refused")
}

// A server that delivers has the database, and so has another move.
func TestDatabaseInUseIsRefused(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s := served(t, database)
	ctx, cancel := context.WithCancel(t.Context())
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.Alone(ctx, func(ctx context.Context) { close(began); <-ctx.Done() })
	}()
	<-began
	dir, answers := filled(t)
	fails(t, dir, database, "a server or another move is using it")
	cancel()
	<-ended
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	same(t, database, answers)
}

// until runs a move that is broken off at a report.
func until(t *testing.T, dir, database string, stop func(transfer.Report) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := transfer.Run(ctx, transfer.Options{From: dir, To: database, Batch: 5, Report: func(r transfer.Report) {
		if stop(r) {
			cancel()
		}
	}}); err == nil {
		t.Fatal("it was not broken off")
	}
}

func copyingMessages(r transfer.Report) bool {
	return r.Step == transfer.Copying && r.Table == "messages" && r.Done < r.Rows
}

// A folder may go on after a move has begun. What was carried over is then of no
// use, and the next move begins anew by itself.
func TestFolderThatWentOnIsMovedAnew(t *testing.T) {
	t.Parallel()
	dir, _ := filled(t)
	database := pgtest.Database(t)
	until(t, dir, database, copyingMessages)
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.GoOn(t, s)
	answers := storetest.Describe(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, serveDatabase(t, database), postgres.ErrUnfinished)
	until(t, dir, database, copyingMessages)
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	s2 := served(t, database)
	if got := storetest.Describe(t, s2); got != answers {
		t.Errorf("folder:\n%s\ndatabase:\n%s", answers, got)
	}
}

func TestUnfinishedMoveTakesNoOtherFolder(t *testing.T) {
	t.Parallel()
	dir, answers := filled(t)
	database := pgtest.Database(t)
	until(t, dir, database, copyingMessages)
	another, _ := filled(t)
	fails(t, another, database, "unfinished move of another data folder")
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	fails(t, another, database, "holds apps already")
	same(t, database, answers)
}

// Between the two steps of the end neither side is served, and the move goes on.
func TestBetweenFolderAndDatabaseNeitherIsServed(t *testing.T) {
	t.Parallel()
	dir, answers := filled(t)
	database := pgtest.Database(t)
	until(t, dir, database, func(r transfer.Report) bool { return r.Step == transfer.Finishing })
	refused(t, serveFolder(dir), sqlite.ErrMoved)
	refused(t, serveDatabase(t, database), postgres.ErrUnfinished)
	fails(t, dir, pgtest.Database(t), "was moved to postgres://")
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	refused(t, serveFolder(dir), sqlite.ErrMoved)
	same(t, database, answers)
}

func TestMoveWhoseSessionIsLostGoesOn(t *testing.T) {
	t.Parallel()
	dir, answers := filled(t)
	database := pgtest.Database(t)
	lost := false
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database, Batch: 5, Report: func(r transfer.Report) {
		if !lost && copyingMessages(r) {
			lost = true
			pgtest.Exec(t, database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley migrate' AND datname = current_database()")
		}
	}}); err == nil {
		t.Fatal("it went on without a session")
	}
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database}); err != nil {
		t.Fatal(err)
	}
	same(t, database, answers)
}
