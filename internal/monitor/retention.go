package monitor

import (
	"context"
	"fmt"
	"time"
)

const (
	ageSlice = 256                   // rows that are looked at in one transaction
	ageEvery = time.Minute           // between two looks when nothing was left
	agePause = 10 * time.Millisecond // between two slices
)

// retention removes callbacks that arrived longer than keep ago, the oldest
// first. Totals stay, and so do positions. 0 keeps all.
type retention struct {
	keep time.Duration
	now  func() time.Time
}

// before is when what is removed arrived at the latest.
func (r retention) before() time.Time { return r.now().Add(-r.keep) }

// slice removes some of a table, and says whether there may be more. Positions
// rise with the time of arrival, so far as the clock does: after a clock that
// was ahead it stops at what arrived then.
func (r retention) slice(ctx context.Context, s session, table string) (removed int64, more bool, err error) {
	before := r.before().UnixMilli()
	var last int64
	err = s.one(ctx, fmt.Sprintf(`SELECT count(*), coalesce(max(pos), 0) FROM
		(SELECT pos, received_at FROM %s ORDER BY pos LIMIT %d) AS oldest WHERE received_at < %d`, table, ageSlice, before), &removed, &last)
	if err != nil || removed == 0 {
		return 0, false, err
	}
	if err := s.exec(ctx, "DELETE FROM "+table+" WHERE pos <= $1 AND received_at < $2", last, before); err != nil {
		return 0, false, err
	}
	return removed, removed == ageSlice, nil
}

// age removes a slice of each table and returns when to go on. It concerns no
// record, so a failure only costs the session.
func (w *writer) age() time.Duration {
	next := ageEvery
	err := w.open(w.ctx)
	for _, table := range []string{"exception", "other"} {
		if err != nil {
			break
		}
		var removed int64
		var more bool
		if removed, more, err = w.retention.slice(w.ctx, w.session, table); more {
			next = agePause
		}
		w.metrics.aged.Add(float64(removed))
	}
	if err == nil && next == ageEvery {
		err = w.others.measure(w.ctx, w.session)
	}
	if err != nil {
		_ = w.discard()
		return ageEvery
	}
	w.tidy()
	return next
}
