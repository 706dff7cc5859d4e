package sqlite

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/dbfile"
)

// The tests in this file look inside, at what cannot be provoked from outside:
// a COMMIT that fails, a schema to come, the locator's bookkeeping.

func inside(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestFailedCommitLeavesStoreToBeReopened(t *testing.T) {
	t.Parallel()
	s := inside(t, t.TempDir())
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	records, err := tx.Records(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := records.PutApp(chat.App{ID: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.files.writer.close(); err != nil { // the connection is lost in mid-transaction
		t.Fatal(err)
	}
	if tx.Commit() == nil {
		t.Fatal("Commit without a connection succeeded")
	}
	tx.Rollback()
	if _, err := s.Begin(); err == nil {
		t.Fatal("Begin in doubt succeeded")
	}
	if _, err := s.Maintain(); err == nil {
		t.Fatal("Maintain in doubt succeeded")
	}
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Apps(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("apps = %v, %v", list, err)
	}
	tx, err = s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
}

func TestReopenThatFailsCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := inside(t, dir)
	path := filepath.Join(dir, FileName)
	if err := s.files.close(); err != nil {
		t.Fatal(err)
	}
	s.files = nil
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something that is no database, of some length at least"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s.Reopen() == nil {
			t.Fatal("Reopen of what is no database succeeded")
		}
		if _, err := s.Apps(t.Context()); err == nil {
			t.Fatal("a read of a store that is not open succeeded")
		}
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apps(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStatementErrorAllowsOnlyRollback(t *testing.T) {
	t.Parallel()
	s := inside(t, t.TempDir())
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if tx.Put(5, &chat.Rows{Next: 1}) == nil {
		t.Fatal("a missing app took rows")
	}
	if tx.Commit() == nil {
		t.Fatal("Commit after a failed statement succeeded")
	}
	tx.Rollback()
	if tx, err = s.Begin(); err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
}

func TestMigrationCopiesTheDatabaseFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := inside(t, dir)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	r, _ := tx.Records(7)
	if err := r.PutApp(chat.App{ID: 7}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if copies, _ := filepath.Glob(filepath.Join(dir, "*before*")); len(copies) != 0 {
		t.Fatalf("a fresh database was copied: %v", copies)
	}

	steps := fstest.MapFS{"00900_bad.sql": {Data: []byte("-- +goose Up\nDELETE FROM apps;\nNOT SQL;\n")}}
	known := known(t)
	for _, step := range known {
		steps[step.name] = step.file
	}
	if _, err := open(dir, Options{}, steps); err == nil {
		t.Fatal("a migration that fails was passed over")
	}
	steps["00900_bad.sql"].Data = []byte("-- +goose Up\nDELETE FROM apps;\n")
	next, err := open(dir, Options{}, steps)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if list, err := next.Apps(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("after the migration: %v, %v", list, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, FileName+".before-900"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var apps, version int
	if err := db.QueryRow("SELECT (SELECT count(*) FROM apps), (SELECT max(version_id) FROM goose_db_version)").Scan(&apps, &version); err != nil {
		t.Fatal(err)
	}
	if apps != 1 || version != len(known) {
		t.Fatalf("the copy has %d apps and version %d", apps, version)
	}
}

type knownStep struct {
	name string
	file *fstest.MapFile
}

// known are the schema's steps in order.
func known(t *testing.T) (list []knownStep) {
	t.Helper()
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, knownStep{name, &fstest.MapFile{Data: text}})
	}
	return list
}

func TestDatabaseOfTheFirstSchemaLearnsToErase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	first := known(t)[0]
	if err := dbfile.Migrate(t.Context(), path, fstest.MapFS{first.name: first.file}, nil); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(strings.ReplaceAll(`INSERT INTO apps VALUES (7, x'', x'5b5d', x'', x'7b7d'); INSERT INTO heads VALUES (7, 1, 0, 0, 1, 0, 0, 0);
		INSERT INTO groups VALUES (5, 7, x'67', x'5075626c6963', $, $, $, $, $, $, $, 0, 0, 0, 0, 0, 0);
		INSERT INTO messages VALUES (1, 5, 1, x'75', 0, 0, 0, 0, x'5b315d', $, x'00000000000000000000000000000000')`, "$", "x''")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := inside(t, dir)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	r, err := tx.Records(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.DeleteAccount("u"), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.Messages(t.Context(), 7, 5, 9, 9); err != nil || len(list) != 1 || string(list[0].Body) != chat.EmptyBody {
		t.Errorf("messages: %+v, %v", list, err)
	}
}

// TestLocatorNeverMissesWithinItsBudget adds and takes back keys at random in
// several chains: what was given a slot is found, the rest was refused for want
// of memory, and the memory is never more than the budget.
func TestLocatorNeverMissesWithinItsBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRepeats(rapid.IntRange(0, 96<<10).Draw(t, "budget"))
		budget := r.locator.left
		var chains [3]chain
		type entry struct {
			hash uint64
			row  uint32
		}
		var stored [3][]entry
		n := 0
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			i := rapid.IntRange(0, 2).Draw(t, "chain")
			if rapid.IntRange(0, 9).Draw(t, "drop if 0") == 0 {
				r.locator.drop(&chains[i])
				stored[i] = nil
				continue
			}
			keep := rapid.IntRange(0, 3).Draw(t, "taken back if 0") > 0
			var slots []*uint32
			var added []entry
			for range rapid.SampledFrom([]int{1, 256, 3000}).Draw(t, "keys") {
				n++
				k := chat.RepeatKey{byte(n), byte(n >> 8), byte(n >> 16), byte(i)}
				h := r.locator.hash(&k)
				slot := r.locator.reserve(&chains[i], h)
				if slot == nil {
					continue
				}
				slots = append(slots, slot)
				added = append(added, entry{h, uint32(n) & maxRow})
			}
			for j, slot := range slots {
				if keep {
					*slot |= added[j].row
				} else {
					*slot = 0
				}
			}
			if keep {
				stored[i] = append(stored[i], added...)
			}
			used := 0
			for _, c := range chains {
				for _, s := range c {
					used += len(s) * slotSize
				}
			}
			if used > budget || used+r.locator.left != budget {
				t.Fatalf("%d bytes used and %d left of %d", used, r.locator.left, budget)
			}
		}
		for i := range chains {
			for _, e := range stored[i] {
				found := false
				for _, row := range chains[i].rows(e.hash, nil) {
					found = found || row == e.row
				}
				if !found {
					t.Fatalf("row %d is missing", e.row)
				}
			}
		}
	})
}

// TestLocatorUsesItsMemoryWell fills six minutes until the memory is used up.
func TestLocatorUsesItsMemoryWell(t *testing.T) {
	t.Parallel()
	const budget = 4 << 20
	r := newRepeats(budget)
	var chains [6]chain
	held, wrong, looked := 0, 0, 0
	for n := range 200_000 {
		for i := range chains {
			k := chat.RepeatKey{byte(n), byte(n >> 8), byte(n >> 16), byte(i)}
			h := r.locator.hash(&k)
			wrong += len(chains[i].rows(h, nil))
			looked++
			if slot := r.locator.reserve(&chains[i], h); slot != nil {
				*slot |= uint32(n/256 + 1)
				held++
			}
		}
	}
	if held < budget/slotSize/2 {
		t.Errorf("%d repeats fit into %d slots", held, budget/slotSize)
	}
	if wrong*50 > looked {
		t.Errorf("%d wrong rows in %d lookups", wrong, looked)
	}
}
