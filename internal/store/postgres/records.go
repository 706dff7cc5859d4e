package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

// records reads and changes one app's state within the transaction. What changes
// without an answer waits for the next question, or for the commit, and goes
// with it in one round trip.
type records struct {
	*tx
}

var _ chat.Records = (*records)(nil)

// holdApp makes those who make an app wait for each other: there is no row yet
// that they could lock. Locks of this kind are of the database: each names the schema.
const holdApp = "SELECT pg_advisory_xact_lock(hashtextextended('parley app ' || current_schema(), $1))"

// Records gives access to the app's state, in the order of its commits.
func (t *tx) Records(app chat.AppID) (chat.Records, error) {
	if err := t.begin(app); err != nil {
		return nil, err
	}
	t.queue("hold the app", -1, holdApp, int64(app))
	t.queued.Queue(lockHead, int64(app))
	var head chat.Head
	if err := t.flush(askTime, func(results pgx.BatchResults) error { return t.readHead(results, &head) }); err != nil {
		return nil, fmt.Errorf("lock app %d: %w", app, err)
	}
	return &records{t}, nil
}

// ask sends what is queued and a query, and calls each for its rows.
func (r *records) ask(op, sql string, each func(pgx.Rows) error, args ...any) error {
	if err := r.begin(r.app); err != nil {
		return err
	}
	r.queued.Queue(sql, args...)
	return r.flush(callTime, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err == nil {
			err = eachRow(rows, each)
		}
		return translate(op, err)
	})
}

// must queues a statement that has to change one row; do any number.
func (r *records) must(op, sql string, args ...any) error { return r.later(op, 1, sql, args...) }
func (r *records) do(op, sql string, args ...any) error   { return r.later(op, -1, sql, args...) }

func (r *records) later(op string, rows int64, sql string, args ...any) error {
	if err := r.begin(r.app); err != nil {
		return err
	}
	r.queue(op, rows, sql, append([]any{int64(r.app)}, args...)...)
	return nil
}

func (r *records) App() (a chat.App, ok bool, err error) {
	err = r.ask("read the app", selectApps+" WHERE a.app = $1", func(rows pgx.Rows) (err error) {
		ok = true
		a, err = scanApp(rows)
		return err
	}, int64(r.app))
	return a, ok, err
}

func (r *records) PutApp(a chat.App) error {
	const op = "put app"
	if a.ID != r.app {
		return fmt.Errorf("%s: app %d in the records of app %d", op, a.ID, r.app)
	}
	admins, err := json.Marshal(a.Admins)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	settings, err := json.Marshal(a.Settings)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if err := r.must(op, `INSERT INTO apps (app, key, admins, settings) VALUES ($1, $2, $3, $4) ON CONFLICT (app) DO UPDATE SET
		key = excluded.key, admins = excluded.admins, settings = excluded.settings`, blob(a.Key), admins, settings); err != nil {
		return err
	}
	return r.must(op, `INSERT INTO heads (app, epoch, next, time, version, accepted, refused, dropped, repeated)
		VALUES ($1, $2, 1, 0, 0, 0, 0, 0, 0) ON CONFLICT (app) DO UPDATE SET epoch = excluded.epoch`, blob(a.Epoch))
}

// deleteTime bounds the deletion of a large app's members and accounts.
const deleteTime = 2 * time.Minute

