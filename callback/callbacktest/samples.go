package callbacktest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/callback"
)

// Samples returns the table of samples for the receiver that c describes, made
// for this moment: signatures in it age. Without a token the samples about Sign
// are left out, without keys those about webhook-signature.
func Samples(c Config) []Sample {
	samples := append(c.good(), c.bad()...)
	if c.Token != "" {
		samples = append(samples, c.badlySigned()...)
	}
	samples = c.signed(samples...)
	if len(c.Keys) > 0 {
		samples = append(samples, c.webhooks()...)
	}
	return samples
}

// exception is a complete body: a value for %s goes where EventTime is.
const exception = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"order 7","ErrorCode":10017,` +
	`"ErrorInfo":"sender is muted","EventTime":%s,"From_Account":"carol","GroupId":"@TGS#1EXAMPLE",` +
	`"MsgBody":[{"MsgContent":{"Text":"good morning"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":0,` +
	`"Operator_Account":"carol","Random":%d,"Type":"Public"}`

const cmdException = string(callback.CmdGroupSendMsgException)

// messageFields is what the other commands about messages carry beside the
// keys that all have in common.
var messageFields = map[callback.Command]string{
	callback.CmdGroupBeforeSendMsg: `,"From_Account":"carol","MsgBody":[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"}],` +
		`"MsgPriority":"Normal","OnlineOnlyFlag":0,"Operator_Account":"carol","Random":41784661`,
	callback.CmdGroupAfterSendMsg: `,"From_Account":"carol","MsgBody":[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"}],` +
		`"MsgSeq":4,"MsgTime":1657612269,"OnlineOnlyFlag":0,"Operator_Account":"admin","Random":2804799576`,
	callback.CmdGroupAfterRecallMsg: `,"MsgSeqList":[{"MsgSeq":4}],"Operator_Account":"carol"`,
}

func (c Config) exception(random uint32) []byte {
	return fmt.Appendf(nil, exception, strconv.FormatInt(c.now()*1000+123, 10), random)
}

func (c Config) good() []Sample {
	good := func(name, command string, body []byte) Sample {
		return Sample{Name: name, Query: c.query(command), Body: body, Status: http.StatusOK}
	}
	samples := []Sample{
		good("failed message", cmdException, c.exception(1)),
		good("EventTime in quotation marks", cmdException, fmt.Appendf(nil, exception, `"1670574414123"`, 2)),
		good("Random above 31 bits", cmdException, c.exception(4294967295)),
		good("unknown keys", cmdException, bytes.Replace(c.exception(3), []byte("{"), []byte(`{"MsgPriority":"High","Later":[{}],`), 1)),
		good("optional keys absent", cmdException, bytes.Replace(c.exception(4), []byte(`"CloudCustomData":"order 7",`), nil, 1)),
		good("text in many scripts", cmdException, bytes.Replace(c.exception(5), []byte("good morning"), []byte("早上好 🌞 صباح الخير"), 1)),
		good("spaces and line ends in the body", cmdException, bytes.ReplaceAll(c.exception(6), []byte(","), []byte(" ,\r\n\t"))),
		good("unknown command", "Group.CallbackAfterSomethingNew", []byte(`{"CallbackCommand":"Group.CallbackAfterSomethingNew","New":1}`)),
	}
	for _, command := range callback.Commands() {
		body := fmt.Appendf(nil, `{"CallbackCommand":%q,"EventTime":%d,"GroupId":"@TGS#1EXAMPLE","Type":"Public"}`, command, c.now()*1000)
		if fields, ok := messageFields[command]; ok {
			body = bytes.Replace(body, []byte(`,"Type"`), []byte(fields+`,"Type"`), 1)
		}
		s := good("command "+string(command), string(command), body)
		s.Question = command.Question()
		samples = append(samples, s)
	}

	chunked := good("length not announced", cmdException, c.exception(7))
	chunked.Chunked = true
	reordered := good("parameters in another order", cmdException, c.exception(8))
	parts := strings.Split(reordered.Query, "&")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	reordered.Query = "RequestID=9f3c1a52-0000-4000-8000-000000000000&" + strings.Join(parts, "&")
	untyped := good("no Content-Type", cmdException, c.exception(9))
	untyped.Header = http.Header{"Content-Type": nil}
	repeated := good("the same event twice", cmdException, c.exception(10))
	repeated.Times = 2
	repeated.Header = http.Header{}
	callback.Delivery{ID: "evt-callbacktest-1", Sequence: 1, Epoch: "callbacktest", Attempt: 1}.SetHeaders(repeated.Header)
	asked := good("a sample that somebody asked for", cmdException, c.exception(13))
	asked.Header = http.Header{}
	callback.Delivery{ID: "evt-callbacktest-2", Sequence: 1, Epoch: "callbacktest", Test: true}.SetHeaders(asked.Header)
	samples = append(samples, chunked, reordered, untyped, repeated, asked)
	if c.Token != "" {
		samples = append(samples,
			Sample{Name: "RequestTime 30 s ago", Query: c.query(cmdException, at(c, -30*time.Second)), Body: c.exception(11), Status: http.StatusOK},
			Sample{Name: "RequestTime in 30 s", Query: c.query(cmdException, at(c, 30*time.Second)), Body: c.exception(12), Status: http.StatusOK})
	}
	return samples
}

func (c Config) bad() []Sample {
	bad := func(name string, status int, query string, body []byte) Sample {
		return Sample{Name: name, Status: status, Query: query, Body: body}
	}
	query, body := c.query(cmdException), c.exception(20)
	tooLarge := bytes.Replace(body, []byte("good morning"), bytes.Repeat([]byte("x"), callback.MaxBody), 1)
	samples := []Sample{
		bad("another app", http.StatusForbidden, c.query(cmdException, appid(strconv.FormatInt(c.SdkAppid+1, 10))), body),
		bad("SdkAppid is no number", http.StatusForbidden, c.query(cmdException, appid("app")), body),
		bad("SdkAppid missing", http.StatusForbidden, strings.SplitN(query, "&", 2)[1], body),
		bad("SdkAppid in another case", http.StatusForbidden, strings.Replace(query, "SdkAppid", "SDKAppID", 1), body),
		bad("empty body", http.StatusBadRequest, query, nil),
		bad("body is text", http.StatusBadRequest, query, []byte("hello")),
		bad("body is cut off", http.StatusBadRequest, query, body[:len(body)-1]),
		bad("body is an array", http.StatusBadRequest, query, []byte("["+string(body)+"]")),
		bad("body is null", http.StatusBadRequest, query, []byte("null")),
		bad("two values in the body", http.StatusBadRequest, query, append(body[:len(body):len(body)], body...)),
		bad("comments in the body", http.StatusBadRequest, query, bytes.Replace(body, []byte(","), []byte(", // note\n"), 1)),
		bad("nested 100000 deep", http.StatusBadRequest, query, append(bytes.Repeat([]byte(`{"a":`), 100000), '1')),
		bad("another command in the body", http.StatusBadRequest, c.query(string(callback.CmdGroupAfterSendMsg)), body),
		bad("command in the body is no text", http.StatusBadRequest, query, []byte(`{"CallbackCommand":1}`)),
		bad("body over 1 MB", http.StatusRequestEntityTooLarge, query, tooLarge),
	}
	tooLargeChunked := bad("body over 1 MB, length not announced", http.StatusRequestEntityTooLarge, query, tooLarge)
	tooLargeChunked.Chunked = true
	samples = append(samples, tooLargeChunked)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		s := bad("method "+method, http.StatusMethodNotAllowed, query, nil)
		s.Method = method
		samples = append(samples, s)
	}
	return samples
}

func (c Config) badlySigned() []Sample {
	const unauthorized = http.StatusUnauthorized
	body := c.exception(30)
	bad := func(name string, edit ...func(*params)) Sample {
		return Sample{Name: name, Status: unauthorized, Query: c.query(cmdException, edit...), Body: body}
	}
	right := callback.Sign(c.Token, c.now())
	return []Sample{
		bad("neither Sign nor RequestTime", sign(""), timeless),
		bad("Sign missing", sign("")),
		bad("RequestTime missing", timeless),
		bad("Sign with another token", token(c.Token+"x")),
		bad("Sign for another time", sign(callback.Sign(c.Token, c.now()-1))),
		bad("Sign cut", sign(right[:32])),
		bad("Sign with bytes changed", sign("00000000"+right[8:])),
		bad("RequestTime two minutes ago", at(c, -2*time.Minute)),
		bad("RequestTime in two minutes", at(c, 2*time.Minute)),
		bad("RequestTime in milliseconds", func(p *params) { p.time *= 1000 }),
	}
}

// webhooks are the samples about webhook-signature.
func (c Config) webhooks() (samples []Sample) {
	body, other := c.exception(40), c.exception(41)
	add := func(name string, status int, change func(http.Header)) {
		h := http.Header{}
		h.Set(callback.HeaderWebhookID, fmt.Sprintf("evt-callbacktest-webhook-%d", len(samples)))
		c.sign(h, c.now(), body, c.Keys...)
		change(h)
		samples = append(samples, Sample{Name: name, Status: status, Query: c.query(cmdException), Header: h, Body: body})
	}
	const id, timestamp, signature = callback.HeaderWebhookID, callback.HeaderTimestamp, callback.HeaderSignature
	shift := func(by time.Duration) func(http.Header) {
		return func(h http.Header) { c.sign(h, c.now()+int64(by/time.Second), body, c.Keys...) }
	}
	strange, _ := callback.ParseWebhookKey("whsec_c3RyYW5nZQ==") // it is one
	const ok, unauthorized = http.StatusOK, http.StatusUnauthorized
	add("webhook-timestamp 30 s ago", ok, shift(-30*time.Second))
	add("webhook-timestamp in 30 s", ok, shift(30*time.Second))
	add("webhook-signature with another key's before", ok, func(h http.Header) {
		c.sign(h, c.now(), body, append([]callback.WebhookKey{strange}, c.Keys...)...)
	})
	add("webhook-signature with an unknown version before", ok, func(h http.Header) { h.Set(signature, "v9,AAAA "+h.Get(signature)) })
	add("webhook-signature missing", unauthorized, func(h http.Header) { h.Del(signature) })
	add("webhook-id missing", unauthorized, func(h http.Header) { h.Del(id) })
	add("webhook-timestamp missing", unauthorized, func(h http.Header) { h.Del(timestamp) })
	add("webhook-signature with another key", unauthorized, func(h http.Header) { c.sign(h, c.now(), body, strange) })
	add("webhook-signature of another body", unauthorized, func(h http.Header) { c.sign(h, c.now(), other, c.Keys...) })
	add("webhook-signature of another event", unauthorized, func(h http.Header) { h.Set(id, "evt-callbacktest-other") })
	add("webhook-signature for another time", unauthorized, func(h http.Header) { h.Set(timestamp, strconv.FormatInt(c.now()-1, 10)) })
	add("webhook-signature cut", unauthorized, func(h http.Header) { h.Set(signature, h.Get(signature)[:20]) })
	add("webhook-timestamp two minutes ago", unauthorized, shift(-2*time.Minute))
	add("webhook-timestamp in two minutes", unauthorized, shift(2*time.Minute))
	return samples
}

func appid(id string) func(*params)    { return func(p *params) { p.appid = id } }
func token(token string) func(*params) { return func(p *params) { p.token = token } }
func sign(sign string) func(*params)   { return func(p *params) { p.sign = &sign } }
func timeless(p *params)               { p.timeless = true }
func at(c Config, offset time.Duration) func(*params) {
	return func(p *params) { p.time = c.now() + int64(offset/time.Second) }
}
