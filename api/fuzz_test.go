package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzAnswer holds that whatever a server answers, a call succeeds only if it
// was told so by a JSON object, and that what was read can be written.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupInfo":[{"GroupId":"g","ErrorCode":10010}]}`)
	f.Add(`{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"HTTP parse Error"}`)
	f.Add(`{"actionstatus":"FAIL"}`)
	f.Add(`{"GroupInfo":[{"MemberList":[{"MuteUntil":4294967295}],"AppDefinedData":[{"Key":"k","Value":"v"}]}]}`)
	f.Add(`{"ErrorCode":9223372036854775808}`)
	f.Add(`{"":1E700}`)
	f.Add(`null`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, text string) {
		c := &api.Client{
			UserSig: func(string) (string, error) { return sig, nil },
			HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text))}, nil
			})},
			BaseURL: "http://localhost",
		}
		response, err := c.GetGroupInfo(t.Context(), api.GetGroupInfoRequest{})
		if err != nil {
			return
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
			t.Fatalf("%q passed for an answer", text)
		}
		if response.Failed() {
			t.Fatalf("%q passed for a success", text)
		}
		if _, err := json.Marshal(response); err != nil {
			t.Fatal(err)
		}
	})
}
