package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// partName is added to the names of files that are not complete.
const partName = ".part"

// Save puts a backup into the folder dir, which must be missing or empty. write
// writes the archive. The files have other names until all of them are on the
// disk; after an error none is left.
func Save(dir string, write func(w io.Writer) error) (err error) {
	missing, err := empty(dir, func(string) bool { return false })
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if missing {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	} else {
		// A mount of somebody else's may refuse it; the files are for their owner
		// alone in any case.
		_ = os.Chmod(dir, 0o700)
	}
	defer func() {
		if err == nil {
			return
		}
		for _, name := range parts {
			_ = os.Remove(filepath.Join(dir, name+partName))
			_ = os.Remove(filepath.Join(dir, name))
		}
		if missing {
			_ = os.Remove(dir)
		}
	}()

	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // nil is the end
		written <- err
	}()
	names, err := unpack(r, dir, partName, storeGently)
	_ = r.CloseWithError(errGone)
	if werr := <-written; werr != nil && !errors.Is(werr, errGone) {
		return werr
	}
	if err != nil {
		return err
	}
	if !slices.Contains(names, database) {
		return fmt.Errorf("%w: there is no %s in it", ErrIncomplete, database)
	}
	if err := rename(dir, names, func(name string) string { return name + partName }); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if missing {
		if err := syncFolder(filepath.Dir(dir)); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	}
	return nil
}

// errGone tells the writer that the reader gave up, for a reason of its own.
var errGone = errors.New("the backup could not be stored")
