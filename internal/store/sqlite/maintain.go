package sqlite

import (
	"errors"
	"fmt"
	"time"

	driver "modernc.org/sqlite"
)

const (
	maintainTime = 5 * time.Millisecond
	purgeRows    = 500
	purgeSlice   = 50
	// frameSize is one page in the write-ahead log with its header.
	frameSize = 4096 + 24
	// checkpointAgain is how much the log must grow after a checkpoint that
	// could not finish, before the next try, in bytes.
	checkpointAgain = 1 << 20
)

// walGauge knows how much of the write-ahead log is in use. The file's size
// does not tell, because a log that starts again keeps its file.
type walGauge struct {
	used int64 // bytes written since the log started
	next int64 // bytes in use at which the next checkpoint is tried; 0 is the default
}

// Maintain does one piece of housekeeping of about five milliseconds: a
// checkpoint when the log is long, else the emptying of tables whose repeats
// are older than the window, else the purge of dissolved groups. more says that
// there is work left. With nothing to do it costs about a microsecond. After
// an error, call Reopen.
func (s *Store) Maintain() (more bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.files == nil:
		return false, ErrClosed
	case s.broken:
		return false, errReopen
	}
	w := s.files.writer
	if ran, err := s.checkpoint(w); err != nil {
		return false, fmt.Errorf("checkpoint: %w", err)
	} else if ran {
		return s.repeats.expired() || s.purging, nil
	}
	var work func(time.Time) error
	switch {
	case s.repeats.expired():
		work = func(deadline time.Time) error { return s.repeats.shrink(w, deadline) }
	case s.purging:
		work = func(deadline time.Time) error { return s.purge(w, deadline) }
	default:
		return false, nil
	}
	if err := s.within(w, work); err != nil {
		return false, err
	}
	return s.repeats.expired() || s.purging, nil
}

// within does work in a transaction of its own.
func (s *Store) within(w *session, work func(deadline time.Time) error) error {
	deadline := time.Now().Add(maintainTime)
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := work(deadline); err != nil {
		if back := w.exec("ROLLBACK"); back != nil {
			s.broken = true
			err = errors.Join(err, back)
		}
		return err
	}
	if err := w.exec("COMMIT"); err != nil {
		s.broken = true
		return err
	}
	return nil
}

// checkpoint moves the log into the database when it is long, and makes the
// next write start the log again. ran says that it was tried.
func (s *Store) checkpoint(w *session) (ran bool, err error) {
	pages, err := pagesWritten(w)
	if err != nil {
		return false, err
	}
	s.log.used += pages * frameSize
	if s.log.used < max(s.log.next, s.options.CheckpointAt) {
		return false, nil
	}
	// RESTART waits until nobody reads from the log any more; without that, a
	// write that comes at the wrong moment makes the log grow for another
	// round. Reads are short, so a short wait is enough, and if it is not the
	// pages are moved all the same.
	if err := w.exec("PRAGMA busy_timeout = 5"); err != nil {
		return true, err
	}
	done, err := checkpoint(w, "RESTART")
	if err != nil {
		return true, err
	}
	if done {
		s.log = walGauge{}
	} else {
		s.log.next = s.log.used + checkpointAgain
	}
	return true, w.exec("PRAGMA busy_timeout = 2000")
}

// checkpoint runs a checkpoint of the given mode; done says that the log was
// moved completely and is free to start again.
func checkpoint(w *session, mode string) (done bool, err error) {
	var busy, frames, moved int64
	if _, err := w.one(row(&busy, &frames, &moved), "PRAGMA wal_checkpoint("+mode+")"); err != nil {
		return false, err
	}
	return busy == 0 && frames == moved, nil
}

// pagesWritten is the number of pages that the connection has written since the
// last call.
func pagesWritten(w *session) (pages int64, err error) {
	err = w.conn.Raw(func(c any) error {
		n, _, err := c.(driver.DBStatus).Status(driver.DBStatusCacheWrite, true)
		pages = int64(n)
		return err
	})
	return pages, err
}

// purge deletes messages of one dissolved group, oldest first.
func (s *Store) purge(w *session, deadline time.Time) error {
	var key int64
	ok, err := w.one(row(&key), "SELECT gkey FROM purges ORDER BY gkey LIMIT 1")
	if err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	if !ok {
		s.purging = false
		return nil
	}
	for gone := 0; gone < purgeRows && time.Now().Before(deadline); gone += purgeSlice {
		n, err := w.change(`DELETE FROM messages WHERE gkey = ?1 AND seq <=
			(SELECT min(seq) FROM messages WHERE gkey = ?1) + ?2`, key, purgeSlice-1)
		if err != nil {
			return fmt.Errorf("purge: %w", err)
		}
		if n == 0 {
			return w.exec("DELETE FROM purges WHERE gkey = ?", key)
		}
	}
	return nil
}
