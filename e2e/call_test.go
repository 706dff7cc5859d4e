package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/usersig"
)

// answer is what a raw call of send_group_msg was told.
type answer struct {
	status int
	header http.Header
	text   string
	api.SendGroupMsgResponse
}

// event is the webhook-id that the answer names.
func (a answer) event() string { return a.header.Get(api.HeaderEventID) }

// target is the URL of send_group_msg for the app of most tests.
func (s *server) target(t testing.TB) string {
	t.Helper()
	sig, err := usersig.Make(appID, appKey, appAdmin, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s.url + "/v4/" + api.CommandSendGroupMsg + "?sdkappid=" + strconv.Itoa(appID) + "&identifier=" + appAdmin +
		"&usersig=" + sig + "&random=1&contenttype=json"
}

// post sends a body as it is. A header Expect lets the server answer before the
// body is sent.
func (s *server) post(t testing.TB, method string, body io.Reader, header http.Header) answer {
	t.Helper()
	call, err := http.NewRequestWithContext(t.Context(), method, s.target(t), body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		call.Header[name] = values
	}
	res, err := s.http.Do(call)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return readAnswer(t, res)
}

func readAnswer(t testing.TB, res *http.Response) answer {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	if err := json.Unmarshal(text, &a.SendGroupMsgResponse); err != nil {
		t.Fatalf("status %d: %v in %q", res.StatusCode, err, text)
	}
	return a
}

// say is a valid send of text to a group.
func say(group, from string, random uint32, text string) api.SendGroupMsgRequest {
	return api.SendGroupMsgRequest{GroupId: group, From_Account: from, Random: &random, MsgBody: []api.Element{api.Text(text)}}
}

// accounts imports users.
func accounts(t testing.TB, c *api.Client, users ...string) {
	t.Helper()
	if _, err := c.MultiaccountImport(t.Context(), api.MultiaccountImportRequest{Accounts: users}); err != nil {
		t.Fatal(err)
	}
}

// group makes a group with members.
func group(t testing.TB, c *api.Client, kind, id string, members ...string) {
	t.Helper()
	r := api.CreateGroupRequest{Type: kind, Name: id, GroupId: id}
	for _, m := range members {
		r.MemberList = append(r.MemberList, api.CreateGroupMember{Member_Account: m})
	}
	if _, err := c.CreateGroup(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// history is every message of a group in ascending order of MsgSeq.
func history(t testing.TB, c *api.Client, group string) (list []api.StoredMessage) {
	t.Helper()
	info, err := c.GetGroupInfo(t.Context(), api.GetGroupInfoRequest{GroupIdList: []string{group}})
	if err != nil {
		t.Fatal(err)
	}
	last := info.GroupInfo[0].NextMsgSeq - 1
	for last > 0 {
		page, err := c.GroupMsgGetSimple(t.Context(), api.GroupMsgGetSimpleRequest{GroupId: group, ReqMsgNumber: 20, ReqMsgSeq: last})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.RspMsgList) == 0 {
			t.Fatalf("no messages of %s at %d and below", group, last)
		}
		for _, m := range page.RspMsgList {
			if m.MsgSeq != last {
				t.Fatalf("history of %s has MsgSeq %d where %d belongs", group, m.MsgSeq, last)
			}
			list = append(list, m)
			last--
		}
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// exception is the body of Group.CallbackSendMsgException that a test expects.
type exception struct {
	Cloud                              *string
	Code                               api.Code
	Info, From, Group, MsgBody, Caller string
	OnlineOnly                         int
	Random                             uint32
	Type                               string
	TimeAsText                         bool // EventTime is a string
}

// text is the body to the byte, with this EventTime.
func (e exception) text(eventTime string) string {
	var b strings.Builder
	quote := func(s string) string {
		var out strings.Builder
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			panic(err) // a string can always be encoded
		}
		return strings.TrimSuffix(out.String(), "\n")
	}
	b.WriteString(`{"CallbackCommand":"Group.CallbackSendMsgException"`)
	if e.Cloud != nil {
		b.WriteString(`,"CloudCustomData":` + quote(*e.Cloud))
	}
	if e.TimeAsText {
		eventTime = quote(eventTime)
	}
	b.WriteString(`,"ErrorCode":` + strconv.Itoa(int(e.Code)) + `,"ErrorInfo":` + quote(e.Info) + `,"EventTime":` + eventTime +
		`,"From_Account":` + quote(e.From) + `,"GroupId":` + quote(e.Group) + `,"MsgBody":` + e.MsgBody +
		`,"OnlineOnlyFlag":` + strconv.Itoa(e.OnlineOnly) + `,"Operator_Account":` + quote(e.Caller) +
		`,"Random":` + strconv.FormatUint(uint64(e.Random), 10) + `,"Type":` + quote(e.Type) + `}`)
	return b.String()
}

// eventOf is the webhook-id that a failed answer named.
func eventOf(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.EventID
	}
	return ""
}

// callbackText is the text of a message of one text element.
func callbackText(m *callback.SendMsgException) (string, error) {
	if len(m.MsgBody) != 1 || m.MsgBody[0].MsgType != api.ElementText {
		return "", fmt.Errorf("MsgBody %v", m.MsgBody)
	}
	var content struct{ Text string }
	err := json.Unmarshal(m.MsgBody[0].MsgContent, &content)
	return content.Text, err
}
