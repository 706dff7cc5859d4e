package sqlite

import (
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// The tests in this file look inside, at what one turn of a copy takes.

func TestTurnOfACopyIsBounded(t *testing.T) {
	t.Parallel()
	s := inside(t, t.TempDir())
	fill := func(n int) {
		t.Helper()
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		head, err := tx.Lock(7, nil, nil, 60)
		if err != nil {
			t.Fatal(err)
		}
		rows := chat.Rows{Next: head.Next}
		for range n {
			rows.Events = append(rows.Events, chat.Event{App: 7, Seq: rows.Next, Body: make([]byte, 1<<20)})
			rows.Next++
		}
		if err := tx.Put(7, &rows); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
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
	fill(20)
	c, err := newCopying(s.path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.remove(); err != nil {
			t.Error(err)
		}
	}()
	step := func(deadline time.Time) (more bool) {
		t.Helper()
		if err := s.files.writer.conn.Raw(func(conn any) (err error) {
			more, err = c.step(conn, deadline)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return more
	}

	if more := step(time.Now()); !more || c.copied.Load() != 0 {
		t.Errorf("a turn without time copied %d bytes, more %v", c.copied.Load(), more)
	}
	if more := step(time.Now().Add(time.Hour)); !more || c.copied.Load() != copyAhead {
		t.Errorf("without a sync %d bytes were copied, more %v", c.copied.Load(), more)
	}
	done := c.done.Load()
	if more := c.turn(s.files.writer); !more || c.done.Load() != done {
		t.Error("a turn went on before the disk had caught up")
	}

	// Neither what is committed nor a checkpoint has it begin again.
	fill(1)
	if _, err := checkpoint(s.files.writer, "RESTART"); err != nil {
		t.Fatal(err)
	}
	fill(1)
	if err := c.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more = step(time.Now().Add(copyTime)); c.done.Load() < done {
			t.Fatalf("it fell back from %d to %d", done, c.done.Load())
		}
		done = c.done.Load()
		if err := c.sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.done.Load() != c.total.Load() {
		t.Errorf("%d of %d bytes at the end", c.done.Load(), c.total.Load())
	}
	if c.end(nil); c.err != nil {
		t.Fatal(c.err)
	}
}

func TestCopyIsRefusedWhereItWouldFillTheDisk(t *testing.T) {
	t.Parallel()
	if err := enoughRoom("data", spareRoom+100, 100, spareRoom); err != nil {
		t.Error(err)
	}
	if err := enoughRoom("data", spareRoom+99, 100, spareRoom); err == nil {
		t.Error("a copy that leaves too little was allowed")
	}
}

func TestCopyAndPurgeTakeTurns(t *testing.T) {
	t.Parallel()
	s := inside(t, t.TempDir())
	c, err := newCopying(s.path, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.purging = true
	c.synced.Store(-copyAhead) // it has to wait for the disk at each turn
	s.copies.Add(1)
	s.copy.Store(c)
	for range 2 {
		if more, err := s.Maintain(); !more || err != nil || s.copied != true {
			t.Fatalf("first the copy: %v, %v", more, err)
		}
		if more, err := s.Maintain(); !more || err != nil || s.copied != false {
			t.Fatalf("then the purge: %v, %v", more, err)
		}
		s.purging = true // there is nothing to purge
	}
	s.endCopy(ErrClosed)
	if err := c.remove(); err != nil {
		t.Fatal(err)
	}
	s.copies.Done()
}
