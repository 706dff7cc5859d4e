package live_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
)

// stream is a connection over plain HTTP: what the server says comes in one
// endless answer, what the client says goes to /emulation.
type stream struct {
	t             testing.TB
	w             *world
	header        http.Header
	session, node string
	id            uint32
	lines         chan reply
}

// stream connects a user over http_stream or sse.
func (w *world) stream(t testing.TB, kind, user string, header http.Header) *stream {
	t.Helper()
	hi := connectCommand(hello(t, user, nil), "")
	hi.ID = 1
	line, err := json.Marshal(hi)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/connection/http_stream", bytes.NewReader(line))
	if kind == "sse" {
		call, err = http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/connection/sse?cf_connect="+url.QueryEscape(string(line)), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		call.Header[name] = values
	}
	transport := &http.Transport{}
	res, err := transport.RoundTrip(call)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", kind, res.StatusCode)
	}
	s := &stream{t: t, w: w, header: header, id: 1, lines: make(chan reply, 1024)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.lines)
		in := bufio.NewScanner(res.Body)
		in.Buffer(nil, 2<<20)
		for in.Scan() {
			text := strings.TrimSpace(strings.TrimPrefix(in.Text(), "data:"))
			var r reply
			if text == "" || json.Unmarshal([]byte(text), &r) == nil && r.empty() {
				continue
			}
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Errorf("%v in %q", err, text)
			}
			s.lines <- r
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = res.Body.Close()
		<-done
		transport.CloseIdleConnections()
	})
	r := await(t, "the answer to the connect", s.lines)
	if r.Connect == nil || r.Connect.Session == "" || r.Connect.Node == "" {
		t.Fatalf("not let in: %+v", r)
	}
	s.session, s.node = r.Connect.Session, r.Connect.Node
	return s
}

// call calls a method over /emulation.
func (s *stream) call(method string, body any) (a answer) {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.id++
	line, err := json.Marshal(command{ID: s.id, RPC: &rpcRequest{method, data}})
	if err != nil {
		s.t.Fatal(err)
	}
	frame, err := json.Marshal(map[string]string{"session": s.session, "node": s.node, "data": string(line)})
	if err != nil {
		s.t.Fatal(err)
	}
	call, err := http.NewRequest(http.MethodPost, s.w.URL+"/emulation", bytes.NewReader(frame))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, values := range s.header {
		call.Header[name] = values
	}
	res, err := s.w.Client().Do(call)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		s.t.Fatalf("/emulation: status %d, %v", res.StatusCode, res.Header)
	}
	for {
		r := await(s.t, "the answer to "+method, s.lines)
		if r.ID != s.id {
			continue // a push
		}
		if r.RPC == nil || json.Unmarshal(r.RPC.Data, &a) != nil {
			s.t.Fatalf("%s: %+v", method, r)
		}
		return a
	}
}

// hears waits for a message with these words.
func (s *stream) hears(words_ string) {
	s.t.Helper()
	for {
		r := await(s.t, "the message", s.lines)
		var p push
		if r.Push == nil || r.Push.Pub == nil || json.Unmarshal(r.Push.Pub.Data, &p) != nil {
			continue
		}
		if words(p) == words_ {
			return
		}
	}
}

// impatient puts a server with a short bound on requests before the door.
func (w *world) impatient(t testing.TB) *world {
	t.Helper()
	front := httptest.NewUnstartedServer(w.door.Handler())
	front.Config.ReadTimeout = 200 * time.Millisecond
	front.Start()
	t.Cleanup(front.Close)
	return &world{Server: front, backend: w.backend, door: w.door, registry: w.registry}
}

// A stream lives as long as its client wants, however soon the server gives up on
// a request that does not come.
func TestStreamsOutliveTheBoundOfARequest(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"http_stream", "sse", "websocket"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			inner := newWorld(t)
			inner.group(t, "g", chat.Public, "alice", "bob")
			w := inner.impatient(t)
			type caller interface {
				call(method string, body any) answer
			}
			var c caller
			var s *stream
			if kind == "websocket" {
				c = w.enter(t, "alice", nil)
			} else {
				s = w.stream(t, kind, "alice", nil)
				c = s
			}
			// A request that begins later and does not come is given up.
			slow, err := net.Dial("tcp", w.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Close()
			fmt.Fprintf(slow, "POST /connection/http_stream HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
			if err := slow.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(slow); err != nil || strings.HasPrefix(string(answer), "HTTP/1.1 200") {
				t.Fatalf("a request that does not come: %q, %v", answer, err)
			}
			if a := c.call("send_group_msg", text("g", 1, "still here")); a.MsgSeq != 1 {
				t.Errorf("answered %+v", a)
			}
			inner.sayAs(t, "g", "bob", "and you?")
			if s != nil {
				s.hears("and you?")
			}
		})
	}
}

func TestStreamsRefuseWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/connection/http_stream", "/connection/sse", "/emulation"} {
		res, err := w.Client().Post(w.URL+path, "application/json", strings.NewReader(strings.Repeat("x", 4<<20+1)))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	s := w.stream(t, "http_stream", "alice", nil)
	for size, code := range map[int]api.Code{1<<20 + 1: api.CodeHTTPParse, 3 << 20: api.CodeHTTPParse} {
		if a := s.call("send_group_msg", strings.Repeat("x", size)); a.ErrorCode != int(code) || a.EventId == "" {
			t.Errorf("a send of %d bytes: %+v", size, a)
		}
	}
}

func TestPagesOfAnyOriginMayConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/connection/http_stream", "/connection/sse", "/emulation"} {
		call, err := http.NewRequest(http.MethodOptions, w.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		call.Header.Set("Origin", "https://app.example")
		call.Header.Set("Access-Control-Request-Method", "POST")
		call.Header.Set("Access-Control-Request-Headers", "content-type")
		res, err := w.Client().Do(call)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		h := res.Header
		if res.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || !strings.EqualFold(h.Get("Access-Control-Allow-Headers"), "content-type") {
			t.Errorf("%s: status %d, %v", path, res.StatusCode, h)
		}
	}
	origin := http.Header{"Origin": {"https://app.example"}}
	w.stream(t, "http_stream", "alice", origin)
	w.stream(t, "sse", "alice", origin)
	s := w.socket(t, origin)
	s.send(connectCommand(hello(t, "alice", nil), ""))
	if r := s.next(); r.Connect == nil {
		t.Errorf("a WebSocket of another origin: %+v", r.Error)
	}
}

// The address of a client is that of its connection, told by proxies that are
// trusted, and the same for what comes over /emulation.
func TestTheAddressOfAClientIsThatOfItsConnection(t *testing.T) {
	t.Parallel()
	forwarded := http.Header{"X-Forwarded-For": {"198.51.100.1, 203.0.113.7"}}
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		header  http.Header
		want    string
	}{
		"no proxy":              {nil, nil, "127.0.0.1"},
		"a proxy not trusted":   {nil, forwarded, "127.0.0.1"},
		"a trusted proxy":       {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, forwarded, "203.0.113.7"},
		"two trusted proxies":   {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("203.0.113.0/24")}, forwarded, "198.51.100.1"},
		"trusted, says nothing": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c2 *live.Config) { c2.TrustedProxies = c.trusted })
			err := w.backend.UpdateApp(context.Background(), app, func(_ *chat.App, e *chat.Endpoint) error { e.URL = "http://127.0.0.1:1/"; return nil })
			if err != nil {
				t.Fatal(err)
			}
			s := w.socket(t, c.header)
			s.send(connectCommand(hello(t, "alice", nil), ""))
			s.next()
			for i, call := range []func(string, any) answer{s.call, w.stream(t, "http_stream", "alice", c.header).call, w.stream(t, "sse", "alice", c.header).call} {
				if a := call("send_group_msg", text("nowhere", 1, "x")); a.ErrorCode != int(api.CodeGroupNotFound) {
					t.Fatalf("answered %+v", a)
				}
				if e := w.events(t, i+1)[i]; e.ClientIP != c.want {
					t.Errorf("event %d: ClientIP %s, want %s", i+1, e.ClientIP, c.want)
				}
			}
		})
	}
}

// An answer that the queue of a fall-back has no room for ends nobody: a list is
// cut, and what cannot be is refused.
func TestStreamsCutAndRefuseLargeAnswers(t *testing.T) {
	t.Parallel()
	const groups = 1200
	w := newWorld(t)
	w.manyGroups(t, "ann", groups)
	for _, kind := range []string{"http_stream", "sse"} {
		s := w.stream(t, kind, "ann", nil)
		listed := 0
		for range 20 {
			a := s.call("get_joined_group_list", object{"Offset": listed})
			if a.ErrorCode != 0 || len(a.GroupIdList) == 0 || a.TotalCount != groups {
				t.Fatalf("%s: after %d groups: %d %s, %d of %d", kind, listed, a.ErrorCode, a.ErrorInfo, len(a.GroupIdList), a.TotalCount)
			}
			if listed += len(a.GroupIdList); listed == groups {
				break
			}
		}
		if listed != groups {
			t.Errorf("%s: %d groups listed, want %d", kind, listed, groups)
		}
		ids := make([]string, 0, 50)
		for i := range 50 {
			ids = append(ids, fmt.Sprint("more", i))
		}
		if a := s.call("get_group_info", object{"GroupIdList": ids}); a.ErrorCode != 0 {
			t.Errorf("%s: what has room is refused: %d %s", kind, a.ErrorCode, a.ErrorInfo)
		}
	}
	if a := w.enter(t, "ann", nil).call("get_joined_group_list", object{}); len(a.GroupIdList) != groups {
		t.Errorf("over a WebSocket %d groups come at once, want %d", len(a.GroupIdList), groups)
	}
}
