package transfer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// repeatsName is what the accepted sends are called, in the database and for
// people.
const repeatsName = "repeats"

// The folder keeps the accepted sends of a batch in one row. Those that are
// within the window of the newest go over: no send that a server would still
// recognise is older.

// repeatBatch is some accepted sends of one app.
type repeatBatch struct {
	app  int64
	list []chat.Repeat
}

// eachRepeats calls f for rows of one of the folder's tables behind a row.
func (s *source) eachRepeats(ctx context.Context, table string, after int64, f func(id int64, b repeatBatch) error) error {
	rows, err := s.db.QueryContext(ctx, "SELECT id, app, body FROM "+table+" WHERE id > ? ORDER BY id", after)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var b repeatBatch
		var body []byte
		if err := rows.Scan(&id, &b.app, &body); err != nil {
			return err
		}
		if b.list, err = sqlite.Records(body); err != nil {
			return err
		}
		if err := f(id, b); err != nil {
			return err
		}
	}
	return rows.Err()
}

// surveyRepeats finds out since when accepted sends go over, and how many.
func (m *move) surveyRepeats(ctx context.Context) (since, total int64, err error) {
	var newest int64
	for _, look := range []func(chat.Repeat){
		func(r chat.Repeat) { newest = max(newest, r.Time) },
		func(r chat.Repeat) {
			if r.Time >= newest-chat.RepeatWindow {
				total++
			}
		},
	} {
		for _, table := range sqlite.RepeatTables() {
			err := m.from.eachRepeats(ctx, table, 0, func(_ int64, b repeatBatch) error {
				if _, ok := m.journals[b.app]; ok {
					for _, r := range b.list {
						look(r)
					}
				}
				return nil
			})
			if err != nil {
				return 0, 0, fmt.Errorf("read %s: %w", table, err)
			}
		}
	}
	return newest - chat.RepeatWindow, total, nil
}

// carriedRepeats are those of a row that go over.
func (m *move) carriedRepeats(b repeatBatch) (list []chat.Repeat) {
	if _, ok := m.journals[b.app]; !ok {
		return nil
	}
	for _, r := range b.list {
		if r.Time >= m.since {
			list = append(list, r)
		}
	}
	return list
}

// copyRepeats carries over the accepted sends that are not there yet. They go
// into the slot that is written now, which is kept for as long as any of them
// counts.
func (m *move) copyRepeats(ctx context.Context) error {
	slot, err := postgres.SlotNow(ctx, m.to.conn)
	if err != nil {
		return err
	}
	done := int64(0)
	for _, table := range sqlite.RepeatTables() {
		at := m.to.at(table)
		before := done
		flush := func(rows [][]any, last int64, end bool) error {
			was := *at
			err := pgx.BeginFunc(ctx, m.to.conn, func(tx pgx.Tx) error {
				if _, err := tx.CopyFrom(ctx, pgx.Identifier{repeatsName},
					[]string{"slot", "app", "journal", "key", "attempt", "seq", "time"}, pgx.CopyFromRows(rows)); err != nil {
					return err
				}
				at.Key, at.Done = []part{{N: last}}, end
				at.Rows += int64(len(rows))
				return m.to.save(ctx, tx)
			})
			if err != nil {
				*at = was
				return err
			}
			done = before + at.Rows
			m.tell(Copying, repeatsName, done, m.repeats)
			return nil
		}
		if at.Done {
			done += at.Rows
			continue
		}
		var rows [][]any
		var last int64
		if len(at.Key) > 0 {
			last = at.Key[0].N
		}
		err := m.from.eachRepeats(ctx, table, last, func(id int64, b repeatBatch) error {
			for _, r := range m.carriedRepeats(b) {
				rows = append(rows, []any{slot, b.app, m.journals[b.app], [16]byte(r.Key), [16]byte(r.Attempt), int64(r.Seq), r.Time})
			}
			last = id
			if len(rows) < m.batch {
				return nil
			}
			err := flush(rows, last, false)
			rows = rows[:0]
			return err
		})
		if err == nil {
			err = flush(rows, last, true)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
	}
	return nil
}

// identity is what tells an accepted send from all others.
type identity struct {
	app     int64
	key     chat.RepeatKey
	attempt chat.AttemptID
}

// checkRepeats looks up every accepted send in the database. There is no order
// that both sides have an index for; that as many are there as here makes them
// the same.
func (m *move) checkRepeats(ctx context.Context) (n int64, err error) {
	for _, table := range sqlite.RepeatTables() {
		var last repeatBatch // rows of one app that are looked up together
		flush := func() error {
			if len(last.list) == 0 {
				return nil
			}
			if err := m.lookUp(ctx, last); err != nil {
				return err
			}
			n += int64(len(last.list))
			last.list = last.list[:0]
			m.tell(Checking, repeatsName, n, m.repeats)
			return nil
		}
		err := m.from.eachRepeats(ctx, table, 0, func(_ int64, b repeatBatch) error {
			if b.app != last.app || len(last.list) >= m.batch {
				if err := flush(); err != nil {
					return err
				}
			}
			last.app = b.app
			last.list = append(last.list, m.carriedRepeats(b)...)
			return nil
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return n, fmt.Errorf("compare %s: %w", table, err)
		}
	}
	var there int64
	if err := m.to.conn.QueryRow(ctx, "SELECT count(*) FROM repeats r JOIN heads h ON h.app = r.app AND h.journal = r.journal").Scan(&there); err != nil {
		return n, fmt.Errorf("count repeats: %w", err)
	}
	if there != n {
		return n, fmt.Errorf("%w: repeats has %d rows in the database instead of %d", errDiffers, there, n)
	}
	return n, nil
}

// lookUp makes sure that accepted sends of an app are in the database, each with
// all that is known of it.
func (m *move) lookUp(ctx context.Context, b repeatBatch) error {
	keys := make([][16]byte, len(b.list))
	want := make(map[identity]chat.Repeat, len(b.list))
	for i, r := range b.list {
		keys[i] = r.Key
		want[identity{b.app, r.Key, r.Attempt}] = r
	}
	rows, err := m.to.conn.Query(ctx, "SELECT key, attempt, seq, time FROM repeats WHERE app = $1 AND journal = $2 AND key = ANY($3)",
		b.app, m.journals[b.app], keys)
	if err != nil {
		return err
	}
	have := make(map[identity]chat.Repeat, len(b.list))
	var r chat.Repeat
	if _, err := pgx.ForEachRow(rows, []any{(*[16]byte)(&r.Key), (*[16]byte)(&r.Attempt), &r.Seq, &r.Time}, func() error {
		have[identity{b.app, r.Key, r.Attempt}] = r
		return nil
	}); err != nil {
		return err
	}
	for i, r := range want {
		switch got, ok := have[i]; {
		case !ok:
			return fmt.Errorf("%w: repeats, row with app %d, key %x is missing in the database", errDiffers, b.app, r.Key)
		case got != r:
			return fmt.Errorf("%w: repeats, row with app %d, key %x is not the same in the database", errDiffers, b.app, r.Key)
		}
	}
	return nil
}
