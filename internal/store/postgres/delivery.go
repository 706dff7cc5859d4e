package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
)

// attemptsKept is how many failed attempts of an event an endpoint keeps.
const attemptsKept = 32

const pendingColumns = "seq, previous, attempt, next_at, dead, status, reason, since, grp, replay"

const (
	selectPending = "SELECT " + pendingColumns + " FROM pending WHERE app = $1 AND endpoint = $2"
	selectWaiting = selectPending + " AND NOT dead AND seq > $3 ORDER BY seq LIMIT $4"
	selectDead    = selectPending + " AND dead AND seq > $3 ORDER BY seq LIMIT $4"
	countPending  = `SELECT
		(SELECT count(*) FROM (SELECT 1 FROM pending WHERE app = $1 AND endpoint = $2 AND NOT dead LIMIT $3) a),
		(SELECT count(*) FROM (SELECT 1 FROM pending WHERE app = $1 AND endpoint = $2 AND dead LIMIT $3) b)`
)

func scanPending(r pgx.Rows) (p chat.Pending, err error) {
	err = r.Scan(&p.Seq, &p.Previous, &p.Attempt, &p.NextAt, &p.Dead, &p.Status, str(&p.Reason), &p.Since, str(&p.Group), &p.Replay)
	return p, err
}

// Pending lists the events that stand apart from an endpoint's cursor.
func (s *Store) Pending(ctx context.Context, app chat.AppID, endpoint string, dead bool, after chat.Sequence, limit int) (list []chat.Pending, err error) {
	sql := selectWaiting
	if dead {
		sql = selectDead
	}
	err = s.query(ctx, "read pending events", sql, func(r pgx.Rows) error {
		p, err := scanPending(r)
		list = append(list, p)
		return err
	}, int64(app), blob(endpoint), int64(after), int64(limit))
	return list, err
}

// PendingOf reads an event's row at an endpoint.
func (s *Store) PendingOf(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) (p chat.Pending, ok bool, err error) {
	err = s.query(ctx, "read a pending event", selectPending+" AND seq = $3", func(r pgx.Rows) (err error) {
		ok = true
		p, err = scanPending(r)
		return err
	}, int64(app), blob(endpoint), int64(seq))
	return p, ok, err
}

// CountPending counts an endpoint's rows, to at most limit each.
func (s *Store) CountPending(ctx context.Context, app chat.AppID, endpoint string, limit int) (waiting, dead int, err error) {
	err = s.query(ctx, "count pending events", countPending,
		func(r pgx.Rows) error { return r.Scan(&waiting, &dead) }, int64(app), blob(endpoint), int64(limit))
	return waiting, dead, err
}

// DeadRanges lists an endpoint's dead letters that have no rows of their own.
func (s *Store) DeadRanges(ctx context.Context, app chat.AppID, endpoint string) (list []chat.DeadRange, err error) {
	err = s.query(ctx, "read dead ranges", "SELECT first, last, previous, at, reason, switches FROM dead_ranges WHERE app = $1 AND endpoint = $2 ORDER BY first",
		func(r pgx.Rows) error {
			var d chat.DeadRange
			var switches []byte
			err := r.Scan(&d.First, &d.Last, &d.Previous, &d.At, str(&d.Reason), &switches)
			if err == nil {
				err = json.Unmarshal(switches, &d.Switches)
			}
			list = append(list, d)
			return err
		}, int64(app), blob(endpoint))
	return list, err
}

// Attempts lists the attempts to deliver an event to an endpoint, oldest first.
func (s *Store) Attempts(ctx context.Context, app chat.AppID, endpoint string, seq chat.Sequence) (list []chat.Attempted, err error) {
	if err = s.query(ctx, "read failed attempts", `SELECT attempt, at, duration, status, reason, answer, replay FROM failures
		WHERE app = $1 AND endpoint = $2 AND seq = $3 ORDER BY n`, func(r pgx.Rows) error {
		f := chat.Attempted{Seq: seq}
		err := r.Scan(&f.Attempt, &f.At, &f.Duration, &f.Status, str(&f.Reason), &f.Answer, &f.Replay)
		list = append(list, f)
		return err
	}, int64(app), blob(endpoint), int64(seq)); err != nil {
		return nil, err
	}
	err = s.delivered(ctx, app, endpoint, chat.ChunkOf(seq), chat.ChunkOf(seq), func(a *chat.Attempted) {
		if a.Seq == seq {
			list = append(list, *a)
		}
	})
	chat.SortAttempts(list)
	return list, err
}

// Delivered tells which events of a range were delivered to an endpoint.
func (s *Store) Delivered(ctx context.Context, app chat.AppID, endpoint string, first, last chat.Sequence) (map[chat.Sequence]bool, error) {
	there := make(map[chat.Sequence]bool)
	last = min(last, first+chat.DeliveryChunk-1)
	err := s.delivered(ctx, app, endpoint, chat.ChunkOf(first), chat.ChunkOf(last), func(a *chat.Attempted) {
		if a.Seq >= first && a.Seq <= last {
			there[a.Seq] = true
		}
	})
	return there, err
}

