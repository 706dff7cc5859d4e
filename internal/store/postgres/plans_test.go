package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

// plan is how the database reads for a statement, whatever its values are.
func plan(t *testing.T, c *pgx.Conn, name, sql string) string {
	t.Helper()
	d, err := c.Prepare(t.Context(), name, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(d.ParamOIDs)), ", ")
	rows, err := c.Query(t.Context(), "EXPLAIN EXECUTE "+name+"("+nulls+")")
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, "\n")
}

// What connected users ask for is found by keys in tables that are large, and
// known to be.
func TestReadsOfConnectedUsersFindTheirRowsInLargeTables(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s, err := Open(t.Context(), database, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pgtest.Exec(t, database, `SET search_path TO parley;
		INSERT INTO groups (app, key, id, type, name, introduction, notification, face_url, owner, apply_join, invite, max_members, members, mute_all, create_time, last_info_time, info_seq)
			SELECT 1, n, n::text::bytea, 'Public', '', '', '', '', '', '', '', 9, 0, false, 0, 0, 0 FROM generate_series(1, 5000) n;
		INSERT INTO group_heads (app, gkey, next, time) SELECT 1, n, 9, 0 FROM generate_series(1, 5000) n;
		INSERT INTO members (app, gkey, account, role, join_time, read_seq, msg_flag, name_card, last_msg_time)
			SELECT 1, n % 100, n::text::bytea, 'Member', 0, 0, '', '', 0 FROM generate_series(1, 20000) n;
		INSERT INTO members (app, gkey, account, role, join_time, read_seq, msg_flag, name_card, last_msg_time)
			SELECT 1, 5000, n::text::bytea, CASE n WHEN 1 THEN 'Owner' WHEN 2 THEN 'Admin' ELSE 'Member' END::bytea, 0, 0, '', '', 0 FROM generate_series(1, 50000) n;
		INSERT INTO messages (app, gkey, seq, sender, random, time, priority, flags, body, cloud, attempt, version)
			SELECT 1, n % 10, n, 'u', 0, 0, 2, 0, '[]', '', gen_random_uuid(), 0 FROM generate_series(1, 50000) n;
		INSERT INTO applications (app, gkey, account, text, time) SELECT 1, n % 100, n::text::bytea, '', 0 FROM generate_series(1, 20000) n;
		ANALYZE groups, group_heads, members, messages, applications`)
	tx := &tx{store: s, app: 1, journal: 1}
	if err := tx.begin(1); err != nil {
		t.Fatal(err)
	}
	defer func() {
		tx.ended = true // what was queued is not to be sent
		tx.conn.Release()
	}()
	first := len(tx.queued.QueuedQueries)
	tx.putRead(make([]chat.Read, 1))
	statements := []string{selectGroupHeads, selectUnread, selectApplications + " AND account = $3", selectMessages, selectAnybody, selectOfRoles, selectManagers, tx.queued.QueuedQueries[first].SQL}
	for i, sql := range statements {
		text := plan(t, tx.conn.Conn(), fmt.Sprintf("large_%d", i), sql)
		// Owner and admins of a large group are found without its ordinary members.
		if (sql == selectManagers) != strings.Contains(text, "members_managing") {
			t.Errorf("%s\nhas another index in its plan than it needs:\n%s", sql, text)
		}
		for _, bad := range []string{"Seq Scan", "Hash Join", "Merge Join", "JIT", "Join Filter", "Materialize", "Sort"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s\nhas %q in its plan:\n%s", sql, bad, text)
			}
		}
	}
}

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
		text := plan(t, tx.conn.Conn(), name, sql)
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
