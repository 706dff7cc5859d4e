package wire

import (
	"bytes"
	"strconv"

	"github.com/parley-im/parley/internal/chat"
)

// MaxRecordBody is how much of a refused message's MsgBody, and as much of its
// CloudCustomData, a record keeps, in bytes.
const MaxRecordBody = 16 << 10

// maxRecordID is how much of a GroupId or a From_Account a record keeps, in
// bytes: more than any that exists can have.
const maxRecordID = 1 << 10

// Bodies renders the bodies of callbacks; it is a [chat.Renderer].
type Bodies struct{}

// object writes one JSON object, member by member. The caller keeps the order.
type object struct{ out []byte }

func newObject(size int) *object { return &object{append(make([]byte, 0, size), '{')} }

func (o *object) name(n string) {
	if len(o.out) > 1 {
		o.out = append(o.out, ',')
	}
	o.out = append(o.out, '"')
	o.out = append(o.out, n...)
	o.out = append(o.out, '"', ':')
}

func (o *object) text(name, v string) { o.name(name); o.out = appendText(o.out, v) }

func (o *object) number(name string, v int64) {
	o.name(name)
	o.out = strconv.AppendInt(o.out, v, 10)
}

func (o *object) raw(name string, v []byte) { o.name(name); o.out = append(o.out, v...) }

func (o *object) time(app *chat.App, ms int64) {
	if app.Settings.EventTimeString {
		o.text("EventTime", strconv.FormatInt(ms, 10))
		return
	}
	o.number("EventTime", ms)
}

func (o *object) end() []byte { return append(o.out, '}') }

func typeWord(app *chat.App, g *chat.Group) string {
	if g == nil {
		return ""
	}
	return TypeWord(app, g.Type)
}

// TypeWord is a group type in the spelling of the app's choice.
func TypeWord(app *chat.App, t chat.GroupType) string {
	if app.Settings.ModernTypes {
		return t.Modern()
	}
	return string(t)
}

func onlineOnly(s *chat.Send, g *chat.Group) int64 {
	if s.OnlineOnly && (g == nil || g.Type != chat.AVChatRoom) {
		return 1
	}
	return 0
}

// Exception is the body of Group.CallbackSendMsgException (document
// 1047/49462): eleven fields always, CloudCustomData when it was sent. cut is
// how many bytes of the message the record does not keep.
func (Bodies) Exception(app *chat.App, s *chat.Send, g *chat.Group, r *chat.Refusal, eventTime int64) (body []byte, cut int) {
	msg, cloud := s.Content.Body, s.Content.Cloud
	if len(msg) == 0 {
		msg = []byte("[]")
	}
	if len(msg) > MaxRecordBody {
		short := shorten(msg)
		cut += len(msg) - len(short)
		msg = short
	}
	if len(cloud) > MaxRecordBody {
		short := cutText(cloud, MaxRecordBody)
		cut += len(cloud) - len(short)
		cloud = short
	}
	group, from := cutText(string(s.Group), maxRecordID), cutText(string(s.From), maxRecordID)
	cut += len(s.Group) - len(group) + len(s.From) - len(from)
	o := newObject(320 + len(msg) + len(cloud))
	o.text("CallbackCommand", chat.CommandSendMsgException)
	if s.Content.HasCloud {
		o.text("CloudCustomData", cloud)
	}
	o.number("ErrorCode", int64(r.Code))
	o.text("ErrorInfo", r.Info)
	o.time(app, eventTime)
	o.text("From_Account", from)
	o.text("GroupId", group)
	o.raw("MsgBody", msg)
	o.number("OnlineOnlyFlag", onlineOnly(s, g))
	o.text("Operator_Account", string(s.Caller))
	o.number("Random", int64(s.Random))
	o.text("Type", typeWord(app, g))
	return o.end(), cut
}

