-- The monitor's tables in PostgreSQL.
--
-- What comes from outside and may hold any bytes is a BYTEA. No sequence gives
-- positions, but the one row of head: whoever writes locks it first, so what
-- commits later has the greater position. Positions are never used twice.

-- +goose Up
CREATE TABLE head (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	pos BIGINT  NOT NULL                -- the last position that was given out
);
INSERT INTO head (one, pos) VALUES (1, 0);

CREATE TABLE exception (
	pos         BIGINT PRIMARY KEY,     -- order of arrival
	app         BIGINT NOT NULL,
	identity    BYTEA  NOT NULL,        -- what makes it the same event, hashed
	code        BIGINT NOT NULL,
	group_id    BYTEA  NOT NULL,
	sender      BYTEA  NOT NULL,
	event_time  BIGINT NOT NULL,        -- ms, as sent
	received_at BIGINT NOT NULL,        -- ms, our clock
	event_id    BYTEA  NOT NULL,        -- empty if the sender gives none
	epoch       BYTEA  NOT NULL,
	sequence    BIGINT NOT NULL,
	refusals    BIGINT NOT NULL,        -- how many it stands for
	truncated   BIGINT NOT NULL,        -- bytes cut from MsgBody
	body        BYTEA  NOT NULL
);
CREATE UNIQUE INDEX exception_identity ON exception (app, identity);
CREATE INDEX exception_code ON exception (code, pos);
-- An entry of an index has at most 2704 bytes; an id from outside may be longer.
CREATE INDEX exception_group ON exception (substr(group_id, 1, 64), pos);
CREATE INDEX exception_sender ON exception (substr(sender, 1, 64), pos);

CREATE TABLE tally (                    -- totals that outlive retention
	app      BIGINT NOT NULL,
	code     BIGINT NOT NULL,
	records  BIGINT NOT NULL,
	refusals BIGINT NOT NULL,
	last_at  BIGINT NOT NULL,
	PRIMARY KEY (app, code)
);

CREATE TABLE other (                    -- callbacks of other commands
	pos         BIGINT PRIMARY KEY,     -- given out with those of exception
	app         BIGINT NOT NULL,
	command     BYTEA  NOT NULL,
	identity    BYTEA,                  -- NULL if the sender gives no id
	received_at BIGINT NOT NULL,
	body        BYTEA  NOT NULL
);
CREATE UNIQUE INDEX other_identity ON other (app, identity) WHERE identity IS NOT NULL;
