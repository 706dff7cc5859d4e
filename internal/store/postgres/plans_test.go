package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

// No statement of a batch may read more of a table than the rows it is about,
// also when its plan was made while the table was empty. The test looks inside,
// at the plans.
func TestStatementsOfABatchFindTheirRowsByKeys(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.Database(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx := &tx{store: s, app: 1, journal: 1, groups: map[chat.GroupKey]chat.GroupHead{1: {}}}
	if err := tx.begin(1); err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Put(1, &chat.Rows{
		Messages: make([]chat.Message, 1), Groups: []chat.GroupHead{{Key: 1}}, Events: make([]chat.Event, 1), Repeats: make([]chat.Repeat, 1),
		Progress: []chat.Progress{{Put: make([]chat.Pending, 1), Delete: make([]chat.Sequence, 1), Failed: make([]chat.Attempted, 1),
			Delivered: make([]chat.Attempted, 1), Dead: make([]chat.DeadRange, 1), Replays: []chat.Replay{{Next: 1, Last: 2}, {Next: 3, Last: 2}}, Lane: &chat.LaneState{}}},
		Spoken: make([]chat.Spoken, 1), Read: make([]chat.Read, 1),
	}); err != nil {
		t.Fatal(err)
	}
	statements := []string{
		lockHead, lockGroups, findRepeats, selectEventsAfter, selectEventsBefore,
		selectWaiting, selectDead, selectPending + " AND seq = $3", selectDelivered, selectTokens + "hash = $1",
		selectGroupHeads, selectUnread, selectMessages, selectApplications + " AND account = $3",
	}
	for _, q := range tx.queued.QueuedQueries {
		statements = append(statements, q.SQL)
	}
	for i, sql := range statements {
		if sql == "BEGIN" {
			continue
		}
		name := fmt.Sprintf("plan_%d", i)
		d, err := tx.conn.Conn().Prepare(t.Context(), name, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(d.ParamOIDs)), ", ")
		rows, err := tx.conn.Query(t.Context(), "EXPLAIN EXECUTE "+name+"("+nulls+")")
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		// An index that is for something else is read for all rows of an endpoint.
		if strings.Contains(sql, "dead AND seq") != (strings.Contains(text, "pending_waiting") || strings.Contains(text, "pending_dead")) {
			t.Errorf("%s\nhas another index in its plan than it needs:\n%s", sql, text)
		}
		for _, bad := range []string{"Seq Scan", "Hash Join", "Merge Join", "Bitmap", "JIT", "Filter: (seq = ANY", "Filter: (key = ANY", "Join Filter", "Materialize"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s\nhas %q in its plan:\n%s", sql, bad, text)
			}
		}
	}
	if len(statements) < 28 {
		t.Errorf("only %d statements were looked at", len(statements))
	}
	tx.ended = true // what was queued is not to be sent
	tx.conn.Release()
}
