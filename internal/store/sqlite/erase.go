package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one slice, beside its time: rows looked at and rows blanked. The
// latter are spread over as many pages, all of which the commit has to sync.
const (
	eraseScan  = 4000
	eraseStep  = 200 // looked at between two looks at the clock
	eraseRows  = 100
	eraseUsers = 500 // forgotten at the end of a round
)

// insertErasure marks what is stored of a user now. A second deletion before the
// scan reaches the first takes its place.
const insertErasure = `INSERT INTO erasures (round, app, user, events, messages)
	SELECT e.round + 1, ?1, ?2, coalesce((SELECT next - 1 FROM heads WHERE app = ?1), 0), coalesce((SELECT max(id) FROM messages), 0) FROM erasing e
	WHERE true ON CONFLICT (user, app, round) DO UPDATE SET events = excluded.events, messages = excluded.messages`

// round is how far the scan that a round of erasures shares has come.
type round struct {
	number  int64
	app     int64
	event   int64
	message int64
	// Of this slice:
	seen, blanked int
	deadline      time.Time
}

// spent says that the slice is over.
func (r *round) spent() bool {
	return r.seen >= eraseScan || r.blanked >= eraseRows || !time.Now().Before(r.deadline)
}

// erase blanks a slice of what deleted users said. A round goes through the
// events of the apps concerned and then through all messages, in the order they
// are stored: an index by sender would cost every send.
func (s *Store) erase(w *session, deadline time.Time) error {
	if err := s.eraseSlice(w, deadline); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

func (s *Store) eraseSlice(w *session, deadline time.Time) error {
	r := round{deadline: deadline}
	if _, err := w.one(row(&r.number, &r.app, &r.event, &r.message), "SELECT round, app, event, message FROM erasing"); err != nil {
		return err
	}
	var of, waiting bool
	if _, err := w.one(row(&of, &waiting), "SELECT EXISTS (SELECT 1 FROM erasures WHERE round = ?), EXISTS (SELECT 1 FROM erasures)", r.number); err != nil {
		return err
	}
	switch {
	case !waiting:
		s.erasing = false
		return nil
	case !of:
		return w.exec("UPDATE erasing SET round = round + 1, app = 0, event = 0, message = 0")
	}
	done, err := s.eraseEvents(w, &r)
	if err == nil && done {
		done, err = s.eraseMessages(w, &r)
	}
	if err == nil {
		err = w.exec("UPDATE erasing SET app = ?, event = ?, message = ?", r.app, r.event, r.message)
	}
	if err == nil && done {
		// What the log holds of the old pages goes with the next checkpoint.
		s.log.truncate = true
		err = w.exec("DELETE FROM erasures WHERE id IN (SELECT id FROM erasures WHERE round = ? LIMIT ?)", r.number, eraseUsers)
	}
	return err
}

// eraseEvents goes on through the journals; done says that it has been through
// all of them.
func (s *Store) eraseEvents(w *session, r *round) (done bool, err error) {
	for !r.spent() {
		var app, last int64
		ok, err := w.one(row(&app, &last), `SELECT app, max(events) FROM erasures WHERE round = ?1 AND app =
			(SELECT min(app) FROM erasures WHERE round = ?1 AND app >= ?2) GROUP BY app`, r.number, r.app)
		if err != nil || !ok {
			return err == nil, err
		}
		if app != r.app {
			r.app, r.event = app, 0
		}
		for r.event < last && !r.spent() {
			if err := s.eraseSomeEvents(w, r, min(r.event+eraseStep, last)); err != nil {
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

// eraseSomeEvents goes up to a sequence, or to where the slice is over.
func (s *Store) eraseSomeEvents(w *session, r *round, last int64) error {
	type hit struct {
		seq          int64
		body, detail []byte
	}
	var hits []hit
	err := w.each(func(scan scanner) error {
		var h hit
		err := scan(&h.seq, &h.body, &h.detail)
		if hits = append(hits, h); err == nil && r.blanked+len(hits) >= eraseRows {
			err = errEnough
		}
		return err
	}, `SELECT e.seq, e.body, e.detail FROM events e WHERE e.app = ?1 AND e.seq > ?2 AND e.seq <= ?3 AND EXISTS
		(SELECT 1 FROM erasures x WHERE x.user = e.sender AND x.app = ?1 AND x.round = ?4 AND e.seq <= x.events) ORDER BY e.seq`,
		r.app, r.event, last, r.number)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	cut := err != nil
	r.seen += int(last - r.event)
	for _, h := range hits {
		if err := w.exec("UPDATE events SET body = ?, detail = ? WHERE app = ? AND seq = ?",
			blob(s.options.Erase.Of(h.body)), blob(chat.EraseDetail(h.detail)), r.app, h.seq); err != nil {
			return err
		}
		// A receiver may have sent back what it was sent.
		if err := w.exec(`UPDATE failures SET answer = x'' WHERE app = ?1 AND seq = ?2 AND
			endpoint IN (SELECT id FROM endpoints WHERE app = ?1)`, r.app, h.seq); err != nil {
			return err
		}
		r.event = h.seq
		if r.blanked++; r.spent() {
			return nil
		}
	}
	if !cut {
		r.event = last
	}
	return nil
}

// eraseMessages goes on through the messages, likewise.
func (s *Store) eraseMessages(w *session, r *round) (done bool, err error) {
	var last int64
	if _, err := w.one(row(&last), "SELECT coalesce(max(messages), 0) FROM erasures WHERE round = ?", r.number); err != nil {
		return false, err
	}
	for !r.spent() {
		var next int64 // over the ids that a purge left unused
		ok, err := w.one(row(&next), "SELECT id FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT 1", r.message, last)
		if err != nil || !ok {
			return err == nil, err
		}
		if err := s.eraseSomeMessages(w, r, min(next+eraseStep-1, last)); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (s *Store) eraseSomeMessages(w *session, r *round, last int64) error {
	var hits []int64
	err := w.each(func(scan scanner) error {
		var id int64
		err := scan(&id)
		hits = append(hits, id)
		return err
	}, `SELECT m.id FROM messages m WHERE m.id > ?1 AND m.id <= ?2 AND m.flags & ?3 = 0 AND EXISTS
		(SELECT 1 FROM erasures x CROSS JOIN groups g ON g.key = m.gkey AND g.app = x.app
		WHERE x.user = m.sender AND +x.round = ?4 AND m.id <= x.messages) ORDER BY m.id`,
		r.message, last, int64(chat.FlagErased), r.number)
	if err != nil {
		return err
	}
	r.seen += eraseStep
	for _, id := range hits {
		if err := w.exec("UPDATE messages SET body = ?, cloud = x'', flags = flags | ? WHERE id = ?",
			blob(chat.EmptyBody), int64(chat.FlagErased), id); err != nil {
			return err
		}
		r.message = id
		if r.blanked++; r.spent() {
			return nil
		}
	}
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

// thoroughly does work in a transaction of its own whose freed bytes are
// overwritten. That makes pages dirty that could be left alone otherwise, so it
// is for those who delete what nobody is to find again.
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
