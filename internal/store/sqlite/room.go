package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
)

// spareRoom is what a copy must leave free: a disk that is full takes no sends.
const spareRoom = 64 << 20

// checkRoom fails unless the disk of the database at path has room for a copy.
func checkRoom(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	free, err := freeRoom(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("free room of %s: %w", filepath.Dir(path), err)
	}
	return enoughRoom(filepath.Dir(path), free, info.Size())
}

func enoughRoom(dir string, free uint64, size int64) error {
	if need := uint64(size) + spareRoom; free < need {
		return fmt.Errorf("no room for a copy of the database in %s: %d MB are free, %d MB are needed", dir, free>>20, need>>20)
	}
	return nil
}
