package live_test

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// device is a connection without a library: what comes is handed over as it
// comes, by one goroutine, and nothing is repaired.
type device struct {
	line   net.Conn
	socket *websocket.Conn
	listed func(answer []byte) // if set, the list of groups is asked for once he is in
}

// connectDevice connects a user and hands over what is pushed, until the
// connection ends. It returns when the user was let in.
func (w *world) connectDevice(t testing.TB, user string) (*device, error) {
	d := &device{}
	dialer := websocket.Dialer{HandshakeTimeout: patience, NetDial: func(network, address string) (net.Conn, error) {
		line, err := net.Dial(network, address)
		d.line = line
		return line, err
	}}
	var err error
	if d.socket, _, err = dialer.Dial("ws"+strings.TrimPrefix(w.URL, "http")+"/connection/websocket", nil); err != nil {
		return nil, err
	}
	data, _ := json.Marshal(object{"id": 1, "connect": object{"data": object{"SDKAppID": int64(app), "UserID": user, "UserSig": sign(t, app, user, key, time.Hour)}}})
	if err := d.socket.WriteMessage(websocket.TextMessage, data); err != nil {
		d.line.Close()
		return nil, err
	}
	return d, nil
}

// read hands over everything until the connection ends, and tells why it did; 0
// without a code.
func (d *device) read(connected func(), take func([]byte)) (code int) {
	defer d.line.Close()
	for {
		_, frame, err := d.socket.ReadMessage()
		if err != nil {
			if e, ok := err.(*websocket.CloseError); ok {
				return e.Code
			}
			return 0
		}
		for line := range bytes.Lines(frame) {
			var reply struct {
				Id   int
				Rpc  struct{ Data json.RawMessage }
				Push *struct {
					Pub *struct{ Data json.RawMessage }
				}
			}
			if json.Unmarshal(line, &reply) != nil {
				return 0
			}
			switch {
			case reply.Id == 1:
				connected()
				if d.listed != nil {
					_ = d.socket.WriteMessage(websocket.TextMessage, []byte(`{"id":2,"rpc":{"method":"get_joined_group_list","data":{"WithNoActiveGroups":1}}}`))
				}
			case reply.Id == 2:
				d.listed(reply.Rpc.Data)
			case reply.Push == nil: // a ping
				_ = d.socket.WriteMessage(websocket.TextMessage, []byte("{}"))
			case reply.Push.Pub != nil:
				take(reply.Push.Pub.Data)
			}
		}
	}
}
