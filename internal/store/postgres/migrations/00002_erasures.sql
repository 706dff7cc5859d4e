-- +goose Up

-- The version of the app's state at the commit: tells what an erasure means. What
-- is older than the column is older than every erasure.
ALTER TABLE messages ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- Deleted users whose words are to be blanked: in events up to a sequence, in
-- messages up to a version of the app's state. Those of one round share a scan;
-- who is deleted while it goes on waits for the next.
CREATE TABLE erasures (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the app of the lowest has its turn
	app     bigint NOT NULL,
	account bytea NOT NULL,
	round   bigint NOT NULL,
	events  bigint NOT NULL,
	version bigint NOT NULL,
	UNIQUE (app, account, round)
);

-- How far the scan of an app's round is: up to which event, then up to which message.
CREATE TABLE erasing (
	app   bigint PRIMARY KEY,
	round bigint NOT NULL,
	event bigint NOT NULL,
	last  bigint NOT NULL, -- event of the round
	gkey  bigint NOT NULL,
	seq   bigint NOT NULL
);
