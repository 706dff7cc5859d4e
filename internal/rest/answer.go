package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// maxAnswer is the most bytes an answer may have; beyond it 10018 is answered.
const maxAnswer = 1 << 20

// done is the envelope of every success.
var done = api.NewAnswer(api.CodeOK, "")

// simple makes a route of a command that decodes a request, does one thing and
// encodes an answer.
func simple[Request, Answer any](do func(*handler, context.Context, call, *Request) (Answer, error)) route {
	return func(h *handler, w http.ResponseWriter, r *http.Request, c call) {
		body, refusal := readBody(w, r)
		if refusal != nil {
			writeFailure(w, refusal)
			return
		}
		var request Request
		if refusal := decode(body, &request); refusal != nil {
			writeFailure(w, refusal)
			return
		}
		answer, err := do(h, r.Context(), c, &request)
		if err != nil {
			h.writeError(w, r, c, err)
			return
		}
		writeAnswer(w, answer)
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
	text, err := encode(v)
	if err != nil {
		panic(err) // shapes of package api alone are written here
	}
	if len(text) > maxAnswer {
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

// encode is compact JSON in raw UTF-8.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
