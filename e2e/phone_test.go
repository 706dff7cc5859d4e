package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// phone is a user's connection by the official SDK. It speaks Protobuf, so that
// a body may be anything.
type phone struct {
	user     string
	platform string
	client   *centrifuge.Client
}

// reply is the answer to a call by a connection.
type reply struct {
	text string
	api.SendGroupMsgResponse
	RetryAfter int
	EventId    string
}

// phone connects a user of the app of most tests.
func (s *server) phone(t testing.TB, user, platform string) *phone {
	t.Helper()
	sig, err := usersig.Make(appID, appKey, user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"SDKAppID": appID, "UserID": user, "UserSig": sig, "Platform": platform})
	if err != nil {
		t.Fatal(err)
	}
	cfg := centrifuge.Config{Data: data, ReadTimeout: patience, WriteTimeout: patience, HandshakeTimeout: patience}
	if s.trust != nil {
		cfg.TLSConfig = &tls.Config{RootCAs: s.trust.pool, MinVersion: tls.VersionTLS12}
	}
	p := &phone{user: user, platform: platform}
	p.client = centrifuge.NewProtobufClient("ws"+strings.TrimPrefix(s.url, "http")+"/connection/websocket", cfg)
	t.Cleanup(p.client.Close)
	connected, ended := make(chan struct{}, 1), make(chan centrifuge.DisconnectedEvent, 1)
	p.client.OnConnected(func(centrifuge.ConnectedEvent) { connected <- struct{}{} })
	p.client.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		select {
		case ended <- e:
		default:
		}
	})
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-connected:
	case e := <-ended:
		t.Fatalf("%s is not let in: %d %s", user, e.Code, e.Reason)
	case <-ctx.Done():
		t.Fatalf("%s does not come in", user)
	}
	return p
}

// call calls a method with a body as it is.
func (p *phone) call(t testing.TB, method, body string) (a reply) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := p.client.RPC(ctx, method, []byte(body))
	if err != nil {
		t.Fatalf("%s of %s: %v", method, p.user, err)
	}
	a.text = string(r.Data)
	if err := json.Unmarshal(r.Data, &a); err != nil {
		t.Fatalf("%s: %v in %q", method, err, r.Data)
	}
	return a
}
