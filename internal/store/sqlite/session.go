package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/parley-im/parley/internal/dbfile"
)

// dsn names the file with the pragmas that every connection to it starts with.
func dsn(path string, pragmas ...string) string { return dbfile.DSN(path, pragmas...) }

// session is one connection with the statements it has prepared. It is used by
// one goroutine at a time. Queries do not watch a context: each reads a bounded
// number of rows, and an interrupted write would leave its transaction in doubt.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newSession(db *sql.DB) (*session, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// close ends the statements before the connection, which would otherwise keep
// the file open, and its locks, for as long as one of them lives.
func (c *session) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// prepare gives the statement of a query, made at its first use.
func (c *session) prepare(query string) (*sql.Stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	c.stmts[query] = st
	return st, nil
}

// exec runs a statement.
func (c *session) exec(query string, args ...any) error {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background(), args...)
	return err
}

// change runs a statement and tells how many rows it changed.
func (c *session) change(query string, args ...any) (int64, error) {
	st, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// scanner is a row: the arguments are pointers for its columns.
type scanner func(dest ...any) error

// each calls f for every row of a query.
func (c *session) each(f func(scanner) error, query string, args ...any) error {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads the first row of a query; ok = false if there is none.
func (c *session) one(dest []any, query string, args ...any) (ok bool, err error) {
	st, err := c.prepare(query)
	if err != nil {
		return false, err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	return true, rows.Scan(dest...)
}

// row collects the targets of a query for [session.one].
func row(dest ...any) []any { return dest }

// blob is how a string or bytes are stored: never NULL.
func blob[T ~string | ~[]byte](v T) []byte {
	if b := []byte(v); b != nil {
		return b
	}
	return []byte{}
}

// id16 scans a key or an attempt's id.
type id16 [16]byte

func (id *id16) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(id) {
		return fmt.Errorf("sqlite: an id of 16 bytes expected, got %T of %d", v, len(b))
	}
	copy(id[:], b)
	return nil
}
