package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// cable is the network between clients and a server: a TCP proxy that can be cut,
// and plugged into another server.
type cable struct {
	address string // host:port that clients connect to

	mu    sync.Mutex
	to    string // host:port of the server
	cut   bool
	links map[net.Conn]net.Conn
	count int // links that were made
}

// lay connects clients to a server.
func lay(t testing.TB, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{address: l.Addr().String(), to: to, links: make(map[net.Conn]net.Conn)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.carry(near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.pull()
		running.Wait()
	})
	return c
}

// carry carries one connection until either side ends it, or the cable is cut.
func (c *cable) carry(near net.Conn) {
	defer near.Close()
	c.mu.Lock()
	to, cut := c.to, c.cut
	c.mu.Unlock()
	if cut {
		return
	}
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	if c.cut {
		c.mu.Unlock()
		return
	}
	c.links[near] = far
	c.count++
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close(); _ = near.Close() })
	both.Go(func() { _, _ = io.Copy(near, far); _ = far.Close(); _ = near.Close() })
	both.Wait()
	c.mu.Lock()
	delete(c.links, near)
	c.mu.Unlock()
}

// pull cuts the cable: what is on its way is lost, and nothing gets through.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for near, far := range c.links {
		_ = near.Close()
		_ = far.Close()
	}
}

// plug mends the cable and leads it to a server.
func (c *cable) plug(to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.to = false, to
}
