package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sig = "eJyrVg*-___"

// client returns a client of a server that answers with handler.
func client(t *testing.T, handler http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &api.Client{
		BaseURL:    server.URL,
		SDKAppID:   1400000000,
		Identifier: "administrator",
		UserSig:    func(string) (string, error) { return sig, nil },
		HTTP:       server.Client(),
	}
}

func answering(t *testing.T, text string) *api.Client {
	return client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func send(ctx context.Context, c *api.Client) (api.SendGroupMsgResponse, error) {
	return c.SendGroupMsg(ctx, api.SendGroupMsgRequest{GroupId: "g", Random: new(uint32(5)), MsgBody: []api.Element{api.Text("a")}})
}

func TestSendTravelsAsDocumented(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s with %q", r.Method, r.Header.Get("Content-Type"))
		}
		want := regexp.MustCompile(`^/v4/group_open_http_svc/send_group_msg\?sdkappid=1400000000&identifier=administrator&usersig=eJyrVg\*-___&random=[0-9]{1,10}&contenttype=json$`)
		if !want.MatchString(r.RequestURI) {
			t.Errorf("called %s", r.RequestURI)
		}
		if got := string(body); got != `{"GroupId":"g","Random":5,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}` {
			t.Errorf("sent %s", got)
		}
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1700000000,"MsgSeq":7}`)
	})
	c.BaseURL += "/"
	got, err := send(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := api.SendGroupMsgResponse{Answer: api.NewAnswer(api.CodeOK, ""), MsgTime: 1700000000, MsgSeq: 7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestIdentifierAndUserSigCannotBreakTheURL(t *testing.T) {
	t.Parallel()
	const odd = "a b&random=1#é"
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("identifier") != odd || query.Get("usersig") != odd || len(query) != 5 {
			t.Errorf("query %v", query)
		}
		_, _ = io.WriteString(w, `{}`)
	})
	c.Identifier = odd
	c.UserSig = func(userID string) (string, error) { return userID, nil }
	if _, err := send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// Each method is called with a zero request. Its name tells the command it has to
// call, and the response has to hold what the server answers.
func TestEveryCommandHasAMethod(t *testing.T) {
	t.Parallel()
	var called []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		called = append(called, strings.TrimPrefix(r.URL.Path, "/v4/"))
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorInfo":"read","ErrorCode":0}`)
	})
	value := reflect.ValueOf(c)
	for i := range value.NumMethod() {
		name := value.Type().Method(i).Name
		method := value.Method(i)
		if method.Type().NumIn() != 2 || !strings.HasSuffix(method.Type().In(1).Name(), "Request") || name == "Events" || name == "Explain" {
			continue // no command
		}
		results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.Zero(method.Type().In(1))})
		if err := results[1].Interface(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info := results[0].FieldByName("ErrorInfo").String(); info != "read" {
			t.Errorf("%s: answer was not read", name)
		}
		path := called[len(called)-1]
		squeezed := strings.ToLower(name)
		command := strings.ReplaceAll(path[strings.Index(path, "/")+1:], "_", "")
		if service, ok := strings.CutPrefix(path, "openim_dirty_words/"); ok {
			command = service + "dirtywords"
		}
		if squeezed != command {
			t.Errorf("%s calls %s", name, path)
		}
	}
	known := map[string]bool{}
	for _, command := range api.Commands() {
		known[command] = true
	}
	for _, path := range called {
		if !known[path] {
			t.Errorf("%s is called and not listed, or twice", path)
		}
		delete(known, path)
	}
	if len(known) > 0 {
		t.Errorf("commands without a method: %v", known)
	}
}

func TestFailedAnswerIsAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer  string
		headers map[string]string
		want    api.Error
	}{
		"refused": {
			`{"ActionStatus":"FAIL","ErrorCode":10023,"ErrorInfo":"msg count exceeds limit,please retry later"}`,
			map[string]string{"Retry-After": "2", "Parley-Event-Id": "e1"},
			api.Error{Code: api.CodeSendTooOften, Info: "msg count exceeds limit,please retry later", RetryAfter: 2 * time.Second, EventID: "e1"},
		},
		"code without status": {`{"ErrorCode":130004,"ErrorInfo":"x"}`, nil, api.Error{Code: api.CodeMuteSetMissing, Info: "x"}},
		"code beside OK":      {`{"ActionStatus":"OK","ErrorCode":10010,"ErrorInfo":"x"}`, nil, api.Error{Code: api.CodeGroupNotFound, Info: "x"}},
		"status without code": {`{"ActionStatus":"FAIL","ErrorInfo":"x"}`, nil, api.Error{Info: "x"}},
		"code without a name": {`{"ActionStatus":"FAIL","ErrorCode":424242,"ErrorInfo":"x"}`, nil, api.Error{Code: 424242, Info: "x"}},
		"rest of another form": {
			`{"ActionStatus":"FAIL","ErrorCode":10010,"ErrorInfo":"x","MsgSeq":"none"}`, nil,
			api.Error{Code: api.CodeGroupNotFound, Info: "x"},
		},
		"hint that is past":      {`{"ErrorCode":60007}`, map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:05 GMT"}, api.Error{Code: api.CodeTooManyCalls}},
		"hint that is negative":  {`{"ErrorCode":60007}`, map[string]string{"Retry-After": "-5"}, api.Error{Code: api.CodeTooManyCalls}},
		"hint that is too large": {`{"ErrorCode":60007}`, map[string]string{"Retry-After": "99999999999999"}, api.Error{Code: api.CodeTooManyCalls}},
		"hint that is no number": {`{"ErrorCode":60007}`, map[string]string{"Retry-After": "soon"}, api.Error{Code: api.CodeTooManyCalls}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range test.headers {
					w.Header().Set(name, value)
				}
				_, _ = io.WriteString(w, test.answer)
			})
			_, err := send(t.Context(), c)
			got, ok := errors.AsType[*api.Error](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			test.want.Command = api.CommandSendGroupMsg
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if code, ok := api.CodeOf(fmt.Errorf("wrapped: %w", err)); !ok || code != test.want.Code {
				t.Errorf("CodeOf: %d, %t", code, ok)
			}
		})
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := send(t.Context(), c)
	fault, ok := errors.AsType[*api.StatusError](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	if fault.RetryAfter < 50*time.Minute || fault.RetryAfter > time.Hour {
		t.Errorf("hint %s", fault.RetryAfter)
	}
}

