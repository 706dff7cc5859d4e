package control

import "syscall"

// restrict takes the rights of all others from a socket before it has a name.
func restrict(c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) }); cerr != nil {
		return cerr
	}
	return err
}
