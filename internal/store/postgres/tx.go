package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
)

var (
	errEnded  = errors.New("postgres: the transaction has ended")
	errOneApp = errors.New("postgres: a transaction is of one app")
	errGone   = errors.New("no such row")
)

// tx is a transaction of one app: a round trip that locks the app's row and
// reads what follows under it, and one that writes and commits. The session is
// taken with the first and given back at the end.
type tx struct {
	store *Store
	conn  *pgxpool.Conn // nil until the app is locked, and after the end
	app   chat.AppID
	// Of the locked app:
	journal int64                            // 0: it does not exist
	version uint64                           // of its state
	slot    int64                            // of the table of repeats whose turn it is
	groups  map[chat.GroupKey]chat.GroupHead // those that were locked and exist

	// queued are statements that go with the next round trip; wants says for
	// each how many rows it has to change, or -1.
	queued pgx.Batch
	wants  []want
	wait   time.Duration // for a round trip, if longer than usual
	failed error         // after it only Rollback may follow
	ended  bool
}

// want is what a queued statement must have done.
type want struct {
	op   string
	rows int64 // -1: any number
}

var _ chat.Tx = (*tx)(nil)

// Begin costs nothing: the session is taken when the app is known.
func (s *Store) Begin() (chat.Tx, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	return &tx{store: s}, nil
}

// begin takes a session for the app.
func (t *tx) begin(app chat.AppID) error {
	switch {
	case t.ended:
		return errEnded
	case t.failed != nil:
		return fmt.Errorf("after a failed statement: %w", t.failed)
	case t.conn != nil && t.app != app:
		return errOneApp
	case t.conn != nil:
		return nil
	}
	ctx, cancel := t.store.bounded(askTime)
	defer cancel()
	conn, err := t.store.write.Acquire(ctx)
	if err != nil {
		return translate("connect", err)
	}
	t.conn, t.app = conn, app
	t.queue("begin", -1, "BEGIN")
	return nil
}

// queue adds a statement to the next round trip.
func (t *tx) queue(op string, rows int64, sql string, args ...any) {
	t.queued.Queue(sql, args...)
	t.wants = append(t.wants, want{op, rows})
}

// flush sends what is queued in one round trip, calling read for the queries at
// its end, which have no want, within a time. Nothing may follow an error but Rollback.
func (t *tx) flush(limit time.Duration, read func(pgx.BatchResults) error) error {
	ctx, cancel := t.store.bounded(max(t.wait, limit))
	defer cancel()
	wants := t.wants
	batch := t.queued
	t.queued, t.wants = pgx.Batch{}, nil
	results := t.conn.SendBatch(ctx, &batch)
	err := func() error {
		for _, w := range wants {
			tag, err := results.Exec()
			if err != nil {
				return translate(w.op, err)
			}
			if w.rows >= 0 && tag.RowsAffected() != w.rows {
				return fmt.Errorf("%s: %w", w.op, errGone)
			}
		}
		if read == nil {
			return nil
		}
		return read(results)
	}()
	if cerr := results.Close(); err == nil {
		err = translate("round trip", cerr)
	}
	t.failed = err
	return err
}

// Lock reads what the app's next rows depend on, in one round trip. For an app
// that does not exist it gives the zero Head.
//
// The row is locked first, and each statement after it sees what was committed
// until then: of repeats and heads of groups it can miss nothing.
func (t *tx) Lock(app chat.AppID, groups []chat.GroupKey, keys []chat.RepeatKey, now int64) (chat.Head, error) {
	if err := t.begin(app); err != nil {
		return chat.Head{}, err
	}
	t.queued.Queue(lockHead, int64(app))
	if len(groups) > 0 {
		t.queued.Queue(lockGroups, int64(app), numbers(groups))
	}
	if len(keys) > 0 {
		t.queued.Queue(findRepeats, int64(app), ids(keys), now-chat.RepeatWindow)
	}
	head := chat.Head{Groups: make(map[chat.GroupKey]chat.GroupHead, len(groups)), Repeats: map[chat.RepeatKey]chat.Repeat{}}
	err := t.flush(askTime, func(results pgx.BatchResults) error {
		if err := t.readHead(results, &head); err != nil {
			return err
		}
		if len(groups) > 0 {
			rows, err := results.Query()
			if err == nil {
				err = eachRow(rows, func(r pgx.Rows) error {
					var g chat.GroupHead
					err := r.Scan(&g.Key, &g.Next, &g.Time)
					head.Groups[g.Key] = g
					return err
				})
			}
			if err != nil {
				return translate("lock groups", err)
			}
		}
		if len(keys) > 0 {
			rows, err := results.Query()
			if err == nil {
				err = eachRow(rows, func(r pgx.Rows) error { return scanRepeat(r, t.journal, head.Repeats) })
			}
			if err != nil {
				return translate("look up repeats", err)
			}
		}
		return nil
	})
	if err != nil {
		return chat.Head{}, err
	}
	t.groups = head.Groups
	return head, nil
}

