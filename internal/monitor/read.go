package monitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

const columns = `SELECT pos, app, event_id, epoch, sequence, code, group_id, sender, event_time, received_at, refusals, truncated, body FROM exception`

// list returns up to limit exceptions that arrived after position after, the
// oldest first. head is a position up to which nothing that fits is left out;
// more reports whether the next page has something.
func (s *store) list(ctx context.Context, f filter, after int64, limit int) (rows []Stored, head int64, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	// Read before the rows: what commits in between is on the next page or here.
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(pos), 0) FROM exception").Scan(&head); err != nil {
		return nil, 0, false, fmt.Errorf("list exceptions: %w", err)
	}
	where, args := []string{"pos > ?"}, []any{after}
	if f.code != nil {
		where, args = append(where, "code = ?"), append(args, *f.code)
	}
	if f.group != nil {
		where, args = append(where, "group_id = ?"), append(args, blob(*f.group))
	}
	if f.from != nil {
		where, args = append(where, "sender = ?"), append(args, blob(*f.from))
	}
	rows, err = s.query(ctx, columns+" WHERE "+strings.Join(where, " AND ")+" ORDER BY pos LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return nil, 0, false, fmt.Errorf("list exceptions: %w", err)
	}
	size := 0
	for i, row := range rows {
		size += len(row.Body)
		if i == limit || i > 0 && size > maxPageBytes {
			rows, more = rows[:i], true
			break
		}
	}
	if more {
		head = rows[len(rows)-1].Position
	} else if len(rows) > 0 {
		head = max(head, rows[len(rows)-1].Position)
	}
	return rows, max(head, after), more, nil
}

// latest returns the newest exceptions that arrived after position after, at
// most limit, the oldest of them first.
func (s *store) latest(ctx context.Context, after int64, limit int) ([]Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	rows, err := s.query(ctx, columns+" WHERE pos > ? ORDER BY pos DESC LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("latest exceptions: %w", err)
	}
	slices.Reverse(rows)
	return rows, nil
}

func (s *store) query(ctx context.Context, query string, args ...any) (list []Stored, err error) {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	size := 0
	for rows.Next() && size <= maxPageBytes {
		var e Stored
		var eventID, epoch, group, sender []byte
		var sequence, receivedAt int64
		if err := rows.Scan(&e.Position, &e.SdkAppid, &eventID, &epoch, &sequence, &e.Code, &group, &sender,
			&e.EventTime, &receivedAt, &e.Refusals, &e.Truncated, &e.Body); err != nil {
			return nil, err
		}
		e.EventID, e.Epoch, e.GroupID, e.From = string(eventID), string(epoch), string(group), string(sender)
		e.Sequence, e.ReceivedAt = uint64(sequence), time.UnixMilli(receivedAt)
		list = append(list, e)
		size += len(e.Body)
	}
	return list, rows.Err()
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
	rows, err := s.readers.QueryContext(ctx, `SELECT code, sum(records), sum(refusals), max(last_at) FROM tally
		GROUP BY code ORDER BY 3 DESC, code LIMIT ?`, maxReasons)
	if err != nil {
		return nil, fmt.Errorf("totals: %w", err)
	}
	defer rows.Close()
	var list []tallied
	for rows.Next() {
		var t tallied
		if err := rows.Scan(&t.code, &t.records, &t.refusals, &t.lastAt); err != nil {
			return nil, fmt.Errorf("totals: %w", err)
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("totals: %w", err)
	}
	return list, nil
}
