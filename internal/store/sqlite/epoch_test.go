package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

func TestNewEpochMovesSequencesAndNothingElse(t *testing.T) {
	t.Parallel()
	const fresh = app + 1
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	g := makeApp(t, s)
	write(t, s, g, 5, 100, true)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, id := range []chat.AppID{app, fresh} {
		r, err := tx.Records(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.PutApp(chat.App{ID: id, Key: "k", Epoch: "old"}); err != nil {
			t.Fatal(err)
		}
		if err := r.PutEndpoint(chat.Endpoint{App: id, ID: "e", URL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
	}
	head, err := tx.Lock(app, nil, nil, 60)
	if err != nil {
		t.Fatal(err)
	}
	row := chat.Pending{Seq: 2, Previous: 1, Attempt: 3, NextAt: 1000, Status: 500, Reason: "status 500"}
	if err := tx.Put(app, &chat.Rows{Next: head.Next, Totals: head.Totals, Progress: []chat.Progress{{Endpoint: "e", Cursor: 4, CursorPrevious: 3, Put: []chat.Pending{row}}}}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	before := state(t, s, app, fresh)

	if err := s.BeginEpoch(); err != nil {
		t.Fatal(err)
	}
	after := state(t, s, app, fresh)
	want := before                                                                         // but for what a new epoch changes
	for id, next := range map[chat.AppID]chat.Sequence{app: 1_000_005, fresh: 1_000_000} { // heads are 5 and 0
		a, w := after[id], want[id]
		if a.Apps.Epoch == "old" || len(a.Apps.Epoch) != 16 {
			t.Errorf("app %d has the epoch %q", id, a.Apps.Epoch)
		}
		w.Apps.Epoch = a.Apps.Epoch
		w.Head.Epoch = a.Apps.Epoch
		w.Head.Next, w.Head.Version = next, w.Head.Version+1
		w.Endpoint.CursorPrevious = 0
		for i := range w.Pending {
			w.Pending[i].Previous = 0
		}
		want[id] = w
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if after[app].Apps.Epoch == after[fresh].Apps.Epoch {
		t.Error("two apps have one epoch")
	}
	info, err := os.Stat(filepath.Join(dir, sqlite.FileName+"-wal"))
	if err != nil || info.Size() != 0 {
		t.Errorf("the log: %v, %v", info, err)
	}
	write(t, s, g, 1, 100, true) // the heads in memory were forgotten
	if e, ok, err := s.Event(t.Context(), app, 1_000_005); !ok || err != nil {
		t.Errorf("the first event of the epoch: %+v, %v, %v", e, ok, err)
	}
}

// appState is what an epoch could touch.
type appState struct {
	Apps     chat.App
	Head     chat.Head
	Endpoint chat.Endpoint
	Pending  []chat.Pending
	Events   []chat.Event
}

func state(t *testing.T, s *sqlite.Store, ids ...chat.AppID) map[chat.AppID]appState {
	t.Helper()
	all := make(map[chat.AppID]appState)
	list, err := s.Apps(t.Context())
	if err != nil || len(list) != len(ids) {
		t.Fatalf("%v, %v", list, err)
	}
	for i, id := range ids {
		a := appState{Apps: list[i]}
		if a.Head, err = s.Head(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		ends, err := s.Endpoints(t.Context(), id)
		if err != nil || len(ends) != 1 {
			t.Fatalf("%v, %v", ends, err)
		}
		a.Endpoint = ends[0]
		if a.Pending, err = s.Pending(t.Context(), id, "e", false, 0, 10); err != nil {
			t.Fatal(err)
		}
		if a.Events, err = s.Events(t.Context(), id, 0, 100, 1<<20); err != nil {
			t.Fatal(err)
		}
		all[id] = a
	}
	return all
}

func TestDamagedDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	g := makeApp(t, s)
	write(t, s, g, 500, 2000, true)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, sqlite.FileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("rubbish!", 512)), info.Size()/2/4096*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, sqlite.Options{}).Check(t.Context()); err == nil {
		t.Error("nothing was found")
	}
}
