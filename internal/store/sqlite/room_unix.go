//go:build darwin || freebsd || linux

package sqlite

import "syscall"

// freeRoom is how many bytes may be written to the disk of a folder.
func freeRoom(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), nil // the types differ between systems
}
