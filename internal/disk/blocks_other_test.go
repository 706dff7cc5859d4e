//go:build !darwin && !freebsd && !linux

package disk_test

import (
	"os"
	"testing"
)

// blocks is the file's size where nothing else is known.
func blocks(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
