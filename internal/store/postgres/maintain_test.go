package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

// No table of repeats may be emptied while it holds what is remembered, nor may a
// clock that is off by less than a minute, or a pause of that length, bring it
// about. The test looks inside, because it needs clocks of its own.
func TestTableOfRepeatsIsEmptiedWhenNobodyNeedsIt(t *testing.T) {
	t.Parallel()
	const window, cycle = chat.RepeatWindow, slots * chat.RepeatWindow
	emptied := map[int64]bool{}
	for now := int64(0); now < cycle; now++ {
		slot, ok := nextSlot(time.Unix(now+cycle, 0))
		if !ok {
			continue
		}
		emptied[slot] = true
		for age := int64(-59); age <= window+59; age++ { // written at that time before, or soon
			if slotOf(time.Unix(now+cycle-age, 0)) == slot {
				t.Fatalf("at %d the table of %d s before is emptied", now, age)
			}
		}
	}
	if len(emptied) != slots {
		t.Errorf("only %d tables are ever emptied", len(emptied))
	}
}

// What is left over from a time without housekeeping is more than one statement
// may take time for.
func TestOldChangesAreForgottenInSlices(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s, err := Open(t.Context(), database, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const young = 7
	pgtest.Exec(t, database, `INSERT INTO parley.changes (app, journal, version, id, touched, at)
		SELECT 1, 1, n, gen_random_uuid(), '', now() - CASE WHEN n <= 7 THEN interval '1 minute' ELSE interval '2 hours' END FROM generate_series(1, 12000) n`)
	left := func() (n int) {
		t.Helper()
		if err := s.query(context.Background(), "count", "SELECT count(*) FROM changes", func(r pgx.Rows) error { return r.Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	more, err := s.Maintain()
	if err != nil || !more || left() != 12000-changesRows {
		t.Fatalf("after one slice %d are left: %v, %v", left(), more, err)
	}
	for more {
		if more, err = s.Maintain(); err != nil {
			t.Fatal(err)
		}
	}
	if n := left(); n != young {
		t.Errorf("%d are left", n)
	}
}

func TestOneTableOfRepeatsIsEmptiedAndTheOthersStay(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s, err := Open(t.Context(), database, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pgtest.Exec(t, database, "INSERT INTO parley.repeats SELECT n, 1, 1, gen_random_uuid(), gen_random_uuid(), 1, 1 FROM generate_series(0, 2) n")
	empty := func(at int64) (left []int64) {
		t.Helper()
		if err := pgx.BeginFunc(t.Context(), s.write, func(tx pgx.Tx) error { return s.emptyNext(t.Context(), tx, time.Unix(at, 0)) }); err != nil {
			t.Fatal(err)
		}
		if err := s.query(t.Context(), "list", "SELECT slot::bigint FROM repeats ORDER BY slot", func(r pgx.Rows) error {
			var slot int64
			err := r.Scan(&slot)
			left = append(left, slot)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return left
	}
	if left := empty(chat.RepeatWindow - 1); len(left) != 3 { // the next one may be written any moment
		t.Errorf("left: %v", left)
	}
	if left := empty(chat.RepeatWindow / 2); len(left) != 2 || left[0] != 0 || left[1] != 2 {
		t.Errorf("left: %v", left)
	}
}
