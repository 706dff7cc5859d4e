package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// keepStep is how many events are deleted between two looks at the clock. The work
// takes half of the turn, the commit the rest. A round that finds nothing is
// followed by a pause, as long as keeps such rounds to one part in keepShare.
const (
	keepStep  = 64
	keepPause = 200 * time.Millisecond // at least, after a round that found nothing
	keepShare = 20
)

// Free pages are used again by what is written next. More than vacuumSpare of
// them, and than a quarter of the file, are given back to the disk, vacuumStep
// between two looks at the clock; when the disk is low, all but vacuumTight.
const (
	vacuumSpare = 16 << 20 / pageSize
	vacuumTight = 1 << 20 / pageSize
	vacuumStep  = 32
)

// keeping is how far the round through the apps is in which their oldest events
// are looked at.
type keeping struct {
	app   int64 // looked at last
	found bool  // something went in this round
	took  time.Duration
	again time.Time // when the next round begins
}

// keep deletes a slice of what is not to be kept of one app's journal; at the end
// of a round it looks for room to give back.
func (s *Store) keep(w *session) error {
	began, k := time.Now(), &s.keeping
	deadline := began.Add(maintainTime / 2)
	defer func() { k.took += time.Since(began) }()
	if s.options.Keep.Forever() || !s.guard.Trusted(s.Now(), time.Now()) {
		return s.endRound(w)
	}
	for time.Now().Before(deadline) {
		var app, bytes int64
		ok, err := w.one(row(&app, &bytes), "SELECT app, bytes FROM heads WHERE app > ? ORDER BY app LIMIT 1", k.app)
		if err != nil {
			return fmt.Errorf("keep: %w", err)
		}
		if !ok {
			if k.found {
				*k = keeping{} // the next round begins at once
				continue
			}
			return s.endRound(w)
		}
		k.app = app
		n, err := s.keepApp(w, app, bytes, deadline)
		if err != nil {
			return fmt.Errorf("keep app %d: %w", app, err)
		}
		if n > 0 {
			k.found = true
			return nil // one transaction is enough
		}
	}
	return nil
}

// endRound ends a round that found nothing; the next one begins a little later.
func (s *Store) endRound(w *session) (err error) {
	s.keeping = keeping{again: time.Now().Add(max(keepPause, keepShare*s.keeping.took))}
	s.vacuuming, err = s.wasteful(w)
	return err
}

// keepApp deletes the oldest events of an app, as many as are to go and as there
// is time for, and says how many.
func (s *Store) keepApp(w *session, app, bytes int64, deadline time.Time) (done int, err error) {
	var stop chat.Sequence
	if _, err := w.one(row(&stop), undelivered, app); err != nil {
		return 0, err
	}
	look := func() ([]chat.Kept, error) {
		var oldest []chat.Kept
		err := w.each(func(scan scanner) error {
			var e chat.Kept
			var body, detail int
			err := scan(&e.Seq, &e.Time, &body, &detail)
			e.Size = chat.EventSize(body, detail)
			oldest = append(oldest, e)
			return err
		}, "SELECT seq, time, length(body), length(detail) FROM events WHERE app = ? ORDER BY seq LIMIT ?", app, int64(keepStep))
		return oldest[:s.options.Keep.Removable(s.Now(), bytes, stop, oldest)], err
	}
	gone, err := look()
	if len(gone) == 0 || err != nil {
		return 0, err
	}
	err = s.within(w, func(time.Time) error {
		before := bytes
		for len(gone) > 0 {
			if err := w.removeUpTo(app, gone[len(gone)-1].Seq); err != nil {
				return err
			}
			for _, e := range gone {
				bytes -= e.Size
			}
			if done += len(gone); !time.Now().Before(deadline) {
				break
			}
			if gone, err = look(); err != nil {
				return err
			}
		}
		return w.exec("UPDATE heads SET bytes = max(0, bytes - ?) WHERE app = ?", before-bytes, app)
	})
	if err == nil && s.options.Removed != nil {
		s.options.Removed(chat.AppID(app), done)
	}
	return done, err
}

// undelivered is the first event of an app that one of its endpoints has neither
// been given nor given up, 0 without endpoints.
const undelivered = `SELECT coalesce(min(seq), 0) FROM (
	SELECT cursor + 1 AS seq FROM endpoints WHERE app = ?1 AND url <> x'' UNION ALL
	SELECT (SELECT p.seq FROM pending p WHERE p.app = e.app AND p.endpoint = e.id AND p.dead = 0 ORDER BY p.seq LIMIT 1)
	FROM endpoints e WHERE e.app = ?1 AND e.url <> x'')`

// removeUpTo deletes an app's events up to a sequence, and everything that hangs
// on them. A table that has rows for events belongs here. What tells of several
// events goes with the last of them.
func (c *session) removeUpTo(app int64, seq chat.Sequence) error {
	const ofApp = "app = ?1 AND endpoint IN (SELECT id FROM endpoints WHERE app = ?1) AND "
	for _, q := range []string{
		"DELETE FROM failures WHERE " + ofApp + "seq <= ?2",
		"DELETE FROM pending WHERE " + ofApp + "seq <= ?2",
		"DELETE FROM deliveries WHERE " + ofApp + "chunk < ?3",
		"DELETE FROM dead_ranges WHERE " + ofApp + "first <= ?2 AND last <= ?2",
		"DELETE FROM events WHERE app = ?1 AND seq <= ?2",
	} {
		if err := c.exec(q, app, int64(seq), chat.ChunkOf(seq+1)); err != nil {
			return err
		}
	}
	return nil
}

// First is the oldest event of the app's journal that is kept; without any, the
// sequence that the next one gets.
func (s *Store) First(ctx context.Context, app chat.AppID) (seq chat.Sequence, err error) {
	err = s.read(ctx, func(c *session) error {
		_, err := c.one(row(&seq), `SELECT coalesce((SELECT seq FROM events WHERE app = ?1 ORDER BY seq LIMIT 1),
			(SELECT next FROM heads WHERE app = ?1), 0)`, int64(app))
		return err
	})
	return seq, err
}

// Tight says whether the disk has little room: then the log is kept short and
// free pages are given back to the disk. It may be called from any goroutine.
func (s *Store) Tight(on bool) { s.tight.Store(on) }

// wasteful says whether the file has more free pages than it will soon use.
func (s *Store) wasteful(w *session) (bool, error) {
	var free, all int64
	if _, err := w.one(row(&free), "PRAGMA freelist_count"); err != nil || free <= vacuumTight {
		return false, err
	}
	if _, err := w.one(row(&all), "PRAGMA page_count"); err != nil {
		return false, err
	}
	return s.tight.Load() || free > max(vacuumSpare, all/4), nil
}

// vacuum gives some free pages back to the disk.
func (s *Store) vacuum(w *session) (err error) {
	deadline := time.Now().Add(maintainTime / 2)
	if err := s.within(w, func(time.Time) error {
		for first := true; first || time.Now().Before(deadline); first = false {
			// As a query, because each row of the answer is a page.
			if err := w.each(func(scanner) error { return nil }, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumStep)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	s.vacuuming, err = s.wasteful(w)
	return err
}
