package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// happen commits n events with bodies of so many bytes.
func happen(t testing.TB, s *sqlite.Store, n, size int, at time.Time) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	head, err := tx.Lock(app, nil, nil, at.Unix())
	if err != nil {
		t.Fatal(err)
	}
	rows := chat.Rows{Next: head.Next + chat.Sequence(n), Time: at.UnixMilli(), Totals: head.Totals, Now: at.Unix()}
	for i := range n {
		rows.Events = append(rows.Events, chat.Event{App: app, Seq: head.Next + chat.Sequence(i), Time: rows.Time, Body: make([]byte, size)})
	}
	if err := tx.Put(app, &rows); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// settled does all housekeeping there is.
func settled(t testing.TB, s *sqlite.Store) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
}

func sizeOf(t testing.TB, dir, name string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// What is removed makes room for what comes; much of it is given back to the disk.
func TestRoomOfRemovedEventsIsUsedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	removed := 0
	s := open(t, dir, sqlite.Options{CheckpointAt: 1 << 20, Keep: chat.Keep{Age: time.Hour},
		Removed: func(a chat.AppID, n int) { removed += n }})
	makeApp(t, s)
	old := time.Now().Add(-2 * time.Hour)
	var largest int64
	for range 300 {
		happen(t, s, 64, 2000, old)
		settled(t, s)
		largest = max(largest, sizeOf(t, dir, sqlite.FileName))
	}
	if largest > 30<<20 { // an event takes a page
		t.Errorf("the file grew to %d MB while 75 MB of events came and went", largest>>20)
	}
	if removed == 0 {
		t.Error("nobody was told of the removal")
	}
}

func TestFreePagesAreGivenBackToTheDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tight bool
		mb    int // of events that go
		left  int64
	}{
		"much of the file":              {false, 40, 18 << 20},
		"little, but the disk is low":   {true, 6, 3 << 20},
		"little, which is used by next": {false, 6, 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir, sqlite.Options{CheckpointAt: 1 << 20})
			makeApp(t, s)
			for range c.mb * 8 {
				happen(t, s, 64, 2000, time.Now().Add(-2*time.Hour))
			}
			settled(t, s)
			before := sizeOf(t, dir, sqlite.FileName)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir, sqlite.Options{CheckpointAt: 1 << 20, Keep: chat.Keep{Age: time.Hour}})
			s.Tight(c.tight)
			settled(t, s)
			if err := s.Close(); err != nil { // what the log holds goes into the file
				t.Fatal(err)
			}
			after := sizeOf(t, dir, sqlite.FileName)
			if shrank := after < before; after > c.left || shrank != (c.tight || c.mb == 40) {
				t.Errorf("%d bytes before, %d after", before, after)
			}
			if err := open(t, dir, sqlite.Options{}).Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The log's file keeps the size it once had; a disk with little room gets it back.
func TestLogIsShortWhileTheDiskIsLow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	makeApp(t, s)
	for range 60 {
		happen(t, s, 64, 2000, time.Now())
	}
	const name = sqlite.FileName + "-wal"
	if n := sizeOf(t, dir, name); n < 8<<20 {
		t.Fatalf("the log has only %d bytes", n)
	}
	s.Tight(true)
	settled(t, s)
	if n := sizeOf(t, dir, name); n != 0 {
		t.Errorf("the log has %d bytes when the disk gets low", n)
	}
	var largest int64
	for range 60 {
		happen(t, s, 64, 2000, time.Now())
		settled(t, s)
		largest = max(largest, sizeOf(t, dir, name))
	}
	if largest > 2<<20 {
		t.Errorf("it grew to %d bytes", largest)
	}
	s.Tight(false)
	for range 60 {
		happen(t, s, 64, 2000, time.Now())
		settled(t, s)
	}
	if n := sizeOf(t, dir, name); n < 4<<20 {
		t.Errorf("with room again it is emptied at %d bytes", n)
	}
}

// How many events a second go in turns of the writer, 50 of them a second.
func BenchmarkRemoveEvents(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, sqlite.Options{})
	makeApp(b, s)
	for range 200 {
		happen(b, s, 256, 500, time.Now().Add(-2*time.Hour))
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	removed := 0
	s = open(b, dir, sqlite.Options{Keep: chat.Keep{Age: time.Hour}, Removed: func(_ chat.AppID, n int) { removed += n }})
	turns, longest := 0, time.Duration(0)
	b.ResetTimer()
	for more := true; more; turns++ {
		began := time.Now()
		var err error
		if more, err = s.Maintain(); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
	}
	b.ReportMetric(float64(removed)/float64(turns), "events/turn")
	b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(turns), "ms/turn")
}
