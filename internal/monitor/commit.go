package monitor

import (
	"context"
	"database/sql"
	"fmt"
)

// Bounds of the callbacks that are no exceptions: the oldest go first.
const (
	KeepOther      = 10_000   // callbacks
	keepOtherBytes = 64 << 20 // bytes of their bodies
)

const insertException = `INSERT INTO exception
	(app, identity, code, group_id, sender, event_time, received_at, event_id, epoch, sequence, refusals, truncated, body)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app, identity) DO NOTHING`

const insertOther = `INSERT INTO other (app, command, identity, received_at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

const addTally = `INSERT INTO tally (app, code, records, refusals, last_at) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (app, code) DO UPDATE SET records = records + excluded.records,
	refusals = refusals + excluded.refusals, last_at = max(last_at, excluded.last_at)`

const writeProbe = `INSERT INTO probe (one, at) VALUES (1, unixepoch()) ON CONFLICT (one) DO UPDATE SET at = excluded.at`

// statements are what the writer does often, compiled once a connection.
type statements struct{ exception, other, tally, probe *sql.Stmt }

func prepare(ctx context.Context, c *sql.Conn) (s statements, err error) {
	for _, one := range []struct {
		stmt **sql.Stmt
		text string
	}{{&s.exception, insertException}, {&s.other, insertOther}, {&s.tally, addTally}, {&s.probe, writeProbe}} {
		if *one.stmt, err = c.PrepareContext(ctx, one.text); err != nil {
			return statements{}, fmt.Errorf("prepare: %w", err)
		}
	}
	return s, nil
}

// commit writes batch in one transaction, sets the positions of its records,
// and returns which of them are new.
func (w *writer) commit(ctx context.Context, batch []*job) (fresh []bool, err error) {
	if err := w.open(ctx); err != nil {
		return nil, ofStore("open database", err)
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, ofStore("begin", err)
	}
	fresh, size, err := w.insert(ctx, batch)
	if err != nil {
		if _, rollbackErr := w.conn.ExecContext(ctx, "ROLLBACK"); rollbackErr != nil {
			return nil, ofStore("roll back", rollbackErr)
		}
		return nil, err
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, ofStore("commit", err)
	}
	w.other.add(size)
	return fresh, nil
}

func (w *writer) insert(ctx context.Context, batch []*job) (fresh []bool, size otherSize, err error) {
	fresh = make([]bool, len(batch))
	tally := map[tallyKey]tallyRow{}
	for i, j := range batch {
		switch {
		case j.probe:
			_, err = w.stmts.probe.ExecContext(ctx)
		case j.rec.exception:
			fresh[i], err = w.insertException(ctx, &j.rec)
			if fresh[i] {
				key := tallyKey{j.rec.SdkAppid, j.rec.Code}
				tally[key] = tally[key].plus(j.rec)
			}
		default:
			fresh[i], err = w.insertOther(ctx, j.rec)
			if fresh[i] {
				size.add(otherSize{1, int64(len(j.rec.Body))})
			}
		}
		if err != nil {
			return nil, size, blame(err)
		}
	}
	for key, row := range tally {
		if _, err := w.stmts.tally.ExecContext(ctx, key.app, key.code, row.records, row.refusals, row.lastAt); err != nil {
			return nil, size, blame(err)
		}
	}
	return fresh, size, nil
}

func (w *writer) insertException(ctx context.Context, rec *record) (bool, error) {
	result, err := w.stmts.exception.ExecContext(ctx, rec.SdkAppid, rec.identity, rec.Code, blob(rec.GroupID), blob(rec.From),
		int64(rec.EventTime), rec.ReceivedAt.UnixMilli(), blob(rec.EventID), blob(rec.Epoch), int64(rec.Sequence),
		rec.Refusals, rec.Truncated, rec.Body)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	rec.Position, err = result.LastInsertId()
	return true, err
}

func (w *writer) insertOther(ctx context.Context, rec record) (bool, error) {
	result, err := w.stmts.other.ExecContext(ctx, rec.SdkAppid, blob(string(rec.command)), rec.identity, rec.ReceivedAt.UnixMilli(), rec.Body)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// blob keeps any bytes as they are; it is never nil, which would be NULL.
func blob(text string) []byte { return append([]byte{}, text...) }

type tallyKey struct {
	app  int64
	code int
}

type tallyRow struct{ records, refusals, lastAt int64 }

func (r tallyRow) plus(rec record) tallyRow {
	return tallyRow{r.records + 1, r.refusals + int64(rec.Refusals), max(r.lastAt, rec.ReceivedAt.UnixMilli())}
}

// otherSize is how much is kept of other commands.
type otherSize struct{ rows, bytes int64 }

func (s *otherSize) add(more otherSize) { s.rows, s.bytes = s.rows+more.rows, s.bytes+more.bytes }

func measureOther(ctx context.Context, c *sql.Conn) (size otherSize, err error) {
	err = c.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(length(body)), 0) FROM other").Scan(&size.rows, &size.bytes)
	if err != nil {
		return size, fmt.Errorf("measure other callbacks: %w", err)
	}
	return size, nil
}

// prune removes the oldest callbacks of other commands, a tenth at a time,
// until the rest is within bounds.
func (w *writer) prune(ctx context.Context) error {
	for w.other.rows > KeepOther || w.other.bytes > keepOtherBytes {
		_, err := w.conn.ExecContext(ctx, "DELETE FROM other WHERE pos IN (SELECT pos FROM other ORDER BY pos LIMIT ?)", max(1, w.other.rows/10))
		if err != nil {
			return err
		}
		if w.other, err = measureOther(ctx, w.conn); err != nil {
			return err
		}
	}
	return nil
}
