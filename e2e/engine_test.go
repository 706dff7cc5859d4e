package e2e

import (
	"testing"

	"github.com/parley-im/parley/internal/pgtest"
)

// engine is what a server keeps everything in.
type engine string

const (
	inSQLite   engine = "sqlite"
	inPostgres engine = "postgres"
)

// place is the flag that names where a server keeps everything.
type place struct{ flag, value string }

func folder(dir string) place   { return place{"data", dir} }
func database(url string) place { return place{"database", url} }

// args are the place on a command line.
func (p place) args() []string { return []string{"--" + p.flag, p.value} }

// yaml is the place as a line of the file.
func (p place) yaml() string { return p.flag + ": " + p.value + "\n" }

// place makes an empty place for the test. Where there is no PostgreSQL the test
// is skipped.
func (e engine) place(t testing.TB) place {
	t.Helper()
	if e == inPostgres {
		return database(pgtest.Database(t))
	}
	return folder(t.TempDir())
}

// onBoth runs a test on each engine.
func onBoth(t *testing.T, test func(t *testing.T, e engine)) {
	for _, e := range []engine{inSQLite, inPostgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}
