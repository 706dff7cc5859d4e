package wire

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// ReadVerdict reads the app backend's answer to a before-send question about s.
// What cannot be understood is no answer.
func ReadVerdict(body []byte, s *chat.Send) chat.Verdict {
	var a *struct { // nil after a null
		ActionStatus    string
		ErrorCode       *json.Number
		ErrorInfo       string
		MsgBody         json.RawMessage
		CloudCustomData *string
	}
	if !utf8.Valid(body) || json.Unmarshal(body, &a) != nil || a == nil {
		return chat.Verdict{Reason: "the answer is not a JSON object of the expected form"}
	}
	code := int64(0)
	if a.ErrorCode != nil {
		n, err := a.ErrorCode.Int64()
		if err != nil {
			return chat.Verdict{Reason: "ErrorCode of the answer is not an integer"}
		}
		code = n
	}
	switch {
	case code == 0 && a.ActionStatus == "FAIL":
		return chat.Verdict{Reason: "the answer says FAIL with ErrorCode 0"}
	case code == 0:
		return allowed(a.MsgBody, a.CloudCustomData, s)
	case code == 1:
		return chat.Verdict{Answer: chat.AnswerRefuse, Code: api.CodeRefusedByApp}
	case code == 2:
		return chat.Verdict{Answer: chat.AnswerDrop}
	case api.Code(code).IsCustom():
		return chat.Verdict{Answer: chat.AnswerRefuse, Code: api.Code(code), Info: a.ErrorInfo}
	}
	return chat.Verdict{Reason: fmt.Sprintf("ErrorCode %d of the answer has no meaning", code)}
}

// allowed reads what the answer wants in place of the message's content.
func allowed(body json.RawMessage, cloud *string, s *chat.Send) chat.Verdict {
	v := chat.Verdict{Answer: chat.AnswerAllow}
	hasBody := len(body) > 0 && string(body) != "null"
	if !hasBody && cloud == nil {
		return v
	}
	c := s.Content
	if hasBody {
		c = chat.Content{Cloud: s.Content.Cloud, HasCloud: s.Content.HasCloud}
		p := parser{in: body}
		fault, err := p.body(&c)
		switch {
		case err != nil:
			v.Fault = invalid("the app's MsgBody cannot be read")
		case fault != nil:
			v.Fault = invalid("the app's MsgBody: %s", fault.Info)
		}
		c.Size += len(c.Cloud)
	}
	if cloud != nil {
		c.Size += len(*cloud) - len(c.Cloud)
		c.Cloud, c.HasCloud = *cloud, true
	}
	v.Content = &c
	return v
}
