package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/rest"
)

// client is an admin of an app, with our own client.
func (s *server) client(t testing.TB, app chat.AppID, key string) *api.Client {
	return &api.Client{
		BaseURL: s.URL, SDKAppID: int64(app), Identifier: "admin", HTTP: s.Client(),
		UserSig: func(user string) (string, error) { return sign(t, app, user, key, start), nil },
	}
}

// failed insists on the HTTP status and the code of a failed control call.
func failed(t *testing.T, err error, code api.Code) {
	t.Helper()
	var fault *api.Error
	if !errors.As(err, &fault) || fault.Code != code || fault.Info == "" {
		t.Errorf("error %v, want code %d", err, code)
	}
}

func TestAppsAreAddedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx := context.Background()
	operator := s.client(t, first, keys[first])

	made, err := operator.AddApp(ctx, api.NewApp{SDKAppID: 1400000003, AppChange: api.AppChange{Admins: []string{"admin", "other"}}})
	if err != nil || made.SDKAppID != 1400000003 || len(made.Key) != 64 {
		t.Fatalf("made %+v, error %v", made, err)
	}
	own := s.client(t, 1400000003, made.Key)
	if _, err := own.AccountImport(ctx, api.AccountImportRequest{UserID: new("ann")}); err != nil {
		t.Fatalf("the new app's admin: %v", err)
	}

	list, err := own.ListApps(ctx)
	if err != nil || len(list) != 1 {
		t.Fatalf("list %+v, error %v", list, err)
	}
	want := api.App{
		SDKAppID: 1400000003, Admins: []string{"admin", "other"}, Epoch: list[0].Epoch,
		Settings: api.AppSettings{
			CallbackCommands: []string{}, EventTime: "integer", BeforeSendFailure: "deliver", OnFrequency: "refuse",
			GroupRate: 40, MaxMessage: 12288, MaxAt: 30, MissingGroup: 10010,
		},
	}
	if diff := cmp.Diff(want, list[0]); diff != "" || list[0].Epoch == "" {
		t.Errorf("the new app (-want +got):\n%s", diff)
	}

	changed, err := own.UpdateApp(ctx, 1400000003, api.AppChange{
		Admins: []string{"admin"}, CallbackURL: new("https://example.com/hook"), CallbackToken: new("secret"),
		CallbackCommands: []string{"Group.CallbackAfterSendMsg"}, EventTime: new("string"), ModernTypes: new(true),
		BeforeSendFailure: new("refuse"), LimitAfterBeforeSend: new(true), OnFrequency: new("drop"),
		GroupRate: new(1), SenderRate: new(2), APIRate: new(3), StormLimit: new(4), MaxMessage: new(8000), MaxAt: new(5), MissingGroup: new(10015),
	})
	want = api.App{
		SDKAppID: 1400000003, Admins: []string{"admin"}, Epoch: list[0].Epoch,
		Settings: api.AppSettings{
			CallbackURL: "https://example.com/hook", CallbackSigned: true, CallbackCommands: []string{"Group.CallbackAfterSendMsg"},
			EventTime: "string", ModernTypes: true, BeforeSendFailure: "refuse", LimitAfterBeforeSend: true, OnFrequency: "drop",
			GroupRate: 1, SenderRate: 2, APIRate: 3, StormLimit: 4, MaxMessage: 8000, MaxAt: 5, MissingGroup: 10015,
		},
	}
	if diff := cmp.Diff(want, changed); diff != "" || err != nil {
		t.Errorf("the changed app (-want +got):\n%s, error %v", diff, err)
	}
	// The settings hold from the answer on.
	group, err := own.CreateGroup(ctx, api.CreateGroupRequest{Type: "Private", Name: "n"})
	if err != nil || group.Type != "Work" {
		t.Errorf("with newer type words: %+v, error %v", group, err)
	}
	_, err = own.DestroyGroup(ctx, api.DestroyGroupRequest{GroupId: "none"})
	failed(t, err, 10015)
	list, err = own.ListApps(ctx)
	if diff := cmp.Diff([]api.App{want}, list); diff != "" || err != nil {
		t.Errorf("listed (-want +got):\n%s, error %v", diff, err)
	}
	want.Settings.CallbackURL = "" // token and switches are kept for the next one
	changed, err = own.UpdateApp(ctx, 1400000003, api.AppChange{CallbackURL: new("")})
	if diff := cmp.Diff(want, changed); diff != "" || err != nil {
		t.Errorf("without a callback (-want +got):\n%s, error %v", diff, err)
	}

	rotated, err := operator.RotateKey(ctx, 1400000003)
	if err != nil || rotated.Key == made.Key || len(rotated.Key) != 64 {
		t.Fatalf("rotated %+v, error %v", rotated, err)
	}
	_, err = own.GetDirtyWords(ctx, api.GetDirtyWordsRequest{})
	failed(t, err, 70009)
	own = s.client(t, 1400000003, rotated.Key)
	if _, err = own.GetDirtyWords(ctx, api.GetDirtyWordsRequest{}); err != nil {
		t.Errorf("with the new key: %v", err)
	}

	all, err := operator.ListApps(ctx)
	if err != nil || len(all) != 3 {
		t.Errorf("the operator sees %+v, error %v", all, err)
	}
	if err := own.RemoveApp(ctx, 1400000003); err != nil {
		t.Fatal(err)
	}
	_, err = own.GetDirtyWords(ctx, api.GetDirtyWordsRequest{})
	failed(t, err, 70020)

	// The number can be given away again, with nothing left of the old app.
	if _, err := operator.AddApp(ctx, api.NewApp{SDKAppID: 1400000003, Key: "own-key", AppChange: api.AppChange{Admins: []string{"admin"}}}); err != nil {
		t.Fatal(err)
	}
	again := s.client(t, 1400000003, "own-key")
	if groups, err := again.GetAppidGroupList(ctx, api.GetAppidGroupListRequest{}); err != nil || groups.TotalCount != 0 {
		t.Errorf("groups of the new app %+v, error %v", groups, err)
	}
	if apps, err := again.ListApps(ctx); err != nil || apps[0].Epoch == want.Epoch || apps[0].Settings.ModernTypes {
		t.Errorf("the new app %+v, error %v", apps, err)
	}
}

