package callback

// The codes of an answer to a question about a group. Between the two custom
// bounds, both included, the code and its text reach the sending client.
const (
	CodeAllow     = 0
	CodeRefuse    = 1 // the caller gets 10016
	CodeDrop      = 2 // the caller gets success; only for a message
	CodeCustomMin = 10100
	CodeCustomMax = 10200
)

// Verdict is the answer to [BeforeSendMsg]. The zero Verdict allows.
type Verdict struct {
	code  int
	info  string
	body  []Element
	cloud string
}

// Allow lets the message be delivered as it is.
func Allow() Verdict { return Verdict{} }

// Refuse keeps the message from being delivered; its sender gets 10016.
func Refuse() Verdict { return Verdict{code: CodeRefuse} }

// RefuseWith keeps the message from being delivered and gives its sender code
// and info. A code outside 10100..10200 cannot be passed on: the verdict is
// then that of Refuse, with info.
func RefuseWith(code int, info string) Verdict {
	if code < CodeCustomMin || code > CodeCustomMax {
		code = CodeRefuse
	}
	return Verdict{code: code, info: info}
}

// Drop keeps the message from being delivered while its sender gets success.
func Drop() Verdict { return Verdict{code: CodeDrop} }

// Rewrite lets the message be delivered with other content: body replaces
// MsgBody unless it is empty, cloud replaces CloudCustomData unless it is "".
func Rewrite(body []Element, cloud string) Verdict { return Verdict{body: body, cloud: cloud} }

// Answer is the body of every answer to a callback.
type Answer struct {
	ActionStatus    string    `json:"ActionStatus"` // OK or FAIL
	CloudCustomData string    `json:"CloudCustomData,omitempty"`
	ErrorCode       int       `json:"ErrorCode"`
	ErrorInfo       string    `json:"ErrorInfo"`
	MsgBody         []Element `json:"MsgBody,omitempty"`
}

// Answer returns v as it is sent.
func (v Verdict) Answer() Answer {
	return Answer{ActionStatus: "OK", ErrorCode: v.code, ErrorInfo: v.info, MsgBody: v.body, CloudCustomData: v.cloud}
}
