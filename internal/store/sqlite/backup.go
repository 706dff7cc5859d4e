package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parley-im/parley/internal/dbfile"
	"github.com/parley-im/parley/internal/folder"
)

var (
	// ErrCopying: one copy of a store is made at a time.
	ErrCopying = errors.New("another backup is being made")
	// ErrNoStore: there is no database in the folder.
	ErrNoStore = errors.New("it is not the data folder of a server")

	errReopened = errors.New("the database had to be opened again while it was copied")
)

// Copy makes a copy of the database as it is at one moment between the call and
// that of use, which reads it. It holds all that was committed before the call,
// it is complete without a log, and it is gone when Copy returns. progress is
// called now and then with bytes, done falling back to zero if the copy has to
// begin again.
//
// The pages are copied in Maintain, a few milliseconds at a time, so Copy waits
// for whoever calls that; the wait, and the reading, end with ctx, and when the
// store is closed or opened again.
func (s *Store) Copy(ctx context.Context, progress func(done, total int64), use func(db io.Reader, size int64) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c, err := s.beginCopy(cancel)
	if err != nil {
		return err
	}
	if s.options.Wake != nil {
		s.options.Wake()
	}
	err = c.follow(ctx, progress)
	if err == nil {
		err = c.read(ctx, use)
	}
	remove := func() error {
		<-c.over
		err := c.remove()
		s.copies.Done()
		s.copyBusy.Store(false)
		return err
	}
	select {
	case <-c.over:
		return errors.Join(err, remove())
	default: // the writer's side lets go at its next turn, which may be far away
		go func() { _ = remove() }() // at the latest, the next start removes it
		return err
	}
}

func (s *Store) beginCopy(cancel context.CancelCauseFunc) (*copying, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.files == nil {
		return nil, ErrClosed
	}
	if !s.copyBusy.CompareAndSwap(false, true) {
		return nil, ErrCopying
	}
	c, err := newCopying(s.path, s.options.Spare)
	if err != nil {
		s.copyBusy.Store(false)
		return nil, err
	}
	s.copies.Add(1)
	s.copyCancel = cancel
	s.copy.Store(c)
	return c, nil
}

// copyTurn moves a copy on, on the writer's goroutine.
func (s *Store) copyTurn(w *session) {
	if c := s.copy.Load(); c != nil && !c.turn(w) {
		s.copy.Store(nil)
	}
}

// endCopy lets go of a copy under way before its connection is closed. The
// caller has s.mu alone.
func (s *Store) endCopy(err error) {
	if c := s.copy.Swap(nil); c != nil {
		c.end(err)
	}
}

// read gives the finished copy to use.
func (c *copying) read(ctx context.Context, use func(db io.Reader, size int64) error) error {
	info, err := c.file.Stat()
	if err != nil {
		return fmt.Errorf("read a copy: %w", err)
	}
	return use(&reader{ctx: ctx, r: io.NewSectionReader(c.file, 0, info.Size())}, info.Size())
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// Stopped is the store of a folder whose server does not run.
type Stopped struct{ folder *folder.Folder }

// OpenStopped takes the data folder dir for itself without changing what the
// database holds, its schema included. It fails with [ErrNoStore], and with
// [ErrInUse] while a server has the folder.
func OpenStopped(dir string) (*Stopped, error) {
	if _, err := os.Stat(filepath.Join(dir, FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: there is no %s", dir, ErrNoStore, FileName)
	} else if err != nil {
		return nil, err
	}
	data, err := folder.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := removeCopy(filepath.Join(data.Path(), FileName)); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return &Stopped{folder: data}, nil
}

// Close gives the folder back.
func (s *Stopped) Close() error { return s.folder.Close() }

// Copy is [Store.Copy] without a server: it moves the copy on by itself.
func (s *Stopped) Copy(ctx context.Context, progress func(done, total int64), use func(db io.Reader, size int64) error) (err error) {
	path := filepath.Join(s.folder.Path(), FileName)
	db, err := sql.Open("sqlite", dbfile.DSN(path, "busy_timeout(500)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := dbfile.Known(ctx, db, migrations()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	w, err := newSession(db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	c, err := newCopying(path, spareRoom)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	go func() {
		for c.turn(w) {
		}
	}()
	err = c.follow(ctx, progress)
	<-c.over
	if err != nil {
		return err
	}
	return c.read(ctx, use)
}
