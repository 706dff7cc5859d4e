//go:build darwin || freebsd || linux

package disk

import "syscall"

// Free is how many bytes this process may still write to the disk of a folder.
func Free(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(uint64(max(s.Bavail, 0)) * uint64(s.Bsize)), nil // the types differ between systems
}
