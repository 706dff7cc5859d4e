-- The monitor's tables in SQLite.
--
-- What comes from outside and may hold any bytes is a BLOB. Positions are never
-- used twice, so that a cursor cannot skip what took a freed number.
--
-- The programs before goose read user_version alone: every step sets it to its
-- own number, so that they refuse what they do not know.

-- +goose Up
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

PRAGMA user_version = 1;