// DeleteApp leaves messages and events to the purge: nothing can reach them any
// more, and they may be many.
func (r *records) DeleteApp() error {
	r.wait = deleteTime
	// SET takes no parameters.
	r.queue("delete app", -1, fmt.Sprintf("SET LOCAL statement_timeout = %d", deleteTime.Milliseconds()))
	for _, sql := range []string{
		"INSERT INTO purges (app, journal, gkey) SELECT h.app, h.journal, g.key FROM heads h JOIN groups g ON g.app = h.app WHERE h.app = $1",
		"INSERT INTO purges (app, journal, gkey) SELECT app, journal, 0 FROM heads WHERE app = $1",
		"DELETE FROM group_heads WHERE app = $1",
		"DELETE FROM mutes WHERE app = $1",
		"DELETE FROM applications WHERE app = $1",
		"DELETE FROM members WHERE app = $1",
		"DELETE FROM groups WHERE app = $1",
		"DELETE FROM accounts WHERE app = $1",
		"DELETE FROM erasing WHERE app = $1",
		"DELETE FROM erasures WHERE app = $1",
		"DELETE FROM words WHERE app = $1",
		"DELETE FROM tokens WHERE app = $1",
		"DELETE FROM replays WHERE app = $1",
		"DELETE FROM dead_ranges WHERE app = $1",
		"DELETE FROM deliveries WHERE app = $1",
		"DELETE FROM failures WHERE app = $1",
		"DELETE FROM pending WHERE app = $1",
		"DELETE FROM endpoints WHERE app = $1",
		"DELETE FROM changes WHERE app = $1",
		"DELETE FROM heads WHERE app = $1",
		"DELETE FROM apps WHERE app = $1",
	} {
		if err := r.do("delete app", sql); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) Endpoint(id string) (e chat.Endpoint, ok bool, err error) {
	err = r.ask("read an endpoint", selectEndpoints+" AND id = $2", func(rows pgx.Rows) (err error) {
		ok = true
		e, err = scanEndpoint(rows, r.app)
		return err
	}, int64(r.app), blob(id))
	return e, ok, err
}

func (r *records) Next() (next chat.Sequence, err error) {
	err = r.ask("read the head", "SELECT next FROM heads WHERE app = $1", func(rows pgx.Rows) error { return rows.Scan(&next) }, int64(r.app))
	return next, err
}

// PutEndpoint leaves cursor and lane of an endpoint that exists where they are.
func (r *records) PutEndpoint(e chat.Endpoint) error {
	commands, err := json.Marshal(e.Commands)
	if err != nil {
		return fmt.Errorf("put endpoint: %w", err)
	}
	settings, err := json.Marshal(e.EndpointSettings)
	if err != nil {
		return fmt.Errorf("put endpoint: %w", err)
	}
	return r.do("put endpoint", `INSERT INTO endpoints (app, id, url, token, ca, commands, settings, cursor, cursor_previous)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (app, id) DO UPDATE SET url = excluded.url, token = excluded.token, ca = excluded.ca, commands = excluded.commands,
			settings = excluded.settings`,
		blob(e.ID), blob(e.URL), blob(e.Token), blob(e.CA), commands, settings, int64(e.Cursor), int64(e.CursorPrevious))
}

func (r *records) count(sql string, args ...any) (n int64, err error) {
	err = r.ask("count", sql, func(rows pgx.Rows) error { return rows.Scan(&n) }, append([]any{int64(r.app)}, args...)...)
	return n, err
}

func (r *records) CountEndpoints() (int64, error) {
	return r.count("SELECT count(*) FROM endpoints WHERE app = $1")
}

func (r *records) CountTokens() (int64, error) {
	return r.count("SELECT count(*) FROM tokens WHERE app = $1")
}

func (r *records) CountReplays(endpoint string) (int64, error) {
	return r.count("SELECT count(*) FROM replays WHERE app = $1 AND endpoint = $2", blob(endpoint))
}

func (r *records) DeleteEndpoint(id string) error {
	for _, sql := range []string{
		"DELETE FROM replays WHERE app = $1 AND endpoint = $2",
		"DELETE FROM dead_ranges WHERE app = $1 AND endpoint = $2",
		"DELETE FROM deliveries WHERE app = $1 AND endpoint = $2",
		"DELETE FROM failures WHERE app = $1 AND endpoint = $2",
		"DELETE FROM pending WHERE app = $1 AND endpoint = $2",
		"DELETE FROM endpoints WHERE app = $1 AND id = $2",
	} {
		if err := r.do("delete endpoint", sql, blob(id)); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) AddReplay(p chat.Replay) (id int64, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return 0, fmt.Errorf("add a replay: %w", err)
	}
	err = r.ask("add a replay", "INSERT INTO replays (app, endpoint, next, last, body) VALUES ($1, $2, $3, $4, $5) RETURNING id",
		func(rows pgx.Rows) error { return rows.Scan(&id) }, int64(r.app), blob(p.Endpoint), int64(p.Next), int64(p.Last), body)
	return id, err
}

func (r *records) AddToken(t chat.Token) error {
	return r.do("add a token", "INSERT INTO tokens (app, id, name, created_at, hash) VALUES ($1, $2, $3, $4, $5)",
		blob(t.ID), blob(t.Name), t.CreatedAt, t.Hash)
}

func (r *records) DeleteToken(id string) (ok bool, err error) {
	err = r.ask("delete a token", "DELETE FROM tokens WHERE app = $1 AND id = $2 RETURNING true",
		func(rows pgx.Rows) error { return rows.Scan(&ok) }, int64(r.app), blob(id))
	return ok, err
}

func (r *records) Words() (list []string, err error) {
	err = r.ask("read words", selectWords, func(rows pgx.Rows) error {
		var word string
		err := rows.Scan(str(&word))
		list = append(list, word)
		return err
	}, int64(r.app))
	return list, err
}

func (r *records) AddWords(list []string) error {
	return r.do("add words", "INSERT INTO words (app, word) SELECT $1, unnest($2::bytea[]) ON CONFLICT DO NOTHING",
		column(list, func(w *string) []byte { return blob(*w) }))
}

func (r *records) DeleteWords(list []string) error {
	return r.do("delete words", "DELETE FROM words WHERE app = $1 AND word = ANY($2::bytea[])",
		column(list, func(w *string) []byte { return blob(*w) }))
}

func (r *records) Account(user chat.UserID) (a chat.Account, ok bool, err error) {
	err = r.ask("read an account", selectAccount, func(rows pgx.Rows) error {
		ok, a.User = true, user
		return scanAccount(rows, &a)
	}, int64(r.app), blob(user))
	return a, ok, err
}

func (r *records) PutAccount(a chat.Account) error {
	return r.do("put account", `INSERT INTO accounts (app, account, nick, face_url, create_time, mute_until, c2c_mute) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (app, account) DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url, create_time = excluded.create_time,
		mute_until = excluded.mute_until, c2c_mute = excluded.c2c_mute`,
		blob(a.User), blob(a.Nick), blob(a.FaceURL), a.CreateTime, a.MuteUntil, a.C2CMute)
}

// DeleteAccount leaves what the user said to slices of Maintain.
func (r *records) DeleteAccount(user chat.UserID) error {
	for _, sql := range []string{
		"UPDATE groups SET members = members - 1 WHERE app = $1 AND key IN (SELECT gkey FROM members WHERE app = $1 AND account = $2)",
		"DELETE FROM members WHERE app = $1 AND account = $2",
		"DELETE FROM mutes WHERE app = $1 AND account = $2",
		"DELETE FROM applications WHERE app = $1 AND account = $2",
		"DELETE FROM accounts WHERE app = $1 AND account = $2",
		insertErasure,
	} {
		if err := r.do("delete account", sql, blob(user)); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) RaiseVersion(c chat.Change) (version uint64, err error) {
	const op = "raise version"
	touched, err := json.Marshal(c.Touched)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	var notices []byte
	if len(c.Notices) > 0 {
		if notices, err = json.Marshal(c.Notices); err != nil {
			return 0, fmt.Errorf("%s: %w", op, err)
		}
	}
	err = r.ask(op, `WITH h AS (UPDATE heads SET version = version + 1 WHERE app = $1 RETURNING journal, version)
		INSERT INTO changes (app, journal, version, id, touched, notices) SELECT $1, journal, version, $2, $3, $4 FROM h RETURNING version`,
		func(rows pgx.Rows) error { return rows.Scan(&version) }, int64(r.app), [16]byte(c.ID), touched, blob(notices))
	if err == nil && version == 0 {
		err = fmt.Errorf("%s: app %d is not there", op, r.app)
	}
	return version, err
}
