-- +goose Up

ALTER TABLE endpoints ADD COLUMN settings BLOB NOT NULL DEFAULT x'7b7d'; -- JSON
ALTER TABLE endpoints ADD COLUMN lane BLOB NOT NULL DEFAULT x'7b7d'; -- JSON; written by the lane

ALTER TABLE pending ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- unix milliseconds
ALTER TABLE pending ADD COLUMN grp BLOB NOT NULL DEFAULT x''; -- only of an endpoint in order
ALTER TABLE pending ADD COLUMN replay INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pending_by_fate ON pending (app, endpoint, dead, seq);

ALTER TABLE failures ADD COLUMN replay INTEGER NOT NULL DEFAULT 0;

-- What was delivered, for people to look at: a row for what a lane reports at
-- once of 1024 sequences.
CREATE TABLE deliveries (
	app      INTEGER NOT NULL,
	endpoint BLOB NOT NULL,
	chunk    INTEGER NOT NULL, -- sequence divided by 1024
	at       INTEGER NOT NULL, -- of the report, unix nanoseconds
	body     BLOB NOT NULL,
	PRIMARY KEY (app, endpoint, chunk, at)
) STRICT, WITHOUT ROWID;

-- Dead letters without rows of their own.
CREATE TABLE dead_ranges (
	app      INTEGER NOT NULL,
	endpoint BLOB NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	previous INTEGER NOT NULL, -- of the first of them that was for the endpoint
	at       INTEGER NOT NULL, -- unix milliseconds
	reason   BLOB NOT NULL,
	switches BLOB NOT NULL, -- JSON: which of them were for the endpoint
	PRIMARY KEY (app, endpoint, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE replays (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	app      INTEGER NOT NULL,
	endpoint BLOB NOT NULL,
	next     INTEGER NOT NULL, -- sequence that is looked at next
	last     INTEGER NOT NULL,
	body     BLOB NOT NULL -- JSON: the rest
) STRICT;
CREATE INDEX replays_by_endpoint ON replays (app, endpoint, id);

CREATE TABLE tokens (
	app        INTEGER NOT NULL,
	id         BLOB NOT NULL,
	name       BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	hash       BLOB NOT NULL UNIQUE, -- SHA-256 of the secret
	PRIMARY KEY (app, id)
) STRICT, WITHOUT ROWID;
