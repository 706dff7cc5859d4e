package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/parley-im/parley/callback"
)

// Whatever is sent, the answer is one of the contract's, and an event is
// handed over, with its bytes unchanged, exactly when the answer is 200.
func FuzzReceiver(f *testing.F) {
	f.Add("POST", "SdkAppid=1&CallbackCommand=Group.CallbackSendMsgException", []byte(seedBody))
	f.Add("POST", "SdkAppid=2&CallbackCommand=Group.CallbackSendMsgException&RequestTime=1700000000&Sign="+callback.Sign("secret", 1700000000), []byte(seedBody))
	f.Add("GET", "", []byte{})
	f.Fuzz(func(t *testing.T, method, query string, body []byte) {
		var handed *callback.Event
		refusals := 0
		rc := &callback.Receiver{
			Apps: map[int64][]string{1: nil, 2: {"secret"}}, Now: noon,
			OnEvent:   func(_ context.Context, ev *callback.Event) error { handed = ev; return nil },
			OnRefused: func(callback.Refused) { refusals++ },
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{},
			Body: http.NoBody, ContentLength: int64(len(body))}
		if len(body) > 0 {
			r = httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.Method, r.URL.RawQuery = method, query
		}
		w := httptest.NewRecorder()
		rc.ServeHTTP(w, r)
		var answer callback.Answer
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("answer %q: %v", w.Body, err)
		}
		switch w.Code {
		case 200:
			if handed == nil || refusals != 0 || w.Body.String() != good || !bytes.Equal(handed.Raw, body) || method != "POST" {
				t.Fatalf("answered 200 %s, event %+v", w.Body, handed)
			}
			if _, typed := handed.Body.(*callback.SendMsgException); typed != (handed.Command == callback.CmdGroupSendMsgException) {
				t.Fatalf("%s came as %T", handed.Command, handed.Body)
			}
		case 400, 401, 403, 405, 413:
			if handed != nil || refusals != 1 || answer.ActionStatus != "FAIL" || answer.ErrorCode != 1 || answer.ErrorInfo == "" {
				t.Fatalf("answered %d %s, event %+v", w.Code, w.Body, handed)
			}
		default:
			t.Fatalf("answered %d", w.Code)
		}
	})
}

// The page that documents the callback prints its sample with comments and
// without a comma. Made valid it is accepted, as printed it is no JSON.
func TestPrintedSampleOfTheDocument(t *testing.T) {
	t.Parallel()
	const printed = `{
"CallbackCommand": "Group.CallbackSendMsgException", // Callback command
"GroupId": "@TGS#2J4SZEAEL", // Group ID
"ErrorInfo": "msg count exceeds limit,please retry later" // Message exception details
"EventTime":"1670574414123"// Event trigger timestamp in milliseconds
}`
	rc := &callback.Receiver{Apps: map[int64][]string{appid: nil}}
	if got := receive(rc, "POST", unsigned, bytes.NewReader([]byte(printed))); got.Code != 400 {
		t.Errorf("as printed: answered %d %s", got.Code, got.Body)
	}
	if got := receive(rc, "POST", unsigned, bytes.NewReader([]byte(seedBody))); got.Code != 200 {
		t.Errorf("made valid: answered %d %s", got.Code, got.Body)
	}
}
