package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/promise"
)

// opened is how each engine is opened on a new database.
var opened = map[string]func(t *testing.T) (engine, error){
	"sqlite":   func(t *testing.T) (engine, error) { return openSQLite(t.Context(), t.TempDir()) },
	"postgres": func(t *testing.T) (engine, error) { return openPostgres(t.Context(), pgtest.Database(t)) },
}

func testWriter(t *testing.T, engine string) *writer {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics, err := newMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	board, err := promise.New(slog.New(slog.DiscardHandler), registry)
	if err != nil {
		t.Fatal(err)
	}
	e, err := opened[engine](t)
	if err != nil {
		t.Fatal(err)
	}
	w, err := startWriter(context.Background(), e, func([]Stored) {}, board, metrics, retention{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.stop(context.Background()), e.close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// Read from the connection that writes: each has settings of its own.
func TestWriterSyncsEveryCommit(t *testing.T) {
	t.Parallel()
	w := testWriter(t, "sqlite")
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "auto_vacuum": "2", "wal_autocheckpoint": "0", "page_size": "4096",
		"user_version": "2"} { // what programs before goose read
		var got string
		if err := w.session.one(context.Background(), "PRAGMA "+pragma, &got); err != nil || got != want {
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
		for engine := range opened {
			t.Run(name+" in "+engine, func(t *testing.T) {
				t.Parallel()
				w := testWriter(t, engine)
				for i := range c.records {
					rec := record{command: "x", identity: identity(fmt.Sprint(i)), Stored: Stored{Body: c.body}}
					if err := w.enqueue(newJob(rec), time.Minute); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.stop(context.Background()); err != nil {
					t.Fatal(err)
				}
				var kept otherSize
				err := w.engine.readers().QueryRow("SELECT count(*), sum(length(body)) FROM other").Scan(&kept.rows, &kept.bytes)
				if err != nil || kept != w.others.kept || kept.over(1) || kept.rows < c.least {
					t.Errorf("%+v are kept, %v; the writer says %+v", kept, err, w.others.kept)
				}
			})
		}
	}
}

func TestLogIsMovedIntoTheDatabase(t *testing.T) {
	t.Parallel()
	w := testWriter(t, "sqlite")
	body := make([]byte, 1<<20)
	for i := range 40 {
		rec := record{kind: kindException, identity: identity(fmt.Sprint(i)), Stored: Stored{Body: body}}
		if fresh, err := w.do(newJob(rec), time.Minute); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
	}
	info, err := os.Stat(w.engine.place() + "-wal")
	if err != nil || info.Size() > maxWAL+4<<20 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
}

func TestStoppedWriterTakesNothing(t *testing.T) {
	t.Parallel()
	for engine := range opened {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := testWriter(t, engine)
			if err := w.stop(context.Background()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.do(newJob(record{kind: kindProbe}), time.Minute); err != errStopped {
				t.Errorf("got %v", err)
			}
		})
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

// The cost of a commit must not grow with what is stored: the planner would
// rather go through an index in the order of the groups.
func TestTotalsAreCountedFromTheNewRowsAlone(t *testing.T) {
	t.Parallel()
	w := testWriter(t, "sqlite")
	rows, err := w.session.(*sqliteSession).conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+fmt.Sprintf(addTally, newExceptions), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(step + "\n")
	}
	if err := rows.Err(); err != nil || !strings.Contains(plan.String(), "SEARCH exception USING INTEGER PRIMARY KEY") {
		t.Errorf("%s%v", &plan, err)
	}
}
