package postgres_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

func TestOneProcessAtATimeHasTheTurn(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	first, second := open(t, database), open(t, database)
	newApp(t, first)
	ctx, stop := context.WithCancel(t.Context())
	var now, most atomic.Int64
	begun := make(chan string, 16)
	run := func(name string) func(context.Context) {
		return func(turn context.Context) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			begun <- name
			<-turn.Done()
			now.Add(-1)
		}
	}
	var all sync.WaitGroup
	firstCtx, endFirst := context.WithCancel(ctx)
	all.Go(func() { first.Alone(firstCtx, run("first")) })
	if who := <-begun; who != "first" {
		t.Fatal(who)
	}
	all.Go(func() { second.Alone(ctx, run("second")) })
	endFirst() // it gives the turn back
	if who := <-begun; who != "second" {
		t.Fatal(who)
	}
	// Its session is lost: it stops, and asks again.
	pgtest.Exec(t, database, `SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()`)
	if who := <-begun; who != "second" {
		t.Fatal(who)
	}
	stop()
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d had the turn at once", most.Load())
	}
}

// What a process still reports when its turn is over would move the cursor of
// the one that has it now.
func TestReportOfAnEarlierTurnIsNotWritten(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	first, second := open(t, database), open(t, database)
	newApp(t, first)
	change(t, first, func(r chat.Records) error { return r.PutEndpoint(chat.Endpoint{ID: "primary", App: app}) })
	report := func(s chat.Store, cursor chat.Sequence) chat.Sequence {
		t.Helper()
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		head, err := tx.Lock(app, nil, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Put(app, &chat.Rows{Next: head.Next, Time: head.Time, Totals: head.Totals, Progress: []chat.Progress{{
			Endpoint: "primary", Cursor: cursor, Put: []chat.Pending{{Seq: cursor}}, Failed: []chat.Attempted{{Seq: cursor}}}}}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		list, err := s.Endpoints(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		return list[0].Cursor
	}
	turn := func(f func(), s interface {
		Alone(context.Context, func(context.Context))
	}) {
		ctx, end := context.WithCancel(t.Context())
		s.Alone(ctx, func(context.Context) { f(); end() })
	}
	turn(func() {
		if got := report(first, 5); got != 5 {
			t.Errorf("cursor %d", got)
		}
	}, first)
	turn(func() {
		if got := report(second, 9); got != 9 {
			t.Errorf("cursor %d", got)
		}
		if got := report(first, 6); got != 9 {
			t.Errorf("the earlier turn moved the cursor to %d", got)
		}
	}, second)
	pending, err := first.Pending(t.Context(), app, "primary", false, 0, 10)
	if err != nil || len(pending) != 2 {
		t.Errorf("%+v, %v", pending, err)
	}
}

// Servers with a schema of their own each may share a database: none waits for
// another one's turn.
func TestEachSchemaHasItsOwnTurn(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var all sync.WaitGroup
	have := make(chan struct{})
	for _, schema := range []string{"one", "two"} {
		s := open(t, database+"&search_path="+schema)
		all.Go(func() {
			s.Alone(ctx, func(turn context.Context) {
				have <- struct{}{}
				<-turn.Done()
			})
		})
	}
	<-have
	select {
	case <-have:
	case <-time.After(20 * time.Second):
		t.Error("the second waits for the turn of the first")
	}
	end()
	all.Wait()
}
