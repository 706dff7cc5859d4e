package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/dbfile"
	"github.com/parley-im/parley/internal/folder"
	"github.com/parley-im/parley/internal/promise"
)

// Errors of Open, and of a store that is not open.
var (
	// ErrInUse: another process has the data folder open.
	ErrInUse = folder.ErrInUse
	// ErrNewer: a newer program wrote the database.
	ErrNewer = dbfile.ErrNewer
	// ErrClosed: the store was closed, or could not be opened again.
	ErrClosed = errors.New("sqlite: the store is not open")
)

// FileName is the database's name within the data folder.
const FileName = "parley.db"

const readers = 4

// Options are what a program may choose; the zero value is the default.
type Options struct {
	// RepeatMemory is the most bytes of memory that recognising repeats may
	// take; 0 is 16 MiB, and with less than 4096 nothing is kept in memory.
	// What does not fit is found through an index on disk.
	RepeatMemory int
	// CheckpointAt is how many bytes the write-ahead log may hold before
	// Maintain moves it into the database; 0 is 16 MiB.
	CheckpointAt int64
	// Spare is how many bytes of the disk a backup's copy must leave free; 0 is
	// 64 MiB.
	Spare int64
	// Keep says how much of the journals is kept; Removed, which may be nil, is
	// told how many events went.
	Keep    chat.Keep
	Removed func(app chat.AppID, events int)
	// Log tells of what Maintain finds; nil discards it.
	Log *slog.Logger
	// Erase blanks the bodies of a deleted user's events.
	Erase chat.Erase
	// Wake is called when Maintain has something new to do and should not wait
	// for the next write; nil tells nobody.
	Wake func()
	// Move opens the folder to carry over what it holds, whatever it tells of its
	// move, which is the caller's then. Without it one that was moved is refused
	// with [ErrMoved], and a move that has only begun becomes void.
	Move bool
}

// Store is a [chat.Store] in one SQLite file. Reads may come from any number
// of goroutines; Begin, Maintain and Reopen belong to one at a time.
type Store struct {
	path    string
	steps   fs.FS
	options Options
	folder  *folder.Folder

	mu      sync.RWMutex // shared by reads; Reopen, Close and a checkpoint's end have it alone
	files   *files       // nil while not open
	repeats *repeats     // replaced with files
	closed  bool

	tight      atomic.Bool             // the disk has little room
	copy       atomic.Pointer[copying] // that the writer's goroutine moves on
	copyBusy   atomic.Bool             // there is one, or what is left of it
	copyCancel context.CancelCauseFunc // ends the reading of it
	copies     sync.WaitGroup

	// For the writer's goroutine alone:
	broken  bool   // a COMMIT or a ROLLBACK failed: only Reopen helps
	purging bool   // there may be messages of dissolved groups
	erasing bool   // there may be words of deleted users
	turn    int    // of the kinds of housekeeping
	round   *round // of erasures; nil until it is read
	copied  bool   // the last turn was a copy's
	keeping keeping
	guard   chat.ClockGuard
	// vacuuming: there are free pages to be given back.
	vacuuming bool
	wasTight  bool // the log was made short for a disk with little room
	heads     heads
	log       walGauge
}

var _ chat.Store = (*Store)(nil)

// files are the open handles of one life of the database.
type files struct {
	writeDB, readDB *sql.DB
	writer          *session
	readers         chan *session
}

// Open opens the store in the folder dir, which is made if it is missing, and
// brings its schema up to date. It fails with [ErrInUse], with [ErrNewer], or
// with the system's error when the folder cannot be written.
func Open(dir string, options Options) (*Store, error) {
	return open(dir, options, migrations())
}

// Concurrent is false: the file has one writer.
func (s *Store) Concurrent() bool { return false }

// Promises are what the settings of the connection that writes promise. It is
// for the writer's goroutine, between two transactions.
func (s *Store) Promises(ctx context.Context) ([]promise.Promise, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return nil, ErrClosed
	}
	return dbfile.Promises(ctx, s.files.writer.conn)
}

// Now is the wall clock.
func (s *Store) Now() time.Time { return time.Now() }

func open(dir string, options Options, steps fs.FS) (*Store, error) {
	if options.RepeatMemory <= 0 {
		options.RepeatMemory = 16 << 20
	}
	if options.Spare <= 0 {
		options.Spare = spareRoom
	}
	if options.CheckpointAt <= 0 {
		options.CheckpointAt = 16 << 20
	}
	data, err := folder.Open(dir)
	if err != nil {
		return nil, err
	}
	if !options.Move {
		if err := mayServe(data.Path()); err != nil {
			return nil, errors.Join(err, data.Close())
		}
	}
	s := &Store{path: filepath.Join(data.Path(), FileName), steps: steps, options: options, folder: data, guard: chat.ClockGuard{Log: options.Log}}
	if err := removeCopy(s.path); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", s.path, err), data.Close())
	}
	return s, nil
}

