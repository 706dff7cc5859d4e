package dbfile

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Known fails unless the database's schema was made by the steps, or by the
// first of them. It changes nothing.
func Known(ctx context.Context, db *sql.DB, steps fs.FS) error {
	var current int64
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions+" WHERE is_applied").Scan(&current); err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName(versions))
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if last := sources[len(sources)-1].Version; current > last {
		return newer(current, last)
	}
	return nil
}
