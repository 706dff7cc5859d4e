package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"unicode/utf8"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

const (
	maxBody  = 1 << 20 // bytes of a request's body
	maxDepth = 64      // of objects and arrays within one another
)

// readBody reads the body of a call. One of more than 1 MB is refused with
// 60002, without reading it when its length is told.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *chat.Refusal) {
	if r.ContentLength > maxBody {
		w.Header().Set("Connection", "close")
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body exceeds 1 MB")
	}
	size := r.ContentLength
	if size < 0 {
		size = 4096
	}
	body := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	n, err := body.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	if n > maxBody {
		w.Header().Set("Connection", "close")
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body exceeds 1 MB")
	}
	if err != nil {
		return nil, chat.Fail(api.CodeHTTPParse, "HTTP parse Error: the body ends too early")
	}
	return body.Bytes(), nil
}

// decode reads one JSON object into a request shape. A field that is unknown
// is passed over, null is as good as absent.
func decode(body []byte, request any) *chat.Refusal {
	if !isObject(body) {
		return chat.Fail(api.CodeJSONParse)
	}
	err := json.Unmarshal(body, request)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return wrongType(wrong.Field, wrong.Type.Kind())
	case err != nil:
		return chat.Fail(api.CodeJSONParse)
	}
	return nil
}

// wrongType refuses a field whose value has not the form it must have. The two
// accounts of the mute service have codes of their own.
func wrongType(field string, want reflect.Kind) *chat.Refusal {
	form := "an object"
	switch want {
	case reflect.String:
		form = "a string"
	case reflect.Slice:
		form = "an array"
	case reflect.Bool:
		form = "a boolean"
	case reflect.Uint32:
		form = "an integer from 0 to 4294967295"
	case reflect.Uint64:
		form = "an integer from 0"
	case reflect.Int, reflect.Int64:
		form = "an integer"
	}
	switch field {
	case "Set_Account":
		return chat.Fail(api.CodeMuteSetInvalid)
	case "Get_Account":
		return chat.Fail(api.CodeMuteGetInvalid)
	}
	return chat.Fail(api.CodeInvalidParameter, field+" must be "+form)
}

// isObject says whether text is one JSON object of valid UTF-8, not too deep,
// with nothing behind it.
func isObject(text []byte) bool {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && !tooDeep(trimmed) && utf8.Valid(trimmed) && json.Valid(trimmed)
}

// tooDeep looks at brackets outside of strings. It may misjudge what is no JSON.
func tooDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
