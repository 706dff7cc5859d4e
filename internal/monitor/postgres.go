package monitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/parley-im/parley/internal/pg"
	"github.com/parley-im/parley/internal/promise"
)

// Schema is where the tables are in a PostgreSQL database.
const Schema = "parley_monitor"

// commitWait bounds a transaction from this end, for a server that is silent:
// longer than the server itself lets a statement run.
const commitWait = pg.StatementTimeout + 3*time.Second

// postgresEngine is a schema of a database, which other monitors may use too.
type postgresEngine struct {
	config *pgx.ConnConfig
	pool   *sql.DB
}

func openPostgres(ctx context.Context, database string) (engine, error) {
	c, err := pg.Config(database, Schema, "parley monitor")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	e := &postgresEngine{config: c.ConnConfig}
	if err := pg.Migrate(ctx, e.config, Schema, migrations("postgres")); err != nil {
		if errors.Is(err, pg.ErrNewer) {
			err = newerDatabase{err}
		}
		return nil, fmt.Errorf("open database %s: %w", e.place(), pg.OneLine(err))
	}
	reading := e.config.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	// A group may have most of the exceptions or hardly one: which index serves
	// depends on what is asked for.
	reading.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	// Asked before each use, a session whose server is gone is replaced and
	// costs no reader an answer.
	e.pool = stdlib.OpenDB(*reading, stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true }))
	e.pool.SetMaxOpenConns(readSessions)
	e.pool.SetMaxIdleConns(readSessions)
	return e, nil
}

func (e *postgresEngine) place() string    { return pg.Place(e.config) }
func (e *postgresEngine) readers() *sql.DB { return e.pool }
func (e *postgresEngine) close() error     { return e.pool.Close() }

// postgresSession is a session that writes; postgres_commit.go has its commit.
type postgresSession struct{ conn *pgx.Conn }

func (e *postgresEngine) connect(ctx context.Context) (session, error) {
	conn, err := pgx.ConnectConfig(ctx, e.config)
	if err != nil {
		return nil, pg.OneLine(err)
	}
	return &postgresSession{conn}, nil
}

// close gives a server that does not answer a second.
func (s *postgresSession) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.conn.Close(ctx)
	select {
	case <-s.conn.PgConn().CleanupDone():
	case <-ctx.Done():
	}
	return err
}

func (s *postgresSession) exec(ctx context.Context, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	_, err := s.conn.Exec(ctx, statement, args...)
	return err
}

func (s *postgresSession) one(ctx context.Context, query string, dest ...any) error {
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	return s.conn.QueryRow(ctx, query).Scan(dest...)
}

// tidy has nothing to do: the server does its own housekeeping.
func (s *postgresSession) tidy(context.Context) error { return nil }

func (s *postgresSession) promises(ctx context.Context) ([]promise.Promise, error) {
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	return pg.Promises(ctx, s.conn)
}
