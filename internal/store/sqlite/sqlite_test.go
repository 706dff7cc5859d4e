package sqlite_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
)

func TestMain(m *testing.M) {
	// A check drives a database through some thirty steps; a few dozen of them
	// take seconds under the race detector. -rapid.checks asks for more.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// opened makes a store in a folder of the test's own, closed at its end.
func opened(options sqlite.Options) storetest.Open {
	return func(t *testing.T) storetest.Opened {
		options := options
		dir := t.TempDir()
		store := open(t, dir, options)
		restart := func(t *testing.T) chat.Store {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = open(t, dir, options)
			return store
		}
		return storetest.Opened{Store: store, Restart: restart, Keeping: func(t *testing.T, k chat.Keep) chat.Store {
			options.Keep = k
			return restart(t)
		}, Sever: func(t *testing.T) {
			if err := store.Sever(); err != nil {
				t.Fatal(err)
			}
		}}
	}
}

func open(t testing.TB, dir string, options sqlite.Options) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, opened(sqlite.Options{Erase: storetest.Erase}))
}

// With room for about a thousand repeats in memory, most are found through the
// index on disk; the small log makes checkpoints frequent.
func TestStoreKeepsTheContractInLittleMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, opened(sqlite.Options{RepeatMemory: 4 << 10, CheckpointAt: 64 << 10, Erase: storetest.Erase}))
}

func benchStore(b *testing.B) chat.Store { return open(b, b.TempDir(), sqlite.Options{}) }

func BenchmarkPutAccepted(b *testing.B) { storetest.BenchPutAccepted(b, benchStore) }
func BenchmarkPutRefused(b *testing.B)  { storetest.BenchPutRefused(b, benchStore) }
func BenchmarkRead(b *testing.B)        { storetest.BenchReads(b, benchStore) }
