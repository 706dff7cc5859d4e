package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// BallastName is the ballast's name within the folder. It holds zeros and may be
// removed at any time.
const BallastName = "ballast"

// makeBallast takes up so many bytes for good. Its blocks are reserved, or else
// written: a file with holes takes up nothing.
func makeBallast(dir string, size int64) (err error) {
	path := filepath.Join(dir, BallastName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make the ballast: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the ballast: %w", errors.Join(err, os.Remove(path)))
		}
	}()
	defer func() { err = errors.Join(err, f.Close()) }()
	done, err := allocate(f, size)
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for !done && size > 0 {
		n, err := f.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return f.Sync()
}

// RemoveBallast gives back the room that the ballast takes up, and says how much
// that was: 0 if there is none.
func RemoveBallast(dir string) (size int64, err error) {
	path := filepath.Join(dir, BallastName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return 0, fmt.Errorf("remove the ballast: %w", err)
	}
	return info.Size(), nil
}

// ballast is the size of the file that is there.
func ballast(dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, BallastName))
	if err != nil {
		return 0
	}
	return info.Size()
}
