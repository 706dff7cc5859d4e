package delivery_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/rest"
	"github.com/parley-im/parley/usersig"
)

// Each send that was passed or refused without the app's answer says so, and
// no other does.
func TestASendSaysThatTheBeforeSendQuestionWasNotAnswered(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name   string
		policy chat.Policy
		answer http.HandlerFunc
		more   string // fields of the send
		code   string // part of the answer
		header []string
	}{
		{"passed: no answer", chat.Deliver, silent, "", `"ErrorCode":0`, []string{api.BeforeSendUnanswered}},
		{"refused: no answer", chat.Refuse, silent, "", `"ErrorCode":80003`, []string{api.BeforeSendUnanswered}},
		{"passed: an error", chat.Deliver, says(500, ""), "", `"ErrorCode":0`, []string{api.BeforeSendUnanswered}},
		{"refused: nonsense", chat.Refuse, says(200, "nonsense"), "", `"ErrorCode":80003`, []string{api.BeforeSendUnanswered}},
		{"allowed", chat.Refuse, says(200, `{"ErrorCode":0}`), "", `"ErrorCode":0`, nil},
		{"refused by the app", chat.Deliver, says(200, `{"ErrorCode":1}`), "", `"ErrorCode":10016`, nil},
		{"dropped by the app", chat.Deliver, says(200, `{"ErrorCode":2}`), "", `"ErrorCode":0`, nil},
		{"not asked at the sender's wish", chat.Refuse, silent, `,"ForbidCallbackControl":["ForbidBeforeSendMsgCallback"]`, `"ErrorCode":0`, nil},
		{"refused before the question", chat.Refuse, silent, `,"MsgPriority":7`, `"ErrorCode":10004`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r := s.receiver()
			r.answers(c.answer)
			s.start()
			s.app(appA, r.URL, func(a *chat.App, e *chat.Endpoint) {
				a.Settings.BeforeSendFailure = c.policy
				e.Commands = []string{chat.CommandBeforeSendMsg}
			})
			if err := s.backend.Change(t.Context(), appA, func(r chat.Records) error {
				if err := r.PutAccount(chat.Account{User: "jared"}); err != nil {
					return err
				}
				_, err := r.CreateGroup(chat.Group{ID: "g", Type: chat.Public, Name: "g", NextMsgSeq: 1})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			door := httptest.NewServer(rest.New(rest.Config{
				Backend: s.backend, Operator: appA, Logger: slog.New(slog.DiscardHandler),
			}))
			defer door.Close()
			sig, err := usersig.Sign(usersig.Claims{SDKAppID: int64(appA), UserID: "administrator", IssuedAt: time.Now().Unix(), Expire: 1000}, "key")
			if err != nil {
				t.Fatal(err)
			}
			query := url.Values{"sdkappid": {appA.String()}, "identifier": {"administrator"}, "usersig": {sig}, "random": {"1"}, "contenttype": {"json"}}
			began := time.Now()
			res, err := door.Client().Post(door.URL+"/v4/group_open_http_svc/send_group_msg?"+query.Encode(), "application/json", strings.NewReader(
				fmt.Sprintf(`{"GroupId":"g","From_Account":"jared","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]%s}`, c.more)))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.code) {
				t.Errorf("answered %s, want %s", text, c.code)
			}
			if got := res.Header.Values(api.HeaderBeforeSend); fmt.Sprint(got) != fmt.Sprint(c.header) {
				t.Errorf("%s: %q, want %q", api.HeaderBeforeSend, got, c.header)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestAQuestionIsSignedLikeACallbackAndCarriesNoEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL+"/im", func(_ *chat.App, e *chat.Endpoint) {
		e.Token, e.Commands = "token", []string{chat.CommandBeforeSendMsg}
	})
	endpoint := s.backend.Endpoint(appA, chat.PrimaryEndpoint)
	app, _ := s.backend.App(appA)
	v := s.asker.Ask(t.Context(), &chat.Question{App: app, Endpoint: endpoint, Group: &chat.Group{ID: "g", Type: chat.Public},
		Send: &chat.Send{App: appA, From: "jared", Caller: "jared", Group: "g", Platform: "iOS", ClientIP: "2001:db8::7", Content: chat.Content{Body: []byte(`[]`)}}})
	if v.Answer != chat.AnswerAllow {
		t.Fatalf("%+v", v)
	}
	c := r.callbacks()[0]
	if want := "/im?SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg&contenttype=json&ClientIP=2001%3Adb8%3A%3A7&OptPlatform=iOS&Sign="; !strings.HasPrefix(c.uri, want) {
		t.Errorf("asked as %s", c.uri)
	}
	for name := range c.header {
		if strings.HasPrefix(name, "Parley-") || name == "Webhook-Id" {
			t.Errorf("header %s", name)
		}
	}
}
