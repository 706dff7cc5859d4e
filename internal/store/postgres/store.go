package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pg"
)

// ErrNewer: a newer program made the schema.
var ErrNewer = pg.ErrNewer

// Schema is where the tables are, unless the URL sets a search_path.
const Schema = "parley"

// Sessions with the database, and the bound of one call above what the server
// itself bounds.
const (
	writers  = 8
	readers  = 8
	callTime = pg.StatementTimeout + 3*time.Second
	// askTime is the bound of what commits nothing: a lock, a read, a new session.
	// A server that does not answer for so long is away.
	askTime = 3 * time.Second
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are the steps of the schema, numbered from 1.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// plans are the settings that let every statement find its rows by a key,
// whatever the statistics say: a plan that was made while a table was empty
// would read all of it later.
var plans = map[string]string{
	"plan_cache_mode":   "force_generic_plan",
	"enable_seqscan":    "off",
	"enable_bitmapscan": "off",
	"enable_hashjoin":   "off",
	"enable_mergejoin":  "off",
	"jit":               "off", // it would compile what seems dear because of the others
}

// Options are what a program may choose.
type Options struct {
	Log   *slog.Logger // nil discards it
	Erase chat.Erase   // blanks the bodies of a deleted user's events
	// Keep says how much of the journals is kept; Removed, which may be nil, is
	// told how many events went through this process.
	Keep    chat.Keep
	Removed func(app chat.AppID, events int)
}

// Store is a [chat.Store] in a PostgreSQL database. All its methods may be
// called from any number of goroutines.
type Store struct {
	config  *pgxpool.Config
	log     *slog.Logger
	options Options
	guard   chat.ClockGuard
	kept    keeping
	write   *pgxpool.Pool
	read    *pgxpool.Pool
	clock   clock
	asked   lookups

	life context.Context // ends with Interrupt
	cut  context.CancelFunc

	origin  atomic.Pointer[origin]
	term    atomic.Int64 // of this process's turn to deliver; 0 before the first
	emptied atomic.Int64 // when a table of repeats was last to be emptied, unix seconds
	closing sync.Once
	closed  atomic.Bool
}

var _ chat.Store = (*Store)(nil)

// Open connects to the database and brings its schema up to date. It fails with
// [ErrNewer], with [ErrUnfinished], or with the driver's error, which names no
// password.
func Open(ctx context.Context, database string, options Options) (*Store, error) {
	config, err := pg.Config(database, Schema, "parley")
	if err != nil {
		return nil, err
	}
	for param, value := range plans {
		config.ConnConfig.RuntimeParams[param] = value
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{config: config, log: options.Log, options: options, guard: chat.ClockGuard{Log: options.Log}}
	s.life, s.cut = context.WithCancel(context.Background())
	s.asked.store = s
	if err := s.open(ctx); err != nil {
		s.cut()
		return nil, fmt.Errorf("open %s: %w", s.Place(), pg.OneLine(err))
	}
	return s, nil
}

// Place names the database for people, without user and password.
func (s *Store) Place() string { return pg.Place(s.config.ConnConfig) }

func (s *Store) open(ctx context.Context) (err error) {
	if err := pg.Migrate(ctx, s.config.ConnConfig, schemaOf(s.config.ConnConfig), migrations()); err != nil {
		return err
	}
	if err := imported(ctx, s.config.ConnConfig); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	pool := func(most int32) (*pgxpool.Pool, error) {
		c := s.config.Copy()
		c.MaxConns, c.MinConns, c.MaxConnIdleTime = most, 0, 5*time.Minute
		c.AfterConnect = s.check
		return pgxpool.NewWithConfig(context.Background(), c)
	}
	if s.write, err = pool(writers); err != nil {
		return err
	}
	if s.read, err = pool(readers); err != nil {
		s.write.Close()
	}
	return err
}

func schemaOf(c *pgx.ConnConfig) string {
	path := c.RuntimeParams["search_path"]
	if n := len(path); n > 2 && path[0] == '"' && path[n-1] == '"' {
		return path[1 : n-1]
	}
	return path
}

// Promises are what the server's settings promise to what is stored, as they
// are for a session that writes.
func (s *Store) Promises(ctx context.Context) ([]pg.Promise, error) {
	conn, err := s.write.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	return pg.Promises(ctx, conn.Conn())
}

// Concurrent is true: the rows of the apps order the commits of all processes.
func (s *Store) Concurrent() bool { return true }

// Now is the database's time of day, as far as it is known here: to within the
// time that a question to it takes.
func (s *Store) Now() time.Time { return s.clock.now() }

// Reopen finds out whether the database takes writes, over a new session; those
// that failed are not used again by themselves. After another server took over,
// new epochs have begun when it returns.
func (s *Store) Reopen() error {
	if s.closed.Load() {
		return errClosed
	}
	if s.life.Err() != nil {
		return chat.ErrStopped
	}
	ctx, cancel := s.bounded(askTime)
	defer cancel()
	if err := s.settle(ctx); err != nil {
		return translate("reopen", err)
	}
	return nil
}

// Interrupt has everything fail that waits for the database, and whatever is
// asked of it later: the process ends, and the database may never answer.
func (s *Store) Interrupt() { s.cut() }

// bounded is for something that may take so long.
func (s *Store) bounded(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.life, d)
}

// closeTime is how long Close waits for sessions with a database that does not
// answer: the driver goes on trying to tell it of what was given up.
const closeTime = time.Second

// Close ends all sessions. Closing twice is harmless.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed.Store(true)
		defer s.cut()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.write.Close()
			s.read.Close()
		}()
		if s.life.Err() == nil {
			<-done
			return
		}
		select {
		case <-done:
		case <-time.After(closeTime):
		}
	})
	return nil
}

var errClosed = errors.New("postgres: the store was closed")

// translate gives the driver's errors the meaning they have for the heart.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	switch pg.KindOf(err) {
	case pg.Away:
		return fmt.Errorf("%s: %w: %w", op, chat.ErrStoreAway, err)
	case pg.Busy:
		return fmt.Errorf("%s: %w: %w", op, chat.ErrStoreBusy, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// query runs a read. It does not depend on the caller's context once it has
// begun: a session whose statement is cut off cannot be used again, and its
// bounds are the server's.
func (s *Store) query(ctx context.Context, op, sql string, each func(pgx.Rows) error, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return errClosed
	}
	ctx, cancel := s.bounded(askTime)
	defer cancel()
	rows, err := s.read.Query(ctx, sql, args...)
	if err != nil {
		return translate(op, err)
	}
	return translate(op, eachRow(rows, each))
}

// eachRow calls f for every row and closes the rows.
func eachRow(rows pgx.Rows, f func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
