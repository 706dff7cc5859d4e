package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// store writes a new file for its owner alone, and syncs it.
func store(path string, r io.Reader) error {
	return put(path, func(f *os.File) error {
		_, err := io.Copy(f, r)
		return err
	})
}

// syncEvery is how many bytes of a file are written gently between two syncs.
const syncEvery = 1 << 20

// storeGently is store beside a server whose journal may be on the same disk:
// its syncs must not have to wait for the whole file. After each piece the disk
// is left to others for as long as the piece took.
func storeGently(path string, r io.Reader) error {
	return put(path, func(f *os.File) error {
		for {
			if _, err := io.CopyN(f, r, syncEvery); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			began := time.Now()
			if err := f.Sync(); err != nil {
				return err
			}
			time.Sleep(min(time.Since(began), time.Second))
		}
	})
}

func put(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
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
