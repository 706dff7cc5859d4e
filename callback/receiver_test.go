package callback_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
)

const (
	appid    = 1400000001
	good     = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`
	unsigned = "/callback?SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException&contenttype=json&ClientIP=203.0.113.9&OptPlatform=IOS"
	stamped  = unsigned + "&RequestTime=1700000000"
)

func noon() time.Time { return time.Unix(1700000000, 0) }

func signed(token string) string { return stamped + "&Sign=" + callback.Sign(token, 1700000000) }

func receive(h http.Handler, method, target string, body io.Reader) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, target, body), httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Every way to be refused, and the body of the refusal to the byte.
func TestRefusals(t *testing.T) {
	t.Parallel()
	sign := callback.Sign("secret", 1700000000)
	huge := strings.Repeat(" ", callback.MaxBody+1)
	otherApp := strings.Replace(signed("secret"), "1400000001", "1400000002", 1)
	for name, c := range map[string]struct {
		method, target, body string
		want                 callback.Reason
		status               int
		text                 string
	}{
		"GET":                            {"GET", signed("secret"), "", callback.ReasonMethod, 405, "wrong method"},
		"wrong app":                      {"POST", otherApp, seedBody, callback.ReasonSdkAppid, 403, "wrong SdkAppid"},
		"app given twice":                {"POST", signed("secret") + "&SdkAppid=1400000001", seedBody, callback.ReasonSdkAppid, 403, "wrong SdkAppid"},
		"app with a leading zero":        {"POST", strings.Replace(signed("secret"), "=14", "=014", 1), seedBody, callback.ReasonSdkAppid, 403, "wrong SdkAppid"},
		"app in another case":            {"POST", strings.Replace(signed("secret"), "SdkAppid", "sdkappid", 1), seedBody, callback.ReasonSdkAppid, 403, "wrong SdkAppid"},
		"no app":                         {"POST", "/?CallbackCommand=x", seedBody, callback.ReasonSdkAppid, 403, "wrong SdkAppid"},
		"no Sign":                        {"POST", stamped, seedBody, callback.ReasonSignMissing, 401, "missing Sign"},
		"Sign given twice":               {"POST", signed("secret") + "&Sign=" + sign, seedBody, callback.ReasonSignMissing, 401, "missing Sign"},
		"no RequestTime":                 {"POST", unsigned + "&Sign=" + sign, seedBody, callback.ReasonRequestTimeMissing, 401, "missing RequestTime"},
		"wrong token":                    {"POST", signed("other"), seedBody, callback.ReasonSignWrong, 401, "wrong Sign"},
		"Sign in upper case":             {"POST", stamped + "&Sign=" + strings.ToUpper(sign), seedBody, callback.ReasonSignWrong, 401, "wrong Sign"},
		"RequestTime is no number":       {"POST", unsigned + "&RequestTime=noon&Sign=" + sign, seedBody, callback.ReasonSignWrong, 401, "wrong Sign"},
		"too old":                        {"POST", unsigned + "&RequestTime=1699999939&Sign=" + callback.Sign("secret", 1699999939), seedBody, callback.ReasonRequestTimeOff, 401, "RequestTime too far off"},
		"too early":                      {"POST", unsigned + "&RequestTime=1700000061&Sign=" + callback.Sign("secret", 1700000061), seedBody, callback.ReasonRequestTimeOff, 401, "RequestTime too far off"},
		"too large":                      {"POST", signed("secret"), huge, callback.ReasonTooLarge, 413, "body over 1 MB"},
		"too large comes before the app": {"POST", otherApp, huge, callback.ReasonTooLarge, 413, "body over 1 MB"},
		"wrong Sign comes before JSON":   {"POST", signed("other"), "{", callback.ReasonSignWrong, 401, "wrong Sign"},
		"no JSON":                        {"POST", signed("secret"), "{", callback.ReasonNotJSON, 400, "body is not a JSON object"},
		"no object":                      {"POST", signed("secret"), `"text"`, callback.ReasonNotJSON, 400, "body is not a JSON object"},
		"null":                           {"POST", signed("secret"), `null`, callback.ReasonNotJSON, 400, "body is not a JSON object"},
		"byte order mark":                {"POST", signed("secret"), "\ufeff" + seedBody, callback.ReasonNotJSON, 400, "body is not a JSON object"},
		"no command in the URL":          {"POST", strings.Replace(signed("secret"), "CallbackCommand", "Command", 1), seedBody, callback.ReasonCommandMissing, 400, "no CallbackCommand in the URL"},
		"another command in the body":    {"POST", signed("secret"), `{"CallbackCommand":"Group.CallbackAfterSendMsg"}`, callback.ReasonCommandMismatch, 400, "CallbackCommand in body and URL differ"},
		"command null in the body":       {"POST", signed("secret"), `{"CallbackCommand":null}`, callback.ReasonCommandMismatch, 400, "CallbackCommand in body and URL differ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused []callback.Refused
			rc := &callback.Receiver{
				Apps: map[int64][]string{appid: {"secret"}}, Now: noon,
				OnEvent:   func(context.Context, *callback.Event) error { t.Error("the event was handed over"); return nil },
				OnRefused: func(r callback.Refused) { refused = append(refused, r) },
			}
			got := receive(rc, c.method, c.target, strings.NewReader(c.body))
			if want := `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"` + c.text + `"}`; got.Code != c.status || got.Body.String() != want {
				t.Errorf("answered %d %s, want %d %s", got.Code, got.Body, c.status, want)
			}
			if got.Header().Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type %q", got.Header().Get("Content-Type"))
			}
			if c.status == 405 && got.Header().Get("Allow") != "POST" {
				t.Error("no Allow header")
			}
			if len(refused) != 1 || refused[0].Reason != c.want || refused[0].Status != c.status || refused[0].RemoteAddr == "" {
				t.Errorf("told %+v", refused)
			}
		})
	}
}

func TestReasonsAreComplete(t *testing.T) {
	t.Parallel()
	for _, r := range callback.Reasons() {
		if r.Status() < 400 || r.Text() == "" || r.Text() == string(r) {
			t.Errorf("%s: status %d, text %q", r, r.Status(), r.Text())
		}
	}
	if none := callback.Reason("none"); none.Status() != 0 || none.Text() != "none" {
		t.Error("an unknown reason has a meaning")
	}
}

func TestEventHoldsAllThatArrived(t *testing.T) {
	t.Parallel()
	var got *callback.Event
	rc := &callback.Receiver{
		Apps: map[int64][]string{appid: {"old", "secret"}}, Now: noon,
		OnEvent: func(_ context.Context, ev *callback.Event) error { got = ev; return nil },
	}
	r := httptest.NewRequest("POST", signed("secret"), strings.NewReader(seedBody))
	want := &callback.Event{
		Command: callback.CmdGroupSendMsgException, SdkAppid: appid, ClientIP: "203.0.113.9", OptPlatform: "IOS",
		RequestTime: 1700000000, ReceivedAt: noon(), Body: seed, Raw: []byte(seedBody),
		Delivery: callback.Delivery{Present: true, ID: "evt_1", Sequence: 1<<64 - 1, Epoch: "e", Previous: 6, Settled: 5,
			Attempt: 3, Replay: true, Count: 41, Truncated: 900},
	}
	want.Delivery.SetHeaders(r.Header)
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != good || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDeliveryWithoutHeadersIsOneAttempt(t *testing.T) {
	t.Parallel()
	want := callback.Delivery{Attempt: 1, Count: 1}
	for name, h := range map[string]http.Header{
		"none":    {},
		"rubbish": {"Parley-Sequence": {"-1"}, "Parley-Attempt": {"x"}, "Parley-Count": {"0"}, "Parley-Truncated": {"-5"}, "Parley-Replay": {"yes"}},
	} {
		if diff := cmp.Diff(want, callback.ReadDelivery(h)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	h := http.Header{}
	callback.Delivery{}.SetHeaders(h)
	if len(h) != 0 {
		t.Errorf("an empty delivery sets %v", h)
	}
}

func TestAppWithoutTokenDemandsNoSignature(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil, 7: {""}}, Now: noon}
	if got := receive(rc, "POST", unsigned, strings.NewReader(seedBody)); got.Code != 200 {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
	// A forgotten token must not open the door.
	if got := receive(rc, "POST", strings.Replace(signed(""), "1400000001", "7", 1), strings.NewReader(seedBody)); got.Code != 401 {
		t.Errorf("signed with the empty token: answered %d %s", got.Code, got.Body)
	}
}

func TestMaxSkewCanBeSet(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: {"secret"}}, MaxSkew: 5 * time.Second,
		Now: func() time.Time { return noon().Add(6 * time.Second) }}
	if got := receive(rc, "POST", signed("secret"), strings.NewReader(seedBody)); got.Code != 401 {
		t.Errorf("answered %d", got.Code)
	}
	rc.MaxSkew = 10 * time.Second
	if got := receive(rc, "POST", signed("secret"), strings.NewReader(seedBody)); got.Code != 200 {
		t.Errorf("answered %d", got.Code)
	}
}

func TestUnknownCommandIsHandedOverRaw(t *testing.T) {
	t.Parallel()
	var got *callback.Event
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, OnEvent: func(_ context.Context, ev *callback.Event) error { got = ev; return nil }}
	body := `{"CallbackCommand":"Group.CallbackOfTomorrow","x":[1,{"y":null}]}`
	w := receive(rc, "POST", "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackOfTomorrow", strings.NewReader(body))
	if w.Code != 200 || w.Body.String() != good || got == nil || got.Body != nil || got.BodyErr != nil || string(got.Raw) != body {
		t.Errorf("answered %d %s, event %+v", w.Code, w.Body, got)
	}
}

func TestFunctionThatFailsAnswers503(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for name, c := range map[string]struct {
		onEvent func(context.Context, *callback.Event) error
		reason  callback.Reason
		check   func(error) bool
	}{
		"error": {func(context.Context, *callback.Event) error { return full }, callback.ReasonStore,
			func(err error) bool { return errors.Is(err, full) }},
		"panic": {func(context.Context, *callback.Event) error { panic("no map") }, callback.ReasonPanic,
			func(err error) bool { return err != nil && strings.Contains(err.Error(), "no map") }},
		"nil dereference": {func(context.Context, *callback.Event) error { var ev *callback.Event; _ = ev.Raw[0]; return nil }, callback.ReasonPanic,
			func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused callback.Refused
			rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, OnEvent: c.onEvent, OnRefused: func(r callback.Refused) { refused = r }}
			got := receive(rc, "POST", unsigned, strings.NewReader(seedBody))
			if got.Code != 503 || !strings.Contains(got.Body.String(), `"ActionStatus":"FAIL","ErrorCode":1`) {
				t.Errorf("answered %d %s", got.Code, got.Body)
			}
			if strings.Contains(got.Body.String(), "disk full") || strings.Contains(got.Body.String(), "no map") {
				t.Errorf("the cause is told to the sender: %s", got.Body)
			}
			if refused.Reason != c.reason || !c.check(refused.Err) || refused.Command != "Group.CallbackSendMsgException" || refused.SdkAppid != "1400000001" {
				t.Errorf("told %+v", refused)
			}
		})
	}
}

func TestAbortedHandlerEndsTheConnection(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v", got)
		}
	}()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}, OnEvent: func(context.Context, *callback.Event) error { panic(http.ErrAbortHandler) }}
	receive(rc, "POST", unsigned, strings.NewReader(seedBody))
	t.Error("the panic was swallowed")
}

func TestBodyThatBreaksOffIsUnreadable(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}}
	got := receive(rc, "POST", unsigned, io.MultiReader(strings.NewReader(`{`), brokenReader{}))
	if got.Code != 400 || !strings.Contains(got.Body.String(), "not readable") {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyOfExactlyTheLimitIsAccepted(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}}
	body := seedBody + strings.Repeat(" ", callback.MaxBody-len(seedBody))
	if got := receive(rc, "POST", unsigned, strings.NewReader(body)); got.Code != 200 {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
}

func TestBeforeSendMsgIsAnswered(t *testing.T) {
	t.Parallel()
	const target = "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg"
	const body = `{"CallbackCommand":"Group.CallbackBeforeSendMsg","From_Account":"carol"}`
	for name, c := range map[string]struct {
		verdict callback.Verdict
		want    string
	}{
		"the zero value allows": {callback.Verdict{}, good},
		"allow":                 {callback.Allow(), good},
		"refuse":                {callback.Refuse(), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}`},
		"drop":                  {callback.Drop(), `{"ActionStatus":"OK","ErrorCode":2,"ErrorInfo":""}`},
		"lowest custom code":    {callback.RefuseWith(10100, "no <b>"), `{"ActionStatus":"OK","ErrorCode":10100,"ErrorInfo":"no <b>"}`},
		"highest custom code":   {callback.RefuseWith(10200, "no"), `{"ActionStatus":"OK","ErrorCode":10200,"ErrorInfo":"no"}`},
		"code below the range":  {callback.RefuseWith(10099, "no"), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		"code 0 never allows":   {callback.RefuseWith(0, "no"), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		"code above the range":  {callback.RefuseWith(10201, "no"), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		"rewrite": {callback.Rewrite([]callback.Element{callback.TextElement("h*")}, "c"),
			`{"ActionStatus":"OK","CloudCustomData":"c","ErrorCode":0,"ErrorInfo":"","MsgBody":[{"MsgContent":{"Text":"h*"},"MsgType":"TIMTextElem"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rc := &callback.Receiver{
				Apps:    map[int64][]string{appid: nil},
				OnEvent: func(context.Context, *callback.Event) error { t.Error("also told as an event"); return nil },
				OnBeforeSendMsg: func(_ context.Context, q *callback.BeforeSendMsg) callback.Verdict {
					if q.FromAccount != "carol" {
						t.Errorf("asked about %q", q.FromAccount)
					}
					return c.verdict
				},
			}
			if got := receive(rc, "POST", target, strings.NewReader(body)); got.Code != 200 || got.Body.String() != c.want {
				t.Errorf("answered %d %s, want %s", got.Code, got.Body, c.want)
			}
		})
	}
}

func TestVerdictThatCannotBeWrittenAnswers503(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil},
		OnBeforeSendMsg: func(context.Context, *callback.BeforeSendMsg) callback.Verdict {
			return callback.Rewrite([]callback.Element{{MsgType: "TIMTextElem", MsgContent: json.RawMessage("{")}}, "")
		}}
	got := receive(rc, "POST", "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg", strings.NewReader(`{}`))
	if got.Code != 503 {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
}

func TestQuestionWithoutAnAnswererIsAllowed(t *testing.T) {
	t.Parallel()
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}}
	for _, c := range callback.Commands() {
		if !c.Question() {
			continue
		}
		got := receive(rc, "POST", "/?SdkAppid=1400000001&CallbackCommand="+string(c), strings.NewReader(`{}`))
		if got.Code != 200 || got.Body.String() != good {
			t.Errorf("%s: answered %d %s", c, got.Code, got.Body)
		}
	}
}
