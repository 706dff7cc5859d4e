//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package monitor

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the operating system's lock on f without waiting. The lock
// ends with the process, however it ends.
func lockFile(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
