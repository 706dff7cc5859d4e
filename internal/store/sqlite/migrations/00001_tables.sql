-- +goose Up

-- Strings are BLOBs throughout. Times are unix seconds unless the column says
-- otherwise.

CREATE TABLE apps (
	id       INTEGER PRIMARY KEY, -- SDKAppID
	key      BLOB NOT NULL,
	admins   BLOB NOT NULL, -- JSON
	epoch    BLOB NOT NULL,
	settings BLOB NOT NULL  -- JSON
) STRICT;

-- What orders an app's commits; written by every batch, so apart from the rest.
CREATE TABLE heads (
	app      INTEGER PRIMARY KEY,
	next     INTEGER NOT NULL, -- sequence of the next event
	time     INTEGER NOT NULL, -- newest EventTime, unix milliseconds
	version  INTEGER NOT NULL,
	accepted INTEGER NOT NULL,
	refused  INTEGER NOT NULL,
	dropped  INTEGER NOT NULL,
	repeated INTEGER NOT NULL
) STRICT;

CREATE TABLE words (
	app  INTEGER NOT NULL,
	word BLOB NOT NULL,
	PRIMARY KEY (app, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
	app             INTEGER NOT NULL,
	id              BLOB NOT NULL,
	url             BLOB NOT NULL,
	token           BLOB NOT NULL,
	ca              BLOB NOT NULL,
	commands        BLOB NOT NULL, -- JSON
	cursor          INTEGER NOT NULL,
	cursor_previous INTEGER NOT NULL,
	PRIMARY KEY (app, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
	app         INTEGER NOT NULL,
	user        BLOB NOT NULL,
	nick        BLOB NOT NULL,
	face_url    BLOB NOT NULL,
	create_time INTEGER NOT NULL,
	mute_until  INTEGER NOT NULL,
	c2c_mute    INTEGER NOT NULL,
	PRIMARY KEY (app, user)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a key names one life of a group and is never used again.
CREATE TABLE groups (
	key            INTEGER PRIMARY KEY AUTOINCREMENT,
	app            INTEGER NOT NULL,
	id             BLOB NOT NULL,
	type           BLOB NOT NULL,
	name           BLOB NOT NULL,
	introduction   BLOB NOT NULL,
	notification   BLOB NOT NULL,
	face_url       BLOB NOT NULL,
	owner          BLOB NOT NULL,
	apply_join     BLOB NOT NULL,
	invite         BLOB NOT NULL,
	max_members    INTEGER NOT NULL,
	members        INTEGER NOT NULL,
	mute_all       INTEGER NOT NULL,
	create_time    INTEGER NOT NULL,
	last_info_time INTEGER NOT NULL,
	info_seq       INTEGER NOT NULL,
	UNIQUE (app, id)
) STRICT;
CREATE INDEX groups_by_type ON groups (app, type);
CREATE INDEX groups_by_key ON groups (app);

-- What orders a group's messages; written by every batch, so apart from the profile.
CREATE TABLE group_heads (
	gkey INTEGER PRIMARY KEY,
	next INTEGER NOT NULL,
	time INTEGER NOT NULL
) STRICT;

-- The rowid is the order of joining.
CREATE TABLE members (
	ord           INTEGER PRIMARY KEY,
	app           INTEGER NOT NULL,
	gkey          INTEGER NOT NULL,
	user          BLOB NOT NULL,
	role          BLOB NOT NULL,
	join_time     INTEGER NOT NULL,
	read_seq      INTEGER NOT NULL,
	msg_flag      BLOB NOT NULL,
	name_card     BLOB NOT NULL,
	last_msg_time INTEGER NOT NULL,
	UNIQUE (gkey, user)
) STRICT;
CREATE INDEX members_by_order ON members (gkey);
CREATE INDEX members_by_user ON members (app, user, gkey);

-- A mute outlives the membership, so it is not a column of it.
CREATE TABLE mutes (
	gkey  INTEGER NOT NULL,
	user  BLOB NOT NULL,
	app   INTEGER NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (gkey, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX mutes_by_user ON mutes (app, user);

-- In the order they came: a batch for many groups fills one page, not one each.
CREATE TABLE messages (
	id       INTEGER PRIMARY KEY,
	gkey     INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	sender   BLOB NOT NULL,
	random   INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	flags    INTEGER NOT NULL,
	body     BLOB NOT NULL,
	cloud    BLOB NOT NULL,
	attempt  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_seq ON messages (gkey, seq);

-- Groups that are gone and whose messages are not yet.
CREATE TABLE purges (
	gkey INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE events (
	app       INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	id        BLOB NOT NULL,
	attempt   BLOB NOT NULL,
	command   BLOB NOT NULL,
	time      INTEGER NOT NULL, -- unix milliseconds
	client_ip BLOB NOT NULL,
	platform  BLOB NOT NULL,
	code      INTEGER NOT NULL,
	grp       BLOB NOT NULL,
	sender    BLOB NOT NULL,
	random    INTEGER NOT NULL,
	rule      BLOB NOT NULL,
	body      BLOB NOT NULL,
	detail    BLOB NOT NULL,
	count     INTEGER NOT NULL,
	cut       INTEGER NOT NULL,
	PRIMARY KEY (app, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending (
	app      INTEGER NOT NULL,
	endpoint BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	previous INTEGER NOT NULL,
	attempt  INTEGER NOT NULL,
	next_at  INTEGER NOT NULL, -- unix milliseconds
	dead     INTEGER NOT NULL,
	status   INTEGER NOT NULL,
	reason   BLOB NOT NULL,
	PRIMARY KEY (app, endpoint, seq)
) STRICT, WITHOUT ROWID;

-- The failed attempts of an event at an endpoint; n counts them from 1.
CREATE TABLE failures (
	app      INTEGER NOT NULL,
	endpoint BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	attempt  INTEGER NOT NULL,
	at       INTEGER NOT NULL, -- unix milliseconds
	duration INTEGER NOT NULL, -- milliseconds
	status   INTEGER NOT NULL,
	reason   BLOB NOT NULL,
	answer   BLOB NOT NULL,
	PRIMARY KEY (app, endpoint, seq, n)
) STRICT, WITHOUT ROWID;

-- Accepted sends of one minute, a row for each batch; the table of a minute is
-- its number modulo 7. The _x tables index those that the memory has no room for.
CREATE TABLE repeats_0 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_1 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_2 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_3 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_4 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_5 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_6 (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL, app INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE repeats_x_0 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_1 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_2 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_3 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_4 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_5 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE repeats_x_6 (key BLOB NOT NULL, attempt BLOB NOT NULL, app INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (key, attempt)) STRICT, WITHOUT ROWID;
