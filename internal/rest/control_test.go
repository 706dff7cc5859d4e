package rest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/rest"
)

// admin is a client of the first app's admin, reader one with a token of it.
func (s *server) admin(t testing.TB) *api.Client { return s.client(t, first, keys[first]) }

func (s *server) reader(t testing.TB) (c *api.Client, id string) {
	t.Helper()
	made, err := s.admin(t).AddToken(t.Context(), "reader")
	if err != nil || made.Id == "" || made.Secret == "" {
		t.Fatalf("token %+v, %v", made, err)
	}
	return &api.Client{BaseURL: s.URL, Token: made.Secret, HTTP: s.Client()}, made.Id
}

// refuse makes a refused send and returns its event.
func (s *server) refuse(t testing.TB, app chat.AppID, random int) string {
	t.Helper()
	r := s.call(t, app, api.CommandSendGroupMsg,
		fmt.Sprintf(`{"GroupId":"nowhere","Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, random))
	if r.ErrorCode != api.CodeGroupNotFound {
		t.Fatalf("answer %s", r.text)
	}
	return r.header.Get(api.HeaderEventID)
}

func TestTokenReadsItsAppAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) { c.Tester = samples{} })
	event := s.refuse(t, first, 1)
	s.refuse(t, second, 1)
	s.refuse(t, second, 2)
	reader, id := s.reader(t)
	admin := s.admin(t)
	if _, err := admin.AddEndpoint(t.Context(), api.NewEndpoint{Id: "e", EndpointChange: api.EndpointChange{URL: new("https://name:password@127.0.0.1/x")}}); err != nil {
		t.Fatal(err)
	}

	page, err := reader.Events(t.Context(), api.EventsRequest{})
	if err != nil || len(page.Events) != 1 || page.Events[0].EventId != event || page.Head != 1 {
		t.Errorf("events %+v, %v", page, err)
	}
	if d, err := reader.Event(t.Context(), event); err != nil || d.Sequence != 1 {
		t.Errorf("event %+v, %v", d, err)
	}
	if list, err := reader.Explain(t.Context(), api.ExplainRequest{EventId: event}); err != nil || len(list) != 1 {
		t.Errorf("explanations %+v, %v", list, err)
	}
	if list, err := reader.Endpoints(t.Context()); err != nil || len(list) != 1 || list[0].URL != "https://127.0.0.1/x" {
		t.Errorf("endpoints %+v, %v", list, err)
	}
	if list, err := admin.Endpoints(t.Context()); err != nil || len(list) != 1 || list[0].URL != "https://name:password@127.0.0.1/x" {
		t.Errorf("endpoints as the admin sees them: %+v, %v", list, err)
	}
	if list, err := reader.ListApps(t.Context()); err != nil || len(list) != 1 || list[0].SDKAppID != int64(first) { // though it is the operator's
		t.Errorf("apps %+v, %v", list, err)
	}

	bearer := func(app, secret string) (query string, header []string) {
		if app != "" {
			query = "?sdkappid=" + app
		}
		return query, []string{"Authorization", "Bearer " + secret}
	}
	tests := []struct{ name, method, path, app, secret, body string }{
		{"makes an endpoint", "POST", "/v1/endpoints", "", reader.Token, `{"Id":"x","URL":"http://a"}`},
		{"changes an endpoint", "PATCH", "/v1/endpoints/e", "", reader.Token, `{}`},
		{"removes an endpoint", "DELETE", "/v1/endpoints/e", "", reader.Token, ``},
		{"pauses an endpoint", "POST", "/v1/endpoints/e/pause", "", reader.Token, ``},
		{"tests an endpoint", "POST", "/v1/endpoints/e/test", "", reader.Token, ``},
		{"replays", "POST", "/v1/replay", "", reader.Token, `{"EventId":"1"}`},
		{"makes a token", "POST", "/v1/tokens", "", reader.Token, `{"Name":"x"}`},
		{"lists tokens", "GET", "/v1/tokens", "", reader.Token, ``},
		{"revokes a token", "DELETE", "/v1/tokens/" + id, "", reader.Token, ``},
		{"changes its app", "PATCH", "/v1/apps/" + first.String(), "", reader.Token, `{}`},
		{"makes an app", "POST", "/v1/apps", "", reader.Token, `{"SDKAppID":7,"Admins":["a"]}`},
		{"reads another app", "GET", "/v1/events?app=" + second.String(), "", reader.Token, ``},
	}
	for _, test := range tests {
		query, header := bearer(test.app, test.secret)
		r := s.do(t, test.method, test.path+query, test.body, header...)
		if r.status != http.StatusForbidden || r.ErrorCode != api.CodePermissionDenied || r.ErrorInfo == "" {
			t.Errorf("a token %s: %d %s", test.name, r.status, r.text)
		}
	}
	for name, test := range map[string][2]string{
		"a wrong token":           {"", reader.Token + "x"},
		"no token":                {"", ""},
		"one for another app":     {second.String(), reader.Token},
		"one and a malformed app": {"x", reader.Token},
	} {
		query, header := bearer(test[0], test[1])
		r := s.do(t, http.MethodGet, "/v1/events"+query, "", header...)
		if r.status != http.StatusUnauthorized || r.ErrorCode == 0 || r.ErrorInfo == "" || strings.Contains(r.text, reader.Token) {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if r := s.do(t, http.MethodPost, "/v4/"+api.CommandGetDirtyWords+"?sdkappid="+first.String(), `{}`, "Authorization", "Bearer "+reader.Token); r.ErrorCode == 0 {
		t.Errorf("a token calls a command: %s", r.text)
	}

	if err := admin.RemoveToken(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, err = reader.Events(t.Context(), api.EventsRequest{})
	failed(t, err, api.CodeUserSigRevoked)
	failed(t, admin.RemoveToken(t.Context(), id), api.CodeInvalidParameter)
	if n := s.rejected(t)["70052"]; n != 3 { // the wrong one, the empty one, and the one that was revoked
		t.Errorf("%d rejected requests counted", n)
	}
	s.Close()
	if strings.Contains(s.log.String(), reader.Token) {
		t.Error("the log has a token")
	}
}

// tokenless is a store that cannot read tokens.
type tokenless struct{ chat.Store }

func (tokenless) Token(context.Context, []byte) (chat.Token, bool, error) {
	return chat.Token{}, false, chat.ErrStoreAway
}

// A receiver takes 401 for final, so a token is not called wrong that nobody
// could look up.
func TestTokenThatCannotBeLookedUpIsNotCalledWrong(t *testing.T) {
	t.Parallel()
	s := newServerOver(t, func(store chat.Store) chat.Store { return tokenless{store} })
	r := s.do(t, http.MethodGet, "/v1/events", "", "Authorization", "Bearer x")
	if r.status != http.StatusServiceUnavailable || r.ErrorCode != api.CodeInternal {
		t.Errorf("%d %s", r.status, r.text)
	}
}

func TestOperatorReadsOtherAppsAndTheyDoNot(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse(t, second, 1)
	operator, other := s.admin(t), s.client(t, second, keys[second])
	operator.OtherApp, other.OtherApp = int64(second), int64(first)
	if page, err := operator.Events(t.Context(), api.EventsRequest{}); err != nil || len(page.Events) != 1 {
		t.Errorf("page %+v, %v", page, err)
	}
	if _, err := operator.AddEndpoint(t.Context(), api.NewEndpoint{Id: "e", EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1")}}); err != nil {
		t.Error(err)
	}
	_, err := other.Events(t.Context(), api.EventsRequest{})
	failed(t, err, api.CodePermissionDenied)
	_, err = other.AddToken(t.Context(), "x")
	failed(t, err, api.CodePermissionDenied)
	other.OtherApp = 0
	if list, err := other.Endpoints(t.Context()); err != nil || len(list) != 1 || list[0].Id != "e" {
		t.Errorf("endpoints %+v, %v", list, err)
	}
}

func TestEndpointIsMadeChangedAndRemoved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.admin(t)
	made, err := c.AddEndpoint(t.Context(), api.NewEndpoint{Id: "audit", EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1/a")}})
	if err != nil {
		t.Fatal(err)
	}
	want := api.Endpoint{
		Id: "audit", URL: "http://127.0.0.1:1/a", Commands: []string{"Group.CallbackSendMsgException"}, ErrorCodes: []int{}, GroupIds: []string{},
		SigningKeys: []api.SigningKey{}, MinTLS: "1.2", MaxInFlight: 32, Order: "none", GroupHold: 600, Timeout: 5,
		Retry: []int{5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200}, MaxAge: 259200, Objection: "dead", State: "active",
	}
	if diff := cmp.Diff(want, made.Endpoint); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	changed, err := c.UpdateEndpoint(t.Context(), "audit", api.EndpointChange{
		URL: new("http://127.0.0.1:1/b"), Commands: []string{"Group.CallbackAfterSendMsg"}, ErrorCodes: []int{10017}, GroupIds: []string{"lobby"},
		Token: new("hidden token"), MinTLS: new("1.3"), MaxInFlight: new(4), Rate: new(7), Order: new("group"), GroupHold: new(60), Timeout: new(9),
		Retry: []int{1, 2}, MaxAge: new(3600), Objection: new("delivered"), Heartbeat: new(30),
	})
	if err != nil {
		t.Fatal(err)
	}
	want.URL, want.Commands, want.ErrorCodes, want.GroupIds = "http://127.0.0.1:1/b", []string{"Group.CallbackAfterSendMsg"}, []int{10017}, []string{"lobby"}
	want.Signed, want.MinTLS, want.MaxInFlight, want.Rate, want.Order, want.GroupHold, want.Timeout = true, "1.3", 4, 7, "group", 60, 9
	want.Retry, want.MaxAge, want.Objection, want.Heartbeat = []int{1, 2}, 3600, "delivered", 30
	if diff := cmp.Diff(want, changed.Endpoint); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	// An empty change changes nothing, and empty lists are none.
	if again, err := c.UpdateEndpoint(t.Context(), "audit", api.EndpointChange{}); err != nil || !cmp.Equal(want, again.Endpoint) {
		t.Errorf("unchanged: %+v, %v", again, err)
	}
	if again, err := c.UpdateEndpoint(t.Context(), "audit", api.EndpointChange{ErrorCodes: []int{}, GroupIds: []string{}, Token: new("")}); err != nil ||
		len(again.ErrorCodes)+len(again.GroupIds) > 0 || again.Signed {
		t.Errorf("emptied: %+v, %v", again, err)
	}
	paused, err := c.PauseEndpoint(t.Context(), "audit")
	if err != nil || paused.State != api.EndpointPaused || paused.Reason == "" {
		t.Errorf("paused %+v, %v", paused, err)
	}
	if resumed, err := c.ResumeEndpoint(t.Context(), "audit"); err != nil || resumed.State != api.EndpointActive || resumed.Reason != "" {
		t.Errorf("resumed %+v, %v", resumed, err)
	}
	if err := c.RemoveEndpoint(t.Context(), "audit"); err != nil {
		t.Error(err)
	}
	if list, err := c.Endpoints(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("list %+v, %v", list, err)
	}
	_, err = c.Endpoint(t.Context(), "audit")
	failed(t, err, api.CodeInvalidParameter)
}

func TestPrimaryEndpointIsTheCallbackURL(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.admin(t)
	_, err := c.Endpoint(t.Context(), api.PrimaryEndpoint)
	if err == nil {
		t.Error("an app without a callback URL has a primary endpoint")
	}
	made, err := c.UpdateEndpoint(t.Context(), api.PrimaryEndpoint, api.EndpointChange{URL: new("http://127.0.0.1:1/a"), Rate: new(3), AddKey: new("v1")})
	if err != nil || made.URL != "http://127.0.0.1:1/a" || made.Rate != 3 || len(made.SigningKeys) != 1 {
		t.Fatalf("made %+v, %v", made, err)
	}
	app, err := c.UpdateApp(t.Context(), int64(first), api.AppChange{CallbackToken: new("t")})
	if err != nil || app.Settings.CallbackURL != "http://127.0.0.1:1/a" {
		t.Errorf("app %+v, %v", app.Settings, err)
	}
	if e, err := c.Endpoint(t.Context(), api.PrimaryEndpoint); err != nil || !e.Signed || e.Rate != 3 || len(e.SigningKeys) != 1 {
		t.Errorf("endpoint %+v, %v", e, err)
	}
	failed(t, c.RemoveEndpoint(t.Context(), api.PrimaryEndpoint), api.CodeInvalidParameter)
}

// Keys have the form of Standard Webhooks, are told once, and take turns.
func TestSigningKeysTakeTurns(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.admin(t)
	if _, err := c.AddEndpoint(t.Context(), api.NewEndpoint{Id: "e", EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1")}}); err != nil {
		t.Fatal(err)
	}
	var secrets []string
	ids := func(e api.Endpoint) (all []string) {
		for _, k := range e.SigningKeys {
			all = append(all, k.Kind+" "+k.Id)
		}
		return all
	}
	id := func(kind, secret string) string {
		_, text, _ := strings.Cut(secret, "_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw[:32])
		return kind + " " + hex.EncodeToString(sum[:4])
	}
	var want []string
	for _, kind := range []string{"v1", "v1a", "v1", "v1", "v1a"} {
		changed, err := c.UpdateEndpoint(t.Context(), "e", api.EndpointChange{AddKey: &kind})
		if err != nil {
			t.Fatal(err)
		}
		prefix, size := "whsec_", 32
		if kind == "v1a" {
			prefix, size = "whsk_", ed25519.PrivateKeySize
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(changed.NewKey, prefix))
		if err != nil || !strings.HasPrefix(changed.NewKey, prefix) || len(raw) != size {
			t.Fatalf("new key %q: %v", changed.NewKey, err)
		}
		if kind == "v1a" {
			last := changed.SigningKeys[len(changed.SigningKeys)-1]
			public := "whpk_" + base64.StdEncoding.EncodeToString(ed25519.PrivateKey(raw).Public().(ed25519.PublicKey))
			if last.Public != public {
				t.Errorf("public key %q, want %q", last.Public, public)
			}
		}
		secrets = append(secrets, changed.NewKey)
		want = append(want, id(kind, changed.NewKey))
		if kind == "v1" && len(secrets) == 4 { // the third of its kind drops the first
			want = want[1:]
		}
		if diff := cmp.Diff(want, ids(changed.Endpoint)); diff != "" {
			t.Errorf("keys after %d (-want +got):\n%s", len(secrets), diff)
		}
	}
	replaced, err := c.UpdateEndpoint(t.Context(), "e", api.EndpointChange{SigningKeys: &[]string{secrets[0], secrets[1]}})
	if err != nil || replaced.NewKey != "" {
		t.Fatalf("%+v, %v", replaced, err)
	}
	if diff := cmp.Diff([]string{id("v1", secrets[0]), id("v1a", secrets[1])}, ids(replaced.Endpoint)); diff != "" {
		t.Errorf("keys that were given (-want +got):\n%s", diff)
	}
	text := s.do(t, http.MethodGet, "/v1/endpoints?"+s.query(first).Encode(), "").text
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the list tells %s", secret)
		}
	}
	whole, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secrets[1], "whsk_"))
	if err != nil {
		t.Fatal(err)
	}
	seed := "whsk_" + base64.StdEncoding.EncodeToString(whole[:32])
	if e, err := c.UpdateEndpoint(t.Context(), "e", api.EndpointChange{SigningKeys: &[]string{seed}}); err != nil || ids(e.Endpoint)[0] != id("v1a", secrets[1]) {
		t.Errorf("a seed alone: %+v, %v", e, err)
	}
	whole[40] ^= 1
	for name, keys := range map[string][]string{
		"no prefix":         {"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
		"no base64":         {"whsec_***"},
		"too short":         {"whsec_YQ=="},
		"a public key":      {"whpk_" + base64.StdEncoding.EncodeToString(whole[32:])},
		"halves of two":     {"whsk_" + base64.StdEncoding.EncodeToString(whole)},
		"three of one kind": {secrets[0], secrets[2], secrets[3]},
	} {
		_, err := c.UpdateEndpoint(t.Context(), "e", api.EndpointChange{SigningKeys: &keys})
		if code, _ := api.CodeOf(err); code != api.CodeInvalidParameter {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), keys[0]) {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
}

func TestFaultsOfTheControl(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) {
		c.CheckCallbackURL = func(url string) error {
			if strings.Contains(url, "10.0.0.1") {
				return errors.New("private address")
			}
			return nil
		}
	})
	s.refuse(t, first, 1)
	if _, err := s.admin(t).AddEndpoint(t.Context(), api.NewEndpoint{Id: "e", EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1")}}); err != nil {
		t.Fatal(err)
	}
	query := s.query(first)
	query.Del("random")
	tests := []struct {
		name, method, path, more, body string
		status                         int
	}{
		{"limit 0", "GET", "/v1/events", "&limit=0", "", 400},
		{"limit too high", "GET", "/v1/events", "&limit=1001", "", 400},
		{"limit no number", "GET", "/v1/events", "&limit=x", "", 400},
		{"wait too long", "GET", "/v1/events", "&wait=61", "", 400},
		{"after below 0", "GET", "/v1/events", "&after=-1", "", 400},
		{"after too large", "GET", "/v1/events", "&after=18446744073709551615", "", 400},
		{"newest odd", "GET", "/v1/events", "&newest=yes", "", 400},
		{"unknown parameter", "GET", "/v1/events", "&afer=1", "", 400},
		{"twice", "GET", "/v1/events", "&after=1&after=2", "", 400},
		{"unknown endpoint", "GET", "/v1/events", "&endpoint=x", "", 404},
		{"another epoch", "GET", "/v1/events", "&epoch=x", "", 409},
		{"no such event", "GET", "/v1/events/2", "", "", 404},
		{"no event", "GET", "/v1/events/x", "", "", 400},
		{"another app", "GET", "/v1/events", "&app=7", "", 404},
		{"no app", "GET", "/v1/events", "&app=x", "", 400},
		{"no send", "GET", "/v1/explain", "", "", 400},
		{"Random too large", "GET", "/v1/explain", "&group=g&random=4294967296", "", 400},
		{"replay of nothing", "POST", "/v1/replay", "", `{}`, 400},
		{"replay of one and more", "POST", "/v1/replay", "", `{"EventId":"1","Code":1}`, 400},
		{"replay backwards", "POST", "/v1/replay", "", `{"First":2,"Last":1}`, 400},
		{"replay of what is not there", "POST", "/v1/replay", "", `{"First":5}`, 400},
		{"replay to nobody", "POST", "/v1/replay", "", `{"Endpoint":"x","Dead":true}`, 400},
		{"replay of an event that is not there", "POST", "/v1/replay", "", `{"EventId":"7"}`, 404},
		{"endpoint without URL", "POST", "/v1/endpoints", "", `{"Id":"f"}`, 400},
		{"endpoint id", "POST", "/v1/endpoints", "", `{"Id":"F","URL":"http://a"}`, 400},
		{"endpoint in use", "POST", "/v1/endpoints", "", `{"Id":"e","URL":"http://a"}`, 400},
		{"endpoint primary", "POST", "/v1/endpoints", "", `{"Id":"primary","URL":"http://a"}`, 400},
		{"endpoint not allowed", "POST", "/v1/endpoints", "", `{"Id":"f","URL":"http://10.0.0.1"}`, 400},
		{"URL not allowed", "PATCH", "/v1/endpoints/e", "", `{"URL":"http://10.0.0.1"}`, 400},
		{"URL", "PATCH", "/v1/endpoints/e", "", `{"URL":"ftp://a"}`, 400},
		{"command", "PATCH", "/v1/endpoints/e", "", `{"Commands":["x"]}`, 400},
		{"before-send", "PATCH", "/v1/endpoints/e", "", `{"Commands":["Group.CallbackBeforeSendMsg"]}`, 400},
		{"in flight", "PATCH", "/v1/endpoints/e", "", `{"MaxInFlight":257}`, 400},
		{"in flight 0", "PATCH", "/v1/endpoints/e", "", `{"MaxInFlight":0}`, 400},
		{"order", "PATCH", "/v1/endpoints/e", "", `{"Order":"x"}`, 400},
		{"objection", "PATCH", "/v1/endpoints/e", "", `{"Objection":"x"}`, 400},
		{"retry", "PATCH", "/v1/endpoints/e", "", `{"Retry":[6]}`, 400},
		{"kind of key", "PATCH", "/v1/endpoints/e", "", `{"AddKey":"v2"}`, 400},
		{"certificate", "PATCH", "/v1/endpoints/e", "", `{"ClientCert":"x","ClientKey":"y"}`, 400},
		{"unknown endpoint changed", "PATCH", "/v1/endpoints/x", "", `{}`, 404},
		{"unknown endpoint paused", "POST", "/v1/endpoints/x/pause", "", ``, 404},
		{"unknown endpoint resumed", "POST", "/v1/endpoints/x/resume", "", ``, 404},
		{"unknown endpoint removed", "DELETE", "/v1/endpoints/x", "", ``, 404},
		{"unknown endpoint tested", "POST", "/v1/endpoints/x/test", "", ``, 404},
		{"nobody tests", "POST", "/v1/endpoints/e/test", "", ``, 503},
		{"nameless token", "POST", "/v1/tokens", "", `{"Name":" "}`, 400},
		{"no JSON", "POST", "/v1/tokens", "", `x`, 400},
		{"unknown token", "DELETE", "/v1/tokens/x", "", ``, 404},
	}
	for _, test := range tests {
		r := s.do(t, test.method, test.path+"?"+query.Encode()+test.more, test.body)
		if r.status != test.status || r.ErrorCode == 0 || r.ErrorInfo == "" {
			t.Errorf("%s: %d %s, want %d", test.name, r.status, r.text, test.status)
		}
	}
	_, err := s.admin(t).Events(t.Context(), api.EventsRequest{Epoch: "x"})
	var moved *api.EpochMoved
	if !errors.As(err, &moved) || moved.Epoch == "" || moved.FirstSequence != 1 {
		t.Errorf("another epoch: %v", err)
	}
}

func TestReplayNamesWhatItSendsAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.admin(t)
	s.refuse(t, first, 1)
	for _, id := range []string{"a", "b"} {
		if _, err := c.AddEndpoint(t.Context(), api.NewEndpoint{Id: id, EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1")}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.UpdateEndpoint(t.Context(), "b", api.EndpointChange{ErrorCodes: []int{10017}}); err != nil {
		t.Fatal(err)
	}
	event := ""
	for i := range 5 {
		s.seconds.Add(10)
		event = s.refuse(t, first, i+2)
	}
	at := func(n int64) int64 { return (start + n) * 1000 }
	for _, test := range []struct {
		name string
		r    api.Replay
		want []api.ReplayJob
	}{
		{"one event to who wants it", api.Replay{EventId: event}, []api.ReplayJob{{Endpoint: "a", First: 6, Last: 6, Next: 6}}},
		{"an earlier one, where it is asked for", api.Replay{EventId: "1", Endpoint: "a"}, []api.ReplayJob{{Endpoint: "a", First: 1, Last: 1, Next: 1}}},
		{"a range", api.Replay{Endpoint: "a", First: 2, Last: 4}, []api.ReplayJob{{Endpoint: "a", First: 2, Last: 4, Next: 2}}},
		{"a range by time", api.Replay{Endpoint: "a", Since: at(20), Until: at(40)}, []api.ReplayJob{{Endpoint: "a", First: 3, Last: 4, Next: 3}}},
		{"dead letters everywhere", api.Replay{Dead: true, Code: 10010, Group: "nowhere"}, []api.ReplayJob{
			{Endpoint: "a", First: 1, Last: 6, Next: 1, Dead: true, Code: 10010, Group: "nowhere"},
			{Endpoint: "b", First: 1, Last: 6, Next: 1, Dead: true, Code: 10010, Group: "nowhere"}}},
	} {
		started, err := c.Replay(t.Context(), test.r)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for i := range started.Replays {
			if started.Replays[i].Id == 0 {
				t.Errorf("%s: no id", test.name)
			}
			started.Replays[i].Id = 0
		}
		if diff := cmp.Diff(test.want, started.Replays); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	_, err := c.Replay(t.Context(), api.Replay{EventId: event, Endpoint: "b"})
	failed(t, err, api.CodeInvalidParameter)
	e, err := c.Endpoint(t.Context(), "a")
	if err != nil || len(e.Lane.Replays) != 5 || e.Lane.Here || e.Lane.Backlog != 5 || e.Lane.OldestAt != at(10) {
		t.Errorf("lane %+v, %v", e.Lane, err)
	}
}

// A call that waits is cut short by no time-out of the connection; its answer has
// what came.
func TestWaitingOutlastsTheTimeToReadARequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	reader, _ := s.reader(t)
	began := time.Now()
	page, err := reader.Events(t.Context(), api.EventsRequest{Wait: 1})
	if err != nil || len(page.Events) != 0 {
		t.Fatalf("page %+v, %v", page, err)
	}
	if passed := time.Since(began); passed < time.Second || time.Second < readTimeout {
		t.Errorf("it waited %v, and a request may take %v", passed, readTimeout)
	}
	type answer struct {
		page api.EventsPage
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		page, err := reader.Events(t.Context(), api.EventsRequest{Wait: 60})
		done <- answer{page, err}
	}()
	event := s.refuse(t, first, 1)
	if a := <-done; a.err != nil || len(a.page.Events) != 1 || a.page.Events[0].EventId != event || !strings.Contains(string(a.page.Events[0].Body), `"GroupId":"nowhere"`) {
		t.Errorf("page %+v, %v", a.page, a.err)
	}
}

// lanes stands for the delivery.
type lanes struct{}

func (lanes) LaneOf(_ context.Context, _ chat.AppID, endpoint string) (api.Lane, bool) {
	return api.Lane{Settled: 7, InFlight: 3}, endpoint == "here"
}

func TestLaneThatIsHereSpeaksForItself(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) { c.Lanes = lanes{} })
	c := s.admin(t)
	for id, want := range map[string]api.Lane{"here": {Here: true, Settled: 7, InFlight: 3}, "away": {}} {
		made, err := c.AddEndpoint(t.Context(), api.NewEndpoint{Id: id, EndpointChange: api.EndpointChange{URL: new("http://127.0.0.1:1")}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, made.Lane); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

// The console's door does the same for every app, and commands as their admin.
func TestConsoleDoesEverythingForEveryApp(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) { c.Tester = samples{} })
	event := s.refuse(t, second, 1)
	do := func(method, path, body string, status int, parts ...string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, s.console.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.console.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, text, err)
		}
		for _, part := range parts {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s %s: %q is not in %s", method, path, part, text)
			}
		}
		return string(text)
	}
	of := "/apps/" + second.String()
	do("GET", "/status", "", 200, `"Ready":true`, `"Version":"`)
	var list struct{ Apps []manage.AppStatus }
	if err := json.Unmarshal([]byte(do("GET", "/apps", "", 200)), &list); err != nil || len(list.Apps) != 2 {
		t.Fatalf("apps %+v, %v", list, err)
	}
	if a := list.Apps[1]; a.SDKAppID != int64(second) || a.Head != 1 || a.Attempts != 1 || a.Refused != 1 || a.Settings.GroupRate != 40 || a.Epoch == "" {
		t.Errorf("app %+v", a)
	}
	do("POST", "/apps", `{"SDKAppID":7,"Admins":["a"]}`, 200, `"Key":"`)
	do("PATCH", "/apps/7", `{"GroupRate":1}`, 200, `"GroupRate":1`)
	do("POST", "/apps/7/rotate-key", ``, 200, `"Key":"`)
	do("DELETE", "/apps/7", ``, 200)
	do("GET", of+"/v1/events?newest=1&limit=5&nobody=1", "", 200, event)
	do("GET", of+"/v1/events/"+event, "", 200, `"Deliveries":[]`)
	do("GET", of+"/v1/explain?event="+event, "", 200, `"Outcome":"refused"`)
	do("POST", of+"/v1/endpoints", `{"Id":"e","URL":"http://127.0.0.1:1"}`, 200, `"Id":"e"`)
	do("POST", of+"/v1/endpoints/e/test", ``, 200, `"Delivered":false`)
	do("POST", of+"/v1/replay", `{"Endpoint":"e","EventId":"`+event+`"}`, 200, `"Replays":[{`)
	do("GET", of+"/v1/endpoints", "", 200, `"Replays":[{`)
	do("POST", of+"/v1/tokens", `{"Name":"n"}`, 200, `"Secret":"`)
	do("POST", of+"/v4/"+api.CommandAccountImport, `{"UserID":"ann"}`, 200, `"ActionStatus":"OK"`)
	do("POST", of+"/v4/"+api.CommandCreateGroup, `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`, 200, `"GroupId":"g"`)
	do("POST", of+"/v4/"+api.CommandSendGroupMsg, `{"GroupId":"g","From_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, 200, `"MsgSeq":1`)
	do("POST", of+"/v4/group_open_http_svc/nothing", `{}`, 404, `60009`)
	do("POST", "/apps/8/v4/"+api.CommandAccountImport, `{}`, 404, `70020`)
	do("GET", "/apps/8/v1/events", "", 404, `70020`)
	do("GET", "/apps/x/v1/events", "", 400, `10004`)
	do("GET", of+"/v1/events?state=dead", "", 400, `10004`)
	do("GET", "/nothing", "", 404, `"ErrorCode"`)
}

// The client of package callback, which receivers are built with, reads what this
// door answers: events, waiting, a token that is wrong, and another epoch.
func TestReceiversFetchWhatTheyMissed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	reader, _ := s.reader(t)
	if _, err := s.admin(t).UpdateEndpoint(t.Context(), api.PrimaryEndpoint, api.EndpointChange{URL: new("http://127.0.0.1:1")}); err != nil {
		t.Fatal(err)
	}
	var made []string
	for i := range 3 {
		made = append(made, s.refuse(t, first, i))
	}
	b := callback.Backfill{BaseURL: s.URL, App: int64(first), Token: reader.Token, Endpoint: api.PrimaryEndpoint, HTTP: s.Client()}
	var got []string
	for e, err := range b.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		body, ok := e.Body.(*callback.SendMsgException)
		if !ok || body.GroupID != "nowhere" || e.Delivery.Sequence != uint64(len(got)+1) {
			t.Fatalf("event %+v", e)
		}
		got = append(got, e.Delivery.ID)
		if len(got) == 3 {
			made = append(made, s.refuse(t, first, 3)) // while it waits, or is about to
		}
		if len(got) == 4 {
			break
		}
	}
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.Token += "x"
	for _, err := range b.Events(t.Context(), 0) {
		var refused *callback.BackfillRefused
		if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || refused.Code != int(api.CodeUserSigRevoked) {
			t.Errorf("a wrong token: %v", err)
		}
	}
}
