package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one slice of retention, during which the app's row is held, and of
// one round through the apps.
const (
	keepRows = 400
	keepTime = 50 * time.Millisecond
)

// keep deletes what is not to be kept of the journals, a slice of each app in
// turn; more says that there is work left.
func (s *Store) keep(ctx context.Context, conn *pgxpool.Conn) (more bool, err error) {
	if s.options.Keep.Forever() || !s.guard.Trusted(s.Now(), time.Now()) {
		return false, nil
	}
	for deadline := time.Now().Add(keepTime); ; {
		var app int64
		err := conn.QueryRow(ctx, "SELECT app FROM heads WHERE app > $1 ORDER BY app LIMIT 1", s.kept.app).Scan(&app)
		if err == pgx.ErrNoRows {
			more = s.kept.found
			s.kept = keeping{}
			return more, nil
		}
		if err != nil {
			return false, err
		}
		n, err := s.keepApp(ctx, conn, app)
		if err != nil {
			return false, fmt.Errorf("keep app %d: %w", app, err)
		}
		s.kept.app, s.kept.found = app, s.kept.found || n > 0
		if time.Now().After(deadline) {
			return true, nil
		}
	}
}

// keeping is how far the round through the apps is. It belongs to Maintain.
type keeping struct {
	app   int64 // looked at last
	found bool  // something went in this round
}

// keepApp deletes a slice of the oldest events of an app, if they are to go, and
// says how many went.
func (s *Store) keepApp(ctx context.Context, conn *pgxpool.Conn, app int64) (n int, err error) {
	// Most of the time there is nothing to do, which is found out without a lock.
	if n, _, err := s.removable(ctx, conn, app, 1); n == 0 || err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// An erasure holds rows of events before it holds the app's.
		var mine bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock(hashtextextended('parley erasing ' || current_schema(), 0))").Scan(&mine); err != nil || !mine {
			return err
		}
		// A slice that a crash takes back is done again, so nobody waits for a sync.
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		// Held as by a batch, before the rows that a lane reports on.
		if _, err := tx.Exec(ctx, "SELECT 1 FROM heads WHERE app = $1 FOR NO KEY UPDATE", app); err != nil {
			return err
		}
		var gone []chat.Kept
		if n, gone, err = s.removable(ctx, tx, app, keepRows); n == 0 || err != nil {
			return err
		}
		return removeUpTo(ctx, tx, app, gone)
	})
	if err == nil && n > 0 && s.options.Removed != nil {
		s.options.Removed(chat.AppID(app), n)
	}
	return n, err
}

// querier is a session, or a transaction of it.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// removable looks at so many of the oldest events of an app; n of them are to go.
func (s *Store) removable(ctx context.Context, q querier, app int64, limit int) (n int, gone []chat.Kept, err error) {
	var bytes int64
	var stop chat.Sequence
	err = q.QueryRow(ctx, "SELECT bytes, ("+undelivered+") FROM heads WHERE app = $1", app).Scan(&bytes, &stop)
	if err == pgx.ErrNoRows { // removed meanwhile
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	rows, err := q.Query(ctx, selectOldest, app, limit)
	if err != nil {
		return 0, nil, err
	}
	if err := eachRow(rows, func(r pgx.Rows) error {
		var e chat.Kept
		var body, detail int
		err := r.Scan(&e.Seq, &e.Time, &body, &detail)
		e.Size = chat.EventSize(body, detail)
		gone = append(gone, e)
		return err
	}); err != nil {
		return 0, nil, err
	}
	n = s.options.Keep.Removable(s.Now(), bytes, stop, gone)
	return n, gone[:n], nil
}

const selectOldest = `SELECT seq, time, octet_length(body), octet_length(detail) FROM events
	WHERE app = $1 AND journal = (SELECT journal FROM heads WHERE app = $1) AND seq >= (SELECT first FROM heads WHERE app = $1)
	ORDER BY seq LIMIT $2`

// undelivered is the first event of an app that one of its endpoints has neither
// been given nor given up, 0 without endpoints.
const undelivered = `SELECT coalesce(min(least(e.cursor + 1,
	(SELECT p.seq FROM pending p WHERE p.app = e.app AND p.endpoint = e.id AND NOT p.dead ORDER BY p.seq LIMIT 1))), 0)
	FROM endpoints e WHERE e.app = $1 AND e.url <> ''`

// removeUpTo deletes an app's oldest events, and everything that hangs on events
// up to the last of them. A table that has rows for events belongs here. What
// tells of several events goes with the last of them. The app's row is held.
func removeUpTo(ctx context.Context, tx pgx.Tx, app int64, gone []chat.Kept) error {
	upTo, bytes := int64(gone[len(gone)-1].Seq), int64(0)
	for _, e := range gone {
		bytes += e.Size
	}
	var batch pgx.Batch
	const ofApp = " t USING endpoints e WHERE e.app = $1 AND t.app = e.app AND t.endpoint = e.id AND "
	batch.Queue("DELETE FROM failures"+ofApp+"t.seq <= $2", app, upTo)
	batch.Queue("DELETE FROM pending"+ofApp+"t.seq <= $2", app, upTo)
	batch.Queue("DELETE FROM deliveries"+ofApp+"t.chunk < $2", app, chat.ChunkOf(chat.Sequence(upTo+1)))
	batch.Queue("DELETE FROM dead_ranges"+ofApp+"t.first <= $2 AND t.last <= $2", app, upTo)
	batch.Queue(`DELETE FROM events WHERE app = $1 AND journal = (SELECT journal FROM heads WHERE app = $1) AND seq >= $2 AND seq <= $3`,
		app, int64(gone[0].Seq), upTo)
	batch.Queue("UPDATE heads SET first = $2, bytes = greatest(0, bytes - $3) WHERE app = $1", app, upTo+1, bytes)
	return tx.SendBatch(ctx, &batch).Close()
}

// First is the oldest event of the app's journal that is kept; without any, the
// sequence that the next one gets.
func (s *Store) First(ctx context.Context, app chat.AppID) (seq chat.Sequence, err error) {
	err = s.query(ctx, "read the oldest event", `SELECT coalesce((SELECT seq FROM events WHERE app = h.app AND journal = h.journal
		AND seq >= h.first ORDER BY seq LIMIT 1), h.next) FROM heads h WHERE h.app = $1`,
		func(r pgx.Rows) error { return r.Scan(&seq) }, int64(app))
	return seq, err
}
