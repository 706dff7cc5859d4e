package sqlite

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/parley-im/parley/internal/disk"
)

// spareRoom is what a copy leaves free: a disk that is full takes no sends.
const spareRoom = 64 << 20

// checkRoom fails unless the disk of the database at path has room for a copy that
// leaves spare bytes free.
func checkRoom(path string, spare int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	free, err := disk.Free(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("free room of %s: %w", filepath.Dir(path), err)
	}
	return enoughRoom(filepath.Dir(path), free, info.Size(), spare)
}

func enoughRoom(dir string, free, size, spare int64) error {
	if need := size + spare; free < need {
		return fmt.Errorf("no room for a copy of the database in %s: %d MB are free, %d MB are needed", dir, free>>20, need>>20)
	}
	return nil
}
