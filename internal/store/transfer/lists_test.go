package transfer

import (
	"database/sql"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/dbfile"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// listed says whether a list of what is not carried has a name.
func listed(list map[string]string, name string) bool {
	for pattern := range list {
		if ok, _ := path.Match(pattern, name); ok { // the patterns are well formed
			return true
		}
	}
	return false
}

// folderSchema lists the tables of a new data folder with their columns.
func folderSchema(t *testing.T) (db *sql.DB, schema map[string][]string) {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("sqlite", dbfile.DSN(path.Join(dir, sqlite.FileName))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rows, err := db.Query("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schema = make(map[string][]string)
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		schema[table] = append(schema[table], column)
	}
	return db, schema
}

// Every table and column of the folder goes over, or stands in the list of those
// that do not.
func TestNothingOfTheFolderIsForgotten(t *testing.T) {
	t.Parallel()
	_, schema := folderSchema(t)
	if len(schema) < 20 {
		t.Fatalf("%d tables", len(schema))
	}
	for name, columns := range schema {
		if listed(leftInFolder, name) {
			continue
		}
		var read string // what is read of it, by all entries
		for _, c := range carried {
			alias := regexp.MustCompile(`\b` + name + ` (\w+)`).FindStringSubmatch(c.from)
			if alias != nil {
				read += regexp.MustCompile(`\b`+alias[1]+`\.`).ReplaceAllString(strings.Join(append(c.sources(), c.from), " ")+" ", "=")
			}
		}
		for _, column := range columns {
			if !regexp.MustCompile(`=`+column+`\b`).MatchString(read) && !listed(leftInFolder, name+"."+column) {
				t.Errorf("%s.%s is neither carried over nor in the list of what stays", name, column)
			}
		}
	}
}

// Every table and column of the database is filled, or stands in the list of those
// that the database fills by itself.
func TestNothingOfTheDatabaseIsForgotten(t *testing.T) {
	t.Parallel()
	config, err := postgres.Prepare(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	var table, column string
	n := 0
	if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		n++
		i := slices.IndexFunc(carried, func(c carriedTable) bool { return c.name == table })
		if i >= 0 && slices.Contains(carried[i].names(), column) || listed(madeInDatabase, table) || listed(madeInDatabase, table+"."+column) {
			return nil
		}
		t.Errorf("%s.%s is neither filled nor in the list of what the database fills by itself", table, column)
		return nil
	}); err != nil || n < 100 {
		t.Fatal(n, err)
	}
}

type carriedTable = table

// Rows are read in the order of an index: a sort would take as much room as the
// table.
func TestRowsAreReadWithoutASort(t *testing.T) {
	t.Parallel()
	db, _ := folderSchema(t)
	for i := range carried {
		for _, after := range []bool{false, true} {
			var plan []string
			query := carried[i].read(after)
			var args []any
			if after {
				args = make([]any, len(carried[i].sourceKey()))
			}
			rows, err := db.Query("EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				t.Fatal(carried[i].name, err)
			}
			for rows.Next() {
				var a, b, c int
				var step string
				if err := rows.Scan(&a, &b, &c, &step); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, step)
			}
			if strings.Contains(strings.Join(plan, "\n"), "TEMP B-TREE") {
				t.Errorf("%s: %s\n%s", carried[i].name, query, strings.Join(plan, "\n"))
			}
		}
	}
	config, err := postgres.Prepare(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for i := range carried {
		rows, err := c.Query(t.Context(), "EXPLAIN "+carried[i].readBack())
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		// An incremental sort takes the rows of one account at a time.
		if regexp.MustCompile(`(?m)(^|-> *)Sort`).MatchString(strings.Join(plan, "\n")) {
			t.Errorf("%s\n%s", carried[i].readBack(), strings.Join(plan, "\n"))
		}
	}
}
