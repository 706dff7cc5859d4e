package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
)

const selectHeads = "SELECT app, epoch, next, version, time, accepted, refused, dropped, repeated, clock_timestamp() FROM heads"

// heads reads heads, and the clock with them.
func (s *Store) heads(ctx context.Context, sql string, args ...any) (map[chat.AppID]chat.Head, error) {
	all := make(map[chat.AppID]chat.Head)
	asked := time.Now()
	var at time.Time
	err := s.query(ctx, "read heads", sql, func(r pgx.Rows) error {
		var app chat.AppID
		var h chat.Head
		err := r.Scan(&app, str(&h.Epoch), &h.Next, &h.Version, &h.Time, &h.Totals.Accepted, &h.Totals.Refused, &h.Totals.Dropped, &h.Totals.Repeated, &at)
		all[app] = h
		return err
	}, args...)
	if err == nil && len(all) > 0 {
		s.clock.see(asked, time.Since(asked), at)
	}
	return all, err
}

// Head reads what orders the app's commits, without groups and repeats. An app
// that does not exist has the zero Head: a Next of 0.
func (s *Store) Head(ctx context.Context, app chat.AppID) (chat.Head, error) {
	all, err := s.heads(ctx, selectHeads+" WHERE app = $1", int64(app))
	return all[app], err
}

// Heads reads the heads of all apps.
func (s *Store) Heads(ctx context.Context) (map[chat.AppID]chat.Head, error) {
	return s.heads(ctx, selectHeads)
}

// Changes lists what raised the app's version from after to upTo, as far as it
// is known still.
func (s *Store) Changes(ctx context.Context, app chat.AppID, after, upTo uint64) (list []chat.Change, err error) {
	err = s.query(ctx, "read changes", `SELECT version, id, touched, notices FROM changes
		WHERE app = $1 AND journal = (SELECT journal FROM heads WHERE app = $1) AND version > $2 AND version <= $3 ORDER BY version LIMIT 1000`,
		func(r pgx.Rows) error {
			var c chat.Change
			var touched, notices []byte
			if err := r.Scan(&c.Version, (*[16]byte)(&c.ID), &touched, &notices); err != nil {
				return err
			}
			if err := json.Unmarshal(touched, &c.Touched); err != nil {
				return fmt.Errorf("change %d of app %d: %w", c.Version, app, err)
			}
			if len(notices) > 0 {
				if err := json.Unmarshal(notices, &c.Notices); err != nil {
					return fmt.Errorf("notices of change %d of app %d: %w", c.Version, app, err)
				}
			}
			list = append(list, c)
			return nil
		}, int64(app), int64(after), int64(upTo))
	return list, err
}

func scanEvent(r pgx.Rows, app chat.AppID) (chat.Event, error) {
	e := chat.Event{App: app}
	err := r.Scan(&e.Seq, (*[16]byte)(&e.ID), (*[16]byte)(&e.Attempt), str(&e.Command), &e.Time, str(&e.ClientIP), str(&e.Platform), &e.Code,
		str(&e.Group), str(&e.From), &e.Random, str(&e.Rule), &e.Body, &e.Detail, &e.Count, &e.Cut)
	return e, err
}

var errEnough = errors.New("enough")

const selectEvents = "SELECT " + eventColumns + " FROM events WHERE app = $1 AND journal = (SELECT journal FROM heads WHERE app = $1)"

const (
	selectEventsAfter  = selectEvents + " AND seq > $2 ORDER BY seq LIMIT $3"
	selectEventsBefore = selectEvents + " AND seq < $2 ORDER BY seq DESC LIMIT $3"
)

// Events lists the journal after a sequence, in order. It stops at the event
// whose body makes the sum reach maxBytes, which is still in the list.
func (s *Store) Events(ctx context.Context, app chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	return s.events(ctx, app, selectEventsAfter, after, limit, maxBytes)
}

// EventsBefore lists the journal before a sequence, newest first; see Events.
func (s *Store) EventsBefore(ctx context.Context, app chat.AppID, before chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	return s.events(ctx, app, selectEventsBefore, min(before, 1<<63-1), limit, maxBytes)
}