func TestTotalsAndHeadOfAnApp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.play(t, []step{
		group("Public", "g", ``),
		{does: "accepted", command: svc + "send_group_msg", body: `{"GroupId":"g","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`},
		{does: "repeated", command: svc + "send_group_msg", body: `{"GroupId":"g","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`},
		{does: "refused", command: svc + "send_group_msg", body: `{"GroupId":"h","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, code: 10010},
		{does: "refused", command: svc + "send_group_msg", body: `{}`, code: 10004},
		{does: "a count waits for the next commit", command: svc + "send_group_msg", body: `{"GroupId":"g","Random":2,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`},
	})
	list, err := s.client(t, second, keys[second]).ListApps(context.Background())
	if err != nil || list[0].Head != 0 || list[0].Totals != (api.AppTotals{}) {
		t.Errorf("the other app %+v, error %v", list, err)
	}
	list, err = s.client(t, first, keys[first]).ListApps(context.Background())
	if want := (api.AppTotals{Accepted: 2, Refused: 2, Repeated: 1}); err != nil || list[0].Head != 2 || list[0].Totals != want {
		t.Errorf("the app %+v, error %v", list, err)
	}
}

func TestControlFaults(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) {
		c.CheckCallbackURL = func(url string) error {
			if strings.Contains(url, "10.0.0.1") {
				return errors.New("private address")
			}
			return nil
		}
	})
	own := func(app chat.AppID) string { return s.query(app).Encode() }
	tests := []struct {
		name, method, path, query, body string
		status                          int
		code                            api.Code
	}{
		{"nobody", "GET", "/v1/apps", "", "", 401, 60012},
		{"wrong usersig", "GET", "/v1/apps", own(first) + "x", "", 401, 70003},
		{"of another app", "GET", "/v1/apps", strings.Replace(own(first), first.String(), second.String(), 1), "", 401, 70014},
		{"broken query", "GET", "/v1/apps", "sdkappid=%zz", "", 400, 60002},
		{"another app", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(second), `{}`, 403, 10007},
		{"key of another app", "POST", fmt.Sprintf("/v1/apps/%d/rotate-key", first), own(second), ``, 403, 10007},
		{"removal of another app", "DELETE", fmt.Sprintf("/v1/apps/%d", first), own(second), ``, 403, 10007},
		{"no operator", "POST", "/v1/apps", own(second), `{"SDKAppID":7,"Admins":["a"]}`, 403, 10007},
		{"operator app", "DELETE", fmt.Sprintf("/v1/apps/%d", first), own(first), ``, 400, 10004},
		{"no app", "PATCH", "/v1/apps/7", own(first), `{}`, 404, 70020},
		{"no number", "PATCH", "/v1/apps/x", own(first), `{}`, 400, 10004},
		{"no JSON", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `x`, 400, 60003},
		{"wrong type", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"GroupRate":"a"}`, 400, 10004},
		{"in use", "POST", "/v1/apps", own(first), `{"SDKAppID":1400000002,"Admins":["a"]}`, 400, 10004},
		{"no admins", "POST", "/v1/apps", own(first), `{"SDKAppID":7}`, 400, 10004},
		{"bad admin", "POST", "/v1/apps", own(first), `{"SDKAppID":7,"Admins":["a\u0007"]}`, 400, 10004},
		{"no sdkappid", "POST", "/v1/apps", own(first), `{"Admins":["a"]}`, 400, 10004},
		{"empty admins", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"Admins":[]}`, 400, 10004},
		{"bad URL", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"CallbackURL":"ftp://a"}`, 400, 10004},
		{"URL that is not allowed", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"CallbackURL":"http://10.0.0.1/"}`, 400, 10004},
		{"bad CA", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"CallbackCA":"x"}`, 400, 10004},
		{"bad command", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"CallbackCommands":["Group.CallbackElse"]}`, 400, 10004},
		{"bad form of time", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"EventTime":"float"}`, 400, 10004},
		{"bad policy", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"BeforeSendFailure":"drop"}`, 400, 10004},
		{"bad frequency policy", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"OnFrequency":"deliver"}`, 400, 10004},
		{"negative rate", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"SenderRate":-1}`, 400, 10004},
		{"no message at all", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"MaxMessage":0}`, 400, 10004},
		{"bad code", "PATCH", fmt.Sprintf("/v1/apps/%d", first), own(first), `{"MissingGroup":10007}`, 400, 10004},
		{"wrong method", "PUT", "/v1/apps", own(first), ``, 405, 0},
	}
	for _, test := range tests {
		r := s.do(t, test.method, test.path+"?"+test.query, test.body)
		if r.status != test.status || r.ErrorCode != test.code || test.code != 0 && r.ErrorInfo == "" {
			t.Errorf("%s: %d %s, want %d with code %d", test.name, r.status, r.text, test.status, test.code)
		}
	}
	list, err := s.client(t, first, keys[first]).ListApps(context.Background())
	if err != nil || len(list) != 2 || list[0].Settings.CallbackURL != "" || list[0].Settings.GroupRate != 40 {
		t.Errorf("a refused change left %+v, error %v", list, err)
	}
}

