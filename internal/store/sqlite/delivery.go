package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

// attemptsKept is how many failed attempts of an event an endpoint keeps.
const attemptsKept = 32

const pendingColumns = "seq, previous, attempt, next_at, dead, status, reason, since, grp, replay"

func scanPending(scan scanner) (p chat.Pending, err error) {
	err = scan(&p.Seq, &p.Previous, &p.Attempt, &p.NextAt, &p.Dead, &p.Status, &p.Reason, &p.Since, &p.Group, &p.Replay)
	return p, err
}

// Pending lists the events that stand apart from an endpoint's cursor.
func (s *Store) Pending(ctx context.Context, app chat.AppID, endpoint string, dead bool, after chat.Sequence, limit int) (list []chat.Pending, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			p, err := scanPending(scan)
			list = append(list, p)
			return err
		}, "SELECT "+pendingColumns+" FROM pending WHERE app = ? AND endpoint = ? AND dead = ? AND seq > ? ORDER BY seq LIMIT ?",
			int64(app), blob(endpoint), dead, int64(after), int64(limit))
	})
	return list, err
}

// PendingOf reads an event's row at an endpoint.
func (s *Store) PendingOf(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) (p chat.Pending, ok bool, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) (err error) {
			ok = true
			p, err = scanPending(scan)
			return err
		}, "SELECT "+pendingColumns+" FROM pending WHERE app = ? AND endpoint = ? AND seq = ?", int64(app), blob(endpoint), int64(seq))
	})
	return p, ok, err
}

// CountPending counts an endpoint's rows, to at most limit each.
func (s *Store) CountPending(ctx context.Context, app chat.AppID, endpoint string, limit int) (waiting, dead int, err error) {
	err = s.read(ctx, func(c *session) error {
		for _, n := range []struct {
			of *int
			is bool
		}{{&waiting, false}, {&dead, true}} {
			if _, err := c.one(row(n.of), `SELECT count(*) FROM (SELECT 1 FROM pending WHERE app = ? AND endpoint = ? AND dead = ? LIMIT ?)`,
				int64(app), blob(endpoint), n.is, int64(limit)); err != nil {
				return err
			}
		}
		return nil
	})
	return waiting, dead, err
}

// DeadRanges lists an endpoint's dead letters that have no rows of their own.
func (s *Store) DeadRanges(ctx context.Context, app chat.AppID, endpoint string) (list []chat.DeadRange, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			var d chat.DeadRange
			var switches []byte
			err := scan(&d.First, &d.Last, &d.Previous, &d.At, &d.Reason, &switches)
			if err == nil {
				err = json.Unmarshal(switches, &d.Switches)
			}
			list = append(list, d)
			return err
		}, "SELECT first, last, previous, at, reason, switches FROM dead_ranges WHERE app = ? AND endpoint = ? ORDER BY first", int64(app), blob(endpoint))
	})
	return list, err
}

// Attempts lists the attempts to deliver an event to an endpoint, oldest first.
func (s *Store) Attempts(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) (list []chat.Attempted, err error) {
	err = s.read(ctx, func(c *session) error {
		if err := c.each(func(scan scanner) error {
			f := chat.Attempted{Seq: seq}
			err := scan(&f.Attempt, &f.At, &f.Duration, &f.Status, &f.Reason, &f.Answer, &f.Replay)
			list = append(list, f)
			return err
		}, `SELECT attempt, at, duration, status, reason, answer, replay FROM failures
			WHERE app = ? AND endpoint = ? AND seq = ? ORDER BY n`, int64(app), blob(endpoint), int64(seq)); err != nil {
			return err
		}
		return c.delivered(app, endpoint, chat.ChunkOf(seq), func(a *chat.Attempted) {
			if a.Seq == seq {
				list = append(list, *a)
			}
		})
	})
	chat.SortAttempts(list)
	return list, err
}

