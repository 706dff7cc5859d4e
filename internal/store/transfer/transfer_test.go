package transfer_test

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
	"github.com/parley-im/parley/internal/store/transfer"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// filled makes a data folder with every table in it, and what a store answers
// about it.
func filled(t *testing.T) (dir, answers string) {
	t.Helper()
	dir = t.TempDir()
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	answers = storetest.Describe(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, answers
}

// served opens a database as a server does, and closes it at the test's end.
func served(t *testing.T, database string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// same checks that the database holds what the folder held, and takes more.
func same(t *testing.T, database, answers string) {
	t.Helper()
	s := served(t, database)
	if diff := cmp.Diff(answers, storetest.Describe(t, s)); diff != "" {
		t.Errorf("folder and database differ:\n%s", diff)
	}
	storetest.GoOn(t, s)
}

// refused checks that a side may not be served.
func refused(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with %v", err, want)
	}
}

func serveFolder(dir string) error {
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

func serveDatabase(t *testing.T, database string) error {
	s, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

func TestEverythingIsTheSameAfterAMove(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	dir, answers := filled(t)
	result, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database})
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]int64)
	for _, table := range result.Tables {
		rows[table.Name] = table.Rows
	}
	if rows["apps"] != 2 || rows["messages"] != 22 || rows["applications"] != 35 || rows["repeats"] != 26 || rows["pending"] != 2 || rows["failures"] != 1 || rows["members"] != 35 || !result.Before.IsZero() {
		t.Errorf("%+v", result)
	}
	refused(t, serveFolder(dir), sqlite.ErrMoved)
	same(t, database, answers)
	// The folder had given out 6 keys, the last one to a group that is gone.
	if g, ok, err := served(t, database).Group(t.Context(), 1400000001, "a new one"); err != nil || !ok || g.Key != 7 {
		t.Errorf("the next group has key %d, %v, %v; want 7", g.Key, ok, err)
	}

	// Again it does nothing, though the database has gone on.
	again, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: database})
	if err != nil || again.Before.IsZero() || len(again.Tables) > 0 {
		t.Errorf("%+v, %v", again, err)
	}
	// Nor does it go elsewhere.
	if _, err := transfer.Run(t.Context(), transfer.Options{From: dir, To: pgtest.Database(t)}); err == nil || !strings.Contains(err.Error(), "was moved to postgres://") {
		t.Error(err)
	}
}

// interrupt is a move that is broken off at its first report that is not among
// those seen; it tells whether it was.
func interrupt(t *testing.T, o transfer.Options, seen map[transfer.Report]bool) (broken bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Report = func(r transfer.Report) {
		if !seen[r] {
			seen[r], broken = true, true
			cancel()
		}
	}
	_, err := transfer.Run(ctx, o)
	if broken != errors.Is(err, context.Canceled) || !broken && err != nil {
		t.Fatalf("broken off: %v; it ended with %v", broken, err)
	}
	return broken
}

// Behind every batch, and before every step of the end.
func TestMoveThatIsBrokenOffAtEveryPointGoesOn(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	dir, answers := filled(t)
	o := transfer.Options{From: dir, To: database, Batch: 10}
	seen := make(map[transfer.Report]bool)
	for interrupt(t, o, seen) {
		refused(t, serveDatabase(t, database), postgres.ErrUnfinished)
	}
	if len(seen) < 35 {
		t.Errorf("it was broken off %d times only", len(seen))
	}
	refused(t, serveFolder(dir), sqlite.ErrMoved)
	same(t, database, answers)
}
