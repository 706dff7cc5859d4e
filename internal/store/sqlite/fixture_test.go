package sqlite_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
)

// update makes the fixture of the version it names; see testdata/README.md.
var update = flag.String("update", "", "write the fixture of this `version` instead of comparing")

// A data folder of every version that was released is read and written on.
func TestFolderOfAnEarlierVersionIsReadAndWrittenOn(t *testing.T) {
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
			dir := t.TempDir()
			database, err := os.ReadFile(filepath.Join(kept, sqlite.FileName))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, sqlite.FileName), database, 0o600); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(kept, "answers.txt"))
			if err != nil {
				t.Fatal(err)
			}
			store := open(t, dir, sqlite.Options{})
			if diff := cmp.Diff(string(want), storetest.Describe(t, store)); diff != "" {
				t.Error(diff)
			}
			storetest.GoOn(t, store)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			open(t, dir, sqlite.Options{})
		})
	}
}

func writeFixture(t *testing.T, kept string) {
	t.Helper()
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	storetest.Fill(t, store)
	answers := storetest.Describe(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{sqlite.FileName: database, "answers.txt": []byte(answers)} {
		if err := os.WriteFile(filepath.Join(kept, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
