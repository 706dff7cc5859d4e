package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-im/parley/internal/dbfile"
	"github.com/parley-im/parley/internal/folder"
	"github.com/parley-im/parley/internal/promise"
)

// maxWAL is how many bytes the log may have before its content is moved to the
// database.
const maxWAL = 16 << 20

// sqliteEngine is one file in a data folder that is locked.
type sqliteEngine struct {
	path   string
	folder *folder.Folder
	pool   *sql.DB
}

func openSQLite(ctx context.Context, dir string) (_ engine, err error) {
	data, err := folder.Open(dir)
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: filepath.Join(data.Path(), "monitor.db"), folder: data}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open database %s: %w", e.path, err), e.close())
		}
	}()
	if err := folder.Private(e.path); err != nil {
		return nil, err
	}
	if err := dbfile.Migrate(ctx, e.path, migrations("sqlite"), userVersion); err != nil {
		if errors.Is(err, dbfile.ErrNewer) {
			err = newerDatabase{err}
		}
		return nil, err
	}
	if e.pool, err = sql.Open("sqlite", dbfile.DSN(e.path, "query_only(1)", "busy_timeout(1000)")); err != nil {
		return nil, err
	}
	e.pool.SetMaxOpenConns(readSessions)
	e.pool.SetMaxIdleConns(readSessions)
	return e, nil
}

// userVersion is the schema of a database from before goose.
func userVersion(ctx context.Context, tx *sql.Tx) (version int64, err error) {
	err = tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

func (e *sqliteEngine) place() string    { return e.path }
func (e *sqliteEngine) readers() *sql.DB { return e.pool }

func (e *sqliteEngine) close() error {
	var err error
	if e.pool != nil {
		err = e.pool.Close()
	}
	return errors.Join(err, e.folder.Close())
}

// sqliteSession is the one connection that writes, with what it does often.
type sqliteSession struct {
	path                                    string
	db                                      *sql.DB
	conn                                    *sql.Conn
	exception, other, tally, probe, journal *sql.Stmt // closed with conn
}

// newExceptions are those behind a position, found by it.
const newExceptions = "exception NOT INDEXED WHERE pos > $1"

func (e *sqliteEngine) connect(ctx context.Context) (_ session, err error) {
	s := &sqliteSession{path: e.path}
	s.db, err = sql.Open("sqlite", dbfile.DSN(e.path, "busy_timeout(1000)", "journal_mode(WAL)", "synchronous(FULL)",
		"wal_autocheckpoint(0)", "journal_size_limit(0)", "foreign_keys(1)"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.exception, `INSERT INTO exception
			(app, identity, code, group_id, sender, event_time, received_at, event_id, epoch, sequence, refusals, truncated, body, backfilled)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app, identity) DO NOTHING`},
		{&s.other, "INSERT INTO other (app, command, identity, received_at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
		{&s.tally, fmt.Sprintf(addTally, newExceptions)},
		{&s.probe, "INSERT INTO probe (one, at) VALUES (1, unixepoch()) ON CONFLICT (one) DO UPDATE SET at = excluded.at"},
		{&s.journal, saveJournal},
	} {
		if *one.stmt, err = s.conn.PrepareContext(ctx, one.text); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	return s, nil
}

func (s *sqliteSession) close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	return errors.Join(err, s.db.Close())
}

// commit is not interrupted when ctx ends: it would leave in doubt what is stored.
func (s *sqliteSession) commit(ctx context.Context, records []*record) ([]bool, error) {
	ctx = context.WithoutCancel(ctx)
	if err := s.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, ofStore("begin", err)
	}
	fresh, err := s.insert(ctx, records)
	if err != nil {
		err = blame(err)
		if rollbackErr := s.exec(ctx, "ROLLBACK"); rollbackErr != nil {
			return nil, ofStore("roll back", rollbackErr)
		}
		return nil, err
	}
	if err := s.exec(ctx, "COMMIT"); err != nil {
		return nil, ofStore("commit", err)
	}
	return fresh, nil
}

func (s *sqliteSession) insert(ctx context.Context, records []*record) (fresh []bool, err error) {
	fresh = make([]bool, len(records))
	var first int64 // position of the first new exception
	for i, rec := range records {
		switch rec.kind {
		case kindProbe:
			_, err = s.probe.ExecContext(ctx)
		case kindJournal:
			_, err = s.journal.ExecContext(ctx, rec.SdkAppid, whole(rec.Body))
		case kindOther:
			fresh[i], _, err = add(ctx, s.other, rec.SdkAppid, blob(rec.command), rec.identity, rec.ReceivedAt.UnixMilli(), whole(rec.Body))
		case kindException:
			fresh[i], rec.Position, err = add(ctx, s.exception, rec.SdkAppid, rec.identity, rec.Code, blob(rec.GroupID), blob(rec.From),
				int64(rec.EventTime), rec.ReceivedAt.UnixMilli(), blob(rec.EventID), blob(rec.Epoch), int64(rec.Sequence),
				rec.Refusals, rec.Truncated, whole(rec.Body), flag(rec.Backfilled))
			if first == 0 {
				first = rec.Position
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if first > 0 {
		_, err = s.tally.ExecContext(ctx, first-1)
	}
	return fresh, err
}

// add inserts a row unless it is there; position is 0 then.
func add(ctx context.Context, stmt *sql.Stmt, args ...any) (fresh bool, position int64, err error) {
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return false, 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, 0, err
	}
	position, err = result.LastInsertId()
	return true, position, err
}

// blame says whether the failure of a statement is the record's or the store's
// fault: only what SQLite refuses because of the values is the record's.
func blame(err error) error {
	var code *sqlite.Error
	if errors.As(err, &code) {
		switch code.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return fmt.Errorf("insert: %w", err)
		}
	}
	return ofStore("insert", err)
}

func (s *sqliteSession) exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.conn.ExecContext(context.WithoutCancel(ctx), statement, args...)
	return err
}

func (s *sqliteSession) one(ctx context.Context, query string, dest ...any) error {
	return s.conn.QueryRowContext(ctx, query).Scan(dest...)
}

// tidy moves a long log into the database.
func (s *sqliteSession) tidy(ctx context.Context) error {
	if info, err := os.Stat(s.path + "-wal"); err != nil || info.Size() <= maxWAL {
		return nil // what is wrong with the file, the next commit tells
	}
	return s.exec(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
}

func (s *sqliteSession) promises(ctx context.Context) ([]promise.Promise, error) {
	return dbfile.Promises(ctx, s.conn)
}
