package wire

import (
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
	r := sendReader{parser: parser{in: body, members: make([]member, 0, 6)}, send: s}
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
	if _, err := r.object(r.field); err != nil {
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

// field reads one member of the request. Names count as they are written in
// the document, upper and lower case included.
func (r *sendReader) field(name []byte) error {
	s := r.send
	switch string(name) {
	case "GroupId":
		r.hasGroup = true
		_, err := r.string("GroupId", (*string)(&s.Group))
		return err
	case "From_Account":
		_, err := r.string("From_Account", (*string)(&s.From))
		return err
	case "Random":
		return r.random()
	case "MsgBody":
		r.hasBody = true
		s.Content = chat.Content{Cloud: s.Content.Cloud, HasCloud: s.Content.HasCloud} // of two, the last
		fault, err := r.body(&s.Content)
		if fault != nil {
			r.fault(fault)
		}
		return err
	case "CloudCustomData":
		ok, err := r.string("CloudCustomData", &s.Content.Cloud)
		s.Content.HasCloud = ok
		return err
	case "MsgPriority":
		return r.priority()
	case "OnlineOnlyFlag":
		return r.flag("OnlineOnlyFlag", &s.OnlineOnly)
	case "MsgOnlineOnlyFlag":
		return r.flag("MsgOnlineOnlyFlag", &s.OnlineOnly)
	case "GroupAtInfo":
		s.Mentions = nil
		return r.list("GroupAtInfo", '{', "an array of objects", r.mention)
	case "To_Account":
		s.To = nil
		return r.words("To_Account", func(user string) { s.To = append(s.To, chat.UserID(user)) })
	case "ForbidCallbackControl":
		return r.words("ForbidCallbackControl", func(word string) {
			s.NoBeforeSend = s.NoBeforeSend || word == "ForbidBeforeSendMsgCallback"
			s.NoAfterSend = s.NoAfterSend || word == "ForbidAfterSendMsgCallback"
		})
	case "SendMsgControl":
		return r.words("SendMsgControl", func(word string) {
			s.NoUnread = s.NoUnread || word == "NoUnread"
			s.NoLastMsg = s.NoLastMsg || word == "NoLastMsg"
			s.NoMsgCheck = s.NoMsgCheck || word == "NoMsgCheck"
		})
	case "OfflinePushInfo":
		kind, _, err := r.raw()
		if kind != '{' && kind != 'n' {
			r.fault(invalid("OfflinePushInfo must be an object"))
		}
		return err
	case "NeedReadReceipt":
		return r.flag("NeedReadReceipt", new(bool))
	case "SupportMessageExtension":
		return r.flag("SupportMessageExtension", new(bool))
	case "TopicId":
		var topic string
		if _, err := r.string("TopicId", &topic); err != nil {
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

// raw reads one value and returns its kind and text.
func (r *sendReader) raw() (kind byte, text []byte, err error) {
	r.space()
	start := r.pos
	kind, err = r.value()
	return kind, r.in[start:r.pos], err
}

// string reads a text field and reports whether there is a text. null counts as
// absent where the field is optional.
func (r *sendReader) string(name string, into *string) (ok bool, err error) {
	*into = ""
	kind, err := r.peek()
	if err != nil {
		return false, err
	}
	if kind == '"' {
		text, err := r.text()
		*into = string(text)
		return err == nil, err
	}
	if kind != 'n' || name == "GroupId" {
		r.fault(invalid("%s must be a string", name))
	}
	_, err = r.value()
	return false, err
}

// random reads the one required number: 0 to 4294967295, written as an integer.
func (r *sendReader) random() error {
	kind, text, err := r.raw()
	if err != nil {
		return err
	}
	r.hasRandom = true
	n, perr := strconv.ParseUint(string(text), 10, 32)
	if kind != 0 || perr != nil {
		r.fault(invalid("Random must be an integer from 0 to 4294967295"))
		n = 0
	}
	r.send.Random = uint32(n)
	return nil
}

func (r *sendReader) priority() error {
	var word string
	if _, err := r.string("MsgPriority", &word); err != nil {
		return err
	}
	p, ok := chat.ParsePriority(word)
	if !ok {
		p = chat.Normal
		r.fault(invalid("MsgPriority is unknown"))
	}
	r.send.Priority = p
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

// list reads an array of values of one kind, calling item at each; null counts
// as absent.
func (r *sendReader) list(name string, of byte, want string, item func() error) error {
	kind, err := r.peek()
	if err != nil {
		return err
	}
	if kind != '[' {
		if kind != 'n' {
			r.fault(invalid("%s must be %s", name, want))
		}
		_, err = r.value()
		return err
	}
	return r.array(func() error {
		kind, err := r.peek()
		if err != nil {
			return err
		}
		if kind == of {
			return item()
		}
		r.fault(invalid("%s must be %s", name, want))
		_, err = r.value()
		return err
	})
}

// words reads an array of strings.
func (r *sendReader) words(name string, use func(string)) error {
	return r.list(name, '"', "an array of strings", func() error {
		text, err := r.text()
		use(string(text))
		return err
	})
}

// mention reads one entry of GroupAtInfo: everybody, or one user.
func (r *sendReader) mention() error {
	var m chat.Mention
	_, err := r.object(func(name []byte) error {
		switch string(name) {
		case "GroupAtAllFlag":
			return r.flag("GroupAtAllFlag", &m.All)
		case "GroupAt_Account":
			_, err := r.string("GroupAt_Account", (*string)(&m.User))
			return err
		}
		_, err := r.value()
		return err
	})
	switch {
	case m.All:
		m.User = ""
	case m.User == "":
		r.fault(invalid("GroupAt_Account is required"))
		return err
	}
	r.send.Mentions = append(r.send.Mentions, m)
	return err
}
