package transfer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/store/storetest"
)

// other gives an expression for another value of a column.
func other(c column) string {
	switch c.kind {
	case bytes:
		return fmt.Sprintf(`"%s" || '\x00'::bytea`, c.name)
	case truth:
		return fmt.Sprintf(`NOT "%s"`, c.name)
	case id:
		return "gen_random_uuid()"
	}
	return fmt.Sprintf(`"%s" + 1`, c.name)
}

// Whatever is changed in the database, in whatever column, is found, with the
// table and the row.
func TestCheckFindsEveryDifference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m := &move{batch: 5000}
	if m.from, err = openSource(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer m.from.close()
	if m.to, err = openTarget(t.Context(), pgtest.Database(t)); err != nil {
		t.Fatal(err)
	}
	defer m.to.close()
	if _, err := m.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func() error { return m.check(new(Result))(t.Context()) }
	if err := check(); err != nil {
		t.Fatal(err)
	}
	// after checks what is found after a statement, and undoes it.
	after := func(statement string, want ...string) {
		t.Helper()
		tx, err := m.to.conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(t.Context(), statement)
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %d rows, %v", statement, tag.RowsAffected(), err)
		}
		err = check()
		if !errors.Is(err, errDiffers) {
			t.Errorf("%s: %v", statement, err)
		}
		for _, word := range want {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is missing in %v", statement, word, err)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range carried {
		var row string
		if err := m.to.conn.QueryRow(t.Context(), "SELECT max(ctid)::text FROM "+table.name).Scan(&row); err != nil {
			t.Fatal(table.name, err)
		}
		where := fmt.Sprintf(" WHERE ctid = '%s'", row)
		after("DELETE FROM "+table.name+where, table.name+", row with app", "is missing in the database")
		for i, c := range table.columns {
			switch {
			case c.kind == journal || table.name == "groups" && c.name == "key": // other tables are read by it
			case i < table.keys:
				after(fmt.Sprintf(`UPDATE %s SET "%s" = %s%s`, table.name, c.name, other(c), where), table.name+", row with app")
			default:
				after(fmt.Sprintf(`UPDATE %s SET "%s" = %s%s`, table.name, c.name, other(c), where), table.name+", row with app", "has another "+c.name)
			}
		}
	}
	after("INSERT INTO words (app, word) VALUES (1400000001, 'zzz')", `words, row with app 1400000001, word "zzz" is in the database only`)
	after("INSERT INTO words (app, word) VALUES (1, 'zzz')", `words, row with app 1, word "zzz" is in the database only`)
	const one = " WHERE ctid = (SELECT max(ctid) FROM repeats_%[1]d) AND tableoid = 'repeats_%[1]d'::regclass"
	var slot int
	if err := m.to.conn.QueryRow(t.Context(), "SELECT slot FROM repeats LIMIT 1").Scan(&slot); err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf(one, slot)
	for _, c := range []column{{name: "key", kind: id}, {name: "attempt", kind: id}, {name: "app"}, {name: "journal"}} {
		after(fmt.Sprintf(`UPDATE repeats SET "%s" = %s%s`, c.name, other(c), where), "repeats, row with app", "is missing")
	}
	for _, c := range []column{{name: "seq"}, {name: "time"}} {
		after(fmt.Sprintf(`UPDATE repeats SET "%s" = %s%s`, c.name, other(c), where), "repeats, row with app", "is not the same")
	}
	after("DELETE FROM repeats"+where, "repeats, row with app", "is missing")
	after("INSERT INTO repeats SELECT slot, app, journal, gen_random_uuid(), attempt, seq, time FROM repeats"+where, "repeats has 27 rows in the database instead of 26")
	if err := check(); err != nil {
		t.Fatal(err)
	}
}
