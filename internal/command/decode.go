package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// MaxBody is the most bytes a request may have; beyond it 60002 is answered.
const MaxBody = 1 << 20

const maxDepth = 64 // of objects and arrays within one another

// Decode reads one JSON object into a request shape. A field that is unknown
// is passed over, null is as good as absent.
func Decode(body []byte, request any) *chat.Refusal {
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
