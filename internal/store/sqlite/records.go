package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

var errEnough = errors.New("enough")

// records reads and changes one app's state within the transaction.
type records struct {
	tx  *tx
	w   *session
	app chat.AppID
}

var _ chat.Records = (*records)(nil)

// run executes statements in order, each with the app as ?1 and args from ?2 on.
func (r *records) run(op string, args []any, statements ...string) error {
	all := append([]any{int64(r.app)}, args...)
	for _, st := range statements {
		if err := r.w.exec(st, all...); err != nil {
			return r.tx.fail(op, err)
		}
	}
	return nil
}

// mustChange runs a statement that has to find its row.
func (r *records) mustChange(op string, query string, args ...any) error {
	n, err := r.w.change(query, args...)
	if err == nil && n == 0 {
		err = errors.New("no such row")
	}
	return r.tx.fail(op, err)
}

func (r *records) App() (a chat.App, ok bool, err error) {
	err = r.w.each(func(scan scanner) (err error) {
		ok = true
		a, err = scanApp(scan)
		return err
	}, selectApps+" WHERE id = ?", int64(r.app))
	return a, ok, err
}

func (r *records) PutApp(a chat.App) error {
	if a.ID != r.app {
		return r.tx.fail("put app", fmt.Errorf("app %d in the records of app %d", a.ID, r.app))
	}
	admins, err := json.Marshal(a.Admins)
	if err != nil {
		return r.tx.fail("put app", err)
	}
	settings, err := json.Marshal(a.Settings)
	if err != nil {
		return r.tx.fail("put app", err)
	}
	if err := r.run("put app", []any{blob(a.Key), admins, blob(a.Epoch), settings},
		`INSERT INTO apps (id, key, admins, epoch, settings) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET
		key = excluded.key, admins = excluded.admins, epoch = excluded.epoch, settings = excluded.settings`); err != nil {
		return err
	}
	return r.run("put app", nil, `INSERT INTO heads (app, next, time, version, accepted, refused, dropped, repeated)
		VALUES (?1, 1, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`)
}

// DeleteApp leaves the messages to the purge, as DeleteGroup does: nothing can
// reach them any more, and a large app's would hold up all others.
func (r *records) DeleteApp() error {
	r.tx.purging = true
	if err := r.run("delete app", nil,
		"INSERT INTO purges (gkey) SELECT key FROM groups WHERE app = ?1",
		"DELETE FROM group_heads WHERE gkey IN (SELECT key FROM groups WHERE app = ?1)",
		"DELETE FROM mutes WHERE app = ?1",
		"DELETE FROM applications WHERE app = ?1",
		"DELETE FROM members WHERE app = ?1",
		"DELETE FROM groups WHERE app = ?1",
		"DELETE FROM accounts WHERE app = ?1",
		"DELETE FROM erasures WHERE app = ?1",
		"DELETE FROM words WHERE app = ?1",
		"DELETE FROM tokens WHERE app = ?1",
		"DELETE FROM replays WHERE app = ?1",
		"DELETE FROM dead_ranges WHERE app = ?1",
		"DELETE FROM deliveries WHERE app = ?1",
		"DELETE FROM failures WHERE app = ?1",
		"DELETE FROM pending WHERE app = ?1",
		"DELETE FROM endpoints WHERE app = ?1",
		"DELETE FROM events WHERE app = ?1",
		"DELETE FROM heads WHERE app = ?1",
		"DELETE FROM apps WHERE id = ?1"); err != nil {
		return err
	}
	return r.tx.fail("delete app", r.tx.repeats.forget(r.w, r.app))
}

func (r *records) Endpoint(id string) (e chat.Endpoint, ok bool, err error) {
	err = r.w.each(func(scan scanner) (err error) {
		ok = true
		e, err = scanEndpoint(scan, r.app)
		return err
	}, selectEndpoints+" AND id = ?", int64(r.app), blob(id))
	return e, ok, err
}

func (r *records) Next() (next chat.Sequence, err error) {
	_, err = r.w.one(row(&next), "SELECT next FROM heads WHERE app = ?", int64(r.app))
	return next, err
}