const selectDelivered = "SELECT chunk, body FROM deliveries WHERE app = $1 AND endpoint = $2 AND chunk >= $3 AND chunk <= $4 ORDER BY chunk, at"

// delivered calls f for the deliveries of some chunks.
func (s *Store) delivered(ctx context.Context, app chat.AppID, endpoint string, first, last int64, f func(*chat.Attempted)) error {
	return s.query(ctx, "read deliveries", selectDelivered,
		func(r pgx.Rows) error {
			var c chat.DeliveredChunk
			if err := r.Scan(&c.Chunk, &c.Body); err != nil {
				return err
			}
			list, err := chat.DecodeDelivered(c)
			for i := range list {
				f(&list[i])
			}
			return err
		}, int64(app), blob(endpoint), first, last)
}

// Replays lists an endpoint's replays that are not done, oldest first.
func (s *Store) Replays(ctx context.Context, app chat.AppID, endpoint string) (list []chat.Replay, err error) {
	err = s.query(ctx, "read replays", "SELECT id, next, body FROM replays WHERE app = $1 AND endpoint = $2 ORDER BY id", func(r pgx.Rows) error {
		var p chat.Replay
		var body []byte
		var id int64
		var next chat.Sequence
		err := r.Scan(&id, &next, &body)
		if err == nil {
			err = json.Unmarshal(body, &p)
		}
		p.ID, p.Next = id, next
		list = append(list, p)
		return err
	}, int64(app), blob(endpoint))
	return list, err
}

const selectTokens = "SELECT app, id, name, created_at, hash FROM tokens WHERE "

func scanToken(r pgx.Rows) (t chat.Token, err error) {
	err = r.Scan(&t.App, str(&t.ID), str(&t.Name), &t.CreatedAt, &t.Hash)
	return t, err
}

// Token finds a token by the hash of its secret.
func (s *Store) Token(ctx context.Context, hash []byte) (t chat.Token, ok bool, err error) {
	err = s.query(ctx, "read a token", selectTokens+"hash = $1", func(r pgx.Rows) (err error) {
		ok = true
		t, err = scanToken(r)
		return err
	}, hash)
	return t, ok, err
}

// Tokens lists an app's tokens, oldest first.
func (s *Store) Tokens(ctx context.Context, app chat.AppID) (list []chat.Token, err error) {
	err = s.query(ctx, "read tokens", selectTokens+"app = $1 ORDER BY created_at, id", func(r pgx.Rows) error {
		t, err := scanToken(r)
		list = append(list, t)
		return err
	}, int64(app))
	return list, err
}

// putProgress writes what a lane reports. The report of an endpoint that was
// deleted in the meantime is dropped, and so is all that comes from a process
// whose turn to deliver is over.
func (t *tx) putProgress(p *chat.Progress) error {
	app, endpoint, term := int64(t.app), blob(p.Endpoint), t.store.term.Load()
	t.queue("put cursor", -1, "UPDATE endpoints SET cursor = $3, cursor_previous = $4 WHERE app = $1 AND id = $2 AND "+ofTerm+"$5)",
		app, endpoint, int64(p.Cursor), int64(p.CursorPrevious), term)
	if p.Lane != nil {
		lane, err := json.Marshal(p.Lane)
		if err != nil {
			return fmt.Errorf("put lane: %w", err)
		}
		t.queue("put lane", -1, "UPDATE endpoints SET lane = $3 WHERE app = $1 AND id = $2 AND "+ofTerm+"$4)", app, endpoint, lane, term)
	}
	if len(p.Put) > 0 {
		put := latest(p.Put)
		type e = chat.Pending
		t.queue("put pending", -1, `INSERT INTO pending (app, endpoint, `+pendingColumns+`)
			SELECT $1, $2, v.* FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[], $8::bigint[], $9::bytea[],
				$10::bigint[], $11::bytea[], $12::boolean[]) v
			WHERE EXISTS (SELECT 1 FROM endpoints WHERE app = $1 AND id = $2) AND `+ofTerm+`$13)
			ON CONFLICT (app, endpoint, seq) DO UPDATE SET previous = excluded.previous, attempt = excluded.attempt,
			next_at = excluded.next_at, dead = excluded.dead, status = excluded.status, reason = excluded.reason,
			since = excluded.since, grp = excluded.grp, replay = excluded.replay`,
			app, endpoint,
			column(put, func(e *e) int64 { return int64(e.Seq) }),
			column(put, func(e *e) int64 { return int64(e.Previous) }),
			column(put, func(e *e) int64 { return int64(e.Attempt) }),
			column(put, func(e *e) int64 { return e.NextAt }),
			column(put, func(e *e) bool { return e.Dead }),
			column(put, func(e *e) int64 { return int64(e.Status) }),
			column(put, func(e *e) []byte { return blob(e.Reason) }),
			column(put, func(e *e) int64 { return e.Since }),
			column(put, func(e *e) []byte { return blob(e.Group) }),
			column(put, func(e *e) bool { return e.Replay }), term)
	}
	if len(p.Delete) > 0 {
		t.queue("delete pending", -1, `DELETE FROM pending p USING (SELECT x.at FROM unnest($3::bigint[]) u(seq),
			LATERAL (SELECT ctid AS at FROM pending WHERE app = $1 AND endpoint = $2 AND seq = u.seq OFFSET 0) x) v
			WHERE p.ctid = v.at AND `+ofTerm+"$4)",
			app, endpoint, numbers(p.Delete), term)
	}
	t.putFailures(p)
	for _, d := range chat.EncodeDelivered(p.Delivered) {
		t.queue("put deliveries", -1, `INSERT INTO deliveries (app, endpoint, chunk, at, body) SELECT $1, $2, $3, $4, $5
			WHERE EXISTS (SELECT 1 FROM endpoints WHERE app = $1 AND id = $2) AND `+ofTerm+`$6)
			ON CONFLICT (app, endpoint, chunk, at) DO UPDATE SET body = excluded.body`, app, endpoint, d.Chunk, p.At, d.Body, term)
	}
	for _, d := range p.Dead {
		switches, err := json.Marshal(d.Switches)
		if err != nil {
			return fmt.Errorf("switches of a dead range: %w", err)
		}
		t.queue("put a dead range", -1, `INSERT INTO dead_ranges (app, endpoint, first, last, at, reason, switches, previous) SELECT $1, $2, $3, $4, $5, $6, $7, $9
			WHERE EXISTS (SELECT 1 FROM endpoints WHERE app = $1 AND id = $2) AND `+ofTerm+`$8)
			ON CONFLICT (app, endpoint, first) DO UPDATE SET last = excluded.last, at = excluded.at, reason = excluded.reason, switches = excluded.switches`,
			app, endpoint, int64(d.First), int64(d.Last), d.At, blob(d.Reason), switches, term, int64(d.Previous))
	}
	for _, r := range p.Replays {
		if r.Next > r.Last {
			t.queue("end a replay", -1, "DELETE FROM replays WHERE app = $1 AND endpoint = $2 AND id = $3 AND "+ofTerm+"$4)", app, endpoint, r.ID, term)
			continue
		}
		t.queue("put a replay", -1, "UPDATE replays SET next = $4 WHERE app = $1 AND endpoint = $2 AND id = $3 AND "+ofTerm+"$5)",
			app, endpoint, r.ID, int64(r.Next), term)
	}
	return nil
}

