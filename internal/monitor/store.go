package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/parley-im/parley/internal/folder"
)

// errBusy is returned when the writer did not take or finish a record in time.
var errBusy = errors.New("the store is too slow")

const (
	writeWait  = 10 * time.Second // how long a callback waits for its commit
	probeEvery = time.Second      // how long an answer to "does it take writes" holds
	queueSize  = 1024             // records that may wait for the writer
)

// store keeps callbacks in one SQLite file. Its methods may be called from
// many goroutines.
type store struct {
	writer  *writer
	readers *sql.DB

	probeMu   sync.Mutex
	probedAt  time.Time
	probeSays error
}

// openStore opens or makes the database in dir and starts its writer. told is
// called by the writer after each commit with what was new.
func openStore(ctx context.Context, dir string, told func([]Stored), metrics *metrics) (*store, error) {
	path, err := filepath.Abs(filepath.Join(dir, "monitor.db"))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := folder.Private(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	w, err := startWriter(ctx, path, told, metrics)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	readers, err := sql.Open("sqlite", dsn(path, "query_only(1)", "busy_timeout(1000)"))
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("open database %s for reading: %w", path, err)
	}
	readers.SetMaxOpenConns(4)
	readers.SetMaxIdleConns(4)
	return &store{writer: w, readers: readers}, nil
}

// dsn names the file as a URI, so that any character may be in its path.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// put commits rec. fresh is false if it was there already. An error leaves
// open whether it is stored.
func (s *store) put(rec record) (fresh bool, err error) {
	return s.writer.do(&job{rec: rec, done: make(chan outcome, 1)}, writeWait)
}

// offer hands rec to the writer if it has room, and does not wait.
func (s *store) offer(rec record) bool {
	return s.writer.enqueue(&job{rec: rec, done: make(chan outcome, 1)}, 0) == nil
}

// writable returns nil if the store takes writes. If nothing was committed
// lately it finds out by writing, at most once in probeEvery.
func (s *store) writable() error {
	if s.writer.wroteWithin(probeEvery) {
		return nil
	}
	s.probeMu.Lock()
	defer s.probeMu.Unlock()
	if s.probedAt.IsZero() || time.Since(s.probedAt) >= probeEvery {
		_, s.probeSays = s.writer.do(&job{probe: true, done: make(chan outcome, 1)}, writeWait)
		s.probedAt = time.Now()
	}
	return s.probeSays
}

// close commits what waits and closes the files.
func (s *store) close() error {
	return errors.Join(s.writer.stop(), s.readers.Close())
}
