package rest

import (
	"bytes"
	"io"
	"net/http"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
)

// readBody reads the body of a call. One of more than 1 MB is refused with
// 60002, without reading it when its length is told.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *chat.Refusal) {
	if r.ContentLength > command.MaxBody {
		w.Header().Set("Connection", "close")
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body exceeds 1 MB")
	}
	size := r.ContentLength
	if size < 0 {
		size = 4096
	}
	body := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := body.ReadFrom(io.LimitReader(r.Body, command.MaxBody+1))
	if n > command.MaxBody {
		w.Header().Set("Connection", "close")
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body exceeds 1 MB")
	}
	if err != nil {
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body ends too early")
	}
	return body.Bytes(), nil
}