// PutEndpoint leaves cursor and lane of an endpoint that exists where they are.
func (r *records) PutEndpoint(e chat.Endpoint) error {
	commands, err := json.Marshal(e.Commands)
	if err != nil {
		return r.tx.fail("put endpoint", err)
	}
	settings, err := json.Marshal(e.EndpointSettings)
	if err != nil {
		return r.tx.fail("put endpoint", err)
	}
	return r.run("put endpoint", []any{blob(e.ID), blob(e.URL), blob(e.Token), blob(e.CA), commands, settings, int64(e.Cursor), int64(e.CursorPrevious)},
		`INSERT INTO endpoints (app, id, url, token, ca, commands, settings, cursor, cursor_previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
		ON CONFLICT DO UPDATE SET url = excluded.url, token = excluded.token, ca = excluded.ca, commands = excluded.commands, settings = excluded.settings`)
}

func (r *records) count(table string) (n int64, err error) {
	_, err = r.w.one(row(&n), "SELECT count(*) FROM "+table+" WHERE app = ?", int64(r.app))
	return n, err
}

func (r *records) CountEndpoints() (int64, error) { return r.count("endpoints") }
func (r *records) CountTokens() (int64, error)    { return r.count("tokens") }

func (r *records) DeleteEndpoint(id string) error {
	return r.run("delete endpoint", []any{blob(id)},
		"DELETE FROM replays WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM dead_ranges WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM deliveries WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM failures WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM pending WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM endpoints WHERE app = ?1 AND id = ?2")
}

func (r *records) AddReplay(p chat.Replay) (id int64, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return 0, r.tx.fail("add a replay", err)
	}
	if err := r.run("add a replay", []any{blob(p.Endpoint), int64(p.Next), int64(p.Last), body},
		"INSERT INTO replays (app, endpoint, next, last, body) VALUES (?1, ?2, ?3, ?4, ?5)"); err != nil {
		return 0, err
	}
	_, err = r.w.one(row(&id), "SELECT last_insert_rowid()")
	return id, r.tx.fail("add a replay", err)
}

func (r *records) CountReplays(endpoint string) (n int64, err error) {
	_, err = r.w.one(row(&n), "SELECT count(*) FROM replays WHERE app = ? AND endpoint = ?", int64(r.app), blob(endpoint))
	return n, err
}

func (r *records) AddToken(t chat.Token) error {
	return r.run("add a token", []any{blob(t.ID), blob(t.Name), t.CreatedAt, t.Hash},
		"INSERT INTO tokens (app, id, name, created_at, hash) VALUES (?1, ?2, ?3, ?4, ?5)")
}

func (r *records) DeleteToken(id string) (bool, error) {
	n, err := r.w.change("DELETE FROM tokens WHERE app = ? AND id = ?", int64(r.app), blob(id))
	return n > 0, r.tx.fail("delete a token", err)
}

func (r *records) Words() ([]string, error) { return r.w.words(r.app) }

func (r *records) AddWords(list []string) error {
	for _, word := range list {
		if err := r.run("add word", []any{blob(word)}, "INSERT INTO words (app, word) VALUES (?1, ?2) ON CONFLICT DO NOTHING"); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) DeleteWords(list []string) error {
	for _, word := range list {
		if err := r.run("delete word", []any{blob(word)}, "DELETE FROM words WHERE app = ?1 AND word = ?2"); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) Account(user chat.UserID) (chat.Account, bool, error) {
	return r.w.account(r.app, user)
}

func (r *records) PutAccount(a chat.Account) error {
	return r.run("put account", []any{blob(a.User), blob(a.Nick), blob(a.FaceURL), a.CreateTime, a.MuteUntil, a.C2CMute},
		`INSERT INTO accounts (app, user, nick, face_url, create_time, mute_until, c2c_mute) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url, create_time = excluded.create_time,
		mute_until = excluded.mute_until, c2c_mute = excluded.c2c_mute`)
}

// DeleteAccount leaves what the user said to slices of Maintain.
func (r *records) DeleteAccount(user chat.UserID) error {
	r.tx.erasing = true
	return r.run("delete account", []any{blob(user)},
		"UPDATE groups SET members = members - 1 WHERE key IN (SELECT gkey FROM members WHERE app = ?1 AND user = ?2)",
		"DELETE FROM members WHERE app = ?1 AND user = ?2",
		"DELETE FROM mutes WHERE app = ?1 AND user = ?2",
		"DELETE FROM applications WHERE app = ?1 AND user = ?2",
		"DELETE FROM accounts WHERE app = ?1 AND user = ?2",
		insertErasure)
}

func (r *records) RaiseVersion(chat.Change) (version uint64, err error) {
	ok, err := r.w.one(row(&version), "UPDATE heads SET version = version + 1 WHERE app = ? RETURNING version", int64(r.app))
	if err == nil && !ok {
		err = fmt.Errorf("app %d is not there", r.app)
	}
	return version, r.tx.fail("raise version", err)
}
