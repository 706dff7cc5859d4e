// Package command is the protocol's commands beside sending, free of HTTP: each
// reads a request shape of package api, does one thing, and gives an answer
// shape. The REST door and the client door mount them from one table; who calls
// decides what a command lets him do.
package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"reflect"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// MaxAnswer is the most bytes an answer may have; beyond it 10018 is answered.
const MaxAnswer = 1 << 20

// done is the envelope of every success.
var done = api.NewAnswer(api.CodeOK, "")

// Commands do what the table lists.
type Commands struct{ backend *chat.Backend }

// New makes the commands of a backend.
func New(b *chat.Backend) *Commands { return &Commands{backend: b} }

// Call is who calls.
type Call struct {
	App  *chat.App
	By   chat.Actor
	Room int // the most bytes that the answer may have; 0 is MaxAnswer
}

func (c *Call) room() int { return cmp.Or(c.Room, MaxAnswer) }

// Command is one entry of the table. Its shapes, structs of package api, go into
// the description of the server.
type Command struct {
	// Do reads a body, does the command and writes the answer as JSON. The error is
	// a *chat.Refusal, or one of those that chat.Backend.Send tells.
	Do                func(ctx context.Context, s *Commands, c Call, body []byte) ([]byte, error)
	Request, Response reflect.Type
	Older             bool // an older name of another command
	Admin             bool // over REST
	Client            bool // over a user's connection, by the last part of its name
	Changes           bool // state, with a version of its own
}

// does is a command that an app admin calls over REST. The shapes are those of
// its function.
func does[Request, Answer any](do func(*Commands, context.Context, Call, *Request) (Answer, error)) Command {
	return Command{
		Do: func(ctx context.Context, s *Commands, c Call, body []byte) ([]byte, error) {
			var request Request
			if refusal := Decode(body, &request); refusal != nil {
				return nil, refusal
			}
			answer, err := do(s, ctx, c, &request)
			if err != nil {
				return nil, err
			}
			text, err := Encode(answer)
			if err != nil {
				panic(err) // shapes of package api alone are written here
			}
			if len(text) > c.room() {
				return nil, chat.Fail(api.CodeResponseTooLarge)
			}
			return text, nil
		},
		Request: reflect.TypeFor[Request](), Response: reflect.TypeFor[Answer](),
		Admin: true,
	}
}

// both is a command of both doors.
func both(c Command) Command {
	c.Client = true
	return c
}

// own is a command of a user's own connection alone.
func own(c Command) Command {
	c.Admin, c.Client = false, true
	return c
}

// changes is a command that changes state. Reading is none: no rule looks at it.
func changes(c Command) Command {
	c.Changes = true
	return c
}

func older(c Command) Command {
	c.Older = true
	return c
}

// Encode is compact JSON in raw UTF-8.
func Encode(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
