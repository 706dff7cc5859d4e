package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/parley-im/parley/internal/folder"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are the steps of the schema, numbered from 1.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// migrate brings the file at path to the newest schema in steps, made if there
// is none. A database with data is copied first. One that is newer than the
// steps fails with [ErrNewer] and is not touched.
func migrate(ctx context.Context, path string, steps fs.FS) (err error) {
	pragmas := []string{"busy_timeout(500)", "journal_mode(WAL)", "synchronous(FULL)"}
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		// Page size and vacuum mode are for a file without tables; on another
		// one they would be a write.
		pragmas = append([]string{"page_size(4096)", "auto_vacuum(INCREMENTAL)"}, pragmas...)
	}
	db, err := sql.Open("sqlite", dsn(path, pragmas...))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()

	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current == target:
		return nil
	case current > target:
		return tooNew(current, target)
	}
	if current > 0 {
		if err := copyBefore(ctx, db, path, target); err != nil {
			return fmt.Errorf("copy before migration: %w", err)
		}
	}
	_, err = provider.Up(ctx)
	return err
}

// copyBefore writes the database to path.before-target. A copy that is there
// already is of an attempt that did not get through, and is replaced.
func copyBefore(ctx context.Context, db *sql.DB, path string, target int64) error {
	final := fmt.Sprintf("%s.before-%d", path, target)
	part := final + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return err
	}
	if err := folder.Private(part); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, final)
}

// known fails unless this program's steps made the database's schema, or some
// of the first of them did.
func known(ctx context.Context, db *sql.DB) error {
	var current int64
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&current); err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations())
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	return tooNew(current, sources[len(sources)-1].Version)
}

func tooNew(current, target int64) error {
	if current > target {
		return fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, current, target)
	}
	return nil
}
