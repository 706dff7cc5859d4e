package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
)

// ErrUnfinished: a data folder was not moved into the database completely.
var ErrUnfinished = errors.New("the move of a data folder into this database is not finished; run `parley migrate` again")

// The turn to deliver, as a lock of the session: AwaitTurn waits for it as long as
// for any lock, TryTurn does not. Whoever has it knows that no server delivers.
const (
	TryTurn   = "SELECT pg_try_advisory_lock(" + turnLock + ")"
	AwaitTurn = "SELECT pg_advisory_lock(" + turnLock + ")"

	turnLock = "hashtextextended('parley delivery ' || current_schema(), 0)"
)

// prepareWait is how long a session of [Prepare] waits for a lock.
const prepareWait = 3 * time.Second

// Prepare brings the schema of a database up to date, without serving it, and
// returns how to connect to it for work that takes long: no statement is cut
// off, and tables are read in the order of their keys.
func Prepare(ctx context.Context, database string) (*pgx.ConnConfig, error) {
	config, err := pg.Config(database, Schema, "parley migrate")
	if err != nil {
		return nil, err
	}
	c := config.ConnConfig
	if err := pg.Migrate(ctx, c, schemaOf(c), migrations()); err != nil {
		return nil, fmt.Errorf("open %s: %w", pg.Place(c), err)
	}
	for _, param := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		delete(c.RuntimeParams, param)
	}
	// Who was killed may hold its locks for a moment.
	c.RuntimeParams["lock_timeout"] = strconv.FormatInt(prepareWait.Milliseconds(), 10)
	// What is left of sorts and scans looks so costly then that it would be compiled.
	for _, param := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan", "jit"} {
		c.RuntimeParams[param] = "off"
	}
	return c, nil
}

// SlotNow reads which slot of the table of repeats is written now.
func SlotNow(ctx context.Context, c *pgx.Conn) (slot int16, err error) {
	err = c.QueryRow(ctx, "SELECT (floor(extract(epoch FROM clock_timestamp()))::bigint / $1::bigint % $2::bigint)::smallint",
		int64(chat.RepeatWindow), int64(slots)).Scan(&slot)
	return slot, err
}

// imported fails while a move into the database is unfinished.
func imported(ctx context.Context, config *pgx.ConnConfig) (err error) {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	var unfinished bool
	if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM imports WHERE one AND finished IS NULL)").Scan(&unfinished); err != nil {
		return err
	}
	if unfinished {
		return ErrUnfinished
	}
	return nil
}
