package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/caller"
)

// Bounds of who is not let in yet.
const (
	// greetingBytes is the most that is read from who has not said who he is.
	greetingBytes = 64 << 10
	// minOutside is how many may be outside at least, however few connections
	// there may be; anyOutside is how many where there is no bound.
	minOutside, anyOutside = 1000, 10_000
)

// Bounds of what is large.
const (
	// largeFrom is the size from which on a message of a client, whole or not yet,
	// takes of what all have together.
	largeFrom = 64 << 10
	// largeBytes is what the large messages of all connections may take.
	largeBytes = 64 << 20
	// largeWait is how long a large message may take to come.
	largeWait = time.Minute
	// pongBytes is what an answer to a ping may be, which is no command.
	pongBytes = 1 << 10
)

var errCrowded = errors.New("there are too many large messages")

var errGreeting = errors.New("too much was said before the connection was let in")

// arrivals counts the connections there are, in or not in yet.
type arrivals struct {
	mu          sync.Mutex
	all         int
	outside     int // of them: not let in yet
	most        int // of all; 0 is no bound
	mostOutside int
	large       int64 // bytes of large messages that come or wait
}

func newArrivals(most int) *arrivals {
	if most <= 0 {
		return &arrivals{mostOutside: anyOutside}
	}
	return &arrivals{most: most, mostOutside: max(minOutside, most/5)}
}

// arrival is a connection from its request on, before anybody said who he is, and
// the context of the request. Of a WebSocket it is the network connection too, so
// that what is read from it can be bounded and its end is known.
type arrival struct {
	context.Context
	net.Conn
	quiet   quiet
	among   *arrivals
	address string
	read    atomic.Int32 // bytes of a WebSocket that are not known to be a whole command
	charged int32        // of them, to large
	in      atomic.Bool
	over    atomic.Bool
	conn    atomic.Pointer[conn] // once it is let in
}

// come takes in a connection; nil while there are too many.
func (l *arrivals) come(ctx context.Context, address string) *arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.all >= l.most || l.outside >= l.mostOutside {
		return nil
	}
	l.all++
	l.outside++
	return &arrival{Context: ctx, among: l, address: address}
}