func (t *tx) putFailures(p *chat.Progress) {
	app, endpoint, term := int64(t.app), blob(p.Endpoint), t.store.term.Load()
	if len(p.Failed) == 0 {
		return
	}
	type f = chat.Attempted
	seqs := column(p.Failed, func(f *f) int64 { return int64(f.Seq) })
	t.queue("put failures", -1, `INSERT INTO failures (app, endpoint, seq, n, attempt, at, duration, status, reason, answer, replay)
		SELECT $1, $2, v.seq, coalesce((SELECT max(n) FROM failures WHERE app = $1 AND endpoint = $2 AND seq = v.seq), 0)
			+ row_number() OVER (PARTITION BY v.seq ORDER BY v.ord), v.attempt, v.at, v.duration, v.status, v.reason, v.answer, v.replay
		FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::bytea[], $10::boolean[])
			WITH ORDINALITY v(seq, attempt, at, duration, status, reason, answer, replay, ord)
		WHERE EXISTS (SELECT 1 FROM endpoints WHERE app = $1 AND id = $2) AND `+ofTerm+`$11)`,
		app, endpoint, seqs,
		column(p.Failed, func(f *f) int64 { return int64(f.Attempt) }),
		column(p.Failed, func(f *f) int64 { return f.At }),
		column(p.Failed, func(f *f) int64 { return f.Duration }),
		column(p.Failed, func(f *f) int64 { return int64(f.Status) }),
		column(p.Failed, func(f *f) []byte { return blob(f.Reason) }),
		column(p.Failed, func(f *f) []byte { return blob(f.Answer) }),
		column(p.Failed, func(f *f) bool { return f.Replay }), term)
	t.queue("trim failures", -1, `DELETE FROM failures f USING (SELECT x.at FROM (SELECT DISTINCT seq FROM unnest($3::bigint[]) u(seq)) u,
			LATERAL (SELECT ctid AS at FROM failures WHERE app = $1 AND endpoint = $2 AND seq = u.seq AND n <=
				(SELECT max(n) FROM failures WHERE app = $1 AND endpoint = $2 AND seq = u.seq) - $4 OFFSET 0) x) v
		WHERE f.ctid = v.at`, app, endpoint, seqs, int64(attemptsKept))
}

// ofTerm begins the condition that the turn to deliver is of a term.
const ofTerm = "EXISTS (SELECT 1 FROM delivery WHERE one = true AND term = "

// latest leaves of rows with the same sequence the last: one statement can
// write a row but once.
func latest(list []chat.Pending) []chat.Pending {
	at := make(map[chat.Sequence]int, len(list))
	out := make([]chat.Pending, 0, len(list))
	for _, p := range list {
		if i, ok := at[p.Seq]; ok {
			out[i] = p
			continue
		}
		at[p.Seq] = len(out)
		out = append(out, p)
	}
	return out
}
