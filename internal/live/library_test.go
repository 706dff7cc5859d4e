package live_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
)

// logBook collects a log.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A UserSig speaks for its user as long as it lives, and logs are read by many:
// whatever the library says of a client, none is in it.
func TestTheLogOfTheLibraryHasNoUserSig(t *testing.T) {
	t.Parallel()
	var book logBook
	w := newWorld(t, func(c *live.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := w.stream(t, "http_stream", "alice", nil)
	sig := sign(t, app, "alice", "another key", time.Hour)
	refresh, err := json.Marshal(command{ID: 2, Refresh: &refreshCommand{Token: sig}})
	if err != nil {
		t.Fatal(err)
	}
	frame := func(session, node, data string) string {
		text, err := json.Marshal(map[string]string{"session": session, "node": node, "data": data})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"no JSON":         {sig, http.StatusBadRequest},
		"a broken frame":  {frame(s.session, s.node, string(refresh))[1:], http.StatusBadRequest},
		"a wrong type":    {`{"session":7,"node":"` + sig + `","data":"` + sig + `"}`, http.StatusBadRequest},
		"a wrong node":    {frame(s.session, "elsewhere", string(refresh)), http.StatusNotFound},
		"a sig as a node": {frame(s.session, sig, string(refresh)), http.StatusNotFound},
	} {
		res, err := w.Client().Post(w.URL+"/emulation", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", name, res.StatusCode, c.status)
		}
	}
	// What is no command ends the connection that says it.
	for name, c := range map[string]string{
		"a broken command": string(refresh)[1:],
		"a broken connect": `{"id":1,"connect":{"token":"` + sig + `"`,
		"not connected":    string(refresh),
	} {
		raw := w.socket(t, nil)
		if err := raw.write([]byte(c)); err != nil {
			t.Fatal(err)
		}
		if code := await(t, "the end after "+name, raw.code); code < 3000 {
			t.Errorf("%s: ended with %d", name, code)
		}
	}
	raw := w.socket(t, nil)
	raw.send(connectCommand(hello(t, "alice", map[string]any{"UserSig": sig}), ""))
	if r := raw.next(); r.Error == nil {
		t.Errorf("a bad UserSig: %+v", r)
	}
	text := book.String()
	if !strings.Contains(text, "client door: error processing emulation request") || !strings.Contains(text, "node not found") {
		t.Errorf("the library's fault is not logged:\n%s", text)
	}
	if strings.Contains(text, sig[:24]) {
		t.Errorf("a UserSig is in the log:\n%s", text)
	}
}

// A connection of a user of many rooms is given of what was said there what its
// queue bears; of the other rooms it is told that there is nothing to give.
func TestAConnectionIsGivenNoMoreOfItsRoomsThanItsQueueBears(t *testing.T) {
	t.Parallel()
	const (
		rooms = 4
		most  = 128 << 10
	)
	w := newWorld(t)
	for i := range rooms {
		w.group(t, fmt.Sprint("r", i), chat.AVChatRoom, "ann")
	}
	ann := w.phone(t, "ann")
	for range rooms {
		ann.nextOf("Recent")
	}
	big := strings.Repeat("x", 7000)
	for i := range rooms {
		for range 7 {
			w.say(ann, fmt.Sprint("r", i), big)
		}
	}
	if err := ann.client.Disconnect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the connection", ann.downs)
	for len(ann.pushes) > 0 {
		<-ann.pushes
	}
	if err := ann.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection", ann.ups)
	given, full, empty := 0, 0, 0
	for range rooms {
		switch got := ann.nextOf("Recent"); len(got.MessageList) {
		case 0:
			empty++
		case 7:
			full++
			given += len(got.text)
		default:
			t.Errorf("%d of 7 messages of %s", len(got.MessageList), got.GroupId)
		}
	}
	// Two rooms of 50 KB have room, and the third has not.
	if given > most || full != 2 || empty != 2 {
		t.Errorf("given %d bytes of %d rooms, and nothing of %d", given, full, empty)
	}
	// Who connects anew begins anew.
	if got := w.reconnected(t, ann); len(got.MessageList) != 7 {
		t.Errorf("the first room of another connection: %d messages", len(got.MessageList))
	}
}

// SSE is text: who speaks Protobuf over it is not let in, and told so in JSON.
// Over http_stream he is let in.
func TestProtobufIsSpokenOverStreamsAndNotOverSSE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// A command is {1: id, 4: connect}, a connect {2: data}; each reply of a stream
	// has its length before it.
	field := func(number byte, value []byte) []byte {
		return append(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(value))), value...)
	}
	one := append([]byte{1 << 3, 1}, field(4, field(2, hello(t, "alice", nil)))...)
	body := append(binary.AppendUvarint(nil, uint64(len(one))), one...)
	open := func(path string) *bufio.Reader {
		t.Helper()
		res, err := w.Client().Post(w.URL+path, "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, res.StatusCode)
		}
		return bufio.NewReader(res.Body)
	}
	in := open("/connection/http_stream")
	size, err := binary.ReadUvarint(in)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, size)
	if _, err := io.ReadFull(in, first); err != nil || !bytes.Contains(first, []byte(`"UserID":"alice"`)) {
		t.Errorf("over http_stream: %q, %v", first, err)
	}
	for _, path := range []string{"/connection/sse", "/connection/sse?format=protobuf", "/connection/sse?cf_protocol=protobuf"} {
		text, err := io.ReadAll(open(path)) // up to its end
		if err != nil || !strings.Contains(string(text), `"disconnect":{"code":3501`) || strings.Contains(string(text), "alice") {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	// Who says in the address that he speaks it, and speaks JSON, is answered in JSON.
	line, err := json.Marshal(command{ID: 1, Connect: &connectRequest{Data: hello(t, "alice", nil)}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.Client().Post(w.URL+"/connection/sse?format=protobuf", "application/json", bytes.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var r reply
			if err := json.Unmarshal([]byte(text), &r); err != nil || r.Connect == nil {
				t.Errorf("answered %q, %v", text, err)
			}
			return
		}
	}
	t.Error("the stream ended")
}
