package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

// origin names a line of history of a database: a server made anew from a copy,
// a standby that was promoted, and tables that were loaded from a dump are on
// another one, which may lack what was committed last on the first.
type origin struct{ system, timeline, table int64 }

const readOrigin = `SELECT (SELECT system_identifier FROM pg_control_system()), CASE WHEN pg_is_in_recovery() THEN 0
	ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END, 'heads'::regclass::oid::bigint, clock_timestamp()`

var errReadOnly = errors.New("the database is read-only")

// originOf reads where a session is. It fails on a standby, which takes no writes:
// there a store is away, whatever the server would say of a single statement.
func (s *Store) originOf(ctx context.Context, c *pgx.Conn) (o origin, err error) {
	asked := time.Now()
	var at time.Time
	if err := c.QueryRow(ctx, readOrigin).Scan(&o.system, &o.timeline, &o.table, &at); err != nil {
		return o, err
	}
	if o.timeline == 0 {
		return o, errReadOnly
	}
	s.clock.see(asked, time.Since(asked), at)
	return o, nil
}

var errOrigin = errors.New("postgres: another server has taken over")

// check lets no session into the pools that is with another server than the
// journals are known to be from.
func (s *Store) check(ctx context.Context, c *pgx.Conn) error {
	o, err := s.originOf(ctx, c)
	if err == nil && o != *s.origin.Load() {
		err = errOrigin
	}
	return err
}

// settle makes sure that the journals belong to the server that answers. If they
// were last written by another one, the server is a copy or took over, nobody
// can prove that nothing committed is missing, and every app begins a new epoch.
// Of processes that notice together one does it.
func (s *Store) settle(ctx context.Context) (err error) {
	c, err := pgx.ConnectConfig(ctx, s.config.ConnConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	now, err := s.originOf(ctx, c)
	if err != nil {
		return err
	}
	var readOnly bool
	if err := c.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly {
		return errReadOnly
	}
	if known := s.origin.Load(); known != nil && *known == now {
		return nil
	}
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after the commit it does nothing
	if _, err := tx.Exec(ctx, "INSERT INTO origin (system, timeline, heads) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", now.system, now.timeline, now.table); err != nil {
		return err
	}
	var old origin
	if err := tx.QueryRow(ctx, "SELECT system, timeline, heads FROM origin FOR UPDATE").Scan(&old.system, &old.timeline, &old.table); err != nil {
		return err
	}
	if old != now {
		if err := newEpochs(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE origin SET system = $1, timeline = $2, heads = $3", now.system, now.timeline, now.table); err != nil {
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	if old != now {
		s.log.Warn("another database server has taken over, or a copy was restored; every app begins a new epoch",
			"system", now.system, "timeline", now.timeline, "heads", now.table,
			"before_system", old.system, "before_timeline", old.timeline, "before_heads", old.table)
	}
	s.origin.Store(&now)
	return nil
}

// newEpochs begins a new epoch for every app: another id, sequences that no event
// of the old one can have (see [chat.FirstOfEpoch]), and a new chain of events
// before one another.
func newEpochs(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `UPDATE heads SET epoch = convert_to(substr(replace(gen_random_uuid()::text, '-', ''), 1, 16), 'UTF8'),
		next = next + $1, version = version + 1`, int64(chat.EpochShift)); err != nil {
		return fmt.Errorf("begin new epochs: %w", err)
	}
	for _, sql := range []string{"UPDATE endpoints SET cursor_previous = 0", "UPDATE pending SET previous = 0"} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("begin new epochs: %w", err)
		}
	}
	return nil
}
