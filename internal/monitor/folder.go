package monitor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrFolderInUse is returned by Start when another process has the data
// folder.
var ErrFolderInUse = errors.New("the data folder is used by another process")

// openFolder makes the data folder if needed and takes its lock, which is held
// until the returned file is closed.
func openFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	name := filepath.Join(dir, "monitor.lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w (%w)", name, ErrFolderInUse, err)
	}
	return f, nil
}
