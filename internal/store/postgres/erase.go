package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one slice: rows looked at and rows blanked.
const (
	eraseScan = 2000
	eraseRows = 200
)

// insertErasure marks what is stored of a user now: the app's row is held, so
// messages committed later have a higher version. A second deletion before the
// scan reaches the first takes its place.
const insertErasure = `INSERT INTO erasures (app, account, round, events, version)
	SELECT $1, $2, coalesce((SELECT round FROM erasing WHERE app = $1), 0) + 1, next - 1, version FROM heads WHERE app = $1
	ON CONFLICT (app, account, round) DO UPDATE SET events = excluded.events, version = excluded.version`

// round is how far the scan that a round of an app's erasures shares has come.
type round struct {
	app         int64
	number      int64
	event, last int64
	gkey, seq   int64
}

// Rows are looked for by ranges of their keys beside the keys themselves: a plan
// made while a table is empty may take an array of keys for a filter.

// erase blanks a slice of what deleted users said: a round goes through the
// app's events and then through its messages, in the order of their keys. It has
// a transaction of its own, because it may wait for an app's row; of several
// processes one does it at a time.
func (s *Store) erase(ctx context.Context, conn *pgxpool.Conn) (more bool, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		r := round{}
		err := tx.QueryRow(ctx, "SELECT app FROM erasures ORDER BY id LIMIT 1").Scan(&r.app)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		var mine bool
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock(hashtextextended('parley erasing ' || current_schema(), 0))").Scan(&mine)
		}
		if err != nil || !mine {
			return err
		}
		more = true
		// A slice that a crash takes back is done again, so nobody waits for a sync.
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		// The row is held against the removal of the app.
		err = tx.QueryRow(ctx, `SELECT round, event, last, gkey, seq FROM erasing WHERE app = $1
			AND EXISTS (SELECT 1 FROM erasures x WHERE x.app = $1 AND x.round = erasing.round) FOR UPDATE`, r.app).
			Scan(&r.number, &r.event, &r.last, &r.gkey, &r.seq)
		if errors.Is(err, pgx.ErrNoRows) {
			return beginRound(ctx, tx, r.app)
		}
		if err != nil {
			return err
		}
		if r.event < r.last {
			return s.eraseEvents(ctx, tx, r)
		}
		return eraseMessages(ctx, tx, r)
	})
	return more && err == nil, err
}

