//go:build !linux

package pg

import "syscall"

// bounded does nothing where the system has no bound of this kind: the bounds of
// each call remain.
func bounded(string, string, syscall.RawConn) error { return nil }
