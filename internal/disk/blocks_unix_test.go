//go:build darwin || freebsd || linux

package disk_test

import (
	"syscall"
	"testing"
)

// blocks is how many bytes a file takes up on its disk.
func blocks(t *testing.T, path string) int64 {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Blocks) * 512
}
