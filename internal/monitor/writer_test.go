package monitor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"
)

func testWriter(t *testing.T) *writer {
	t.Helper()
	metrics, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	w, err := startWriter(context.Background(), filepath.Join(t.TempDir(), "monitor.db"), func([]Stored) {}, metrics)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// Read from the connection that writes: each has settings of its own.
func TestWriterSyncsEveryCommit(t *testing.T) {
	t.Parallel()
	w := testWriter(t)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "auto_vacuum": "2", "wal_autocheckpoint": "0", "page_size": "4096"} {
		var got string
		if err := w.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", pragma, got, err, want)
		}
	}
}

func TestOtherCommandsAreKeptUpToTheBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		records int
		body    []byte
		least   int64
	}{
		"many": {KeepOther + 500, []byte("{}"), KeepOther * 8 / 10},
		"big":  {90, make([]byte, 1<<20), 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := testWriter(t)
			for i := range c.records {
				rec := record{command: "x", identity: identity(fmt.Sprint(i)), Stored: Stored{Body: c.body}}
				if err := w.enqueue(&job{rec: rec, done: make(chan outcome, 1)}, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			if w.other.rows > KeepOther || w.other.bytes > keepOtherBytes || w.other.rows < c.least {
				t.Errorf("%d callbacks of %d bytes are kept", w.other.rows, w.other.bytes)
			}
		})
	}
}

func TestLogIsMovedIntoTheDatabase(t *testing.T) {
	t.Parallel()
	w := testWriter(t)
	body := make([]byte, 1<<20)
	for i := range 40 {
		rec := record{exception: true, identity: identity(fmt.Sprint(i)), Stored: Stored{Body: body}}
		if fresh, err := w.do(&job{rec: rec, done: make(chan outcome, 1)}, time.Minute); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
	}
	info, err := os.Stat(w.path + "-wal")
	if err != nil || info.Size() > maxWAL+4<<20 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
}

func TestStoppedWriterTakesNothing(t *testing.T) {
	t.Parallel()
	w := testWriter(t)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.do(&job{probe: true, done: make(chan outcome, 1)}, time.Minute); err != errStopped {
		t.Errorf("got %v", err)
	}
}

func TestCursorSurvivesWritingAndReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(0, 1<<63-1).Draw(t, "position")
		if got, err := parseCursor(cursorText(want)); err != nil || got != want {
			t.Fatalf("%d became %d, %v", want, got, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, text := range []string{"", "x", cursorText(1), cursorText(1<<63 - 1), "MQAAAAAAAAAA", "MYAAAAAAAAAB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if position, err := parseCursor(text); err == nil && (position < 0 || cursorText(position) != text) {
			t.Fatalf("%q was read as %d, which is written %q", text, position, cursorText(position))
		}
	})
}

func FuzzListParameters(f *testing.F) {
	for _, query := range []string{"", "code=10023&group=g&from=u&limit=5", "code=&after=", "limit=1001", "a=b", "group=%zz", "code=1&code=2"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		_, after, limit, err := parseList(query)
		if err == nil && (limit < 1 || limit > maxLimit || after < 0) {
			t.Fatalf("limit %d, after %d", limit, after)
		}
	})
}

func TestLastMinuteForgets(t *testing.T) {
	t.Parallel()
	var l lastMinute
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	l.add(at(1000), 5)
	l.add(at(1000), 1)
	l.add(at(1030), 2)
	for now, want := range map[int64]int64{1000: 6, 1030: 8, 1059: 8, 1060: 2, 1089: 2, 1090: 0, 999: 0} {
		if got := l.total(at(now)); got != want {
			t.Errorf("at %d: %d, want %d", now, got, want)
		}
	}
	l.add(at(1060), 3) // takes the place of 1000
	if got := l.total(at(1060)); got != 5 {
		t.Errorf("after a round: %d", got)
	}
}
