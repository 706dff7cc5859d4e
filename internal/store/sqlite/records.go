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
		"DELETE FROM members WHERE app = ?1",
		"DELETE FROM groups WHERE app = ?1",
		"DELETE FROM accounts WHERE app = ?1",
		"DELETE FROM erasures WHERE app = ?1",
		"DELETE FROM words WHERE app = ?1",
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

// PutEndpoint leaves the cursor of an endpoint that exists where it is: it
// belongs to the lane, which reports it as progress. With other commands the
// chain of events before one another begins anew.
func (r *records) PutEndpoint(e chat.Endpoint) error {
	commands, err := json.Marshal(e.Commands)
	if err != nil {
		return r.tx.fail("put endpoint", err)
	}
	return r.run("put endpoint", []any{blob(e.ID), blob(e.URL), blob(e.Token), blob(e.CA), commands, int64(e.Cursor), int64(e.CursorPrevious)},
		`INSERT INTO endpoints (app, id, url, token, ca, commands, cursor, cursor_previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT DO UPDATE SET url = excluded.url, token = excluded.token, ca = excluded.ca, commands = excluded.commands,
			cursor_previous = CASE WHEN commands = excluded.commands THEN cursor_previous ELSE 0 END`)
}

func (r *records) DeleteEndpoint(id string) error {
	return r.run("delete endpoint", []any{blob(id)},
		"DELETE FROM failures WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM pending WHERE app = ?1 AND endpoint = ?2",
		"DELETE FROM endpoints WHERE app = ?1 AND id = ?2")
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
