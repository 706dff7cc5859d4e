package live

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/wire"
)

// methods are the commands that a connection may call, by the last part of their
// names.
var methods = func() map[string]*command.Command {
	all := make(map[string]*command.Command)
	for name, c := range command.Table {
		if c.Client {
			all[lastPart(name)] = &c
		}
	}
	return all
}()

var sendMethod = lastPart(api.CommandSendGroupMsg)

func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// answerer hands an answer to the client.
type answerer func(text []byte, err error)

// call takes one RPC. It runs in the connection's read loop and waits for
// nothing.
func (c *conn) call(e centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
	answer := func(text []byte, err error) {
		reply(centrifuge.RPCReply{Data: text}, err)
	}
	do, l := c.ask, c.lane(e.Method == sendMethod)
	if e.Method == sendMethod {
		do = c.sendMessage
	}
	method, body := e.Method, append([]byte(nil), e.Data...)
	began := time.Now()
	room := c.door.arrivals
	taken := room.take(len(body))
	if !taken || !l.put(job{size: len(body), do: func() {
		defer c.door.guard(method)
		defer room.give(len(body))
		done := false
		answer := func(text []byte, err error) { done = true; answer(text, err) }
		defer func() {
			if !done { // it panicked
				answer(failure(chat.Fail(api.CodeInternal)), nil)
			}
		}()
		do(method, body, answer)
		c.door.metrics.called(method, began)
	}}) {
		if taken {
			room.give(len(body))
		}
		c.door.metrics.crowded.Inc()
		answer(nil, callError(chat.ErrBusy))
	}
}

// tooLarge refuses a body like the REST door.
func tooLarge(body []byte) *chat.Refusal {
	if len(body) > command.MaxBody {
		return chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body exceeds 1 MB")
	}
	return nil
}

// sendMessage hands a send to the heart: whatever is wrong with it is a refused
// send.
func (c *conn) sendMessage(_ string, body []byte, answer answerer) {
	s := &chat.Send{App: c.app, Caller: c.user, Entry: chat.EntryClient, Platform: c.platform, ClientIP: c.arrival.address, Priority: chat.Normal}
	if r := tooLarge(body); r != nil {
		s.Fault = r
	} else {
		wire.ReadSend(body, s)
	}
	o, err := c.door.backend.Send(c, s)
	switch {
	case err != nil:
		answer(nil, callError(err))
	case o.Kind == chat.Refused:
		answer(refused(o.Refusal, o.Event), nil)
	case o.Kind == chat.Dropped && o.Refusal != nil:
		answer(encode(overFrequency{api.SendGroupMsgResponse{Answer: done, MsgTime: o.Time, MsgDropReason: api.DropFrequency}, o.Event}), nil)
	default:
		answer(encode(api.SendGroupMsgResponse{Answer: done, MsgTime: o.Time, MsgSeq: uint64(o.Seq)}), nil)
	}
}

// ask does any other command. It waits until the connection hears its groups, so
// that what a list of groups does not tell any more is pushed.
func (c *conn) ask(method string, body []byte, answer answerer) {
	ctx, cancel := context.WithTimeout(c, cmp.Or(c.door.cfg.Patience, 10*time.Second))
	defer cancel()
	select {
	case <-c.whenReady():
	case <-ctx.Done():
	}
	if method == "logout" {
		c.left.Store(true)
		answer(encode(done), nil)
		c.end(disconnectLoggedOut)
		return
	}
	o, ok := methods[method]
	app, there := c.door.backend.App(c.app)
	switch r := tooLarge(body); {
	case !ok:
		c.door.reject(api.CodeUnknownCommand)
		answer(failure(chat.Fail(api.CodeUnknownCommand)), nil)
		return
	case !there:
		answer(failure(chat.Fail(api.CodeAppNotFound)), nil)
		return
	case r != nil:
		answer(failure(r), nil)
		return
	}
	if o.Changes {
		if r := c.door.backend.MayChange(c.app, c.user); r != nil {
			c.door.reject(r.Code)
			answer(failure(r), nil)
			return
		}
	}
	text, err := o.Do(ctx, c.door.commands, command.Call{App: app, By: chat.Client(c.user), Room: c.room}, body)
	var r *chat.Refusal
	switch {
	case err == nil:
		answer(text, nil)
	case errors.As(err, &r):
		answer(failure(r), nil)
	case errors.Is(err, chat.ErrUnknown), errors.Is(err, chat.ErrBusy), errors.Is(err, chat.ErrStopped), errors.Is(err, chat.ErrFull):
		answer(nil, callError(err))
	case errors.Is(ctx.Err(), context.DeadlineExceeded): // of a change: before it began
		answer(failure(chat.Fail(api.CodeServiceTimeout)), nil)
	default:
		if c.Err() == nil {
			c.door.log.Error("a client's command failed", "command", method, "app", c.app, "error", err)
		}
		answer(failure(chat.Fail(api.CodeInternal)), nil)
	}
}

// done is the envelope of every success.
var done = api.NewAnswer(api.CodeOK, "")

// failed is the answer to what was refused.
type failed struct {
	api.Answer
	RetryAfter int64  `json:",omitempty"` // seconds
	EventId    string `json:",omitempty"`
}

// overFrequency is the answer to a send that was given up by a limit.
type overFrequency struct {
	api.SendGroupMsgResponse
	EventId string `json:",omitempty"`
}

func failure(r *chat.Refusal) []byte { return refused(r, "") }

func refused(r *chat.Refusal, event string) []byte {
	f := failed{Answer: api.NewAnswer(r.Code, r.Info), EventId: event}
	if r.RetryAfter > 0 {
		f.RetryAfter = int64((r.RetryAfter + time.Second - 1) / time.Second)
	}
	return encode(f)
}

func encode(v any) []byte {
	text, err := command.Encode(v)
	if err != nil {
		panic(err) // shapes of ours alone are written here
	}
	return text
}