// Delivered tells which events of a range were delivered to an endpoint.
func (s *Store) Delivered(ctx context.Context, app chat.AppID, endpoint string, first, last chat.Sequence) (map[chat.Sequence]bool, error) {
	there := make(map[chat.Sequence]bool)
	last = min(last, first+chat.DeliveryChunk-1)
	err := s.read(ctx, func(c *session) error {
		for chunk := chat.ChunkOf(first); chunk <= chat.ChunkOf(last); chunk++ {
			if err := c.delivered(app, endpoint, chunk, func(a *chat.Attempted) {
				if a.Seq >= first && a.Seq <= last {
					there[a.Seq] = true
				}
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return there, err
}

// delivered calls f for the deliveries of a chunk.
func (c *session) delivered(app chat.AppID, endpoint string, chunk int64, f func(*chat.Attempted)) error {
	return c.each(func(scan scanner) error {
		var body []byte
		if err := scan(&body); err != nil {
			return err
		}
		list, err := chat.DecodeDelivered(chat.DeliveredChunk{Chunk: chunk, Body: body})
		for i := range list {
			f(&list[i])
		}
		return err
	}, "SELECT body FROM deliveries WHERE app = ? AND endpoint = ? AND chunk = ? ORDER BY at", int64(app), blob(endpoint), chunk)
}

// stripAnswers takes the receivers' words out of the deliveries of an event's
// chunk: one of them may have sent back what it was sent.
func (c *session) stripAnswers(app, seq int64) error {
	type old struct {
		endpoint []byte
		at       int64
		body     []byte
	}
	var found []old
	chunk := chat.ChunkOf(chat.Sequence(seq))
	if err := c.each(func(scan scanner) error {
		var o old
		if err := scan(&o.endpoint, &o.at, &o.body); err != nil {
			return err
		}
		stripped, err := chat.StripAnswers(chat.DeliveredChunk{Chunk: chunk, Body: o.body})
		if err == nil && stripped != nil {
			o.body = stripped
			found = append(found, o)
		}
		return err
	}, `SELECT e.id, d.at, d.body FROM endpoints e JOIN deliveries d ON d.app = e.app AND d.endpoint = e.id AND d.chunk = ?2
		WHERE e.app = ?1`, app, chunk); err != nil {
		return err
	}
	for _, o := range found {
		if err := c.exec("UPDATE deliveries SET body = ? WHERE app = ? AND endpoint = ? AND chunk = ? AND at = ?",
			o.body, app, o.endpoint, chunk, o.at); err != nil {
			return err
		}
	}
	return nil
}

// Replays lists an endpoint's replays that are not done, oldest first.
func (s *Store) Replays(ctx context.Context, app chat.AppID, endpoint string) (list []chat.Replay, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			var p chat.Replay
			var body []byte
			var id int64
			var next chat.Sequence
			err := scan(&id, &next, &body)
			if err == nil {
				err = json.Unmarshal(body, &p)
			}
			p.ID, p.Next = id, next
			list = append(list, p)
			return err
		}, "SELECT id, next, body FROM replays WHERE app = ? AND endpoint = ? ORDER BY id", int64(app), blob(endpoint))
	})
	return list, err
}

// Token finds a token by the hash of its secret.
func (s *Store) Token(ctx context.Context, hash []byte) (t chat.Token, ok bool, err error) {
	err = s.read(ctx, func(c *session) error {
		ok, err = c.one(row(&t.App, &t.ID, &t.Name, &t.CreatedAt, &t.Hash), "SELECT app, id, name, created_at, hash FROM tokens WHERE hash = ?", hash)
		return err
	})
	return t, ok, err
}

// Tokens lists an app's tokens, oldest first.
func (s *Store) Tokens(ctx context.Context, app chat.AppID) (list []chat.Token, err error) {
	err = s.read(ctx, func(c *session) error {
		return c.each(func(scan scanner) error {
			t := chat.Token{App: app}
			err := scan(&t.ID, &t.Name, &t.CreatedAt, &t.Hash)
			list = append(list, t)
			return err
		}, "SELECT id, name, created_at, hash FROM tokens WHERE app = ? ORDER BY created_at, id", int64(app))
	})
	return list, err
}

// putProgress writes what a lane reports. The report of an endpoint that was
// deleted in the meantime is dropped.
func (c *session) putProgress(app chat.AppID, p *chat.Progress) error {
	endpoint := blob(p.Endpoint)
	n, err := c.change("UPDATE endpoints SET cursor = ?, cursor_previous = ? WHERE app = ? AND id = ?",
		int64(p.Cursor), int64(p.CursorPrevious), int64(app), endpoint)
	if err != nil || n == 0 {
		return err
	}
	if p.Lane != nil {
		lane, err := json.Marshal(p.Lane)
		if err != nil {
			return err
		}
		if err := c.exec("UPDATE endpoints SET lane = ? WHERE app = ? AND id = ?", lane, int64(app), endpoint); err != nil {
			return err
		}
	}
	for i := range p.Put {
		e := &p.Put[i]
		if err := c.exec(`INSERT INTO pending (app, endpoint, `+pendingColumns+`)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET previous = excluded.previous, attempt = excluded.attempt,
			next_at = excluded.next_at, dead = excluded.dead, status = excluded.status, reason = excluded.reason,
			since = excluded.since, grp = excluded.grp, replay = excluded.replay`,
			int64(app), endpoint, int64(e.Seq), int64(e.Previous), int64(e.Attempt), e.NextAt, e.Dead, int64(e.Status), blob(e.Reason),
			e.Since, blob(e.Group), e.Replay); err != nil {
			return err
		}
	}
	for _, seq := range p.Delete {
		if err := c.exec("DELETE FROM pending WHERE app = ? AND endpoint = ? AND seq = ?", int64(app), endpoint, int64(seq)); err != nil {
			return err
		}
	}
	if err := c.putFailures(app, p); err != nil {
		return err
	}
	for _, d := range chat.EncodeDelivered(p.Delivered) {
		if err := c.exec(`INSERT INTO deliveries (app, endpoint, chunk, at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body`,
			int64(app), endpoint, d.Chunk, p.At, d.Body); err != nil {
			return err
		}
	}
	for _, d := range p.Dead {
		switches, err := json.Marshal(d.Switches)
		if err != nil {
			return fmt.Errorf("switches of a dead range: %w", err)
		}
		if err := c.exec(`INSERT INTO dead_ranges (app, endpoint, first, last, previous, at, reason, switches) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET last = excluded.last, at = excluded.at, reason = excluded.reason, switches = excluded.switches`,
			int64(app), endpoint, int64(d.First), int64(d.Last), int64(d.Previous), d.At, blob(d.Reason), switches); err != nil {
			return err
		}
	}
	for _, r := range p.Replays {
		query, args := "UPDATE replays SET next = ?3 WHERE app = ?1 AND endpoint = ?2 AND id = ?4", []any{int64(app), endpoint, int64(r.Next), r.ID}
		if r.Next > r.Last {
			query = "DELETE FROM replays WHERE app = ?1 AND endpoint = ?2 AND ?3 > last AND id = ?4"
		}
		if err := c.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

func (c *session) putFailures(app chat.AppID, p *chat.Progress) error {
	endpoint := blob(p.Endpoint)
	seqs := make(map[chat.Sequence]bool)
	for i := range p.Failed {
		f := &p.Failed[i]
		if err := c.exec(`INSERT INTO failures (app, endpoint, seq, n, attempt, at, duration, status, reason, answer, replay)
			SELECT ?1, ?2, ?3, coalesce(max(n), 0) + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM failures WHERE app = ?1 AND endpoint = ?2 AND seq = ?3`,
			int64(app), endpoint, int64(f.Seq), int64(f.Attempt), f.At, f.Duration, int64(f.Status), blob(f.Reason), blob(f.Answer), f.Replay); err != nil {
			return err
		}
		seqs[f.Seq] = true
	}
	for seq := range seqs {
		if err := c.exec(`DELETE FROM failures WHERE app = ?1 AND endpoint = ?2 AND seq = ?3 AND n <=
			(SELECT max(n) FROM failures WHERE app = ?1 AND endpoint = ?2 AND seq = ?3) - ?4`,
			int64(app), endpoint, int64(seq), int64(attemptsKept)); err != nil {
			return err
		}
	}
	return nil
}
