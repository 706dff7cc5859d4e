package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"

	"github.com/parley-im/parley/internal/dbfile"
)

// copyName is added to the database's name for the copy that a backup is made
// from. Only the holder of the folder's lock touches it.
const copyName = ".backup"

// Bounds of a copy. Of the writer's turn it takes copyTime, looking at the
// clock every copySlice pages, or copyWait when the disk is not done with what
// was copied before. The syncs are small, because one of the journal's may have
// to wait for one of these.
const (
	copyTime  = 2 * time.Millisecond
	copySlice = 16
	copyWait  = time.Millisecond
	copySync  = 1 << 20 // bytes that are copied between two syncs of the file
	copyAhead = 4 << 20 // bytes that may be copied and not synced
)

// copying is a copy of the database on its way. The connection of the database
// reads it, and all that is written through that connection meanwhile goes into
// the copy as well; so it is moved on between two transactions, by whoever
// writes. What that costs is pages in the system's cache. Who asked for the
// copy has them written to the disk a little at a time, beside the writer:
// otherwise the next sync of the journal could have to wait for all of them.
type copying struct {
	path string
	file *os.File // for syncing and reading; SQLite has its own handle

	gone  chan struct{} // closed when nobody wants the copy any more
	moved chan struct{} // signalled when there is more
	room  chan struct{} // signalled when more is synced
	over  chan struct{} // closed when the writer's side has let go; then err is set
	err   error

	done, total    atomic.Int64 // bytes of the database
	copied, synced atomic.Int64 // bytes put into the file: they may be more, when it begins again

	backup *driver.Backup // of the writer's side, nil before its first turn
}

// newCopying makes the file for a copy of the database at path, if there is room.
func newCopying(path string, spare int64) (*copying, error) {
	if err := checkRoom(path, spare); err != nil {
		return nil, err
	}
	c := &copying{
		path: path + copyName,
		gone: make(chan struct{}), moved: make(chan struct{}, 1), room: make(chan struct{}, 1), over: make(chan struct{}),
	}
	var err error
	if c.file, err = os.OpenFile(c.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("make the file for a copy: %w", err)
	}
	return c, nil
}

// removeCopy removes what a killed process left of a copy.
func removeCopy(path string) error {
	if err := os.Remove(path + copyName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an unfinished copy: %w", err)
	}
	return nil
}

// turn moves the copy on, on the writer's side, until its time is up; more says
// that it is not at its end.
func (c *copying) turn(w *session) (more bool) {
	select {
	case <-c.gone:
		c.end(context.Canceled)
		return false
	default:
	}
	if c.full() {
		late := time.NewTimer(copyWait)
		defer late.Stop()
		select {
		case <-c.room:
		case <-late.C:
		}
		return true
	}
	more, err := true, error(nil)
	if raw := w.conn.Raw(func(conn any) error {
		more, err = c.step(conn, time.Now().Add(copyTime))
		return nil
	}); raw != nil {
		err = raw
	}
	signal(c.moved)
	if err != nil || !more {
		c.end(err)
		return false
	}
	return true
}

// full says that the disk has to catch up first.
func (c *copying) full() bool { return c.copied.Load()-c.synced.Load() >= copyAhead }

func (c *copying) step(conn any, deadline time.Time) (more bool, err error) {
	if c.backup == nil {
		source := conn.(interface {
			NewBackup(string) (*driver.Backup, error)
		})
		// The copy is thrown away unless it is completed: it needs neither
		// journal nor syncs of its own.
		if c.backup, err = source.NewBackup(dbfile.DSN(c.path, "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-2000)")); err != nil {
			return false, fmt.Errorf("begin a copy: %w", err)
		}
	}
	for more = true; more && !c.full() && time.Now().Before(deadline); {
		if more, err = c.backup.Step(copySlice); err != nil {
			return false, fmt.Errorf("copy pages: %w", err)
		}
		total, left := int64(c.backup.PageCount()), int64(c.backup.Remaining())
		c.total.Store(total * pageSize)
		c.done.Store((total - left) * pageSize)
		c.copied.Add(copySlice * pageSize)
	}
	return more, nil
}

// end lets go of the copy, on the writer's side. Without an error it is
// complete: a file that needs no log beside it.
func (c *copying) end(err error) {
	if c.backup != nil {
		// Finish and Commit let go whatever they return.
		if err != nil {
			_ = c.backup.Finish()
		} else if conn, cerr := c.backup.Commit(); cerr != nil {
			err = fmt.Errorf("complete a copy: %w", cerr)
		} else {
			err = conn.Close()
		}
		c.backup = nil
	}
	c.err = err
	close(c.over)
}

// follow waits for the end of the copy, has it written to the disk on the way
// and tells how far it is. When ctx ends, the writer's side is told to let go.
func (c *copying) follow(ctx context.Context, progress func(done, total int64)) error {
	for {
		select {
		case <-c.over:
			if c.err != nil {
				return c.err
			}
			progress(c.done.Load(), c.total.Load())
			return context.Cause(ctx)
		case <-ctx.Done():
			close(c.gone)
			return context.Cause(ctx)
		case <-c.moved:
			if err := c.sync(ctx); err != nil {
				close(c.gone)
				return err
			}
			progress(c.done.Load(), c.total.Load())
		}
	}
}

// sync has the disk catch up, and leaves it to others for as long again.
func (c *copying) sync(ctx context.Context) error {
	copied := c.copied.Load()
	if copied-c.synced.Load() < copySync {
		return nil
	}
	began := time.Now()
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("sync a copy: %w", err)
	}
	select {
	case <-time.After(time.Since(began)):
	case <-ctx.Done():
	}
	c.synced.Store(copied)
	signal(c.room)
	return nil
}

// remove gives up the file, after the end.
func (c *copying) remove() error {
	return errors.Join(c.file.Close(), os.Remove(c.path))
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