// AfterSend is the body of Group.CallbackAfterSendMsg (document 1047/34375).
func (Bodies) AfterSend(app *chat.App, s *chat.Send, g *chat.Group, m chat.Message, eventTime int64) []byte {
	o := newObject(400 + len(m.Body) + len(m.Cloud))
	o.text("CallbackCommand", chat.CommandAfterSendMsg)
	if s.Content.HasCloud {
		o.text("CloudCustomData", m.Cloud)
	}
	o.time(app, eventTime)
	o.text("From_Account", string(s.From))
	if len(s.Mentions) > 0 {
		o.raw("GroupAtInfo", mentions(s.Mentions))
	}
	o.text("GroupId", string(s.Group))
	o.raw("MsgBody", m.Body)
	o.text("MsgId", messageID(m))
	o.text("MsgPriority", m.Priority.String())
	o.number("MsgSeq", int64(m.Seq))
	o.number("MsgTime", m.Time)
	o.number("OnlineOnlyFlag", onlineOnly(s, g))
	o.text("Operator_Account", string(s.Caller))
	o.number("Random", int64(s.Random))
	o.text("Type", typeWord(app, g))
	return o.end()
}

// Question is the body of Group.CallbackBeforeSendMsg (document 1047/34374).
func Question(q *chat.Question, eventTime int64) []byte {
	s := q.Send
	o := newObject(400 + len(s.Content.Body) + len(s.Content.Cloud))
	o.text("CallbackCommand", chat.CommandBeforeSendMsg)
	if s.Content.HasCloud {
		o.text("CloudCustomData", s.Content.Cloud)
	}
	o.time(q.App, eventTime)
	o.text("From_Account", string(s.From))
	o.text("GroupId", string(s.Group))
	o.raw("MsgBody", s.Content.Body)
	o.text("MsgPriority", s.Priority.String())
	o.number("OnlineOnlyFlag", onlineOnly(s, q.Group))
	o.text("Operator_Account", string(s.Caller))
	o.number("Random", int64(s.Random))
	o.text("Type", typeWord(q.App, q.Group))
	return o.end()
}

// messageID is the id that clients know a message by, in the service's form of
// three numbers.
func messageID(m chat.Message) string {
	b := strconv.AppendInt(nil, int64(m.Group), 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, m.Time, 10)
	b = append(b, '-')
	return string(strconv.AppendUint(b, uint64(m.Random), 10))
}

func mentions(list []chat.Mention) []byte {
	out := []byte{'['}
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		o := newObject(64)
		if m.All {
			o.number("GroupAtAllFlag", 1)
		} else {
			o.number("GroupAtAllFlag", 0)
			o.text("GroupAt_Account", string(m.User))
		}
		out = append(out, o.end()...)
	}
	return append(out, ']')
}

// shorten keeps of a canonical MsgBody the elements that fit, and of a text
// that does not fit its beginning (without fields that are no part of a text
// element), so that what stays is a MsgBody.
func shorten(body []byte) []byte {
	out := []byte{'['}
	p := parser{in: body}
	_ = p.array(func() error { // the body is canonical; an error only ends the loop
		start := p.pos
		if _, err := p.value(); err != nil {
			return err
		}
		item := body[start:p.pos]
		if len(out) > 1 {
			out = append(out, ',')
		}
		room := MaxRecordBody - len(out) - len("]")
		if len(item) > room {
			const head, tail = `{"MsgContent":{"Text":`, `},"MsgType":"TIMTextElem"}`
			if bytes.HasPrefix(item, []byte(head+`"`)) && bytes.HasSuffix(item, []byte(tail)) && room > 256 {
				text := unquote(item[len(head) : len(item)-len(tail)])
				item = append(appendText([]byte(head), cutQuoted(text, room-len(head)-len(tail))), tail...)
			}
			if len(item) > room {
				return errSyntax // nothing more fits
			}
		}
		out = append(out, item...)
		return nil
	})
	return append(bytes.TrimSuffix(out, []byte(",")), ']')
}
