package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// TestLogStaysBoundedUnderSteadyWriting writes several times what the log may
// hold, while readers never rest, and looks at the file after every batch.
func TestLogStaysBoundedUnderSteadyWriting(t *testing.T) {
	t.Parallel()
	const limit, total = 1 << 20, 6 << 20
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{CheckpointAt: limit})
	g := makeApp(t, s)
	stop, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for stop.Err() == nil {
				if _, err := s.Messages(t.Context(), app, g, 1<<62, 20); err != nil {
					t.Errorf("read: %v", err)
					return
				}
			}
		})
	}
	largest := int64(0)
	for written := 0; written < total; written += 64 * 1500 {
		send(t, s, g, 64, 1500, 60)
		if _, err := s.Maintain(); err != nil {
			t.Errorf("maintain: %v", err)
			break
		}
		info, err := os.Stat(filepath.Join(dir, sqlite.FileName+"-wal"))
		if err != nil {
			t.Errorf("log: %v", err)
			break
		}
		largest = max(largest, info.Size())
	}
	cancel()
	wg.Wait()
	if largest < limit || largest > 2*limit {
		t.Fatalf("the log grew to %d bytes, checkpoints are at %d", largest, int64(limit))
	}
}

// TestExpiredRepeatsAreEmptiedInSlices fills some minutes and waits: the rows
// go away, in more than one call, and only when they are older than the window.
func TestExpiredRepeatsAreEmptiedInSlices(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]int{"in memory": 0, "on disk": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir, sqlite.Options{RepeatMemory: memory})
			g := makeApp(t, s)
			for range 40 {
				send(t, s, g, 100, 1, 600)
			}
			if more, err := s.Maintain(); more || err != nil {
				t.Fatalf("fresh repeats: %v, %v", more, err)
			}
			see := func(now int64) { // the store learns the time from its caller
				tx, err := s.Begin()
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				if _, err := tx.Lock(app, nil, nil, now); err != nil {
					t.Fatal(err)
				}
			}
			see(600 + chat.RepeatWindow)
			if more, err := s.Maintain(); more || err != nil {
				t.Fatalf("repeats within the window: %v, %v", more, err)
			}
			if _, ok, _ := s.Repeat(t.Context(), app, numbered(1), 600+chat.RepeatWindow); !ok {
				t.Fatal("a repeat within the window is missing")
			}
			see(600 + chat.RepeatWindow + 1)
			for calls := 0; ; calls++ {
				more, err := s.Maintain()
				if err != nil {
					t.Fatal(err)
				}
				if !more {
					break
				}
				if calls > 10_000 {
					t.Fatal("the emptying does not end")
				}
			}
			if n := count(t, dir, "SELECT (SELECT count(*) FROM repeats_3) + (SELECT count(*) FROM repeats_x_3)"); n != 0 {
				t.Fatalf("%d rows are left", n)
			}
			send(t, s, g, 1, 1, 600+7*60) // the same table again
			if n := count(t, dir, "SELECT count(*) FROM repeats_3"); n != 1 {
				t.Fatalf("%d rows after the minute returned", n)
			}
		})
	}
}

// TestReturningMinuteEmptiesItsTable does without Maintain: a table is never
// more than its own minute.
func TestReturningMinuteEmptiesItsTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{RepeatMemory: 1})
	g := makeApp(t, s)
	for minute := range int64(16) {
		send(t, s, g, 100, 1, minute*60)
		if n := count(t, dir, `SELECT max(n) FROM (SELECT count(*) AS n FROM repeats_0 UNION SELECT count(*) FROM repeats_1
			UNION SELECT count(*) FROM repeats_2 UNION SELECT count(*) FROM repeats_6)`); n != 1 {
			t.Fatalf("minute %d: a table has %d rows", minute, n)
		}
	}
}