const lockHead = `SELECT journal, epoch, next, version, time, accepted, refused, dropped, repeated, clock_timestamp()
	FROM heads WHERE app = $1 FOR NO KEY UPDATE`

const lockGroups = "SELECT gkey, next, time FROM group_heads WHERE app = $1 AND gkey = ANY($2)"

// readHead reads the answer to lockHead.
func (t *tx) readHead(results pgx.BatchResults, head *chat.Head) error {
	rows, err := results.Query()
	if err == nil {
		err = eachRow(rows, func(r pgx.Rows) error {
			var at time.Time
			err := r.Scan(&t.journal, str(&head.Epoch), &head.Next, &head.Version, &head.Time,
				&head.Totals.Accepted, &head.Totals.Refused, &head.Totals.Dropped, &head.Totals.Repeated, &at)
			t.slot, t.version = slotOf(at), head.Version
			return err
		})
	}
	return translate("lock the app's row", err)
}

// Put adds the rows to the round trip of the commit. That the app and the groups
// are there is known from Lock, and cannot change before the end.
func (t *tx) Put(app chat.AppID, rows *chat.Rows) error {
	if err := t.begin(app); err != nil {
		return err
	}
	if t.journal == 0 {
		t.failed = fmt.Errorf("put: app %d is not there", app)
		return t.failed
	}
	for i := range rows.Groups {
		if _, ok := t.groups[rows.Groups[i].Key]; !ok {
			t.failed = fmt.Errorf("put: group %d is not there", rows.Groups[i].Key)
			return t.failed
		}
	}
	t.putMessages(rows.Messages)
	t.putGroupHeads(rows.Groups)
	t.putEvents(rows.Events)
	t.putRepeats(rows.Repeats)
	for i := range rows.Progress {
		if err := t.putProgress(&rows.Progress[i]); err != nil {
			t.failed = err
			return err
		}
	}
	t.putSpoken(rows.Spoken)
	t.putRead(rows.Read)
	totals := &rows.Totals
	t.queue("put app row", -1, `UPDATE heads SET next = $2, time = $3, accepted = $4, refused = $5, dropped = $6, repeated = $7, bytes = bytes + $8 WHERE app = $1`,
		int64(app), int64(rows.Next), rows.Time, int64(totals.Accepted), int64(totals.Refused), int64(totals.Dropped), int64(totals.Repeated), rows.EventBytes())
	return nil
}

// Commit sends what is queued together with COMMIT. When a statement before it
// failed, or nothing was sent, the error is [chat.Uncommitted].
func (t *tx) Commit() error {
	switch {
	case t.ended:
		return errEnded
	case t.failed != nil:
		return &chat.Uncommitted{Err: fmt.Errorf("commit after a failed statement: %w", t.failed)}
	case t.conn == nil: // nothing was asked for
		t.ended = true
		return nil
	}
	// A statement that changed too few rows is no error to the server, so what
	// changes of state demand is looked at before the commit.
	for _, w := range t.wants {
		if w.rows >= 0 {
			if err := t.flush(callTime, nil); err != nil {
				return &chat.Uncommitted{Err: err}
			}
			break
		}
	}
	ctx, cancel := t.store.bounded(max(t.wait, callTime))
	defer cancel()
	wants, batch := t.wants, t.queued
	t.queued, t.wants = pgx.Batch{}, nil
	batch.Queue("COMMIT")
	results := t.conn.SendBatch(ctx, &batch)
	var tag pgconn.CommandTag
	var err error
	for range len(wants) + 1 { // the last one is COMMIT
		if tag, err = results.Exec(); err != nil {
			break
		}
	}
	cerr := results.Close()
	if err == nil {
		err = cerr
	}
	switch {
	case err == nil && tag.String() == "COMMIT":
		t.end()
		return nil
	case err == nil:
		return &chat.Uncommitted{Err: fmt.Errorf("commit: answered %s", tag)}
	case pg.NotCommitted(err) || pgconn.SafeToRetry(err):
		return &chat.Uncommitted{Err: translate("commit", err)}
	}
	t.drop()
	return translate("commit", err)
}

// Rollback ends the transaction without a trace; after its end it does nothing.
// A session that does not answer is given up: the server ends what it had begun.
func (t *tx) Rollback() {
	if t.ended {
		return
	}
	if t.conn == nil {
		t.ended = true
		return
	}
	ctx, cancel := t.store.bounded(pg.LockTimeout)
	defer cancel()
	if _, err := t.conn.Exec(ctx, "ROLLBACK"); err != nil {
		t.drop()
		return
	}
	t.end()
}

// end gives the session back.
func (t *tx) end() {
	t.ended = true
	t.conn.Release()
	t.conn = nil
}

// drop closes the session: nothing more goes over it.
func (t *tx) drop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = t.conn.Conn().Close(ctx) // it is given up either way
	t.end()
}
