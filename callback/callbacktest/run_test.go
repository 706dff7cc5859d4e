package callbacktest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/callback/callbacktest"
)

var noon = func() time.Time { return time.Unix(1700000000, 0) }

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	private = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
)

func keys(t *testing.T, texts ...string) (list []callback.WebhookKey) {
	for _, text := range texts {
		k, err := callback.ParseWebhookKey(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

// A receiver that takes anything in a header for a signature fails the samples
// that no other check refuses.
func TestReceiverThatDoesNotVerifyFailsTheSamplesOfKeys(t *testing.T) {
	t.Parallel()
	c := callbacktest.Config{SdkAppid: 1400000001, Keys: keys(t, secret), Now: noon}
	careless := &callback.Receiver{Apps: map[int64][]string{c.SdkAppid: nil}}
	found := 0
	for _, s := range callbacktest.Samples(c) {
		if s.Check(callbacktest.Send(t, careless, s)) != nil {
			found++
		}
	}
	if found != 10 {
		t.Errorf("%d samples noticed it", found)
	}
}

func TestReceiverPassesEverySample(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]callbacktest.Config{
		"signed":       {SdkAppid: 1400000001, Token: "secret", Now: noon},
		"unsigned":     {SdkAppid: 1400000001, Now: noon},
		"real clock":   {SdkAppid: 1400000001, Token: "secret"},
		"token with &": {SdkAppid: 7, Token: "a&b=c #%", Now: noon},
		"a key":        {SdkAppid: 1400000001, Keys: keys(t, secret), Now: noon},
		"token, keys":  {SdkAppid: 1400000001, Token: "secret", Keys: keys(t, private, secret)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := &callback.Receiver{Apps: map[int64][]string{c.SdkAppid: nil},
				Keys: map[int64][]callback.WebhookKey{c.SdkAppid: c.Keys}, Now: c.Now}
			if c.Token != "" {
				receiver.Apps[c.SdkAppid] = []string{c.Token}
			}
			callbacktest.Run(t, receiver, c)
		})
	}
}

// What is commonly wrong with receivers, and that the samples notice it.
func TestFaultyReceiversAreNoticed(t *testing.T) {
	t.Parallel()
	c := callbacktest.Config{SdkAppid: 1400000001, Token: "secret", Now: noon}
	ok := func(w http.ResponseWriter) { fmt.Fprint(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`) }
	for name, h := range map[string]http.HandlerFunc{
		"accepts everything":   func(w http.ResponseWriter, _ *http.Request) { ok(w) },
		"answers no JSON":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") },
		"answers null":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "null") },
		"refuses everything":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"leaves out ErrorInfo": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ActionStatus":"OK","ErrorCode":0}`) },
		"objects to good events": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`)
		},
		"405 without Allow": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, s := range callbacktest.Samples(c) {
				if s.Name != "failed message" && s.Name != "method GET" {
					continue
				}
				if s.Check(callbacktest.Send(t, h, s)) != nil {
					found++
				}
			}
			if found == 0 {
				t.Error("no sample noticed it")
			}
		})
	}
}

func TestQuestionMayBeRefused(t *testing.T) {
	t.Parallel()
	c := callbacktest.Config{SdkAppid: 1400000001}
	refuse := &callback.Receiver{
		Apps:            map[int64][]string{c.SdkAppid: nil},
		OnBeforeSendMsg: refuseWithCustomCode,
	}
	callbacktest.Run(t, refuse, c)
}

func TestSampleNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range callbacktest.Samples(callbacktest.Config{SdkAppid: 1, Token: "t", Keys: keys(t, secret)}) {
		if seen[s.Name] {
			t.Errorf("two samples are named %q", s.Name)
		}
		seen[s.Name] = true
	}
	for _, s := range callbacktest.Samples(callbacktest.Config{SdkAppid: 1}) {
		if strings.Contains(s.Query, "Sign=") || s.Status == http.StatusUnauthorized {
			t.Errorf("sample %q speaks of signatures without a token", s.Name)
		}
	}
}

func TestQueryOfTheTargetIsKept(t *testing.T) {
	t.Parallel()
	queries := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { queries <- r.URL.RawQuery }))
	defer server.Close()
	s := callbacktest.Sample{Query: "SdkAppid=1"}
	if _, err := s.Send(t.Context(), server.Client(), server.URL+"?key=a"); err != nil {
		t.Fatal(err)
	}
	if got := <-queries; got != "key=a&SdkAppid=1" {
		t.Errorf("query %q", got)
	}
}

func refuseWithCustomCode(context.Context, *callback.BeforeSendMsg) callback.Verdict {
	return callback.RefuseWith(10150, "not in this group")
}
