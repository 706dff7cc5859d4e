package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	readWait     = 2 * time.Second // of one query
	maxPageBytes = 4 << 20         // bodies of one page; it has at least one row
)

// filter says which exceptions are wanted; nil is any.
type filter struct {
	code  *int
	group *string
	from  *string
}

const columns = `SELECT pos, app, event_id, epoch, sequence, code, group_id, sender, event_time, received_at, refusals, truncated, body, backfilled FROM exception`

// list returns up to limit exceptions that arrived after position after, the
// oldest first. head is a position up to which nothing that fits is left out;
// more reports whether the next page has something.
func (s *store) list(ctx context.Context, f filter, after int64, limit int) (rows []Stored, head int64, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	// Read before the rows: what commits in between is on the next page or here.
	if err := s.engine.readers().QueryRowContext(ctx, "SELECT coalesce(max(pos), 0) FROM exception").Scan(&head); err != nil {
		return nil, 0, false, wrap("list exceptions", err)
	}
	where, args := f.where(after)
	fits, more, err := s.fit(ctx, where+" ORDER BY pos", limit, args...)
	if err != nil {
		return nil, 0, false, wrap("list exceptions", err)
	}
	if len(fits) == 0 {
		return nil, max(head, after), false, nil
	}
	last := fits[len(fits)-1]
	n := len(args)
	rows, err = s.query(ctx, fmt.Sprintf("%s WHERE %s AND pos <= $%d ORDER BY pos", columns, where, n+1), append(args, last)...)
	if err != nil {
		return nil, 0, false, wrap("list exceptions", err)
	}
	if more {
		head = last
	}
	return rows, max(head, last), more, nil
}

// where says which rows after a position fit. Long ids are in PostgreSQL's index
// with their beginning only.
func (f filter) where(after int64) (where string, args []any) {
	where, args = "pos > $1", []any{after}
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition+" = $%d", len(args))
	}
	id := func(column string, value string) {
		add(column, blob(value))
		add("substr("+column+", 1, 64)", blob(value[:min(len(value), 64)]))
	}
	if f.code != nil {
		add("code", *f.code)
	}
	if f.group != nil {
		id("group_id", *f.group)
	}
	if f.from != nil {
		id("sender", *f.from)
	}
	return where, args
}

// latest returns the newest exceptions that arrived after position after, at
// most limit, the oldest of them first.
func (s *store) latest(ctx context.Context, after int64, limit int) ([]Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	fits, _, err := s.fit(ctx, "pos > $1 ORDER BY pos DESC", limit, after)
	if err != nil || len(fits) == 0 {
		return nil, wrap("latest exceptions", err)
	}
	rows, err := s.query(ctx, columns+" WHERE pos BETWEEN $1 AND $2 ORDER BY pos", fits[len(fits)-1], fits[0])
	return rows, wrap("latest exceptions", err)
}

// fit returns the positions of the first rows of a query that make a page, so
// that no more than a page of bodies leaves the database; more says that the
// query has others.
func (s *store) fit(ctx context.Context, where string, limit int, args ...any) (positions []int64, more bool, err error) {
	query := fmt.Sprintf("SELECT pos, length(body) FROM exception WHERE %s LIMIT $%d", where, len(args)+1)
	rows, err := s.engine.readers().QueryContext(ctx, query, append(args, limit+1)...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		var position int64
		var length int
		if err := rows.Scan(&position, &length); err != nil {
			return nil, false, err
		}
		size += length
		if n := len(positions); n == limit || n > 0 && size > maxPageBytes {
			more = true
			break
		}
		positions = append(positions, position)
	}
	return positions, more, rows.Err()
}

func (s *store) query(ctx context.Context, query string, args ...any) (list []Stored, err error) {
	rows, err := s.engine.readers().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Stored
		var eventID, epoch, group, sender []byte
		var sequence, receivedAt, backfilled int64
		if err := rows.Scan(&e.Position, &e.SdkAppid, &eventID, &epoch, &sequence, &e.Code, &group, &sender,
			&e.EventTime, &receivedAt, &e.Refusals, &e.Truncated, &e.Body, &backfilled); err != nil {
			return nil, err
		}
		e.EventID, e.Epoch, e.GroupID, e.From = string(eventID), string(epoch), string(group), string(sender)
		e.Sequence, e.ReceivedAt, e.Backfilled = uint64(sequence), time.UnixMilli(receivedAt), backfilled != 0
		list = append(list, e)
	}
	return list, rows.Err()
}

func wrap(doing string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", doing, err)
	}
	return err
}

// journal returns what was saved of an app's journal; nil if nothing was.
func (s *store) journal(ctx context.Context, app int64) (state []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	err = s.engine.readers().QueryRowContext(ctx, "SELECT state FROM journal WHERE app = $1", app).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return state, wrap("read journal", err)
}

// tallied is the total of one code over all apps.
type tallied struct {
	code                      int
	records, refusals, lastAt int64
}

// maxReasons bounds the list of totals, since a sender can invent codes.
const maxReasons = 200

// totals returns what has ever been stored, by code, the most frequent first.
func (s *store) totals(ctx context.Context) ([]tallied, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	rows, err := s.engine.readers().QueryContext(ctx, `SELECT code, CAST(sum(records) AS BIGINT), CAST(sum(refusals) AS BIGINT), max(last_at)
		FROM tally GROUP BY code ORDER BY 3 DESC, code LIMIT $1`, maxReasons)
	if err != nil {
		return nil, wrap("totals", err)
	}
	defer rows.Close()
	var list []tallied
	for rows.Next() {
		var t tallied
		if err := rows.Scan(&t.code, &t.records, &t.refusals, &t.lastAt); err != nil {
			return nil, wrap("totals", err)
		}
		list = append(list, t)
	}
	return list, wrap("totals", rows.Err())
}
