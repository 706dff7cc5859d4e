package postgres_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/storetest"
)

// update makes the fixture of the version it names; see testdata/README.md.
var update = flag.String("update", "", "write the fixture of this `version` instead of comparing")

const fixture = "parley.sql"

// A database of every version that was released is read and written on.
func TestDatabaseOfAnEarlierVersionIsReadAndWrittenOn(t *testing.T) {
	t.Parallel()
	if *update != "" {
		writeFixture(t, filepath.Join("testdata", *update))
	}
	versions, err := filepath.Glob("testdata/v*")
	if err != nil || len(versions) == 0 {
		t.Fatal(versions, err)
	}
	for _, kept := range versions {
		t.Run(filepath.Base(kept), func(t *testing.T) {
			t.Parallel()
			database := pgtest.Database(t)
			text, err := os.ReadFile(filepath.Join(kept, fixture))
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, database, string(text))
			// It is moved, not a copy of something that goes on elsewhere.
			pgtest.Exec(t, database, "TRUNCATE parley.origin")
			want, err := os.ReadFile(filepath.Join(kept, "answers.txt"))
			if err != nil {
				t.Fatal(err)
			}
			store := open(t, database)
			if diff := cmp.Diff(string(want), storetest.Describe(t, store)); diff != "" {
				t.Error(diff)
			}
			storetest.GoOn(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			open(t, database)
		})
	}
}

func writeFixture(t *testing.T, kept string) {
	t.Helper()
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	database := pgtest.Database(t)
	store := open(t, database)
	storetest.Fill(t, store)
	answers := storetest.Describe(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pg_dump", "--inserts", "--no-owner", "--no-privileges", "--schema", postgres.Schema, database).Output()
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^\\.*\n`).ReplaceAll(text, nil) // only psql understands these
	for name, text := range map[string][]byte{fixture: text, "answers.txt": []byte(answers)} {
		if err := os.WriteFile(filepath.Join(kept, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
