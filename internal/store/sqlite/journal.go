package sqlite

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

const fromHeads = "SELECT h.app, a.epoch, h.next, h.version, h.time, h.accepted, h.refused, h.dropped, h.repeated FROM heads h JOIN apps a ON a.id = h.app"

func scanHead(scan scanner) (app chat.AppID, h chat.Head, err error) {
	err = scan(&app, &h.Epoch, &h.Next, &h.Version, &h.Time, &h.Totals.Accepted, &h.Totals.Refused, &h.Totals.Dropped, &h.Totals.Repeated)
	return app, h, err
}

func (c *session) head(app chat.AppID) (h chat.Head, err error) {
	err = c.each(func(scan scanner) (err error) {
		_, h, err = scanHead(scan)
		return err
	}, fromHeads+" WHERE h.app = ?", int64(app))
	return h, err
}

func (c *session) putHead(app chat.AppID, rows *chat.Rows) error {
	t := &rows.Totals
	n, err := c.change("UPDATE heads SET next = ?, time = ?, accepted = ?, refused = ?, dropped = ?, repeated = ?, bytes = bytes + ? WHERE app = ?",
		int64(rows.Next), rows.Time, int64(t.Accepted), int64(t.Refused), int64(t.Dropped), int64(t.Repeated), rows.EventBytes(), int64(app))
	if err == nil && n == 0 {
		err = fmt.Errorf("app %d is not there", app)
	}
	return err
}

const eventColumns = "seq, id, attempt, command, time, client_ip, platform, code, grp, sender, random, rule, body, detail, count, cut"

func (c *session) putEvent(app chat.AppID, e *chat.Event) error {
	return c.exec("INSERT INTO events (app, "+eventColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(app), int64(e.Seq), e.ID[:], e.Attempt[:], blob(e.Command), e.Time, blob(e.ClientIP), blob(e.Platform),
		int64(e.Code), blob(e.Group), blob(e.From), int64(e.Random), blob(e.Rule), blob(e.Body), blob(e.Detail),
		int64(e.Count), int64(e.Cut))
}

func scanEvent(scan scanner, app chat.AppID) (chat.Event, error) {
	e := chat.Event{App: app}
	err := scan(&e.Seq, (*id16)(&e.ID), (*id16)(&e.Attempt), &e.Command, &e.Time, &e.ClientIP, &e.Platform, &e.Code,
		&e.Group, &e.From, &e.Random, &e.Rule, &e.Body, &e.Detail, &e.Count, &e.Cut)
	return e, err
}

// Events lists the journal after a sequence, in order. It stops at the event
// whose body makes the sum reach maxBytes, which is still in the list.
func (s *Store) Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	return s.events(ctx, app, "seq > ? ORDER BY seq", after, limit, maxBytes)
}

// EventsBefore lists the journal before a sequence, newest first; see Events.
func (s *Store) EventsBefore(ctx context.Context, app chat.AppID, before chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	return s.events(ctx, app, "seq < ? ORDER BY seq DESC", min(before, 1<<63-1), limit, maxBytes)
}

// events lists a part of the journal in an order.
func (s *Store) events(ctx context.Context, app chat.AppID, which string, from chat.Sequence, limit, maxBytes int) (list []chat.Event, err error) {
	err = s.read(ctx, func(c *session) error {
		bytes := 0
		err := c.each(func(scan scanner) error {
			e, err := scanEvent(scan, app)
			if err != nil {
				return err
			}
			list = append(list, e)
			if bytes += len(e.Body); bytes >= maxBytes {
				return errEnough
			}
			return nil
		}, "SELECT "+eventColumns+" FROM events WHERE app = ? AND "+which+" LIMIT ?", int64(app), int64(from), int64(limit))
		if err == errEnough {
			err = nil
		}
		return err
	})
	return list, err
}

// Event reads one event of the journal.
func (s *Store) Event(ctx context.Context, app chat.AppID, seq chat.Sequence) (e chat.Event, ok bool, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) (err error) {
			ok = true
			e, err = scanEvent(scan, app)
			return err
		}, "SELECT "+eventColumns+" FROM events WHERE app = ? AND seq = ?", int64(app), int64(seq))
	})
	return e, ok, err
}

// Found tells which attempts are stored: accepted ones by their repeat, the
// others by their event; changes by the version, which nobody else raises.
func (s *Store) Found(ctx context.Context, app chat.AppID, traces []chat.Trace) ([]bool, error) {
	found := make([]bool, len(traces))
	err := s.read(ctx, func(c *session) (err error) {
		var head chat.Head
		if head, err = c.head(app); err != nil {
			return err
		}
		for i, t := range traces {
			if t.Removed != "" {
				found[i] = head.Epoch != t.Removed
			} else if t.Version > 0 {
				found[i] = head.Version >= t.Version
			} else if t.Stored {
				_, found[i], err = s.repeats.find(c, t.Repeat, func(p *chat.Repeat) bool { return p.Attempt == t.Attempt })
			} else if t.Event > 0 {
				var id id16
				var ok bool
				ok, err = c.one(row(&id), "SELECT attempt FROM events WHERE app = ? AND seq = ?", int64(app), int64(t.Event))
				found[i] = ok && chat.AttemptID(id) == t.Attempt
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Repeat looks for an accepted send that is not older than [chat.RepeatWindow]
// at the time now, in unix seconds.
func (s *Store) Repeat(ctx context.Context, app chat.AppID, key chat.RepeatKey, now int64) (r chat.Repeat, ok bool, err error) {
	err = s.read(ctx, func(c *session) (err error) {
		r, ok, err = s.repeats.find(c, key, recent(now))
		return err
	})
	return r, ok, err
}
