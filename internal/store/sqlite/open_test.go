package sqlite_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

const app = chat.AppID(1400000001)

// makeApp gives the store an app with one group.
func makeApp(t testing.TB, s *sqlite.Store) (g chat.GroupKey) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	r, err := tx.Records(app)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.PutApp(chat.App{ID: app, Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if g, err = r.CreateGroup(chat.Group{ID: "g", Type: chat.Public}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return g
}

// send commits n messages of the given size, each with its repeat.
func send(t testing.TB, s *sqlite.Store, g chat.GroupKey, n, size int, now int64) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	head, err := tx.Lock(app, []chat.GroupKey{g}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	gh := head.Groups[g]
	rows := chat.Rows{Next: head.Next, Totals: head.Totals, Now: now}
	for range n {
		rows.Messages = append(rows.Messages, chat.Message{Group: g, Seq: gh.Next, Body: make([]byte, size)})
		rows.Repeats = append(rows.Repeats, chat.Repeat{Key: numbered(int(gh.Next)), Seq: gh.Next, Time: now})
		gh.Next++
	}
	rows.Groups = []chat.GroupHead{gh}
	if err := tx.Put(app, &rows); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func numbered(n int) (k chat.RepeatKey) {
	copy(k[:], fmt.Sprintf("%016d", n))
	return k
}

// pragma reads a value through a connection of its own.
func pragma(t *testing.T, dir, name string) (v string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("PRAGMA " + name).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFileIsLaidOutForDurabilityAndVacuum(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	if level, err := s.Synchronous(t.Context()); level != 2 || err != nil {
		t.Errorf("synchronous = %d, %v, want 2 (FULL)", level, err)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "auto_vacuum": "2", "page_size": "4096", "integrity_check": "ok"} {
		if got := pragma(t, dir, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	if level, err := s.Synchronous(t.Context()); level != 2 || err != nil {
		t.Errorf("synchronous after reopening = %d, %v, want 2 (FULL)", level, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Synchronous(t.Context()); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestFolderWithAwkwardNameIsOpened(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c=d#e%20f", "new")
	makeApp(t, open(t, dir, sqlite.Options{}))
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); err != nil {
		t.Fatal(err)
	}
}

func TestFolderInUseIsRefusedUntilClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	if _, err := sqlite.Open(dir, sqlite.Options{}); !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("second Open: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, sqlite.Options{})
}

func TestFolderThatCannotBeWrittenIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(filepath.Join(file, "data"), sqlite.Options{}); err == nil {
		t.Error("a folder below a file was opened")
	}
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		return // permissions do not bind the superuser
	}
	if _, err := sqlite.Open(locked, sqlite.Options{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a folder without write permission: %v", err)
	}
}

func TestFileThatIsNoDatabaseIsRefusedAndGivesUpTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.FileName)
	if err := os.WriteFile(path, []byte("certainly not a database, but long enough to look like one of some kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(dir, sqlite.Options{}); err == nil {
		t.Fatal("opened")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, dir, sqlite.Options{})
}

func TestNewerDatabaseIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir, sqlite.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	makeNewer(t, dir)
	before, err := os.ReadFile(filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(dir, sqlite.Options{}); !errors.Is(err, sqlite.ErrNewer) {
		t.Fatalf("Open: %v, want ErrNewer", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file was changed")
	}
}

// makeNewer lets the database say that a newer program wrote it.
func makeNewer(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (900, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// killed is set in the environment of the process that the next test kills.
const killed = "PARLEY_TEST_STORE_TO_KILL"

func TestKilledProcessLeavesNoLockAndLosesNothing(t *testing.T) {
	if dir := os.Getenv(killed); dir != "" {
		s, err := sqlite.Open(dir, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g := makeApp(t, s)
		send(t, s, g, 100, 50, 60)
		fmt.Println("stored")
		select {} // until killed
	}
	t.Parallel()
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), killed+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "stored\n" {
		t.Errorf("the other process said %q, %v", line, err)
	}
	if _, err := sqlite.Open(dir, sqlite.Options{}); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("while it runs: %v, want ErrInUse", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	s := open(t, dir, sqlite.Options{})
	g, ok, err := s.Group(t.Context(), app, "g")
	if !ok || err != nil || g.NextMsgSeq != 101 {
		t.Fatalf("group: %+v, %v, %v", g, ok, err)
	}
	for n := 1; n <= 100; n++ {
		if _, ok, err := s.Repeat(t.Context(), app, numbered(n), 60); !ok || err != nil {
			t.Fatalf("repeat %d: %v, %v", n, ok, err)
		}
	}
	if got := pragma(t, dir, "integrity_check"); got != "ok" {
		t.Fatal(got)
	}
}

// count reads a number through a connection of its own.
func count(t *testing.T, dir, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabaseIsItsOwnersAloneInAFolderThatIsOpenToAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, sqlite.FileName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{sqlite.FileName, sqlite.FileName + "-wal", sqlite.FileName + "-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %o", name, mode)
		}
	}
}
