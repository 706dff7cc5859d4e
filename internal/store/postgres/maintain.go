package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
)

const (
	// changesKept is how long it is remembered what raised an app's version. A
	// process that is further behind forgets everything of the app.
	changesKept = time.Hour
	purgeRows   = 1000 // of one slice
	changesRows = 5000 // likewise
)

// Maintain does a piece of housekeeping: it empties the table of repeats whose
// turn comes next, forgets old changes, deletes a slice of what is to be purged,
// blanks a slice of what deleted users said, and deletes events that are not to be
// kept. Of several processes one does it at a time. more says that there is work
// left.
func (s *Store) Maintain() (more bool, err error) {
	if s.closed.Load() {
		return false, errClosed
	}
	ctx, cancel := s.bounded(callTime)
	defer cancel()
	conn, err := s.write.Acquire(ctx)
	if err != nil {
		return false, translate("maintain", err)
	}
	defer conn.Release()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var mine bool
		var at time.Time
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock(hashtextextended('parley housekeeping ' || current_schema(), 0)), clock_timestamp()").Scan(&mine, &at); err != nil || !mine {
			return err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM changes WHERE ctid = ANY(ARRAY(SELECT ctid FROM changes WHERE at < $1 ORDER BY at LIMIT $2))",
			at.Add(-changesKept), changesRows)
		if err != nil {
			return err
		}
		if more, err = purge(ctx, tx); err != nil {
			return err
		}
		more = more || tag.RowsAffected() == changesRows
		return s.emptyNext(ctx, tx, at) // last: sends wait for the table until the commit
	})
	for _, work := range []func(context.Context, *pgxpool.Conn) (bool, error){s.erase, s.keep} {
		if err == nil {
			var left bool
			left, err = work(ctx, conn)
			more = more || left
		}
	}
	return more && err == nil, translate("maintain", err)
}

// slotEdge is for how long after a slot's beginning, and before its end, no table
// is emptied: a process that was paused since it read the clock, or a clock that
// was set back, must not empty the table that is written now.
const slotEdge = time.Minute

// emptyAgain is the pause, in seconds, after a try to empty a table: sends wait
// while somebody who reads it is waited for, a dump for instance.
const emptyAgain = 10

// nextSlot is the slot whose turn comes next, and says whether its table may be
// emptied at this moment of the database's clock.
func nextSlot(at time.Time) (slot int64, ok bool) {
	return slotOf(at.Add(chat.RepeatWindow * time.Second)), slotOf(at.Add(-slotEdge)) == slotOf(at.Add(slotEdge))
}

// emptyNext empties the table of repeats whose turn comes next, before it is
// written again. What it holds is older than the window. That takes a lock on
// it; if a reader is in the way it is tried again.
func (s *Store) emptyNext(ctx context.Context, tx pgx.Tx, at time.Time) error {
	slot, ok := nextSlot(at)
	if tried := s.emptied.Load(); !ok || at.Unix() >= tried && at.Unix() < tried+emptyAgain {
		return nil
	}
	table := fmt.Sprintf("repeats_%d", slot)
	var filled bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&filled); err != nil || !filled {
		return err
	}
	s.emptied.Store(at.Unix())
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { // a savepoint
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 50"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "TRUNCATE "+table)
		return err
	})
	if err != nil && pg.KindOf(err) == pg.Busy {
		return nil
	}
	return err
}

// purge deletes a slice of a dissolved group's messages, or of a removed app's
// events.
func purge(ctx context.Context, tx pgx.Tx) (more bool, err error) {
	var app, journal, group int64
	err = tx.QueryRow(ctx, "SELECT app, journal, gkey FROM purges LIMIT 1").Scan(&app, &journal, &group)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	slice, args := `DELETE FROM messages WHERE app = $1 AND gkey = $2 AND seq IN
		(SELECT seq FROM messages WHERE app = $1 AND gkey = $2 ORDER BY seq LIMIT $3)`, []any{app, group, purgeRows}
	if group == 0 {
		slice, args = `DELETE FROM events WHERE app = $1 AND journal = $2 AND seq IN
			(SELECT seq FROM events WHERE app = $1 AND journal = $2 ORDER BY seq LIMIT $3)`, []any{app, journal, purgeRows}
	}
	tag, err := tx.Exec(ctx, slice, args...)
	if err != nil || tag.RowsAffected() == purgeRows {
		return true, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM purges WHERE app = $1 AND journal = $2 AND gkey = $3", app, journal, group)
	return true, err
}
