-- +goose Up

-- Whom a message is for and whom it mentions, as JSON; empty if nobody in particular.
ALTER TABLE messages ADD COLUMN extra BLOB NOT NULL DEFAULT x'';

-- The first number that a member may see; 0 is all.
ALTER TABLE members ADD COLUMN join_seq INTEGER NOT NULL DEFAULT 0;

-- Who asks to be let into a group.
CREATE TABLE applications (
	ord  INTEGER PRIMARY KEY,
	app  INTEGER NOT NULL,
	gkey INTEGER NOT NULL,
	user BLOB NOT NULL,
	text BLOB NOT NULL,
	time INTEGER NOT NULL,
	UNIQUE (gkey, user)
) STRICT;
CREATE INDEX applications_by_user ON applications (app, user, gkey);
