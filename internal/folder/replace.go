package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Replace puts the file part in the place of final, which may be there, so that
// after a crash there is the old or the new one, whole. Both are in one folder.
func Replace(part, final string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", part, err)
	}
	if err := os.Rename(part, final); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // a folder cannot be synced there
		return nil
	}
	dir, err := os.Open(filepath.Dir(final))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
