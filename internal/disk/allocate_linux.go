package disk

import (
	"errors"
	"os"
	"syscall"
)

// allocate has the file system reserve the blocks; ok = false if it cannot.
func allocate(f *os.File, size int64) (ok bool, err error) {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return false, nil
		default:
			return true, err
		}
	}
}
