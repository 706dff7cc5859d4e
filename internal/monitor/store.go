package monitor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/promise"
)

// errBusy is returned when the writer did not take or finish a record in time.
var errBusy = errors.New("the store is too slow")

const (
	writeWait  = 10 * time.Second // how long a callback waits for its commit
	probeEvery = time.Second      // how long an answer to "does it take writes" holds
	queueSize  = 1024             // records that may wait for the writer
)

// store keeps callbacks in a database. Its methods may be called from many
// goroutines.
type store struct {
	engine engine
	writer *writer

	probeMu   sync.Mutex
	probedAt  time.Time
	probeSays error
}

// openStore opens or makes the database that cfg names and starts its writer.
// The writer calls told after each commit with what was new, and board with
// what the database promises whenever it has connected.
func openStore(ctx context.Context, cfg Config, told func([]Stored), board *promise.Board, metrics *metrics) (*store, error) {
	var e engine
	var err error
	if cfg.Database != "" {
		e, err = openPostgres(ctx, cfg.Database)
	} else {
		e, err = openSQLite(ctx, cfg.Data)
	}
	if err != nil {
		return nil, err
	}
	w, err := startWriter(ctx, e, told, board, metrics, retention{cfg.Keep, cfg.Now})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", e.place(), err), e.close())
	}
	return &store{engine: e, writer: w}, nil
}

// put commits rec. fresh is false if it was there already. An error leaves
// open whether it is stored.
func (s *store) put(rec record) (fresh bool, err error) {
	return s.writer.do(newJob(rec), writeWait)
}

// offer hands rec to the writer if it has room, and does not wait.
func (s *store) offer(rec record) bool {
	return s.writer.enqueue(newJob(rec), 0) == nil
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
		_, s.probeSays = s.writer.do(newJob(record{kind: kindProbe}), writeWait)
		s.probedAt = time.Now()
	}
	return s.probeSays
}

// close commits what waits, until ctx ends, and closes the database.
func (s *store) close(ctx context.Context) error {
	return errors.Join(s.writer.stop(ctx), s.engine.close())
}
