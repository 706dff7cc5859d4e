package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one slice: rows looked at, rows blanked and bytes that they have,
// because the commit syncs a page or more for each row. Looking takes half of the
// time at most.
const (
	eraseScan  = 4000
	eraseStep  = 200 // looked at between two looks at the clock
	eraseRows  = 100
	eraseBytes = 256 << 10
	eraseUsers = 500 // forgotten at the end of a round
	// eraseUnsaved is how many slices that found nothing go by before the place
	// of the scan is written, which costs a sync.
	eraseUnsaved = 64
)

// insertErasure marks what is stored of a user now. A second deletion before the
// scan reaches the first takes its place.
const insertErasure = `INSERT INTO erasures (round, app, user, events, messages)
	SELECT e.round + 1, ?1, ?2, coalesce((SELECT next - 1 FROM heads WHERE app = ?1), 0), coalesce((SELECT max(id) FROM messages), 0) FROM erasing e
	WHERE true ON CONFLICT (user, app, round) DO UPDATE SET events = excluded.events, messages = excluded.messages`

// round is how far the scan that a round of erasures shares has come: through
// the events of the apps concerned and then through all messages, in the order
// in which they are stored. An index by sender would cost every send.
type round struct {
	number  int64
	app     int64
	event   int64
	message int64
	unsaved int // slices since the place was written
}

// find is what a slice of the scan found.
type find struct {
	events   []foundEvent
	messages []int64
	seen     int
	bytes    int
	deadline time.Time
}

type foundEvent struct {
	app, seq     int64
	body, detail []byte
}

func (f *find) rows() int { return len(f.events) + len(f.messages) }

// full says that there is enough to blank.
func (f *find) full() bool { return f.rows() >= eraseRows || f.bytes >= eraseBytes }

// over says that the slice has looked enough.
func (f *find) over() bool {
	return f.full() || f.seen >= eraseScan || !time.Now().Before(f.deadline)
}

