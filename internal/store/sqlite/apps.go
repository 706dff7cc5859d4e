package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

func scanApp(scan scanner) (a chat.App, err error) {
	var admins, settings []byte
	if err := scan(&a.ID, &a.Key, &admins, &a.Epoch, &settings); err != nil {
		return a, err
	}
	// A setting that is younger than the row has its default.
	a.Settings = chat.DefaultSettings()
	if err := json.Unmarshal(settings, &a.Settings); err != nil {
		return a, fmt.Errorf("settings of app %d: %w", a.ID, err)
	}
	if err := json.Unmarshal(admins, &a.Admins); err != nil {
		return a, fmt.Errorf("admins of app %d: %w", a.ID, err)
	}
	return a, nil
}

// Apps lists all apps by id.
func (s *Store) Apps(ctx context.Context) (list []chat.App, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			a, err := scanApp(scan)
			list = append(list, a)
			return err
		}, selectApps+" ORDER BY id")
	})
	return list, err
}

const selectApps = "SELECT id, key, admins, epoch, settings FROM apps"

// App reads one app.
func (s *Store) App(ctx context.Context, app chat.AppID) (a chat.App, ok bool, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) (err error) {
			ok = true
			a, err = scanApp(scan)
			return err
		}, selectApps+" WHERE id = ?", int64(app))
	})
	return a, ok, err
}

// Head reads what orders the app's commits, without groups and repeats. An app
// that does not exist has the zero Head: a Next of 0.
func (s *Store) Head(ctx context.Context, app chat.AppID) (h chat.Head, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		h, err = c.head(app)
		return err
	})
	return h, err
}

// Heads reads the heads of all apps.
func (s *Store) Heads(ctx context.Context) (all map[chat.AppID]chat.Head, err error) {
	all = make(map[chat.AppID]chat.Head)
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			app, head, err := scanHead(scan)
			all[app] = head
			return err
		}, fromHeads)
	})
	return all, err
}

// Changes is not kept: no other process can change anything.
func (s *Store) Changes(context.Context, chat.AppID, uint64, uint64) ([]chat.Change, error) {
	return nil, nil
}

func (c *session) words(app chat.AppID) (list []string, err error) {
	err = c.each(func(scan scanner) error {
		var word string
		err := scan(&word)
		list = append(list, word)
		return err
	}, "SELECT word FROM words WHERE app = ? ORDER BY word", int64(app))
	return list, err
}

// Words lists the app's filter words in byte order.
func (s *Store) Words(ctx context.Context, app chat.AppID) (list []string, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		list, err = c.words(app)
		return err
	})
	return list, err
}

const selectEndpoints = "SELECT id, url, token, ca, commands, settings, cursor, cursor_previous, lane FROM endpoints WHERE app = ?"

func scanEndpoint(scan scanner, app chat.AppID) (chat.Endpoint, error) {
	e := chat.Endpoint{App: app}
	var commands, settings, lane []byte
	if err := scan(&e.ID, &e.URL, &e.Token, &e.CA, &commands, &settings, &e.Cursor, &e.CursorPrevious, &lane); err != nil {
		return e, err
	}
	err := errors.Join(json.Unmarshal(commands, &e.Commands), json.Unmarshal(settings, &e.EndpointSettings), json.Unmarshal(lane, &e.Lane))
	if err != nil {
		return e, fmt.Errorf("endpoint %q: %w", e.ID, err)
	}
	return e, nil
}

// Endpoints lists the app's endpoints by id.
func (s *Store) Endpoints(ctx context.Context, app chat.AppID) (list []chat.Endpoint, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			e, err := scanEndpoint(scan, app)
			list = append(list, e)
			return err
		}, selectEndpoints+" ORDER BY id", int64(app))
	})
	return list, err
}

func (c *session) account(app chat.AppID, user chat.UserID) (a chat.Account, ok bool, err error) {
	a.User = user
	ok, err = c.one(row(&a.Nick, &a.FaceURL, &a.CreateTime, &a.MuteUntil, &a.C2CMute),
		"SELECT nick, face_url, create_time, mute_until, c2c_mute FROM accounts WHERE app = ? AND user = ?", int64(app), blob(user))
	if !ok {
		a = chat.Account{}
	}
	return a, ok, err
}

// Account reads an account. AdminOfApp is left to those who know the settings.
func (s *Store) Account(ctx context.Context, app chat.AppID, user chat.UserID) (a chat.Account, ok bool, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		a, ok, err = c.account(app, user)
		return err
	})
	return a, ok, err
}
