package postgres_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/storetest"
)

func TestMain(m *testing.M) {
	// As for the other engine: -rapid.checks asks for more.
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// opened makes a store in a database of the test's own, closed at its end.
func opened(t *testing.T) storetest.Opened {
	database := pgtest.Database(t)
	store := open(t, database)
	var keep chat.Keep
	restart := func(t *testing.T) chat.Store {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		store = open(t, database, func(o *postgres.Options) { o.Keep = keep })
		return store
	}
	return storetest.Opened{Store: store, Restart: restart, Keeping: func(t *testing.T, k chat.Keep) chat.Store {
		keep = k
		return restart(t)
	}, Sever: func(t *testing.T) {
		pgtest.Exec(t, database, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND state = 'idle in transaction'`)
	}, Second: func(t *testing.T) chat.Store { return open(t, database) }}
}

func open(t testing.TB, database string, change ...func(*postgres.Options)) *postgres.Store {
	t.Helper()
	options := postgres.Options{Erase: storetest.Erase}
	for _, c := range change {
		c(&options)
	}
	store, err := postgres.Open(t.Context(), database, options)
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
	storetest.Run(t, opened)
}

func benchStore(b *testing.B) chat.Store { return open(b, pgtest.Database(b)) }

func BenchmarkPutAccepted(b *testing.B) { storetest.BenchPutAccepted(b, benchStore) }
func BenchmarkPutRefused(b *testing.B)  { storetest.BenchPutRefused(b, benchStore) }
func BenchmarkRead(b *testing.B)        { storetest.BenchReads(b, benchStore) }
