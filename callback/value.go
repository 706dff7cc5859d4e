package callback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Millis is a point in time in milliseconds since 1970, UTC; 0 is "not sent".
// The documents call EventTime an integer and show it in quotation marks, and
// both occur, so both are read. It is written as a number.
type Millis int64

// Time returns m as a time in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// UnmarshalJSON reads 1670574414123 and "1670574414123"; null and "" leave 0.
// Anything else is an error.
func (m *Millis) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		if text == "" {
			*m = 0
			return nil
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("callback: %.40q is no time in milliseconds", text)
	}
	*m = Millis(n)
	return nil
}

// StringList is a list of texts that some documents show as an array and
// others as a single text. Both are read; it is written as an array.
type StringList []string

// UnmarshalJSON reads ["a","b"] and "a"; null and "" leave an empty list.
func (l *StringList) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*l = nil
		if one != "" {
			*l = StringList{one}
		}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// MsgTypeText is the MsgType of a text element.
const MsgTypeText = "TIMTextElem"

// Element is one part of a message (Tencent Cloud Chat, document 1047/33527).
type Element struct {
	MsgContent json.RawMessage `json:"MsgContent"` // an object whose keys depend on MsgType
	MsgType    string          `json:"MsgType"`    // TIMTextElem, TIMImageElem, TIMCustomElem, …
}

// TextElement returns a text element.
func TextElement(text string) Element {
	content, _ := encode(struct{ Text string }{text}) // a string always encodes
	return Element{MsgType: MsgTypeText, MsgContent: content}
}

// Text returns the text of a text element; ok is false if e is of another
// type or its content is not the documented object.
func (e Element) Text() (text string, ok bool) {
	if e.MsgType != MsgTypeText {
		return "", false
	}
	var content struct{ Text *string }
	if json.Unmarshal(e.MsgContent, &content) != nil || content.Text == nil {
		return "", false
	}
	return *content.Text, true
}

// Text returns the texts of all text elements of body, one a line.
func Text(body []Element) string {
	var lines []string
	for _, e := range body {
		if text, ok := e.Text(); ok {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}

// Encode returns body, one of this package's body types or a pointer to one,
// in the form that senders use: compact, keys in alphabetical order, no
// escapes for characters that need none. MsgContent keeps its own key order.
func Encode(body any) ([]byte, error) { return encode(body) }

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
