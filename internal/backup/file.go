package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// store writes a new file for its owner alone, and syncs it.
func store(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes names in a folder durable.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" { // its folders cannot be synced
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// empty says whether nothing is in dir but what spare allows. A folder that is
// missing is empty.
func empty(dir string, spare func(name string) bool) (missing bool, err error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if !spare(e.Name()) {
			return false, fmt.Errorf("folder %s is not empty: there is %s in it", dir, e.Name())
		}
	}
	return false, nil
}

// rename gives files in dir their final names, the database last: what has no
// database is neither a backup nor a data folder. from is where they are, below
// dir.
func rename(dir string, names []string, from func(name string) string) error {
	move := func(name string) error { return os.Rename(filepath.Join(dir, from(name)), filepath.Join(dir, name)) }
	for _, name := range names {
		if name != database {
			if err := move(name); err != nil {
				return err
			}
		}
	}
	if err := syncFolder(dir); err != nil {
		return err
	}
	if err := move(database); err != nil {
		return err
	}
	return syncFolder(dir)
}
