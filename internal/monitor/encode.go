package monitor

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/parley-im/parley/api"
)

// fields are the twelve of the callback
// (Tencent Cloud Chat, document 1047/49462).
var fields = []string{"CallbackCommand", "CloudCustomData", "ErrorCode", "ErrorInfo", "EventTime", "From_Account",
	"GroupId", "MsgBody", "OnlineOnlyFlag", "Operator_Account", "Random", "Type"}

// object writes e as the API answers it: those of the twelve fields that were
// received, with the values as received, then what the monitor adds. more is
// added behind, each a pair of key and JSON value.
func object(e Stored, more ...string) []byte {
	// Some senders write bytes that are no UTF-8, which an answer must not.
	received := map[string]json.RawMessage{}
	_ = json.Unmarshal(bytes.ToValidUTF8(e.Body, []byte("\uFFFD")), &received) // checked when it arrived
	var out bytes.Buffer
	out.WriteByte('{')
	for _, name := range fields {
		if value, ok := received[name]; ok {
			out.WriteString(`"` + name + `":`)
			_ = json.Compact(&out, value)
			out.WriteByte(',')
		}
	}
	if e.Backfilled {
		out.WriteString(`"Backfilled":true,`)
	}
	out.WriteString(`"EventId":` + quote(e.EventID))
	out.WriteString(`,"ReceivedAt":` + strconv.FormatInt(e.ReceivedAt.UnixMilli(), 10))
	out.WriteString(`,"Sequence":` + strconv.FormatUint(e.Sequence, 10))
	for i := 0; i+1 < len(more); i += 2 {
		out.WriteString(`,"` + more[i] + `":` + more[i+1])
	}
	out.WriteByte('}')
	return out.Bytes()
}

// line writes e as the stream sends it: with what the page shows beside.
func line(e Stored) []byte {
	reason := describe(e.Code)
	return object(e,
		"SdkAppid", strconv.FormatInt(e.SdkAppid, 10),
		"Refusals", strconv.Itoa(e.Refusals),
		"Truncated", strconv.Itoa(e.Truncated),
		"Class", quote(string(reason.Class)),
		"Text", quote(reason.Text))
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string always encodes
	return string(quoted)
}

// describe returns the class and words of an ErrorCode, also of an unknown one.
func describe(code int) api.CodeInfo {
	if info, ok := api.Code(code).Info(); ok {
		return info
	}
	return api.CodeInfo{Code: api.Code(code), Name: "unknown", Class: api.ClassNone, Text: "a code without a known meaning"}
}

var errCursor = errors.New("is not a cursor of this monitor")

// cursorText returns position as the opaque text of a cursor; the beginning is
// "".
func cursorText(position int64) string {
	if position == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{'1'}, uint64(position)))
}

func parseCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 9 || raw[0] != '1' {
		return 0, errCursor
	}
	position := int64(binary.BigEndian.Uint64(raw[1:]))
	if position <= 0 {
		return 0, errCursor
	}
	return position, nil
}
