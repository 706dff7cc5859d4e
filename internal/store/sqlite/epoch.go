package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// BeginEpoch begins a new epoch of every app's journal, in one transaction: the
// database was restored from a backup, and what was committed after that is
// missing. Each app gets a new random epoch, its next event has the sequence
// [chat.FirstOfEpoch], and its version is raised. Totals, message numbers and
// the events themselves stay.
//
// Cursors stay too, so that what was not delivered when the backup was made is
// delivered now, under the new epoch. But nobody was told of an event before it
// in that epoch: it begins a new chain of Previous, and so does each event that
// waits in a row of its own.
//
// It is a method of the write side, like Begin.
func (s *Store) BeginEpoch() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return ErrClosed
	}
	w := s.files.writer
	s.heads.forget()
	if err := s.within(w, func(time.Time) error { return beginEpoch(w) }); err != nil {
		return fmt.Errorf("begin a new epoch: %w", err)
	}
	// The database's file is to hold all of it, without the log.
	if done, err := checkpoint(w, "TRUNCATE"); err != nil {
		return fmt.Errorf("settle the log: %w", err)
	} else if !done {
		return errors.New("settle the log: it is held by another program")
	}
	return nil
}

func beginEpoch(w *session) error {
	next := make(map[chat.AppID]chat.Sequence)
	err := w.each(func(scan scanner) error {
		var app chat.AppID
		var n chat.Sequence
		err := scan(&app, &n)
		next[app] = n
		return err
	}, "SELECT app, next FROM heads")
	if err != nil {
		return err
	}
	for app, n := range next {
		if err := w.exec("UPDATE apps SET epoch = ? WHERE id = ?", blob(chat.NewEpoch()), int64(app)); err != nil {
			return err
		}
		if err := w.exec("UPDATE heads SET next = ?, version = version + 1 WHERE app = ?", int64(chat.FirstOfEpoch(n)), int64(app)); err != nil {
			return err
		}
	}
	if err := w.exec("UPDATE endpoints SET cursor_previous = 0"); err != nil {
		return err
	}
	return w.exec("UPDATE pending SET previous = 0")
}

// Check reads the whole database and fails with what SQLite finds wrong in it.
// It takes as long as that needs and is not for a store that serves.
func (s *Store) Check(ctx context.Context) error {
	return s.read(ctx, func(c *session) error {
		var says string
		if err := c.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&says); err != nil {
			return fmt.Errorf("check %s: %w", s.path, err)
		}
		if says != "ok" {
			return fmt.Errorf("check %s: the database is damaged: %s", s.path, says)
		}
		return nil
	})
}
