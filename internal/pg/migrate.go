package pg

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// ErrNewer: a newer program made the schema.
var ErrNewer = errors.New("the database is newer than this program")

// migrateWait bounds how long a start waits for another one's migration.
const migrateWait = 10 * time.Minute

// Migrate brings the schema of that name to its newest version, made if it is
// missing. Processes that start together take turns by an advisory lock, and
// only the first has something to do. A schema that is newer than the steps
// fails with [ErrNewer] and is not touched.
func Migrate(ctx context.Context, c *pgx.ConnConfig, schema string, steps fs.FS) (err error) {
	ctx, cancel := context.WithTimeout(ctx, migrateWait)
	defer cancel()
	slow := c.Copy() // a migration may take as long as it needs
	for _, param := range []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"} {
		delete(slow.RuntimeParams, param)
	}
	turn, err := pgx.ConnectConfig(ctx, slow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, turn.Close(context.WithoutCancel(ctx))) }()
	if err := Supported(ctx, turn); err != nil {
		return err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("parley schema " + schema)) // never fails
	if _, err := turn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(h.Sum64())); err != nil {
		return fmt.Errorf("wait for other starts: %w", err)
	}
	var there, usable bool
	if err := turn.QueryRow(ctx, `SELECT count(*) > 0, coalesce(bool_and(has_schema_privilege(oid, 'USAGE')), false)
		FROM pg_namespace WHERE nspname = $1`, schema).Scan(&there, &usable); err != nil {
		return err
	}
	switch {
	case there && !usable: // its tables would look as if they were missing
		return fmt.Errorf("permission denied for schema %s", schema)
	case !there:
		if _, err := turn.Exec(ctx, "CREATE SCHEMA "+quote(schema)); err != nil {
			return fmt.Errorf("make the schema %s: %w", schema, err)
		}
	}

	db := stdlib.OpenDB(*slow)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current > target:
		return fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, current, target)
	}
	_, err = provider.Up(ctx)
	return err
}