// erase blanks a slice of what deleted users said. Slices that find nothing only
// read.
func (s *Store) erase(w *session) error {
	if err := s.eraseSlice(w); err != nil {
		s.round = nil // to be read again: it is further than what is blanked
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

func (s *Store) eraseSlice(w *session) error {
	if s.round == nil {
		s.round = &round{}
		if _, err := w.one(row(&s.round.number, &s.round.app, &s.round.event, &s.round.message), "SELECT round, app, event, message FROM erasing"); err != nil {
			return err
		}
	}
	r := s.round
	var of, waiting bool
	if _, err := w.one(row(&of, &waiting), "SELECT EXISTS (SELECT 1 FROM erasures WHERE round = ?), EXISTS (SELECT 1 FROM erasures)", r.number); err != nil {
		return err
	}
	switch {
	case !waiting:
		s.erasing = false
		return nil
	case !of:
		*r = round{number: r.number + 1}
		return s.within(w, func(time.Time) error { return r.save(w) })
	}
	f := find{deadline: time.Now().Add(maintainTime / 2)}
	done, err := r.scanEvents(w, &f)
	if err == nil && done {
		done, err = r.scanMessages(w, &f)
	}
	if err != nil {
		return err
	}
	if r.unsaved++; f.rows() == 0 && !done && r.unsaved < eraseUnsaved {
		return nil
	}
	return s.thoroughly(w, func(time.Time) error {
		if err := s.blank(w, &f); err != nil {
			return err
		}
		if err := r.save(w); err != nil || !done {
			return err
		}
		// What the log holds of the old pages goes with the next checkpoint.
		s.log.truncate = true
		return w.exec("DELETE FROM erasures WHERE id IN (SELECT id FROM erasures WHERE round = ? LIMIT ?)", r.number, eraseUsers)
	})
}

func (r *round) save(w *session) error {
	r.unsaved = 0
	return w.exec("UPDATE erasing SET round = ?, app = ?, event = ?, message = ?", r.number, r.app, r.event, r.message)
}

// blank writes what is left of what was found.
func (s *Store) blank(w *session, f *find) error {
	for _, e := range f.events {
		body, detail := s.options.Erase.Of(e.body), chat.EraseDetail(e.detail)
		if err := w.exec("UPDATE events SET body = ?, detail = ? WHERE app = ? AND seq = ?", blob(body), blob(detail), e.app, e.seq); err != nil {
			return err
		}
		if err := w.exec("UPDATE heads SET bytes = bytes + ? WHERE app = ?",
			int64(len(body)+len(detail)-len(e.body)-len(e.detail)), e.app); err != nil {
			return err
		}
		// A receiver may have sent back what it was sent.
		if err := w.exec(`UPDATE failures SET answer = x'' WHERE app = ?1 AND seq = ?2 AND
			endpoint IN (SELECT id FROM endpoints WHERE app = ?1)`, e.app, e.seq); err != nil {
			return err
		}
		if err := w.stripAnswers(e.app, e.seq); err != nil {
			return err
		}
	}
	for _, id := range f.messages {
		if err := w.exec("UPDATE messages SET body = ?, cloud = x'', extra = x'', flags = flags | ? WHERE id = ?",
			blob(chat.EmptyBody), int64(chat.FlagErased), id); err != nil {
			return err
		}
	}
	return nil
}

// scanEvents goes on through the journals; done says that it has been through
// all of them.
func (r *round) scanEvents(w *session, f *find) (done bool, err error) {
	for !f.over() {
		var app, last int64
		ok, err := w.one(row(&app, &last), `SELECT app, max(events) FROM erasures WHERE round = ?1 AND app =
			(SELECT min(app) FROM erasures WHERE round = ?1 AND app >= ?2) GROUP BY app`, r.number, r.app)
		if err != nil || !ok {
			return err == nil, err
		}
		if app != r.app {
			r.app, r.event = app, 0
		}
		for r.event < last && !f.over() {
			var next int64 // over the sequences that a new epoch left out
			ok, err := w.one(row(&next), "SELECT seq FROM events WHERE app = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT 1", app, r.event, last)
			if err != nil {
				return false, err
			}
			if !ok {
				r.event = last
				break
			}
			if err := r.scanSomeEvents(w, f, min(next+eraseStep-1, last)); err != nil {
				return false, err
			}
		}
		if r.event >= last {
			r.app++
			r.event = 0
		}
	}
	return false, nil
}

// scanSomeEvents goes up to a sequence, or to where there is enough to blank.
func (r *round) scanSomeEvents(w *session, f *find, last int64) error {
	err := w.each(func(scan scanner) error {
		e := foundEvent{app: r.app}
		if err := scan(&e.seq, &e.body, &e.detail); err != nil {
			return err
		}
		f.events = append(f.events, e)
		if f.bytes += len(e.body); f.full() {
			last = e.seq
			return errEnough
		}
		return nil
	}, `SELECT e.seq, e.body, e.detail FROM events e WHERE e.app = ?1 AND e.seq > ?2 AND e.seq <= ?3 AND EXISTS
		(SELECT 1 FROM erasures x WHERE x.user = e.sender AND x.app = ?1 AND x.round = ?4 AND e.seq <= x.events) ORDER BY e.seq`,
		r.app, r.event, last, r.number)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	f.seen += eraseStep
	r.event = last
	return nil
}

// scanMessages goes on through the messages, likewise.
func (r *round) scanMessages(w *session, f *find) (done bool, err error) {
	var last int64
	if _, err := w.one(row(&last), "SELECT coalesce(max(messages), 0) FROM erasures WHERE round = ?", r.number); err != nil {
		return false, err
	}
	for !f.over() {
		var next int64 // over the ids that a purge left unused
		ok, err := w.one(row(&next), "SELECT id FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT 1", r.message, last)
		if err != nil || !ok {
			return err == nil, err
		}
		if err := r.scanSomeMessages(w, f, min(next+eraseStep-1, last)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// scanSomeMessages likewise. The messages of a dissolved group are of no app any
// more; they are left to the purge, which is as thorough.
func (r *round) scanSomeMessages(w *session, f *find, last int64) error {
	err := w.each(func(scan scanner) error {
		var id int64
		var bytes int
		if err := scan(&id, &bytes); err != nil {
			return err
		}
		f.messages = append(f.messages, id)
		if f.bytes += bytes; f.full() {
			last = id
			return errEnough
		}
		return nil
	}, `SELECT m.id, length(m.body) + length(m.cloud) FROM messages m WHERE m.id > ?1 AND m.id <= ?2 AND m.flags & ?3 = 0 AND EXISTS
		(SELECT 1 FROM erasures x CROSS JOIN groups g ON g.key = m.gkey AND g.app = x.app
		WHERE x.user = m.sender AND +x.round = ?4 AND m.id <= x.messages) ORDER BY m.id`,
		r.message, last, int64(chat.FlagErased), r.number)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	f.seen += eraseStep
	r.message = last
	return nil
}

// lowerErasures follows a purge: ids that it left unused may be given again, to
// messages that no erasure means.
func (s *Store) lowerErasures(w *session) error {
	if !s.erasing {
		return nil
	}
	err := w.exec(`UPDATE erasures SET messages = (SELECT coalesce(max(id), 0) FROM messages)
		WHERE messages > (SELECT coalesce(max(id), 0) FROM messages)`)
	if err != nil {
		return fmt.Errorf("lower erasures: %w", err)
	}
	return nil
}

// thoroughly does work in a transaction of its own whose freed bytes and pages
// are overwritten. Elsewhere only the bytes are, which costs no write: pages that
// are dirty anyway.
func (s *Store) thoroughly(w *session, work func(deadline time.Time) error) error {
	if err := w.secureDelete("ON"); err != nil {
		return err
	}
	return errors.Join(s.within(w, work), w.secureDelete("FAST"))
}

// secureDelete sets the pragma, which works when it is compiled: a statement
// that is kept would do nothing.
func (c *session) secureDelete(mode string) error {
	var now int
	return c.conn.QueryRowContext(context.Background(), "PRAGMA secure_delete = "+mode).Scan(&now)
}
