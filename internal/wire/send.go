package wire

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// ReadSend reads the body of send_group_msg into s, which names the caller
// already (document 1047/34959). Older names of fields are understood. What is
// absent or unreadable stays the empty value of its type, and the first thing
// that is wrong becomes s.Fault: 60003 for what is no JSON, 10004 naming the
// field for the rest.
func ReadSend(body []byte, s *chat.Send) {
	s.Priority = chat.Normal
	r := sendReader{parser: parser{in: body}, send: s}
	if !utf8.Valid(body) || r.read() != nil {
		empty := chat.Send{App: s.App, Caller: s.Caller, Entry: s.Entry, Platform: s.Platform, ClientIP: s.ClientIP, Priority: chat.Normal}
		*s = empty
		s.Fault = chat.Fail(api.CodeJSONParse)
	}
}

// sendReader reads one send.
type sendReader struct {
	parser
	send      *chat.Send
	hasRandom bool
	hasBody   bool
	hasGroup  bool
}

// fault notes the first thing that is wrong.
func (r *sendReader) fault(f *chat.Refusal) {
	if r.send.Fault == nil {
		r.send.Fault = f
	}
}

func (r *sendReader) read() error {
	kind, err := r.peek()
	if err != nil || kind != '{' {
		return errSyntax
	}
	if _, err := r.object(func(key []byte) error { return r.field(string(key)) }); err != nil {
		return err
	}
	if r.space(); r.pos != len(r.in) {
		return errSyntax
	}
	switch {
	case !r.hasGroup:
		r.fault(invalid("GroupId is required"))
	case !r.hasRandom:
		r.fault(invalid("Random is required"))
	case !r.hasBody:
		r.fault(invalid("MsgBody is required"))
	}
	r.send.Content.Size += len(r.send.Content.Cloud)
	return nil
}

func (r *sendReader) field(key string) error {
	s := r.send
	switch key {
	case "GroupId":
		r.hasGroup = true
		return r.string(key, (*string)(&s.Group))
	case "From_Account":
		return r.string(key, (*string)(&s.From))
	case "Random":
		return r.random()
	case "MsgBody":
		if s.Content.Body != nil { // a second one replaces the first
			s.Content = chat.Content{Cloud: s.Content.Cloud, HasCloud: s.Content.HasCloud}
		}
		fault, err := r.body(&s.Content)
		if fault != nil {
			r.fault(fault)
		}
		r.hasBody = true
		return err
	case "CloudCustomData":
		known := s.Fault
		err := r.string(key, &s.Content.Cloud)
		s.Content.HasCloud = s.Fault == known
		return err
	case "MsgPriority":
		var word string
		if err := r.string(key, &word); err != nil {
			return err
		}
		if p, ok := chat.ParsePriority(word); ok {
			s.Priority = p
		} else {
			r.fault(invalid("MsgPriority is unknown"))
		}
		return nil
	case "OnlineOnlyFlag", "MsgOnlineOnlyFlag":
		return r.flag(key, &s.OnlineOnly)
	case "GroupAtInfo":
		return decode(r, key, "an array of objects", func(list []mention) {
			for _, m := range list {
				s.Mentions = append(s.Mentions, chat.Mention{All: m.GroupAtAllFlag == 1, User: chat.UserID(m.Account)})
			}
		})
	case "To_Account":
		return decode(r, key, "an array of strings", func(list []chat.UserID) { s.To = list })
	case "ForbidCallbackControl":
		return decode(r, key, "an array of strings", func(list []string) {
			for _, word := range list {
				s.NoBeforeSend = s.NoBeforeSend || word == "ForbidBeforeSendMsgCallback"
				s.NoAfterSend = s.NoAfterSend || word == "ForbidAfterSendMsgCallback"
			}
		})
	case "SendMsgControl":
		return decode(r, key, "an array of strings", func(list []string) {
			for _, word := range list {
				s.NoUnread = s.NoUnread || word == "NoUnread"
				s.NoLastMsg = s.NoLastMsg || word == "NoLastMsg"
				s.NoMsgCheck = s.NoMsgCheck || word == "NoMsgCheck"
			}
		})
	case "OfflinePushInfo":
		return decode(r, key, "an object", func(map[string]json.RawMessage) {})
	case "NeedReadReceipt", "SupportMessageExtension":
		var ignored bool
		return r.flag(key, &ignored)
	case "TopicId":
		var topic string
		if err := r.string(key, &topic); err != nil {
			return err
		}
		if topic != "" {
			r.fault(invalid("TopicId is not supported"))
		}
		return nil
	}
	_, err := r.value() // unknown fields do no harm
	return err
}

// mention is one entry of GroupAtInfo.
type mention struct {
	GroupAtAllFlag int    `json:"GroupAtAllFlag"`
	Account        string `json:"GroupAt_Account"`
}

// raw reads one value and returns its text.
func (r *sendReader) raw() (kind byte, text []byte, err error) {
	if kind, err = r.peek(); err != nil {
		return kind, nil, err
	}
	start := r.pos
	_, err = r.value()
	return kind, r.in[start:r.pos], err
}

// string reads a text field; null counts as absent where the field is optional.
func (r *sendReader) string(name string, into *string) error {
	kind, text, err := r.raw()
	if err != nil {
		return err
	}
	if kind != '"' {
		*into = ""
		if kind != 'n' || name == "GroupId" {
			r.fault(invalid("%s must be a string", name))
		}
		return nil
	}
	*into = unquote(text)
	return nil
}

// random reads the one required number: 0 to 4294967295, written as an integer.
func (r *sendReader) random() error {
	kind, text, err := r.raw()
	if err != nil {
		return err
	}
	r.hasRandom = true
	r.send.Random = 0
	n, perr := strconv.ParseUint(string(text), 10, 32)
	if kind != 0 || perr != nil {
		r.fault(invalid("Random must be an integer from 0 to 4294967295"))
		return nil
	}
	r.send.Random = uint32(n)
	return nil
}

// flag reads a 0 or 1; null counts as absent.
func (r *sendReader) flag(name string, into *bool) error {
	kind, text, err := r.raw()
	if err != nil {
		return err
	}
	switch {
	case kind == 0 && (string(text) == "0" || string(text) == "1"):
		*into = *into || string(text) == "1"
	case kind != 'n':
		r.fault(invalid("%s must be 0 or 1", name))
	}
	return nil
}

// decode reads a rarer field with the standard library; null counts as absent.
func decode[T any](r *sendReader, name, want string, use func(T)) error {
	_, text, err := r.raw()
	if err != nil {
		return err
	}
	var v T
	if json.Unmarshal(text, &v) != nil {
		r.fault(invalid("%s must be %s", name, want))
		return nil
	}
	use(v)
	return nil
}
