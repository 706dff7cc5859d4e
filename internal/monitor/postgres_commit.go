package monitor

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/parley-im/parley/internal/pg"
)

// A transaction gives out as many positions as it has records, and locks head
// with it until it has committed, so no other can commit greater ones before.
// A record's place is how far it lies behind head: the last one has 0.
const lockHead = "UPDATE head SET pos = pos + $1 RETURNING pos"

var insertExceptions = `WITH added AS (
	INSERT INTO exception (pos, app, identity, code, group_id, sender, event_time, received_at,
		event_id, epoch, sequence, refusals, truncated, body, backfilled)
	SELECT head.pos - r.place, app, identity, code, group_id, sender, event_time, received_at,
		event_id, epoch, sequence, refusals, truncated, body, backfilled
	FROM head, unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[],
		$9::bytea[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[], $15::bigint[])
		AS r (place, app, identity, code, group_id, sender, event_time, received_at,
		event_id, epoch, sequence, refusals, truncated, body, backfilled)
	ORDER BY r.place DESC
	ON CONFLICT (app, identity) DO NOTHING RETURNING pos, app, code, refusals, received_at
), total AS (` + fmt.Sprintf(addTally, "added WHERE true") + `)
SELECT pos FROM added`

const insertOthers = `INSERT INTO other (pos, app, command, identity, received_at, body)
	SELECT head.pos - r.place, app, command, identity, received_at, body
	FROM head, unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[])
		AS r (place, app, command, identity, received_at, body)
	ORDER BY r.place DESC
	ON CONFLICT DO NOTHING RETURNING pos`

// commit sends the whole transaction at once. When a statement of it fails, the
// server skips the rest, COMMIT too.
func (s *postgresSession) commit(ctx context.Context, records []*record) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	var e exceptionRows
	var o otherRows
	var journals []*record
	for i, rec := range records {
		place := int64(len(records) - 1 - i)
		switch rec.kind {
		case kindException:
			e.add(place, rec)
		case kindOther:
			o.add(place, rec)
		case kindJournal:
			journals = append(journals, rec)
		case kindProbe: // locking head is a write
		}
	}
	var batch pgx.Batch
	batch.Queue("BEGIN")
	batch.Queue(lockHead, len(records))
	if len(e.place) > 0 {
		batch.Queue(insertExceptions, e.place, e.app, e.identity, e.code, e.group, e.sender, e.eventTime, e.receivedAt,
			e.eventID, e.epoch, e.sequence, e.refusals, e.truncated, e.body, e.backfilled)
	}
	if len(o.place) > 0 {
		batch.Queue(insertOthers, o.place, o.app, o.command, o.identity, o.receivedAt, o.body)
	}
	for _, rec := range journals {
		batch.Queue(saveJournal, rec.SdkAppid, whole(rec.Body))
	}
	batch.Queue("COMMIT")

	r := &answers{BatchResults: s.conn.SendBatch(ctx, &batch), fresh: make([]bool, len(records)), records: records}
	r.done("begin")
	r.lock()
	if len(e.place) > 0 {
		r.inserted("insert exceptions")
	}
	if len(o.place) > 0 {
		r.inserted("insert others")
	}
	for range journals {
		r.done("save journal")
	}
	tag := r.done("commit")
	if err := r.Close(); r.err == nil && err != nil {
		r.err, r.doing = err, "end the transaction"
	}
	if r.err == nil && tag.String() != "COMMIT" {
		r.err, r.doing = fmt.Errorf("the server answered %s", tag), "commit"
	}
	switch {
	case r.err == nil:
		return r.fresh, nil
	case r.doing == "commit" || !refusedRecord(r.err):
		return nil, ofStore(r.doing, r.err)
	}
	if err := s.exec(ctx, "ROLLBACK"); err != nil {
		return nil, ofStore("roll back", err)
	}
	return nil, fmt.Errorf("%s: %w", r.doing, r.err)
}

// refusedRecord says that the server refused a statement because of the values
// in it: data exceptions, constraints, limits of the program, and what a trigger
// of the operator raises.
func refusedRecord(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) || pg.KindOf(err) != pg.Refused {
		return false
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "22", "23", "54", "P0":
		return true
	}
	return false
}

// answers reads what the server says to a transaction, statement by statement,
// up to the first error.
type answers struct {
	pgx.BatchResults
	records []*record
	fresh   []bool
	head    int64
	err     error
	doing   string // what failed
}

func (r *answers) fail(doing string, err error) {
	if r.err == nil && err != nil {
		r.err, r.doing = err, doing
	}
}

// done reads the answer to a statement without rows.
func (r *answers) done(doing string) (tag pgconn.CommandTag) {
	if r.err == nil {
		var err error
		tag, err = r.Exec()
		r.fail(doing, err)
	}
	return tag
}

func (r *answers) lock() {
	if r.err == nil {
		r.fail("lock the head", r.QueryRow().Scan(&r.head))
	}
}

// inserted reads which records are new.
func (r *answers) inserted(doing string) {
	if r.err != nil {
		return
	}
	rows, _ := r.Query() // its error is that of rows
	var position int64
	_, err := pgx.ForEachRow(rows, []any{&position}, func() error {
		i := len(r.records) - 1 - int(r.head-position)
		r.fresh[i], r.records[i].Position = true, position
		return nil
	})
	r.fail(doing, err)
}

// exceptionRows are records as the columns of exception.
type exceptionRows struct {
	place, app, code, eventTime, receivedAt, sequence, refusals, truncated, backfilled []int64
	identity, group, sender, eventID, epoch, body                                      [][]byte
}

func (e *exceptionRows) add(place int64, rec *record) {
	e.place, e.app, e.code = append(e.place, place), append(e.app, rec.SdkAppid), append(e.code, int64(rec.Code))
	e.eventTime, e.receivedAt = append(e.eventTime, int64(rec.EventTime)), append(e.receivedAt, rec.ReceivedAt.UnixMilli())
	e.sequence, e.refusals = append(e.sequence, int64(rec.Sequence)), append(e.refusals, int64(rec.Refusals))
	e.backfilled = append(e.backfilled, flag(rec.Backfilled))
	e.truncated, e.identity = append(e.truncated, int64(rec.Truncated)), append(e.identity, rec.identity)
	e.group, e.sender = append(e.group, blob(rec.GroupID)), append(e.sender, blob(rec.From))
	e.eventID, e.epoch, e.body = append(e.eventID, blob(rec.EventID)), append(e.epoch, blob(rec.Epoch)), append(e.body, whole(rec.Body))
}

// otherRows are records as the columns of other.
type otherRows struct {
	place, app, receivedAt  []int64
	command, identity, body [][]byte
}

func (o *otherRows) add(place int64, rec *record) {
	o.place, o.app, o.receivedAt = append(o.place, place), append(o.app, rec.SdkAppid), append(o.receivedAt, rec.ReceivedAt.UnixMilli())
	o.command, o.identity, o.body = append(o.command, blob(rec.command)), append(o.identity, rec.identity), append(o.body, whole(rec.Body))
}
