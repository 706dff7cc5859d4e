-- +goose Up

-- Deleted users whose words are to be blanked: in the app's events up to a
-- sequence, in messages up to an id. Those of one round share a scan; who is
-- deleted while it goes on waits for the next.
CREATE TABLE erasures (
	id       INTEGER PRIMARY KEY,
	round    INTEGER NOT NULL,
	app      INTEGER NOT NULL,
	user     BLOB NOT NULL,
	events   INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	UNIQUE (user, app, round)
) STRICT;
CREATE INDEX erasures_by_event ON erasures (round, app, events);
CREATE INDEX erasures_by_message ON erasures (round, messages);

-- How far the scan of the round is: through the events of apps below app, those
-- of app up to event, then through all messages up to message.
CREATE TABLE erasing (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	round   INTEGER NOT NULL,
	app     INTEGER NOT NULL,
	event   INTEGER NOT NULL,
	message INTEGER NOT NULL
) STRICT;
INSERT INTO erasing (one, round, app, event, message) VALUES (1, 0, 0, 0, 0);
