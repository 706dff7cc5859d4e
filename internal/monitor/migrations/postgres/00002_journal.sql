-- What is known of the senders' journals.

-- +goose Up
ALTER TABLE exception ADD COLUMN backfilled BIGINT NOT NULL DEFAULT 0;  -- 1: fetched, not called back

CREATE TABLE journal (
	app   BIGINT PRIMARY KEY,
	state BYTEA NOT NULL                -- JSON, see journal.go
);
