package rest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
)

// simple makes a route of a command that is not a send.
func simple(o *command.Command) route {
	return func(h *handler, w http.ResponseWriter, r *http.Request, c call) {
		body, refusal := readBody(w, r)
		if refusal != nil {
			writeFailure(w, refusal)
			return
		}
		answer, err := o.Do(r.Context(), h.commands, command.Call{App: c.App, By: chat.Admin(c.Caller)}, body)
		if err != nil {
			h.writeError(w, r, c, err)
			return
		}
		writeText(w, answer)
	}
}

// writeError answers a command that failed: with the code of a refusal, with
// 10002 for a fault of ours, and with 503 when nobody knows what became of it.
func (h *handler) writeError(w http.ResponseWriter, r *http.Request, c call, err error) {
	var refusal *chat.Refusal
	switch {
	case errors.As(err, &refusal):
	case errors.Is(err, chat.ErrBusy), errors.Is(err, chat.ErrStopped):
		http.Error(w, "busy, nothing began", http.StatusServiceUnavailable)
		return
	case errors.Is(err, chat.ErrFull):
		http.Error(w, "the disk is full, nothing began", http.StatusServiceUnavailable)
		return
	case errors.Is(err, chat.ErrUnknown):
		http.Error(w, "outcome unknown, repeat with the same Random", http.StatusServiceUnavailable)
		return
	default:
		if r.Context().Err() == nil {
			h.log.Error("a command failed", "command", c.Command, "app", c.App.ID, "error", err)
		}
		refusal = chat.Fail(api.CodeInternal)
	}
	writeFailure(w, refusal)
}

// writeFailure answers with the envelope of a failure.
func writeFailure(w http.ResponseWriter, refusal *chat.Refusal) {
	hintRetry(w, refusal)
	writeAnswer(w, api.NewAnswer(refusal.Code, refusal.Info))
}

// hintRetry says when another try may succeed, if that is known.
func hintRetry(w http.ResponseWriter, refusal *chat.Refusal) {
	if refusal.RetryAfter > 0 {
		seconds := (refusal.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set(api.HeaderRetryAfter, strconv.FormatInt(int64(seconds), 10))
	}
}

// writeAnswer answers with v, which embeds an envelope.
func writeAnswer(w http.ResponseWriter, v any) {
	text, err := command.Encode(v)
	if err != nil {
		panic(err) // shapes of package api alone are written here
	}
	if len(text) > command.MaxAnswer {
		writeFailure(w, chat.Fail(api.CodeResponseTooLarge))
		return
	}
	writeText(w, text)
}

// The headers of every answer, made once.
var (
	jsonType  = []string{"application/json"}
	anyOrigin = []string{"*"}
	postOnly  = []string{http.MethodPost}
)

func writeText(w http.ResponseWriter, text []byte) {
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Access-Control-Allow-Origin"] = anyOrigin
	header["Access-Control-Allow-Methods"] = postOnly
	_, _ = w.Write(text) // the caller may be gone
}

// writeSent answers a message that was sent: an api.SendGroupMsgResponse,
// written by hand because every message is answered so.
func writeSent(w http.ResponseWriter, seconds int64, seq uint64) {
	text := make([]byte, 0, 96)
	text = append(text, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":`...)
	text = strconv.AppendInt(text, seconds, 10)
	text = append(text, `,"MsgSeq":`...)
	text = strconv.AppendUint(text, seq, 10)
	writeText(w, append(text, '}'))
}
