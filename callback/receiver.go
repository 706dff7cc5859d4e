package callback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"
)

// Limits of a [Receiver].
const (
	MaxBody        = 1 << 20          // bytes of a body; one more is refused
	DefaultMaxSkew = 60 * time.Second // how far RequestTime may be off
)

// okBody is the one answer to an accepted callback.
const okBody = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// Receiver is an http.Handler that checks callbacks and hands them to a
// program's functions. See the package comment for what it checks, in which
// order, and what it answers. Its fields are not to be changed once it serves.
// Its functions are called from many goroutines at once.
type Receiver struct {
	// Apps holds the callback tokens of each app by its SdkAppid. Any one of
	// an app's tokens fits, so that a token can be replaced without a gap:
	// list both, change the sender, remove the old one. An app with an empty
	// list demands no signature. An empty token never fits.
	Apps map[int64][]string

	// Keys holds the keys of Standard Webhooks that verify each app's
	// callbacks, for apps that are in Apps: with any, a callback needs a
	// webhook-signature that fits one of them, beside a Sign if the app has
	// tokens too. List the old and the new key while one is replaced. A zero
	// key never fits.
	Keys map[int64][]WebhookKey

	// MaxSkew is how far RequestTime and webhook-timestamp may lie before or
	// after now, in whole seconds; 0 means DefaultMaxSkew.
	MaxSkew time.Duration

	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// OnEvent gets every callback that passed the checks, except the
	// questions that OnBeforeSendMsg answers. It must have stored the event
	// when it returns nil. An error answers 503, and a good sender tries
	// again. A question (see [Command.Question]) is answered as allowed when
	// OnEvent returns nil. The context ends when the sender hangs up. Nil
	// means that every event is acknowledged and forgotten.
	OnEvent func(context.Context, *Event) error

	// OnBeforeSendMsg answers [BeforeSendMsg]. Senders wait 2 s for it. Nil
	// means that OnEvent sees the question and it is answered as allowed.
	OnBeforeSendMsg func(context.Context, *BeforeSendMsg) Verdict

	// OnRefused is told of every callback that was not accepted, for
	// counting: without it nobody sees why nothing arrives. May be nil.
	OnRefused func(Refused)
}

// ServeHTTP takes one callback.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	ev, reason := rc.check(w, r, query)
	var answer = []byte(okBody)
	var err error
	if reason == "" {
		answer, reason, err = rc.handle(r.Context(), ev)
	}
	if reason != "" {
		rc.refuse(w, r, query, reason, err)
		return
	}
	write(w, http.StatusOK, answer)
}

// check makes the checks of the package comment, in its order. The reason is
// empty if all passed.
func (rc *Receiver) check(w http.ResponseWriter, r *http.Request, query url.Values) (*Event, Reason) {
	if r.Method != http.MethodPost {
		return nil, ReasonMethod
	}
	if r.ContentLength > MaxBody {
		return nil, ReasonTooLarge
	}
	now := time.Now
	if rc.Now != nil {
		now = rc.Now
	}
	ev := &Event{
		ClientIP:    query.Get("ClientIP"),
		OptPlatform: Platform(query.Get("OptPlatform")),
		Delivery:    ReadDelivery(r.Header),
		ReceivedAt:  now(),
	}
	var tokens []string
	var known bool
	if ev.SdkAppid, known = decimal(single(query, "SdkAppid")); known {
		tokens, known = rc.Apps[ev.SdkAppid]
	}
	if !known {
		return nil, ReasonSdkAppid
	}
	if len(tokens) > 0 {
		if reason := rc.checkSign(ev, query, tokens); reason != "" {
			return nil, reason
		}
	}
	keys := rc.Keys[ev.SdkAppid]
	if len(keys) > 0 {
		if reason := rc.checkWebhook(r.Header, ev.ReceivedAt); reason != "" {
			return nil, reason
		}
	}
	var reason Reason
	if ev.Raw, reason = readBody(w, r); reason != "" {
		return nil, reason
	}
	if len(keys) > 0 && !VerifyWebhook(r.Header.Get(HeaderSignature), ev.Delivery.ID, ev.Delivery.Timestamp, ev.Raw, keys...) {
		return nil, ReasonSignatureWrong
	}
	ev.Command = Command(single(query, "CallbackCommand"))
	if reason = checkCommand(ev.Command, ev.Raw); reason != "" {
		return nil, reason
	}
	ev.Body, ev.BodyErr = Decode(ev.Command, ev.Raw)
	return ev, ""
}

