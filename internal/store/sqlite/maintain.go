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
	pageSize     = 4096
	// frameSize is one page in the write-ahead log with its header.
	frameSize = pageSize + 24
	// checkpointAgain is how much the log must grow after a checkpoint that
	// could not finish, before the next try, in bytes.
	checkpointAgain = 1 << 20
	// tightLog is how much the log may hold while the disk has little room.
	tightLog = 1 << 20
)

// walGauge knows how much of the write-ahead log is in use. The file's size
// does not tell, because a log that starts again keeps its file.
type walGauge struct {
	used int64 // bytes written since the log started
	next int64 // bytes in use at which the next checkpoint is tried; 0 is the default
	// truncate: the log holds what nobody is to find again, and is to be emptied
	// by a checkpoint soon.
	truncate bool
}

// due says whether the log is to be moved, which is at limit as a rule.
func (g *walGauge) due(limit int64) bool {
	if g.truncate {
		return g.used >= g.next
	}
	return g.used >= max(g.next, limit)
}

// Maintain does one piece of housekeeping of about five milliseconds, in turn: the
// emptying of a table whose repeats are older than the window, the purge of a
// dissolved group, the blanking of what a deleted user said, the deletion of
// events that are not to be kept, the giving back of free pages, and in turn with
// all these two milliseconds of a copy (see copying.go); and, before that, a
// checkpoint when the log is long, which takes as long as the disk needs for it.
// more says that there is work left. With nothing to do it costs about a
// microsecond. After an error, call Reopen.
func (s *Store) Maintain() (more bool, err error) {
	if err := s.tidyLog(); err != nil {
		return false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return false, ErrClosed
	}
	w := s.files.writer
	copied := s.copied
	s.copied = false
	if work := s.waiting(); s.copy.Load() != nil && !(copied && work != nil) {
		s.copied = true
		s.copyTurn(w) // its faults are its own
	} else if work != nil {
		err = work(w)
	}
	more = s.waiting() != nil || s.copy.Load() != nil || s.log.truncate && s.log.due(0)
	return err == nil && more, err
}

// waiting is the piece of housekeeping whose turn it is, of those that have
// something to do; nil if none has.
func (s *Store) waiting() func(*session) error {
	all := [...]struct {
		due bool
		do  func(*session) error
	}{
		{s.repeats.expired(), s.shrinkRepeats},
		{s.erasing, s.erase},
		{s.purging, s.purgeSlice},
		{!time.Now().Before(s.keeping.again), s.keep},
		{s.vacuuming && s.copy.Load() == nil, s.vacuum}, // a copy would have to begin anew
	}
	for i := range all {
		at := (s.turn + i) % len(all)
		if all[at].due {
			return func(w *session) error {
				s.turn = at + 1
				return all[at].do(w)
			}
		}
	}
	return nil
}

func (s *Store) shrinkRepeats(w *session) error {
	return s.within(w, func(deadline time.Time) error { return s.repeats.shrink(w, deadline) })
}

func (s *Store) purgeSlice(w *session) error {
	return s.thoroughly(w, func(deadline time.Time) error {
		if err := s.purge(w, deadline); err != nil {
			return err
		}
		return s.lowerErasures(w)
	})
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

// tidyLog moves the log into the database when it is long, and lets the next
// write start it again.
func (s *Store) tidyLog() error {
	due, err := s.moveLog()
	if err != nil || !due {
		return err
	}
	// The log can start again only when nobody reads from it, and readers that
	// come and go may never leave it alone. So reads wait for a moment; what is
	// left to move is what was written since they began.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		return ErrClosed
	}
	mode := "RESTART"
	if s.log.truncate {
		mode = "TRUNCATE"
	}
	done, err := checkpoint(s.files.writer, mode)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if done {
		s.log = walGauge{}
	} else { // another program reads
		s.log.next = s.log.used + checkpointAgain
	}
	return nil
}

// moveLog moves as much of the log as it can beside readers; due says that the
// log is long.
func (s *Store) moveLog() (due bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.files == nil:
		return false, ErrClosed
	case s.broken:
		return false, errReopen
	}
	pages, err := pagesWritten(s.files.writer)
	if err != nil {
		return false, err
	}
	s.log.used += pages * frameSize
	limit := s.options.CheckpointAt
	if tight := s.tight.Load(); tight {
		limit = min(limit, tightLog)
		// Its file goes on having the size it once had, unless it is emptied.
		s.log.truncate = s.log.truncate || !s.wasTight || s.log.used >= limit
		s.wasTight = true
	} else {
		s.wasTight = false
	}
	if !s.log.due(limit) {
		return false, nil
	}
	if _, err := checkpoint(s.files.writer, "PASSIVE"); err != nil {
		return true, fmt.Errorf("checkpoint: %w", err)
	}
	return true, nil
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
