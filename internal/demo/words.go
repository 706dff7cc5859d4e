package demo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
)

// reasons are short words for the codes that the crowd runs into. Other codes
// show their ErrorInfo.
var reasons = map[api.Code]string{
	api.CodeInvalidParameter: "bad parameter",
	api.CodePermissionDenied: "not allowed here",
	api.CodeGroupNotFound:    "group does not exist",
	api.CodeInvalidGroupID:   "malformed group id",
	api.CodeMuted:            "sender is muted",
	api.CodeAccountNotFound:  "sender has no account",
	api.CodeSendTooOften:     "too frequent",
	api.CodeTooManyAt:        "too many people mentioned",
	api.CodeJSONParse:        "body is not JSON",
	api.CodeSensitiveText:    "forbidden word",
	api.CodeMessageTooLong:   "message too long",
}

// codeWords tells a code in words.
func codeWords(c api.Code) string {
	if words, ok := reasons[c]; ok {
		return words
	}
	if info, ok := c.Info(); ok {
		return info.Text
	}
	return "a code without a name"
}

// reason tells why r was refused, in words.
func (r refusal) reason() string {
	words, ok := reasons[r.code]
	if !ok {
		words = flat(r.info)
	}
	if r.note != "" {
		words += " (" + r.note + ")"
	}
	return words
}

// name tells which refusal r is.
func (r refusal) name() string {
	return fmt.Sprintf("%d %s of %s in %s (event %s)", r.code, r.reason(), r.from, r.group, orNone(r.event))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// classes are the kinds of refusals in the order in which they are shown: the
// four that the callback's document names, then all others.
var classes = []struct {
	class api.Class
	words string
}{
	{api.ClassBadParameter, "bad parameter"},
	{api.ClassFrequency, "frequency"},
	{api.ClassContentFilter, "content filter"},
	{api.ClassMuted, "muted"},
	{api.ClassNone, "other"},
}

func classOf(c api.Code) api.Class {
	if info, ok := c.Info(); ok {
		return info.Class
	}
	return api.ClassNone
}

// span writes a duration the way people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Truncate(time.Millisecond/10))/float64(time.Millisecond), 'f', -1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Truncate(time.Second/10).Seconds(), 'f', -1, 64) + " s"
}

// clock writes how long something has been going on.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// plural is n with a noun, in the singular for one.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
