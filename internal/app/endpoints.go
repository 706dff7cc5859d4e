package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/delivery"
	"github.com/parley-im/parley/internal/wire"
)

// LaneOf tells how the delivery to an endpoint stands, if it is this process's.
func (l *lanes) LaneOf(ctx context.Context, app chat.AppID, endpoint string) (api.Lane, bool) {
	d := l.deliverer()
	if d == nil {
		return api.Lane{}, false
	}
	s, ok := d.Status(ctx, app, endpoint)
	return api.Lane{
		Cursor: uint64(s.Cursor), Settled: uint64(s.Settled), Backlog: s.Backlog, Waiting: uint64(s.Waiting), OldestAt: s.OldestAt,
		Limit: s.Limit, InFlight: s.InFlight, FailingAt: s.Lane.FailingAt, DeliveredAt: s.Lane.DeliveredAt, LastError: s.Lane.LastError,
	}, ok
}

// samples sends samples to endpoints, whichever process delivers to them.
type samples struct {
	backend *chat.Backend
	network delivery.Network
}

// The parts of a sample that tell what it is, beside its header.
const (
	sampleGroup = "parley-test"
	sampleInfo  = "this is a sample; nothing was refused"
)

// Test sends a sample of a callback that the endpoint has switched on, of an
// exception if it can be.
func (s samples) Test(ctx context.Context, id chat.AppID, endpoint string) (api.TestResult, error) {
	app, ok := s.backend.App(id)
	e := s.backend.Endpoint(id, endpoint)
	if !ok || e == nil {
		return api.TestResult{}, chat.Fail(api.CodeInvalidParameter, "the app has no endpoint with this Id")
	}
	now := s.backend.Now()
	command, body := sample(app, e, now)
	came, err := delivery.Sample(ctx, e, app, s.network, body, command)
	if err != nil {
		return api.TestResult{}, chat.Fail(api.CodeInvalidParameter, "the endpoint cannot be called: "+err.Error())
	}
	result := api.TestResult{
		EventId: came.ID, URL: came.URL, Delivered: came.Delivered, Next: came.Next,
		Attempt: api.Attempt{
			Attempt: 1, At: came.At.UnixMilli(), Duration: came.Took.Milliseconds(), Status: came.Status, Result: "delivered",
			Reason: came.Reason, Answer: strings.ToValidUTF8(string(came.Answer), "\ufffd"),
		},
	}
	if !came.Delivered {
		result.Result = "failed"
	}
	return result, nil
}

func sample(app *chat.App, e *chat.Endpoint, now time.Time) (command string, body []byte) {
	send := chat.Send{
		App: app.ID, Caller: app.Admins[0], From: app.Admins[0], Group: sampleGroup, Platform: "RESTAPI",
		Content: chat.Content{Body: []byte(`[{"MsgContent":{"Text":"sample"},"MsgType":"TIMTextElem"}]`)},
	}
	group := chat.Group{ID: sampleGroup, Type: chat.Public, Name: sampleGroup}
	wants := func(command string) bool { return slices.Contains(e.Commands, command) }
	switch {
	case wants(chat.CommandSendMsgException):
	case wants(chat.CommandAfterSendMsg):
		message := chat.Message{From: send.From, Seq: 1, Time: now.Unix(), Priority: chat.Normal, Body: send.Content.Body}
		return chat.CommandAfterSendMsg, wire.Bodies{}.AfterSend(app, &send, &group, message, now.UnixMilli())
	case wants(chat.CommandStateChange):
		return chat.CommandStateChange, wire.StateChange("Login", "Register", send.From, nil, now.UnixMilli())
	}
	body, _ = wire.Bodies{}.Exception(app, &send, &group, chat.Fail(api.CodeInvalidParameter, sampleInfo), now.UnixMilli())
	return chat.CommandSendMsgException, body
}