// start opens the files and learns from them what the store keeps in memory.
// What recovery found in the log is moved into the database and synced there:
// after a failed sync the log's own pages may be in memory only, and a later
// start must find what this one found. The caller has s.mu alone, or the store
// to itself.
func (s *Store) start() (err error) {
	if err := folder.Private(s.path); err != nil {
		return err
	}
	if err := dbfile.Migrate(context.Background(), s.path, s.steps, nil); err != nil {
		return err
	}
	f, err := openFiles(s.path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	done, err := checkpoint(f.writer, "TRUNCATE")
	if err == nil && !done {
		err = errors.New("the log is held by another program")
	}
	if err != nil {
		return fmt.Errorf("settle the log: %w", err)
	}
	r := newRepeats(s.options.RepeatMemory)
	if err := r.load(f.writer); err != nil {
		return fmt.Errorf("load repeats: %w", err)
	}
	var purging, erasing bool
	if _, err := f.writer.one(row(&purging, &erasing), "SELECT EXISTS (SELECT 1 FROM purges), EXISTS (SELECT 1 FROM erasures)"); err != nil {
		return err
	}
	s.files, s.repeats, s.purging, s.erasing, s.round, s.broken, s.log = f, r, purging, erasing, nil, false, walGauge{}
	return nil
}

func openFiles(path string) (f *files, err error) {
	f = &files{readers: make(chan *session, readers)}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
			f = nil
		}
	}()
	if f.writeDB, err = sql.Open("sqlite", dsn(path, "busy_timeout(500)", "synchronous(FULL)",
		"wal_autocheckpoint(0)", "secure_delete(FAST)", "foreign_keys(0)", "temp_store(MEMORY)", "cache_size(-16000)")); err != nil {
		return f, err
	}
	f.writeDB.SetMaxOpenConns(1)
	if f.writer, err = newSession(f.writeDB); err != nil {
		return f, err
	}
	if f.readDB, err = sql.Open("sqlite", dsn(path, "busy_timeout(2000)", "query_only(1)",
		"wal_autocheckpoint(0)", "temp_store(MEMORY)", "cache_size(-4000)")); err != nil {
		return f, err
	}
	f.readDB.SetMaxOpenConns(readers)
	for range readers {
		c, err := newSession(f.readDB)
		if err != nil {
			return f, err
		}
		f.readers <- c
	}
	return f, nil
}

// close ends all connections, the writer's first: while others are open its
// handle does not write, which after a failed sync it must not.
func (f *files) close() error {
	var errs []error
	if f.writer != nil {
		errs = append(errs, f.writer.close())
	}
	if f.writeDB != nil {
		errs = append(errs, f.writeDB.Close())
	}
	for len(f.readers) > 0 {
		errs = append(errs, (<-f.readers).close())
	}
	if f.readDB != nil {
		errs = append(errs, f.readDB.Close())
	}
	return errors.Join(errs...)
}

// Close waits for reads in flight, ends a copy and the connections and gives up
// the folder. A transaction that is open is lost. Closing twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.endCopy(ErrClosed)
	if s.copyCancel != nil {
		s.copyCancel(ErrClosed)
	}
	s.copies.Wait()
	var err error
	if s.files != nil {
		err = s.files.close()
		s.files = nil
	}
	return errors.Join(err, s.folder.Close())
}

// Reopen waits for reads in flight, closes every connection and opens the file
// anew, as a start of the program would. After an error the store is not open,
// and Reopen may be called again.
func (s *Store) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.heads.forget()
	s.endCopy(errReopened)
	if s.files != nil {
		// Its errors are those of the handles that are given up.
		_ = s.files.close()
		s.files = nil
	}
	if err := s.start(); err != nil {
		return fmt.Errorf("reopen %s: %w", s.path, err)
	}
	return nil
}

// read calls f with a connection of the pool. It waits for one until ctx ends.
func (s *Store) read(ctx context.Context, f func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return ErrClosed
	}
	select {
	case c := <-s.files.readers:
		defer func() { s.files.readers <- c }()
		return f(c)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Synchronous is the value of PRAGMA synchronous on the connection that writes:
// 2, FULL. It is for the writer's goroutine, between two transactions.
func (s *Store) Synchronous(ctx context.Context) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return 0, ErrClosed
	}
	level := -1
	err := s.files.writer.conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level)
	return level, err
}
