//go:build unix

package live

import (
	"io"
	"net"
	"syscall"
)

// quiet reads a TCP connection as [net.TCPConn.Read] does, on less stack. There is
// where a connection waits that says nothing, which is what most do; read the usual
// way, the average stack of the program's goroutines is above the size from which on
// the runtime starts each with twice as much: 1.5 KB for a connection that has heard
// nothing yet.
type quiet struct {
	line syscall.RawConn // nil: not TCP
	into []byte          // of the read in work
	n    int
	err  error
	once func(fd uintptr) (done bool) // read, bound once
}

func (q *quiet) begin(line net.Conn) {
	if tcp, ok := line.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			q.line, q.once = raw, q.read
		}
	}
}

// read reads what is there. It is not done while nothing is: then it is called
// again when there may be something, or not, when a deadline passed or the
// connection was closed.
func (q *quiet) read(fd uintptr) (done bool) {
	for {
		q.n, q.err = syscall.Read(int(fd), q.into)
		switch {
		case q.err == syscall.EINTR:
			continue
		case q.err == syscall.EAGAIN:
			return false
		case q.err != nil:
			q.n = 0
		case q.n == 0 && len(q.into) > 0:
			q.err = io.EOF
		}
		return true
	}
}