func TestAnswersHaveNoSecrets(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	client := s.client(t, second, keys[second])
	if _, err := client.UpdateApp(context.Background(), int64(second), api.AppChange{CallbackURL: new("http://a"), CallbackToken: new("hidden token")}); err != nil {
		t.Fatal(err)
	}
	r := s.do(t, http.MethodGet, "/v1/apps?"+s.query(first).Encode(), "")
	if !strings.Contains(r.text, `"CallbackSigned":true`) {
		t.Errorf("answer %s tells of no token", r.text)
	}
	for _, secret := range []string{"hidden token", keys[first], keys[second]} {
		if strings.Contains(r.text, secret) {
			t.Errorf("answer %s has %q", r.text, secret)
		}
	}
}

// A callback URL that is set late is not flooded with the past; one that is
// moved goes on where it was.
func TestNewCallbackURLBeginsNow(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	refused := step{does: "refused", command: svc + "send_group_msg", body: `{}`, code: 10004}
	s.play(t, []step{refused, refused, refused})
	client := s.client(t, first, keys[first])
	for i, url := range []string{"http://a", "http://b"} {
		if _, err := client.UpdateApp(context.Background(), int64(first), api.AppChange{CallbackURL: &url}); err != nil {
			t.Fatal(err)
		}
		e := s.backend.Endpoint(first, chat.PrimaryEndpoint)
		if e == nil || e.URL != url || e.Cursor != 3 || len(e.Commands) != 1 || e.Commands[0] != chat.CommandSendMsgException {
			t.Errorf("endpoint %d: %+v", i, e)
		}
		s.play(t, []step{refused})
	}
}

func TestHealthTellsWhy(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *rest.Config) {
		c.Ready = func(context.Context) error { return errors.New("the store takes no writes") }
	})
	if r := s.do(t, http.MethodGet, "/readyz", ""); r.status != 503 || !strings.Contains(r.text, "the store takes no writes") {
		t.Errorf("readyz: %d %s", r.status, r.text)
	}
	if r := s.do(t, http.MethodGet, "/healthz", ""); r.status != 200 {
		t.Errorf("healthz: %d %s", r.status, r.text)
	}
}
