-- What is known of the senders' journals.

-- +goose Up
ALTER TABLE exception ADD COLUMN backfilled INTEGER NOT NULL DEFAULT 0;  -- 1: fetched, not called back

CREATE TABLE journal (
	app   INTEGER PRIMARY KEY,
	state BLOB NOT NULL                             -- JSON, see journal.go
);

PRAGMA user_version = 2;
