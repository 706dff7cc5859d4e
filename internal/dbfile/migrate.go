package dbfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/parley-im/parley/internal/folder"
)

// ErrNewer: a newer program made the schema.
var ErrNewer = errors.New("the database is newer than this program")

// versions is the table in which goose keeps the version of the schema.
const versions = "goose_db_version"

// Migrate brings the file at path to the newest schema in steps, made if there
// is none. A database with data is copied first, to path.before-N, where N is
// the schema it is to get. One that is newer than the steps fails with
// [ErrNewer] and is not touched.
//
// old, if it is not nil, is asked about a database without a table of versions:
// it tells which of the steps another scheme has made already, 0 for none. That
// is noted before anything else happens, in one transaction.
func Migrate(ctx context.Context, path string, steps fs.FS, old func(context.Context, *sql.Tx) (int64, error)) (err error) {
	pragmas := []string{"busy_timeout(500)", "journal_mode(WAL)", "synchronous(FULL)"}
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		// Page size and vacuum mode are for a file without tables; on another
		// one they would be a write.
		pragmas = append([]string{"page_size(4096)", "auto_vacuum(INCREMENTAL)"}, pragmas...)
	}
	db, err := sql.Open("sqlite", DSN(path, pragmas...))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()

	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName(versions))
	if err != nil {
		return err
	}
	if old != nil {
		known := provider.ListSources()
		if err := adopt(ctx, db, known[len(known)-1].Version, old); err != nil {
			return err
		}
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current == target:
		return nil
	case current > target:
		return newer(current, target)
	}
	if current > 0 {
		if err := copyBefore(ctx, db, path, target); err != nil {
			return fmt.Errorf("copy before migration: %w", err)
		}
	}
	_, err = provider.Up(ctx)
	return err
}

func newer(current, known int64) error {
	return fmt.Errorf("%w: its schema is %d, this program knows %d", ErrNewer, current, known)
}

// adopt notes the steps that were made before there was a table of versions.
func adopt(ctx context.Context, db *sql.DB, target int64, old func(context.Context, *sql.Tx) (int64, error)) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	var noted bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)", versions).Scan(&noted); err != nil {
		return err
	}
	var current int64
	if !noted {
		if current, err = old(ctx, tx); err != nil {
			return err
		}
	}
	if current > target {
		return newer(current, target)
	}
	if current == 0 {
		return nil
	}
	store, err := database.NewStore(goose.DialectSQLite3, versions)
	if err != nil {
		return err
	}
	if err := store.CreateVersionTable(ctx, tx); err != nil {
		return fmt.Errorf("make the table of versions: %w", err)
	}
	for version := range current + 1 { // goose wants 0 too
		if err := store.Insert(ctx, tx, database.InsertRequest{Version: version}); err != nil {
			return fmt.Errorf("note version %d: %w", version, err)
		}
	}
	return tx.Commit()
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
