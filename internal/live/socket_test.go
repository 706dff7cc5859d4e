package live_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// command, and what it holds, is the library's protocol as JSON, as far as tests
// send it themselves.
type command struct {
	ID      uint32          `json:"id,omitempty"`
	Connect *connectRequest `json:"connect,omitempty"`
	RPC     *rpcRequest     `json:"rpc,omitempty"`
	Refresh *refreshCommand `json:"refresh,omitempty"`
}

type connectRequest struct {
	Token string          `json:"token,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

type rpcRequest struct {
	Method string          `json:"method"`
	Data   json.RawMessage `json:"data,omitempty"`
}

type refreshCommand struct {
	Token string `json:"token"`
}

func connectCommand(data []byte, token string) command {
	return command{Connect: &connectRequest{Token: token, Data: data}}
}

// reply is what the server says.
type reply struct {
	ID    uint32 `json:"id"`
	Error *struct {
		Code      int    `json:"code"`
		Message   string `json:"message"`
		Temporary bool   `json:"temporary"`
	} `json:"error"`
	Connect *struct {
		Client  string          `json:"client"`
		Data    json.RawMessage `json:"data"`
		Session string          `json:"session"`
		Node    string          `json:"node"`
	} `json:"connect"`
	RPC *struct {
		Data json.RawMessage `json:"data"`
	} `json:"rpc"`
	Refresh *struct {
		Expires bool `json:"expires"`
		TTL     int  `json:"ttl"`
	} `json:"refresh"`
	Push *struct {
		Pub *struct {
			Data json.RawMessage `json:"data"`
		} `json:"pub"`
		Message *struct {
			Data json.RawMessage `json:"data"`
		} `json:"message"`
		Disconnect *struct {
			Code int `json:"code"`
		} `json:"disconnect"`
	} `json:"push"`
}

// empty says whether the reply is a ping.
func (r *reply) empty() bool {
	return r.ID == 0 && r.Error == nil && r.Connect == nil && r.RPC == nil && r.Refresh == nil && r.Push == nil
}

// socket is a bare WebSocket, for what the SDK hides.
type socket struct {
	t       testing.TB
	conn    *websocket.Conn
	writing sync.Mutex
	deaf    atomic.Bool // answers no ping
	replies chan reply  // to commands, in the order they came
	pushes  chan reply
	code    chan int // of the end
	id      uint32
}

// socket opens a WebSocket that has not said who it is.
func (w *world) socket(t testing.TB, header http.Header) *socket {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.URL, "http")+"/connection/websocket", header)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	s := &socket{t: t, conn: conn, replies: make(chan reply, 1024), pushes: make(chan reply, 1<<14), code: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read()
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return s
}

func (s *socket) read() {
	for {
		_, frame, err := s.conn.ReadMessage()
		if err != nil {
			code := 1006
			if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
				code = closed.Code
			}
			s.code <- code
			return
		}
		for line := range strings.SplitSeq(strings.TrimSpace(string(frame)), "\n") {
			var r reply
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				s.t.Errorf("%v in %q", err, line)
			}
			switch {
			case r.empty() && s.deaf.Load():
			case r.empty():
				_ = s.write([]byte("{}"))
			case r.Push != nil:
				s.pushes <- r
			default:
				s.replies <- r
			}
		}
	}
}

// send sends commands as one frame, with the next numbers.
func (s *socket) send(list ...command) {
	s.t.Helper()
	var frame []byte
	for _, c := range list {
		s.id++
		c.ID = s.id
		line, err := json.Marshal(c)
		if err != nil {
			s.t.Fatal(err)
		}
		frame = append(append(frame, line...), '\n')
	}
	if err := s.write(frame); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) write(frame []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.conn.WriteMessage(websocket.TextMessage, frame)
}

// next is the next answer to a command.
func (s *socket) next() reply {
	s.t.Helper()
	select {
	case r := <-s.replies:
		return r
	case <-time.After(patience):
		s.t.Fatal("no answer came")
	}
	return reply{}
}

// ended waits for the end of the connection and tells its code.
func (s *socket) ended() int {
	s.t.Helper()
	return await(s.t, "the end", s.code)
}

// call calls a method and waits for the answer; no other may be under way.
func (s *socket) call(method string, body any) (a answer) {
	s.t.Helper()
	data, err := json.Marshal(body)
	if text, ok := body.(string); ok {
		data, err = []byte(text), nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(command{RPC: &rpcRequest{method, data}})
	r := s.next()
	if r.Error != nil || r.RPC == nil {
		s.t.Fatalf("%s: %+v", method, r.Error)
	}
	if err := json.Unmarshal(r.RPC.Data, &a); err != nil {
		s.t.Fatalf("%s: %v in %q", method, err, r.RPC.Data)
	}
	return a
}

// enter opens a WebSocket of a user who is let in.
func (w *world) enter(t testing.TB, user string, fields map[string]any) *socket {
	t.Helper()
	s := w.socket(t, nil)
	s.send(connectCommand(hello(t, user, fields), ""))
	if r := s.next(); r.Connect == nil {
		t.Fatalf("%s is not let in: %+v", user, r.Error)
	}
	return s
}