// Value is the arrival itself for its key.
func (a *arrival) Value(key any) any {
	if key == (arrivalKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// enter notes that the connection was let in.
func (a *arrival) enter() {
	a.among.mu.Lock()
	defer a.among.mu.Unlock()
	if !a.over.Load() && a.in.CompareAndSwap(false, true) {
		a.among.outside--
		a.read.Store(0)
	}
}

// end notes that the connection is gone, once.
func (a *arrival) end() {
	a.among.mu.Lock()
	defer a.among.mu.Unlock()
	if a.over.Swap(true) {
		return
	}
	a.among.large -= int64(a.charged)
	a.charged = 0
	a.among.all--
	if !a.in.Load() {
		a.among.outside--
	}
}

// Read fails once too much was read from who is not in, or when a large message
// comes while there are too many.
//
// A connection that says nothing waits in here: what is rare is elsewhere, so that
// its stack stays small.
func (a *arrival) Read(p []byte) (n int, err error) {
	if !a.in.Load() {
		return a.readGreeting(p)
	}
	if q := &a.quiet; q.line == nil {
		n, err = a.Conn.Read(p)
	} else {
		q.into = p
		if err = q.line.Read(q.once); err == nil {
			n, err = q.n, q.err
		}
	}
	if a.read.Add(int32(n)) > largeFrom {
		return a.readLarge(n, err)
	}
	return n, err
}

func (a *arrival) readGreeting(p []byte) (int, error) {
	left := greetingBytes - int(a.read.Load())
	if left <= 0 {
		return 0, errGreeting
	}
	n, err := a.Conn.Read(p[:min(len(p), left)])
	a.read.Add(int32(n))
	return n, err
}

func (a *arrival) readLarge(n int, err error) (int, error) {
	if !a.charge(a.read.Load()) {
		return 0, errCrowded
	}
	return n, err
}

// charge notes that size bytes are read of a message that is not whole.
func (a *arrival) charge(size int32) bool {
	a.among.mu.Lock()
	more := size - a.charged
	ok := !a.over.Load() && a.among.large+int64(more) <= largeBytes
	first := ok && a.charged == 0
	if ok {
		a.among.large += int64(more)
		a.charged = size
	}
	a.among.mu.Unlock()
	if first {
		_ = a.Conn.SetReadDeadline(time.Now().Add(largeWait))
	}
	return ok
}

// whole notes that what was read is a command. It is called before more is read.
func (a *arrival) whole() {
	if a.Conn == nil || a.read.Swap(0) <= largeFrom {
		return
	}
	a.among.mu.Lock()
	a.among.large -= int64(a.charged)
	a.charged = 0
	a.among.mu.Unlock()
	_ = a.Conn.SetReadDeadline(time.Time{})
}

// pinged makes room for the answer to a ping.
func (a *arrival) pinged() {
	if n := a.read.Load(); 0 < n && n <= largeFrom {
		a.read.Add(-min(n, pongBytes))
	}
}

// take takes room for a message of a size; it reports false when there is none.
// Whoever has it gives it back.
func (l *arrivals) take(size int) bool {
	if size <= largeFrom {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.large+int64(size) > largeBytes {
		return false
	}
	l.large += int64(size)
	return true
}

// give gives back what take took.
func (l *arrivals) give(size int) {
	if size > largeFrom {
		l.mu.Lock()
		l.large -= int64(size)
		l.mu.Unlock()
	}
}

// Write notes what the network took, which may take its time.
func (a *arrival) Write(p []byte) (int, error) {
	n, err := a.Conn.Write(p)
	if c := a.conn.Load(); c != nil && err == nil {
		c.wrote()
	}
	return n, err
}

func (a *arrival) Close() error {
	a.end()
	return a.Conn.Close()
}

// hijacker hands a connection that is taken from the server to its arrival.
type hijacker struct {
	http.ResponseWriter
	arrival *arrival
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	line, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.arrival.Conn = line
	h.arrival.quiet.begin(line)
	return h.arrival, rw, nil
}

func (h *hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// arrivalKey is where its arrival stands in a connection's context.
type arrivalKey struct{}

// arriving notes that a connection comes and from where, and refuses it while
// there are too many. It counts until next returns; a WebSocket of HTTP/1.1, which
// goes on after that, until it is closed.
func (d *Door) arriving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := d.arrivals.come(r.Context(), caller.ClientIP(r, d.cfg.TrustedProxies))
		if a == nil {
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
			return
		}
		defer func() {
			if a.Conn == nil {
				a.end()
			}
		}()
		next.ServeHTTP(w, r.WithContext(a))
	})
}

// hijacking has a WebSocket read and closed through its arrival.
func hijacking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, _ := r.Context().Value(arrivalKey{}).(*arrival)
		next.ServeHTTP(&hijacker{w, a}, r)
	})
}

// emulating has the large ones among the bodies of /emulation, which anybody may
// send, read only while there is room for them.
func (d *Door) emulating(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &roomy{from: http.MaxBytesReader(w, r.Body, frameBytes), among: d.arrivals}
		defer body.giveBack()
		text, err := io.ReadAll(body)
		if err != nil {
			unreadable(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		next.ServeHTTP(w, r)
	})
}

// roomy takes room for all of a body once it is large.
type roomy struct {
	from  io.Reader
	among *arrivals
	read  int
	taken bool
}

func (b *roomy) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += n
	if b.read > largeFrom && !b.taken {
		if !b.among.take(frameBytes) { // how large it will be is not known
			return 0, errCrowded
		}
		b.taken = true
	}
	return n, err
}

func (b *roomy) giveBack() {
	if b.taken {
		b.among.give(frameBytes)
	}
}

// unreadable answers a request whose body could not be read.
func unreadable(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch tooLarge := new(http.MaxBytesError); {
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errCrowded):
		status = http.StatusServiceUnavailable
	}
	http.Error(w, "the request cannot be read", status)
}
