package transfer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// copyTable carries over the rows of a table that are not there yet.
func (m *move) copyTable(ctx context.Context, t *table) error {
	at := m.to.at(t.name)
	total, err := m.from.count(ctx, t)
	if err != nil {
		return fmt.Errorf("count %s: %w", t.name, err)
	}
	if at.Done {
		m.tell(Copying, t.name, at.Rows, total)
		return nil
	}
	rows, err := m.from.after(ctx, t, unpack(at.Key), m.journals)
	if err != nil {
		return err
	}
	defer rows.close() // it was read to its end, or another error is told
	for !at.Done {
		b := &batch{rows: rows, most: m.batch}
		before := *at
		err := pgx.BeginFunc(ctx, m.to.conn, func(tx pgx.Tx) error {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), b); err != nil {
				return err
			}
			at.Rows += int64(b.count)
			at.Done = b.count < b.most && !b.heavy
			if b.count > 0 {
				at.Key = pack(b.last)
			}
			return m.to.save(ctx, tx)
		})
		if err != nil {
			*at = before
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
		m.tell(Copying, t.name, at.Rows, total)
	}
	return nil
}

// heavy is how many bytes end a batch.
const heavy = 8 << 20

// batch gives the driver the next rows of a stream.
type batch struct {
	rows  *stream
	most  int
	count int
	bytes int
	heavy bool  // its bytes ended it
	last  []any // key of its last row
}

func (b *batch) Next() bool {
	if b.count >= b.most || b.heavy || !b.rows.next() {
		return false
	}
	b.count++
	b.bytes += b.rows.size
	b.heavy = b.bytes >= heavy
	if b.count >= b.most || b.heavy {
		b.last = b.rows.key()
	}
	return true
}

func (b *batch) Values() ([]any, error) { return b.rows.values, nil }

func (b *batch) Err() error { return b.rows.err }
