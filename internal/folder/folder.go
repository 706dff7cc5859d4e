// Package folder opens a data folder for one process alone.
//
// The claim is a lock of the operating system on the file "lock" in the
// folder. It ends with the process however it ends, so that nothing has to be
// cleaned up after a SIGKILL or a power cut; the file itself stays and means
// nothing. The lock is advisory on Unix: it keeps out programs that ask for
// it, which is every program that opens its data folder through this package,
// whatever it stores there. It does not reach across machines on every network
// file system.
package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// LockName is the file within a data folder that carries the lock.
const LockName = "lock"

// probeName is written and removed again to learn whether the folder takes
// files. The name is fixed so that one left by a crash is used up by the next
// start; only the holder of the lock touches it.
const probeName = "lock.probe"

// ErrInUse is returned by [Open] when the folder is open already, in another
// process or in this one.
var ErrInUse = errors.New("it is used by another process")

// Folder is a data folder that this process has to itself until Close.
type Folder struct {
	path string
	lock *os.File
}

// Open makes the folder dir if it is missing, readable by its owner alone,
// locks it and checks that files can be made in it. It never waits. The error
// names the folder and says what to look at; it is [ErrInUse] when the folder
// is locked, else the system's own.
func Open(dir string) (*Folder, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s cannot be made: %w", path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, LockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w", path, err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("data folder %s cannot be locked: %w", path, err)
	}
	if err := probe(filepath.Join(path, probeName)); err != nil {
		lock.Close()
		return nil, fmt.Errorf("data folder %s cannot be written: %w", path, err)
	}
	return &Folder{path: path, lock: lock}, nil
}

// InUse says whether a process has the folder dir open. It changes nothing
// there: a folder without a lock is used by nobody.
func InUse(dir string) (bool, error) {
	lock, err := os.Open(filepath.Join(dir, LockName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder %s: %w", dir, err)
	}
	defer lock.Close()
	err = lockFile(lock)
	if errors.Is(err, ErrInUse) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder %s: %w", dir, err)
	}
	return false, nil
}

// probe makes a file and removes it: a lock file from an earlier start can be
// opened in a folder that takes no new files.
func probe(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(name))
}

// Path is the absolute path of the folder. It stays true when the process
// changes its working directory.
func (f *Folder) Path() string { return f.path }

// Close gives the folder up. Close what lies in it first. Closing again does
// nothing.
func (f *Folder) Close() error {
	if err := f.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("data folder %s: %w", f.path, err)
	}
	return nil
}

// Private makes a file that only its owner may read, if it is missing, and takes
// the rights of all others from one that is there: the databases hold keys and
// messages, and a data folder that was there before may be open to everybody.
func Private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(0o600)
	}
	return errors.Join(err, f.Close())
}