func (s *Store) events(ctx context.Context, app chat.AppID, query string, from chat.Sequence, limit, maxBytes int) (list []chat.Event, err error) {
	bytes := 0
	err = s.query(ctx, "read events", query, func(r pgx.Rows) error {
		e, err := scanEvent(r, app)
		if err != nil {
			return err
		}
		list = append(list, e)
		if bytes += len(e.Body); bytes >= maxBytes {
			return errEnough
		}
		return nil
	}, int64(app), int64(from), int64(limit))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

// Event reads one event of the journal.
func (s *Store) Event(ctx context.Context, app chat.AppID, seq chat.Sequence) (e chat.Event, ok bool, err error) {
	err = s.query(ctx, "read an event", selectEvents+" AND seq = $2", func(r pgx.Rows) (err error) {
		ok = true
		e, err = scanEvent(r, app)
		return err
	}, int64(app), int64(seq))
	return e, ok, err
}

// Found tells which attempts are stored: accepted ones by their repeat, which
// other processes may have emptied since, or their message, the others by their
// event, changes by their id.
//
// The transaction that is asked about held the app's row from its first round
// trip on. So it has ended, one way or the other, when the row can be locked:
// an answer before could be overtaken by a COMMIT that is still under way. A
// row that its holder does not give up is waited for; the holder's own bounds
// end it.
func (s *Store) Found(ctx context.Context, app chat.AppID, traces []chat.Trace) (found []bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(pg.IdleTimeout + pg.StatementTimeout)
	for {
		found, err = s.find(app, traces)
		if !errors.Is(err, chat.ErrStoreBusy) || time.Now().After(deadline) {
			return found, err
		}
	}
}

func (s *Store) find(app chat.AppID, traces []chat.Trace) ([]bool, error) {
	var keys []chat.RepeatKey
	var groups []chat.GroupKey
	var messages []chat.MsgSeq
	var seqs []chat.Sequence
	var changes []chat.AttemptID
	for _, t := range traces {
		switch {
		case t.Version > 0:
			changes = append(changes, t.Attempt)
		case t.Stored:
			keys = append(keys, t.Repeat)
			groups, messages = append(groups, t.Group), append(messages, t.Message)
		case t.Event > 0:
			seqs = append(seqs, t.Event)
		}
	}
	t := &tx{store: s}
	defer t.Rollback()
	if s.closed.Load() {
		return nil, errClosed
	}
	if err := t.begin(app); err != nil {
		return nil, err
	}
	t.queue("hold the app", -1, holdApp, int64(app))
	t.queued.Queue(lockHead, int64(app))
	var head chat.Head
	if err := t.flush(askTime, func(results pgx.BatchResults) error { return t.readHead(results, &head) }); err != nil {
		return nil, err
	}
	there := make(map[chat.AttemptID]bool)
	t.queued.Queue("SELECT attempt FROM repeats WHERE app = $1 AND journal = $2 AND key = ANY($3)", int64(app), t.journal, ids(keys))
	t.queued.Queue(`SELECT m.attempt FROM unnest($2::bigint[], $3::bigint[]) u(gkey, seq),
		LATERAL (SELECT attempt FROM messages WHERE app = $1 AND gkey = u.gkey AND seq = u.seq OFFSET 0) m`,
		int64(app), numbers(groups), numbers(messages))
	// The range is for a plan made while the table was empty, which may use the
	// key for that alone.
	var first, last chat.Sequence
	if len(seqs) > 0 {
		first, last = slices.Min(seqs), slices.Max(seqs)
	}
	t.queued.Queue("SELECT attempt FROM events WHERE app = $1 AND journal = $2 AND seq = ANY($3) AND seq >= $4 AND seq <= $5",
		int64(app), t.journal, numbers(seqs), int64(first), int64(last))
	t.queued.Queue("SELECT id FROM changes WHERE app = $1 AND journal = $2 AND id = ANY($3)", int64(app), t.journal, ids(changes))
	if err := t.flush(callTime, func(results pgx.BatchResults) error {
		for range 4 {
			rows, err := results.Query()
			if err == nil {
				err = eachRow(rows, func(r pgx.Rows) error {
					var id chat.AttemptID
					err := r.Scan((*[16]byte)(&id))
					there[id] = true
					return err
				})
			}
			if err != nil {
				return translate("look for attempts", err)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	// A COMMIT whose session was given up while it waited for a standby has not
	// kept its promise. This one is behind it in the log, and waits as it did.
	if err := t.Commit(); err != nil {
		return nil, err
	}
	found := make([]bool, len(traces))
	for i, t := range traces {
		switch {
		case t.Removed != "":
			found[i] = head.Epoch != t.Removed
		default:
			found[i] = there[t.Attempt]
		}
	}
	return found, nil
}
