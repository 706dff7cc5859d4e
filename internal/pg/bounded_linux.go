package pg

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// bounded makes a connection fail when what was sent is not acknowledged in time.
func bounded(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(UserTimeout.Milliseconds()))
	}); cerr != nil {
		return cerr
	}
	return err
}
