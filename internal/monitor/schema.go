package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNewerDatabase is returned by Start when the database was written by a
// newer version of the program.
var ErrNewerDatabase = errors.New("the database is newer than this program")

// migrations turn a database of version n into one of version n+1. The version
// is SQLite's user_version. A migration that was released is never changed.
//
// What comes from outside and may hold any bytes is a BLOB. Positions are never
// used twice, so that a cursor cannot skip what took a freed number.
var migrations = []string{`
CREATE TABLE exception (
	pos         INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival
	app         INTEGER NOT NULL,
	identity    BLOB    NOT NULL,                   -- what makes it the same event, hashed
	code        INTEGER NOT NULL,
	group_id    BLOB    NOT NULL,
	sender      BLOB    NOT NULL,
	event_time  INTEGER NOT NULL,                   -- ms, as sent
	received_at INTEGER NOT NULL,                   -- ms, our clock
	event_id    BLOB    NOT NULL,                   -- empty if the sender gives none
	epoch       BLOB    NOT NULL,
	sequence    INTEGER NOT NULL,
	refusals    INTEGER NOT NULL,                   -- how many it stands for
	truncated   INTEGER NOT NULL,                   -- bytes cut from MsgBody
	body        BLOB    NOT NULL
);
CREATE UNIQUE INDEX exception_identity ON exception (app, identity);
CREATE INDEX exception_code  ON exception (code);
CREATE INDEX exception_group ON exception (group_id);
CREATE INDEX exception_sender ON exception (sender);

CREATE TABLE tally (                                -- totals that outlive retention
	app      INTEGER NOT NULL,
	code     INTEGER NOT NULL,
	records  INTEGER NOT NULL,
	refusals INTEGER NOT NULL,
	last_at  INTEGER NOT NULL,
	PRIMARY KEY (app, code)
) WITHOUT ROWID;

CREATE TABLE other (                                -- callbacks of other commands
	pos         INTEGER PRIMARY KEY AUTOINCREMENT,
	app         INTEGER NOT NULL,
	command     BLOB    NOT NULL,
	identity    BLOB,                               -- NULL if the sender gives no id
	received_at INTEGER NOT NULL,
	body        BLOB    NOT NULL
);
CREATE UNIQUE INDEX other_identity ON other (app, identity) WHERE identity IS NOT NULL;

CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
`}

// migrate brings the database that c writes to up to date.
func migrate(ctx context.Context, c *sql.Conn) error {
	var version int
	if err := c.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read database version: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: it has version %d, the program knows %d", ErrNewerDatabase, version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		step := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT", migrations[version], version+1)
		if _, err := c.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("migrate database to version %d: %w", version+1, err)
		}
	}
	return nil
}
