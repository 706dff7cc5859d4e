package live_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/live"
)

// upgrade opens a WebSocket by hand; nil if it is refused.
func (w *world) upgrade(t testing.TB) (line net.Conn, from *bufio.Reader, status int) {
	t.Helper()
	line, err := net.Dial("tcp", w.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	fmt.Fprint(line, "GET /connection/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	from = bufio.NewReader(line)
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	return line, from, res.StatusCode
}

// frame is the head of a text message of a size, with a mask that changes nothing,
// and as much of it as is given.
func frame(size int, text string) []byte {
	head := []byte{0x81, 0x80 | 127}
	head = binary.BigEndian.AppendUint64(head, uint64(size))
	return append(append(head, 0, 0, 0, 0), text...)
}

// ended waits for the end of a connection.
func ended(t testing.TB, from io.Reader, within time.Duration, line net.Conn) {
	t.Helper()
	if err := line.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		if late, ok := err.(net.Error); ok && late.Timeout() {
			t.Fatalf("the connection is there after %v", within)
		}
	}
}

func TestWhoIsNotInCountsAmongTheConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *live.Config) { c.Connections = 5 })
	var lines []net.Conn
	for i := range 20 {
		line, _, status := w.upgrade(t)
		want := http.StatusSwitchingProtocols
		if i >= 5 {
			want = http.StatusServiceUnavailable
		} else {
			lines = append(lines, line)
		}
		if status != want {
			t.Fatalf("connection %d: status %d, want %d", i+1, status, want)
		}
	}
	for _, line := range lines {
		_ = line.Close()
	}
	p := w.dial(t, "alice") // who comes again until there is room
	_ = p.client.Connect()  // which tells the first failure too
	await(t, "the connection", p.ups)
}

func TestWhoSaysNothingIsSentAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	line, from, _ := w.upgrade(t)
	began := time.Now()
	if err := line.SetReadDeadline(began.Add(patience)); err != nil {
		t.Fatal(err)
	}
	const closing = 0x88
	if first, err := from.ReadByte(); err != nil || first != closing {
		t.Fatalf("told %x, %v", first, err)
	}
	if took := time.Since(began); took < 4*time.Second || took > 12*time.Second {
		t.Errorf("it was sent away after %v, want 5 s", took)
	}
}

// A first message of which more than 64 KB come ends the connection, and costs
// little before.
func TestLittleIsReadFromWhoIsNotIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 20 {
		line, from, _ := w.upgrade(t)
		_, _ = line.Write(frame(3_900_000, strings.Repeat("x", 3_800_000))) // it is refused midway
		ended(t, from, 3*time.Second, line)
	}
	// What a greeting may be is read.
	s := w.socket(t, nil)
	s.send(connectCommand(hello(t, "alice", map[string]any{"More": strings.Repeat("x", 60_000)}), ""))
	if r := s.next(); r.Connect == nil {
		t.Fatalf("not let in: %+v", r.Error)
	}
	res, err := w.Client().Post(w.URL+"/connection/http_stream", "application/json", strings.NewReader(strings.Repeat("x", 64<<10+1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a greeting of more than 64 KB over plain HTTP: status %d", res.StatusCode)
	}
}

// enterByHand lets a user in on a raw connection.
func (w *world) enterByHand(t testing.TB, user string) (net.Conn, *bufio.Reader) {
	t.Helper()
	line, from, status := w.upgrade(t)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	hi := connectCommand(hello(t, user, nil), "")
	hi.ID = 1
	text, err := json.Marshal(hi)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = line.Write(frame(len(text), string(text)))
	if head, err := from.Peek(16); err != nil || !bytes.Contains(head, []byte(`"id":1`)) {
		t.Fatalf("answered %q, %v", head, err)
	}
	return line, from
}

// Large messages that do not come to an end take 64 MB together at most; the
// others get by, and find room again once those are gone.
func TestLargeMessagesShareTheirMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large := strings.Repeat("x", 3_800_000)
	lines := make([]net.Conn, 25)
	over := make(chan error, len(lines))
	for i := range lines {
		line, from := w.enterByHand(t, fmt.Sprint("user", i))
		lines[i] = line
		go func() {
			_, err := io.Copy(io.Discard, from)
			over <- err
		}()
		_, _ = line.Write(frame(3_900_000, large))
	}
	for range len(lines) - (64<<20)/3_800_000 {
		await(t, "the end of a connection for which there is no room", over)
	}
	if held := w.door.LargeBytes(); held > 64<<20 || held < 50<<20 {
		t.Errorf("%d bytes are held", held)
	}
	small := w.enter(t, "small", nil)
	if a := small.call("get_joined_group_list", map[string]any{}); a.ErrorCode != 0 {
		t.Errorf("a small call: %+v", a)
	}
	for _, line := range lines {
		_ = line.Close()
	}
	eventually(t, "all is given back", func() bool { return w.door.LargeBytes() == 0 })
	for range 20 { // 76 MB, one after the other
		if a := small.call("send_group_msg", `"`+large+`"`); a.ErrorCode == 0 || a.EventId == "" {
			t.Fatalf("a large call: %+v", a)
		}
	}
	// The last call is answered before it gives back.
	eventually(t, "the last call gives back", func() bool { return w.door.LargeBytes() == 0 })
}