// beginRound lets the erasures that wait begin. The app's row is held: one that
// is being made now must either be in this round from its beginning, or wait.
func beginRound(ctx context.Context, tx pgx.Tx, app int64) error {
	if _, err := tx.Exec(ctx, "SELECT 1 FROM heads WHERE app = $1 FOR NO KEY UPDATE", app); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO erasing (app, round, event, last, gkey, seq)
		SELECT $1, min(round), 0, coalesce(max(events), 0), 0, 0 FROM erasures WHERE app = $1 HAVING count(*) > 0
		ON CONFLICT (app) DO UPDATE SET round = excluded.round, event = 0, last = excluded.last, gkey = 0, seq = 0`, app)
	return err
}

// eraseEvents goes on through the app's journal.
func (s *Store) eraseEvents(ctx context.Context, tx pgx.Tx, r round) error {
	var hits []int64
	last, seen := r.last, 0 // when fewer than a slice are left
	rows, err := tx.Query(ctx, `SELECT e.seq, EXISTS (SELECT 1 FROM erasures x WHERE x.app = $1 AND x.account = e.sender AND x.round = $4 AND e.seq <= x.events)
		FROM events e WHERE e.app = $1 AND e.journal = (SELECT journal FROM heads WHERE app = $1) AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $5`,
		r.app, r.event, r.last, r.number, eraseScan)
	if err != nil {
		return err
	}
	if err := eachRow(rows, func(rows pgx.Rows) error {
		var seq int64
		var hit bool
		err := rows.Scan(&seq, &hit)
		if len(hits) >= eraseRows {
			return err
		}
		if seen++; hit {
			hits = append(hits, seq)
		}
		if seen == eraseScan || len(hits) == eraseRows {
			last = seq
		}
		return err
	}); err != nil {
		return err
	}
	var batch pgx.Batch
	smaller := 0 // the journal gets by so many bytes
	if rows, err = tx.Query(ctx, `SELECT journal, seq, body, detail FROM events
		WHERE app = $1 AND journal = (SELECT journal FROM heads WHERE app = $1) AND seq > $2 AND seq <= $3 AND seq = ANY($4)`,
		r.app, r.event, last, hits); err != nil {
		return err
	}
	if err := eachRow(rows, func(rows pgx.Rows) error {
		var journal, seq int64
		var body, detail []byte
		err := rows.Scan(&journal, &seq, &body, &detail)
		blank, left := s.options.Erase.Of(body), chat.EraseDetail(detail)
		smaller += len(body) + len(detail) - len(blank) - len(left)
		batch.Queue("UPDATE events SET body = $4, detail = $5 WHERE app = $1 AND journal = $2 AND seq = $3",
			r.app, journal, seq, blob(blank), blob(left))
		return err
	}); err != nil {
		return err
	}
	// A receiver may have sent back what it was sent.
	if rows, err = tx.Query(ctx, "SELECT id FROM endpoints WHERE app = $1", r.app); err != nil {
		return err
	}
	if err := eachRow(rows, func(rows pgx.Rows) error {
		var endpoint []byte
		err := rows.Scan(&endpoint)
		batch.Queue("UPDATE failures SET answer = '' WHERE app = $1 AND endpoint = $2 AND seq > $3 AND seq <= $4 AND seq = ANY($5)",
			r.app, endpoint, r.event, last, hits)
		return err
	}); err != nil {
		return err
	}
	if err := stripAnswers(ctx, tx, &batch, r.app, hits); err != nil {
		return err
	}
	batch.Queue("UPDATE erasing SET event = $2 WHERE app = $1", r.app, last)
	if smaller != 0 {
		batch.Queue("UPDATE heads SET bytes = bytes - $2 WHERE app = $1", r.app, smaller)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// eraseMessages goes on through the app's messages, group by group, and ends the
// round after the last.
func eraseMessages(ctx context.Context, tx pgx.Tx, r round) error {
	hits, blanked, seen := map[int64][]int64{}, 0, 0
	rows, err := tx.Query(ctx, `SELECT m.gkey, m.seq, m.flags & $5 = 0 AND
		EXISTS (SELECT 1 FROM erasures x WHERE x.app = $1 AND x.account = m.sender AND x.round = $4 AND m.version <= x.version)
		FROM messages m WHERE m.app = $1 AND (m.gkey, m.seq) > ($2, $3) ORDER BY m.gkey, m.seq LIMIT $6`,
		r.app, r.gkey, r.seq, r.number, int64(chat.FlagErased), eraseScan)
	if err != nil {
		return err
	}
	if err := eachRow(rows, func(rows pgx.Rows) error {
		var gkey, seq int64
		var hit bool
		err := rows.Scan(&gkey, &seq, &hit)
		if blanked >= eraseRows {
			return err
		}
		seen++
		r.gkey, r.seq = gkey, seq
		if hit {
			hits[gkey] = append(hits[gkey], seq)
			blanked++
		}
		return err
	}); err != nil {
		return err
	}
	var batch pgx.Batch
	for gkey, seqs := range hits {
		batch.Queue(`UPDATE messages SET body = $6, cloud = '', extra = '', flags = flags | $7
			WHERE app = $1 AND gkey = $2 AND seq >= $3 AND seq <= $4 AND seq = ANY($5)`,
			r.app, gkey, seqs[0], seqs[len(seqs)-1], seqs, blob(chat.EmptyBody), int64(chat.FlagErased))
	}
	if seen == eraseScan || blanked == eraseRows {
		batch.Queue("UPDATE erasing SET gkey = $2, seq = $3 WHERE app = $1", r.app, r.gkey, r.seq)
	} else {
		batch.Queue("DELETE FROM erasures WHERE app = $1 AND round = $2", r.app, r.number)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// stripAnswers takes the receivers' words out of the deliveries of the events'
// chunks: one of them may have sent back what it was sent.
func stripAnswers(ctx context.Context, tx pgx.Tx, batch *pgx.Batch, app int64, hits []int64) error {
	var chunks []int64
	for _, seq := range hits {
		if c := chat.ChunkOf(chat.Sequence(seq)); !slices.Contains(chunks, c) {
			chunks = append(chunks, c)
		}
	}
	rows, err := tx.Query(ctx, `SELECT x.* FROM endpoints e, unnest($2::bigint[]) u(chunk),
		LATERAL (SELECT endpoint, chunk, at, body FROM deliveries d WHERE d.app = $1 AND d.endpoint = e.id AND d.chunk = u.chunk OFFSET 0) x
		WHERE e.app = $1`, app, chunks)
	if err != nil {
		return err
	}
	return eachRow(rows, func(rows pgx.Rows) error {
		var endpoint []byte
		var at int64
		var c chat.DeliveredChunk
		if err := rows.Scan(&endpoint, &c.Chunk, &at, &c.Body); err != nil {
			return err
		}
		body, err := chat.StripAnswers(c)
		if err == nil && body != nil {
			batch.Queue("UPDATE deliveries SET body = $5 WHERE app = $1 AND endpoint = $2 AND chunk = $3 AND at = $4", app, endpoint, c.Chunk, at, body)
		}
		return err
	})
}
