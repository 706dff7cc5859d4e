package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// swarm is many connections of clients. They count what they are given and say as
// little as the protocol allows, so that what is measured is the server.
type swarm struct {
	links  []*link
	heard  atomic.Int64 // publications, over all connections
	failed atomic.Pointer[error]
	wg     sync.WaitGroup
	sent   int
}

// link is one WebSocket.
type link struct {
	net.Conn
	mu sync.Mutex // of writing
}

// connect opens n connections that have all been let in when it returns.
func connect(address string, n int, hello func(int) any) (*swarm, error) {
	s := &swarm{links: make([]*link, n)}
	const atOnce = 64
	next, errs := atomic.Int64{}, make(chan error, atOnce)
	for range atOnce {
		go func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := s.open(address, i, hello(i)); err != nil {
					errs <- fmt.Errorf("connection %d: %w", i, err)
					return
				}
			}
			errs <- nil
		}()
	}
	var failed error
	for range atOnce {
		failed = errors.Join(failed, <-errs)
	}
	if failed != nil {
		s.close()
		return nil, failed
	}
	return s, nil
}

func (s *swarm) open(address string, i int, hello any) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(c, "GET /connection/websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", address); err != nil {
		return err
	}
	in := bufio.NewReaderSize(c, 2048)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("answered %s", res.Status)
	}
	l := &link{Conn: c}
	if err := l.write(map[string]any{"id": 1, "connect": map[string]any{"data": hello}}); err != nil {
		return err
	}
	var buf []byte
	if buf, err = readFrame(in, buf); err != nil {
		return err
	}
	if !bytes.Contains(buf, []byte(`"connect":{"client"`)) {
		return fmt.Errorf("was not let in: %.200s", buf)
	}
	_ = c.SetDeadline(time.Time{})
	s.links[i] = l
	s.wg.Go(func() { s.read(l, in) })
	return nil
}

var pushMark = []byte(`"pub":{`)

// read counts what comes.
func (s *swarm) read(l *link, in *bufio.Reader) {
	var buf []byte
	for {
		var err error
		if buf, err = readFrame(in, buf); err != nil {
			s.failed.CompareAndSwap(nil, &err)
			return
		}
		if len(buf) == 2 || bytes.HasPrefix(buf, []byte("{}\n")) || bytes.HasSuffix(buf, []byte("\n{}")) || bytes.Contains(buf, []byte("\n{}\n")) { // a ping, to be answered alike
			if err := l.frame([]byte("{}")); err != nil {
				return
			}
		}
		if n := bytes.Count(buf, pushMark); n > 0 {
			s.heard.Add(int64(n))
		}
	}
}

// readFrame reads the payload of one frame of text.
func readFrame(in *bufio.Reader, buf []byte) ([]byte, error) {
	var head [10]byte
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return buf, err
	}
	if head[0] != 0x81 {
		rest := make([]byte, head[1]&0x7f)
		_, _ = io.ReadFull(in, rest)
		return buf, fmt.Errorf("a frame of kind %x: %q", head[0], rest)
	}
	n := int(head[1])
	switch n {
	case 126:
		if _, err := io.ReadFull(in, head[2:4]); err != nil {
			return buf, err
		}
		n = int(binary.BigEndian.Uint16(head[2:4]))
	case 127:
		if _, err := io.ReadFull(in, head[2:10]); err != nil {
			return buf, err
		}
		n = int(binary.BigEndian.Uint64(head[2:10]))
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(in, buf)
	return buf, err
}

func (l *link) write(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.frame(text)
}

// frame writes one masked frame; the mask is 0.
func (l *link) frame(text []byte) error {
	head := []byte{0x81, 0x80}
	switch {
	case len(text) < 126:
		head[1] |= byte(len(text))
	case len(text) < 1<<16:
		head[1] |= 126
		head = binary.BigEndian.AppendUint16(head, uint16(len(text)))
	default:
		head[1] |= 127
		head = binary.BigEndian.AppendUint64(head, uint64(len(text)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.Write(append(append(head, 0, 0, 0, 0), text...))
	return err
}

// turn sends n messages and waits until all have heard all of them.
func (s *swarm) turn(n int, message func(int) (string, any)) (time.Duration, error) {
	began, base := time.Now(), s.heard.Load()
	each := int64(len(s.links))
	for i := range n {
		if err := s.wait(base + int64(i-outstanding+1)*each); err != nil {
			return 0, err
		}
		s.sent++
		method, data := message(s.sent)
		if err := s.links[0].write(map[string]any{"id": s.sent + 1, "rpc": map[string]any{"method": method, "data": data}}); err != nil {
			return 0, err
		}
	}
	return time.Since(began), s.wait(base + int64(n)*each)
}

func (s *swarm) wait(heard int64) error {
	for deadline := time.Now().Add(60 * time.Second); s.heard.Load() < heard; {
		if err := s.failed.Load(); err != nil {
			return fmt.Errorf("a connection ended: %w", *err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("heard %d of %d", s.heard.Load(), heard)
		}
		time.Sleep(200 * time.Microsecond) // looks at a counter: to be told by each connection would cost what is measured
	}
	return nil
}

func (s *swarm) close() {
	for _, l := range s.links {
		if l != nil {
			_ = l.Close()
		}
	}
	s.wg.Wait()
}
