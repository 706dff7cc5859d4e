//go:build !unix

package live

import (
	"net"
	"syscall"
)

// quiet is nothing where a socket is read otherwise.
type quiet struct {
	line syscall.RawConn // always nil
	into []byte
	n    int
	err  error
	once func(fd uintptr) (done bool)
}

func (*quiet) begin(net.Conn) {}