func (rc *Receiver) checkSign(ev *Event, query url.Values, tokens []string) Reason {
	sign, requestTime := single(query, "Sign"), single(query, "RequestTime")
	if sign == "" {
		return ReasonSignMissing
	}
	if requestTime == "" {
		return ReasonRequestTimeMissing
	}
	at, ok := decimal(requestTime)
	if !ok || !Verify(sign, at, tokens...) {
		return ReasonSignWrong
	}
	if !Fresh(at, ev.ReceivedAt, rc.skew()) {
		return ReasonRequestTimeOff
	}
	ev.RequestTime = at
	return ""
}

func (rc *Receiver) skew() time.Duration {
	if rc.MaxSkew == 0 {
		return DefaultMaxSkew
	}
	return rc.MaxSkew
}

// checkWebhook looks at what a webhook-signature needs, before the body is
// read. A header that is given twice is as good as missing.
func (rc *Receiver) checkWebhook(h http.Header, now time.Time) Reason {
	if one(h, HeaderSignature) == "" {
		return ReasonSignatureMissing
	}
	at, ok := decimal(one(h, HeaderTimestamp))
	if one(h, HeaderWebhookID) == "" || !ok {
		return ReasonTimestampMissing
	}
	if !Fresh(at, now, rc.skew()) {
		return ReasonTimestampOff
	}
	return ""
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, Reason) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, ReasonTooLarge
	case err != nil:
		return nil, ReasonUnreadable
	}
	return raw, ""
}

// checkCommand finds out whether raw is an object and names no command but c.
// One that names none is accepted.
func checkCommand(c Command, raw []byte) Reason {
	var body *struct{ CallbackCommand json.RawMessage }
	if json.Unmarshal(raw, &body) != nil || body == nil {
		return ReasonNotJSON
	}
	if c == "" {
		return ReasonCommandMissing
	}
	if body.CallbackCommand == nil {
		return ""
	}
	var named *Command
	if json.Unmarshal(body.CallbackCommand, &named) != nil || named == nil || *named != c {
		return ReasonCommandMismatch
	}
	return ""
}

// handle calls the program's function for ev and returns the answer, or the
// reason and cause of a refusal.
func (rc *Receiver) handle(ctx context.Context, ev *Event) (answer []byte, reason Reason, err error) {
	defer func() {
		switch fault := recover(); {
		case fault == http.ErrAbortHandler:
			panic(fault)
		case fault != nil:
			reason, err = ReasonPanic, fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	if question, ok := ev.Body.(*BeforeSendMsg); ok && rc.OnBeforeSendMsg != nil {
		answer, err = encode(rc.OnBeforeSendMsg(ctx, question).Answer())
		if err != nil {
			return nil, ReasonPanic, fmt.Errorf("encode verdict: %w", err)
		}
		return answer, "", nil
	}
	if rc.OnEvent != nil {
		if err := rc.OnEvent(ctx, ev); err != nil {
			return nil, ReasonStore, err
		}
	}
	return []byte(okBody), "", nil
}

func (rc *Receiver) refuse(w http.ResponseWriter, r *http.Request, query url.Values, reason Reason, err error) {
	if reason == ReasonMethod {
		w.Header().Set("Allow", http.MethodPost)
	}
	body, _ := encode(Answer{ActionStatus: "FAIL", ErrorCode: 1, ErrorInfo: reason.Text()}) // plain text always encodes
	write(w, reason.Status(), body)
	if rc.OnRefused != nil {
		rc.OnRefused(Refused{
			Reason:     reason,
			Status:     reason.Status(),
			RemoteAddr: r.RemoteAddr,
			SdkAppid:   query.Get("SdkAppid"),
			Command:    query.Get("CallbackCommand"),
			Err:        err,
		})
	}
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the sender hung up; it will try again
}

// single returns the value of a parameter that is given once, else "": of two
// values a proxy in front might have judged the other one.
func single(query url.Values, name string) string {
	if values := query[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// one is single for a header.
func one(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// decimal reads an integer in its one canonical form.
func decimal(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}
