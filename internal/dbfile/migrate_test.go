package dbfile_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/parley-im/parley/internal/dbfile"
)

// oldScheme reads what a program without a table of versions left.
func oldScheme(ctx context.Context, tx *sql.Tx) (version int64, err error) {
	err = tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

func step(sql string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql + ";\n")}
}

var (
	first  = fstest.MapFS{"00001_a.sql": step("CREATE TABLE a (x)")}
	second = fstest.MapFS{"00001_a.sql": first["00001_a.sql"], "00002_b.sql": step("CREATE TABLE b (y)")}
	bad    = fstest.MapFS{"00001_a.sql": first["00001_a.sql"], "00002_b.sql": step("CREATE TABLE b (y); INSERT INTO nowhere VALUES (1)")}
)

// file makes a database by statements and returns its path.
func file(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	do(t, path, statements...)
	return path
}

func do(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dbfile.DSN(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, path, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", dbfile.DSN(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const (
	version = "SELECT max(version_id) FROM goose_db_version"
	rows    = "SELECT count(*) FROM a"
)

func TestDatabaseOfTheOldSchemeIsAdoptedAsItIs(t *testing.T) {
	t.Parallel()
	path := file(t, "CREATE TABLE a (x)", "INSERT INTO a VALUES (1)", "PRAGMA user_version = 1")
	for range 2 {
		if err := dbfile.Migrate(t.Context(), path, first, oldScheme); err != nil {
			t.Fatal(err)
		}
		if v, n := number(t, path, version), number(t, path, rows); v != 1 || n != 1 {
			t.Errorf("version %d, %d rows", v, n)
		}
	}
	if n := number(t, path, "SELECT count(*) FROM goose_db_version"); n != 2 {
		t.Errorf("%d versions are noted, want 0 and 1", n)
	}
	if _, err := os.Stat(path + ".before-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy was made though no table was changed: %v", err)
	}
}

// A step that fails, or a process that ends, between adoption and the next step
// leaves a database that a later start takes up where it is.
func TestMigrationAfterAdoptionIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	path := file(t, "CREATE TABLE a (x)", "INSERT INTO a VALUES (1)", "PRAGMA user_version = 1")
	if err := dbfile.Migrate(t.Context(), path, bad, oldScheme); err == nil {
		t.Fatal("a bad step was made")
	}
	if v, n := number(t, path, version), number(t, path, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"); v != 1 || n != 0 {
		t.Errorf("version %d, %d tables of the bad step", v, n)
	}
	if err := dbfile.Migrate(t.Context(), path, second, oldScheme); err != nil {
		t.Fatal(err)
	}
	copied := path + ".before-2"
	if v, was := number(t, path, version), number(t, copied, version); v != 2 || was != 1 {
		t.Errorf("version %d, that of the copy %d", v, was)
	}
	if n := number(t, copied, rows); n != 1 {
		t.Errorf("the copy has %d rows", n)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is for others too: %v, %v", info, err)
	}
}

func TestNewDatabaseIsMadeWithoutACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%20e.db")
	if err := dbfile.Migrate(t.Context(), path, second, oldScheme); err != nil {
		t.Fatal(err)
	}
	if v := number(t, path, version); v != 2 {
		t.Errorf("version %d", v)
	}
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*before*")); len(found) > 0 {
		t.Errorf("there is %v", found)
	}
}

func TestNewerDatabaseOfEitherSchemeIsLeftAlone(t *testing.T) {
	t.Parallel()
	byGoose := file(t)
	if err := dbfile.Migrate(t.Context(), byGoose, second, nil); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"old scheme": file(t, "CREATE TABLE a (x)", "PRAGMA journal_mode = wal", "PRAGMA user_version = 99"),
		"goose":      byGoose,
	} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := dbfile.Migrate(t.Context(), path, first, oldScheme); !errors.Is(err, dbfile.ErrNewer) {
			t.Errorf("%s: %v", name, err)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}
