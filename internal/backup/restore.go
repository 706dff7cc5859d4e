package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/parley-im/parley/internal/folder"
)

// restoreName is the folder within the new data folder in which the files are
// made ready. One that a killed restore left is thrown away by the next.
const restoreName = "restore.part"

// Restored is what a restore needs of the store of a folder.
type Restored interface {
	// Check fails if the database is damaged.
	Check(ctx context.Context) error
	// BeginEpoch begins a new epoch of every app's journal.
	BeginEpoch() error
	Close() error
}

// Restore makes dir, which must have nothing in it, a data folder of what fill
// brings, with a new epoch. open opens the store of a folder; it recovers the
// database's log and brings its schema up to date. say is told what begins.
func Restore(ctx context.Context, dir string, fill Fill, open func(dir string) (Restored, error), say func(string)) (err error) {
	if _, err := empty(dir, spared); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	data, err := folder.Open(dir)
	if err != nil {
		return err
	}
	part := filepath.Join(data.Path(), restoreName)
	defer func() { err = errors.Join(err, os.RemoveAll(part), data.Close()) }()
	// Again, now that no other process can put anything there.
	if _, err := empty(data.Path(), spared); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	say("copying")
	names, err := fill(ctx, part)
	if err != nil {
		return err
	}
	if !slices.Contains(names, database) {
		return fmt.Errorf("%w: there is no %s in it", ErrIncomplete, database)
	}
	say("checking")
	if err := renew(ctx, part, open); err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == logFile }) // it is in the database now
	if err := rename(data.Path(), names, func(name string) string { return filepath.Join(restoreName, name) }); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// renew opens the copied store, checks it and begins the new epoch.
func renew(ctx context.Context, dir string, open func(dir string) (Restored, error)) (err error) {
	s, err := open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Check(ctx); err != nil {
		return err
	}
	return s.BeginEpoch()
}

// spared says which files may be in a folder that is to become a data folder:
// those that mean nothing.
func spared(name string) bool {
	return name == folder.LockName || name == "lost+found" || name == restoreName
}

// Fill puts the files of a backup into a folder.
type Fill func(ctx context.Context, dir string) (names []string, err error)

// FromArchive reads them from a tar archive.
func FromArchive(r io.Reader) Fill {
	return func(ctx context.Context, dir string) ([]string, error) {
		return unpack(&reader{ctx, r}, dir, "", store)
	}
}

// FromFolder copies them from a folder that a backup was made into, or from a
// copy by hand of a stopped data folder. Nothing is written there. It fails
// while a server has the folder.
func FromFolder(from string) (Fill, error) {
	if _, err := os.Stat(filepath.Join(from, database)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no backup: there is no %s in it", from, database)
	} else if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if used, err := folder.InUse(from); err != nil {
		return nil, err
	} else if used {
		return nil, fmt.Errorf("data folder %s: %w; make a backup of it and restore that", from, folder.ErrInUse)
	}
	return func(ctx context.Context, dir string) (names []string, err error) {
		for _, name := range parts {
			found, err := bring(ctx, from, dir, name)
			if err != nil {
				return names, fmt.Errorf("restore %s: %w", name, err)
			}
			if found {
				names = append(names, name)
			}
		}
		return names, nil
	}, nil
}

// bring copies a file from one folder to another, if it is there.
func bring(ctx context.Context, from, to, name string) (found bool, err error) {
	f, err := os.Open(filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(store(filepath.Join(to, name), &reader{ctx, f}), f.Close())
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