func TestErrorSaysWhatHappened(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"group_open_http_svc/send_group_msg: 10017 muted: sender is muted": &api.Error{
			Command: api.CommandSendGroupMsg, Code: api.CodeMuted, Info: "sender is muted"},
		"group_open_http_svc/send_group_msg: HTTP status 503 Service Unavailable": &api.StatusError{
			Command: api.CommandSendGroupMsg, Status: 503},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCodeOfIsForAnswersAlone(t *testing.T) {
	t.Parallel()
	if code, ok := api.CodeOf(nil); code != api.CodeOK || !ok {
		t.Errorf("no error: %d, %t", code, ok)
	}
	if _, ok := api.CodeOf(&api.StatusError{Status: 503}); ok {
		t.Error("a status passed for an answer")
	}
}

func TestStatusOtherThan200IsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNoContent, http.StatusNotFound, http.StatusBadGateway, http.StatusServiceUnavailable} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0}`)
			}
		})
		_, err := send(t.Context(), c)
		got, ok := errors.AsType[*api.StatusError](err)
		if !ok {
			t.Fatalf("%d: error %v", status, err)
		}
		want := api.StatusError{Command: api.CommandSendGroupMsg, Status: status, RetryAfter: 3 * time.Second}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}

func TestUnreadableAnswerIsAFault(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"empty":      "",
		"not JSON":   "<html>",
		"null":       "null",
		"array":      "[]",
		"cut short":  `{"ActionStatus":"OK"`,
		"wrong type": `{"ActionStatus":"OK","ErrorCode":0,"MsgSeq":"7"}`,
		"text code":  `{"ActionStatus":"FAIL","ErrorCode":"10010"}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := send(t.Context(), answering(t, text))
			if err == nil {
				t.Fatal("passed for an answer")
			}
			if _, ok := api.CodeOf(err); ok {
				t.Fatalf("passed for a failed answer: %v", err)
			}
		})
	}
}

func TestAnswerIsReadUpToALimit(t *testing.T) {
	t.Parallel()
	const limit = 8 << 20
	for length, want := range map[int]error{limit: nil, limit + 1: api.ErrAnswerTooLarge} {
		text := `{"ErrorCode":0}`
		_, err := send(t.Context(), answering(t, text+strings.Repeat(" ", length-len(text))))
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", length, err, want)
		}
	}
}

func TestUserSigStaysOutOfErrors(t *testing.T) {
	t.Parallel()
	c := answering(t, `{}`)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := send(cancelled, c)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	faults := []error{err}
	for _, base := range []string{"http://127.0.0.1:0", "http://[::1", "ftp://x", "http://x\n"} {
		_, err := send(t.Context(), &api.Client{BaseURL: base, UserSig: c.UserSig, HTTP: c.HTTP})
		if err == nil {
			t.Fatalf("%q was reached", base)
		}
		faults = append(faults, err)
	}
	for _, err := range faults {
		if strings.Contains(err.Error(), "eJyrVg") {
			t.Errorf("%v", err)
		}
		if !strings.HasPrefix(err.Error(), api.CommandSendGroupMsg+": ") {
			t.Errorf("%v does not name the command", err)
		}
	}
}

func TestFaultsOfTheCallerAreReturned(t *testing.T) {
	t.Parallel()
	c := client(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was called") })
	broken := errors.New("no key")
	c.UserSig = func(string) (string, error) { return "", broken }
	if _, err := send(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	c.UserSig = nil
	if _, err := send(t.Context(), c); err == nil {
		t.Error("a client without a UserSig called")
	}
	c.UserSig = func(string) (string, error) { return sig, nil }
	request := api.SendGroupMsgRequest{OfflinePushInfo: json.RawMessage("{")}
	if _, err := c.SendGroupMsg(t.Context(), request); err == nil {
		t.Error("a request that is not JSON was sent")
	}
}

func TestUnlistedCommandCanBeCalled(t *testing.T) {
	t.Parallel()
	c := answering(t, `{"ActionStatus":"OK","ErrorCode":0,"OnlineMemberNum":3}`)
	var response struct {
		api.Answer
		OnlineMemberNum int
	}
	err := c.Call(t.Context(), "group_open_http_svc/get_online_member_num", map[string]string{"GroupId": "g"}, &response)
	if err != nil || response.OnlineMemberNum != 3 {
		t.Fatalf("%+v, %v", response, err)
	}
}
