package monitor_test

import (
	"context"
	"database/sql"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/parley-im/parley/internal/monitor"
	"github.com/parley-im/parley/internal/pgtest"
)

// engine is a database that the tests run against.
type engine struct {
	name string
	// config names a new database; without a server it skips the test.
	config func(t testing.TB) monitor.Config
	// beside opens it next to the monitor, as an operator might.
	beside func(t testing.TB, cfg monitor.Config) *sql.DB
	block  []string // lets nobody else write, until ROLLBACK
	poison []string // refuses every exception of the group "poison"
	newer  string   // makes the schema that of a newer program

	fixture string // name of a file that holds a database
	dump    func(t *testing.T, cfg monitor.Config) []byte
	restore func(t *testing.T, cfg monitor.Config, file string)
}

var engines = []engine{{
	name:   "sqlite",
	config: defaults,
	beside: func(t testing.TB, cfg monitor.Config) *sql.DB {
		return beside(t, "sqlite", filepath.Join(cfg.Data, "monitor.db"))
	},
	block: []string{"BEGIN IMMEDIATE"},
	poison: []string{`CREATE TRIGGER poison BEFORE INSERT ON exception WHEN NEW.group_id = CAST('poison' AS BLOB)
		BEGIN SELECT RAISE(ABORT, 'poison'); END`},
	newer: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)",

	fixture: "monitor.db",
	dump:    dumpSQLite,
	restore: restoreSQLite,
}, {
	name: "postgres",
	config: func(t testing.TB) monitor.Config {
		cfg := defaults(t)
		cfg.Data, cfg.Database = "", pgtest.Database(t)
		return cfg
	},
	beside: func(t testing.TB, cfg monitor.Config) *sql.DB {
		return beside(t, "pgx", cfg.Database+"&search_path="+monitor.Schema)
	},
	block: []string{"BEGIN", "SELECT pos FROM head FOR UPDATE"},
	poison: []string{`CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.group_id = 'poison'::bytea THEN RAISE EXCEPTION 'poison'; END IF;
		RETURN NEW; END $$`, "CREATE TRIGGER poison BEFORE INSERT ON exception FOR EACH ROW EXECUTE FUNCTION poison()"},
	newer: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)",

	fixture: "monitor.sql",
	dump:    dumpPostgres,
	restore: restorePostgres,
}}

func beside(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// exec runs statements on a [sql.DB], or on one of its connections.
func exec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// onEachEngine runs a test against every engine, beside every other test.
func onEachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func dumpSQLite(t *testing.T, cfg monitor.Config) []byte {
	t.Helper()
	db := beside(t, "sqlite", filepath.Join(cfg.Data, "monitor.db"))
	exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)") // else it is in the log beside
	text, err := os.ReadFile(filepath.Join(cfg.Data, "monitor.db"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func restoreSQLite(t *testing.T, cfg monitor.Config, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, "monitor.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// dumpPostgres leaves out what only psql understands.
func dumpPostgres(t *testing.T, cfg monitor.Config) []byte {
	t.Helper()
	text, err := osexec.CommandContext(t.Context(), "pg_dump", "--inserts", "--no-owner", "--no-privileges", "--schema", monitor.Schema, cfg.Database).Output()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^\\.*\n`).ReplaceAll(text, nil)
}

func restorePostgres(t *testing.T, cfg monitor.Config, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.PgConn().Exec(t.Context(), string(text)).ReadAll(); err != nil {
		t.Fatal(err)
	}
}
