package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/store/sqlite"
)

func TestFolderThatWasMovedIsNotServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := sqlite.Move{ID: "a", To: "postgres://db:5432/parley", State: sqlite.Moving, At: time.Now().UTC().Truncate(time.Second)}
	state := func(want sqlite.MoveState) {
		t.Helper()
		got, err := sqlite.ReadMove(dir)
		if m.State = want; err != nil || got != m {
			t.Errorf("%+v, %v, want %+v", got, err, m)
		}
	}
	if got, err := sqlite.ReadMove(dir); err != nil || got != (sqlite.Move{}) {
		t.Errorf("%+v, %v", got, err)
	}
	serve := func(move bool) error {
		s, err := sqlite.Open(dir, sqlite.Options{Move: move})
		if err != nil {
			return err
		}
		return s.Close()
	}
	write := func() {
		t.Helper()
		if err := sqlite.WriteMove(dir, m); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if err := serve(true); err != nil {
		t.Fatal(err)
	}
	state(sqlite.Moving)
	for range 2 { // it may be served, and then the move is void
		if err := serve(false); err != nil {
			t.Fatal(err)
		}
		state(sqlite.Void)
	}
	m.State = sqlite.Moved
	write()
	if err := serve(false); !errors.Is(err, sqlite.ErrMoved) || !strings.Contains(err.Error(), m.To) || !strings.Contains(err.Error(), filepath.Join(dir, sqlite.MoveName)) {
		t.Errorf("%v", err)
	}
	if err := serve(true); err != nil { // its lock was given up
		t.Fatal(err)
	}
	state(sqlite.Moved)
	if err := os.Remove(filepath.Join(dir, sqlite.MoveName)); err != nil {
		t.Fatal(err)
	}
	if err := serve(false); err != nil {
		t.Error(err)
	}
}
