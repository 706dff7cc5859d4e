package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/rest"
)

// What is described holds: each command, called with a body of the form in the
// description, answers in the form of the description, without a field more.
func TestAnswersHaveTheDescribedForm(t *testing.T) {
	t.Parallel()
	steps := []struct{ command, body string }{
		{api.CommandAccountImport, `{"UserID":"ann","Nick":"Ann","FaceUrl":"http://127.0.0.1/ann.png"}`},
		{api.CommandMultiaccountImport, `{"Accounts":["bob"],"AccountList":[{"UserID":"cid"},{"UserID":""}]}`},
		{api.CommandAccountCheck, `{"CheckItem":[{"UserID":"ann"},{"UserID":"nobody"}]}`},
		{api.CommandCreateGroup, `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann","Introduction":"i","MaxMemberCount":9,` +
			`"MemberList":[{"Member_Account":"bob","Role":"Admin"}]}`},
		{api.CommandAddGroupMember, `{"GroupId":"g","Silence":1,"MemberList":[{"Member_Account":"cid"},{"Member_Account":"nobody"}]}`},
		{api.CommandSendGroupMsg, `{"GroupId":"g","Random":4294967295,"From_Account":"ann","MsgPriority":"High","CloudCustomData":"c","OnlineOnlyFlag":0,` +
			`"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}],"GroupAtInfo":[{"GroupAtAllFlag":1}],"SendMsgControl":["NoUnread"]}`},
		{api.CommandSendGroupMsg, `{"GroupId":"g","Random":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"b"}}]}`},
		{api.CommandGroupMsgRecall, `{"GroupId":"g","Reason":"r","MsgSeqList":[{"MsgSeq":1},{"MsgSeq":18446744073709551615}]}`},
		{api.CommandGroupMsgGetSimple, `{"GroupId":"g","ReqMsgNumber":20}`},
		{api.CommandModifyGroupBaseInfo, `{"GroupId":"g","Name":"m","ShutUpAllMember":"On"}`},
		{api.CommandModifyGroupMemberInfo, `{"GroupId":"g","Member_Account":"cid","NameCard":"c","Role":"Admin"}`},
		{api.CommandForbidSendMsg, `{"GroupId":"g","Members_Account":["bob"],"MuteTime":4294967295}`},
		{api.CommandGetGroupMutedAccount, `{"GroupId":"g"}`},
		{api.CommandGetGroupShuttedUin, `{"GroupId":"g"}`},
		{api.CommandGetGroupInfo, `{"GroupIdList":["g","nothing"]}`},
		{api.CommandGetGroupInfo, `{"GroupIdList":["g"],"ResponseFilter":{"GroupBaseInfoFilter":["Name"],"MemberInfoFilter":["Role"]}}`},
		{api.CommandGetAppidGroupList, `{"Limit":1,"Next":0,"GroupType":"Public"}`},
		{api.CommandGetGroupMemberInfo, `{"GroupId":"g","Limit":2,"Offset":1,"MemberRoleFilter":["Owner","Admin"]}`},
		{api.CommandGetJoinedGroupList, `{"Member_Account":"ann"}`},
		{api.CommandGetJoinedGroupList, `{"Member_Account":"ann","ResponseFilter":{"GroupBaseInfoFilter":["Name"],"SelfInfoFilter":["Role"]}}`},
		{api.CommandGetRoleInGroup, `{"GroupId":"g","User_Account":["ann","nobody"]}`},
		{api.CommandChangeGroupOwner, `{"GroupId":"g","NewOwner_Account":"bob"}`},
		{api.CommandSetNoSpeaking, `{"Set_Account":"ann","GroupmsgNospeakingTime":4294967295}`},
		{api.CommandGetNoSpeaking, `{"Get_Account":"ann"}`},
		{api.CommandAddDirtyWords, `{"DirtyWordsList":["w"]}`},
		{api.CommandGetDirtyWords, `{}`},
		{api.CommandDeleteDirtyWords, `{"DirtyWordsList":["w"]}`},
		{api.CommandGetDirtyWords, `{}`},
		{api.CommandDeleteGroupMember, `{"GroupId":"g","MemberToDel_Account":["cid"]}`},
		{api.CommandDestroyGroup, `{"GroupId":"g"}`},
		{api.CommandGetAppidGroupList, `{}`},
		{api.CommandKick, `{"UserID":"ann"}`},
		{api.CommandAccountDelete, `{"DeleteItem":[{"UserID":"ann"},{"UserID":"nobody"}]}`},
	}
	s := newServer(t)
	d := s.description(t)
	version := func() uint64 {
		head, err := s.backend.Reader().Head(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		return head.Version
	}
	var called []string
	for _, step := range steps {
		called = append(called, step.command)
		before := version()
		o := d.Paths["/v4/"+step.command]["post"]
		d.check(t, step.command, o.RequestBody.Content["application/json"].Schema, step.body)
		r := s.call(t, first, step.command, step.body)
		if r.ErrorCode != api.CodeOK {
			t.Fatalf("%s %s: answered %s", step.command, step.body, r.text)
		}
		if changed := version() != before; changed != command.Table[step.command].Changes {
			t.Errorf("%s %s: changed state: %t, and its entry says %t", step.command, step.body, changed, !changed)
		}
		// Of the two forms of an answer, this is the one of a success.
		forms := o.Responses["200"].Content["application/json"].Schema.(map[string]any)["anyOf"].([]any)
		d.check(t, step.command, forms[0], r.text)

		r = s.call(t, first, step.command, "[]")
		d.check(t, step.command, forms[1], r.text)
	}
	slices.Sort(called)
	want := api.Commands()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(called)); diff != "" {
		t.Errorf("commands called:\n%s", diff)
	}
}

func TestAnswersOfControlHaveTheDescribedForm(t *testing.T) {
	t.Parallel()
	steps := []struct{ method, path, id, body string }{
		{"post", "/v1/endpoints", "", `{"Id":"other","URL":"http://127.0.0.1:1/","AddKey":"v1a","Commands":["Group.CallbackSendMsgException"],` +
			`"ErrorCodes":[10010],"GroupIds":["nowhere"],"Retry":[1,2],"Order":"group","SigningKeys":["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"]}`},
		{"get", "/v1/endpoints", "", ""},
		{"get", "/v1/endpoints/{id}", "other", ""},
		{"patch", "/v1/endpoints/{id}", "other", `{"Rate":5,"GroupIds":[],"Objection":"delivered","AddKey":"v1"}`},
		{"post", "/v1/endpoints/{id}/test", "other", ""},
		{"post", "/v1/endpoints/{id}/pause", "other", ""},
		{"get", "/v1/events", "", ""},
		{"get", "/v1/events/{id}", "1", ""},
		{"get", "/v1/explain", "&group=nowhere", ""},
		{"get", "/v1/explain", "&from=nobody", ""},
		{"post", "/v1/replay", "", `{"Endpoint":"other","EventId":"1"}`},
		{"get", "/v1/endpoints/{id}", "other", ""},
		{"post", "/v1/endpoints/{id}/resume", "other", ""},
		{"delete", "/v1/endpoints/{id}", "other", ""},
		{"post", "/v1/tokens", "", `{"Name":"monitor"}`},
		{"get", "/v1/tokens", "", ""},
		{"delete", "/v1/tokens/{id}", "token", ""},
		{"post", "/v1/apps", "", `{"SDKAppID":1400000003,"Key":"third-key","Admins":["admin"],"CallbackURL":"http://127.0.0.1:1/","GroupRate":1}`},
		{"get", "/v1/apps", "", ""},
		{"patch", "/v1/apps/{app}", "1400000003", `{"ModernTypes":true,"CallbackCommands":[],"MaxMessage":8000}`},
		{"post", "/v1/apps/{app}/rotate-key", "1400000003", ""},
		{"delete", "/v1/apps/{app}", "1400000003", ""},
	}
	s := newServer(t, func(c *rest.Config) { c.Tester = samples{} })
	d := s.description(t)
	called := map[string]bool{}
	tokens := 0
	for _, step := range steps {
		if step.path == "/v1/events" { // after the endpoint was made
			s.call(t, first, api.CommandSendGroupMsg, `{"GroupId":"nowhere","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`)
		}
		if step.id == "token" {
			list, err := s.client(t, first, keys[first]).Tokens(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatalf("tokens %+v, %v", list, err)
			}
			step.id = list[0].Id
			tokens++
		}
		called[step.method+" "+step.path] = true
		o, ok := d.Paths[step.path][step.method]
		if !ok {
			t.Fatalf("%s %s is not described", step.method, step.path)
		}
		if (o.RequestBody != nil) != (step.body != "") {
			t.Errorf("%s %s: takes a body: %t", step.method, step.path, o.RequestBody != nil)
		} else if o.RequestBody != nil {
			d.check(t, step.path, o.RequestBody.Content["application/json"].Schema, step.body)
		}
		target := strings.NewReplacer("{app}", step.id, "{id}", step.id).Replace(step.path)
		query := s.query(first)
		query.Del("random") // of explain it is the send's
		more := ""
		if strings.HasPrefix(step.id, "&") {
			more = step.id
		}
		r := s.do(t, strings.ToUpper(step.method), target+"?"+query.Encode()+more, step.body)
		if r.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", step.method, step.path, r.status, r.text)
		}
		d.check(t, step.path, o.Responses["200"].Content["application/json"].Schema, r.text)

		r = s.do(t, strings.ToUpper(step.method), target, step.body)
		fault := resolve(t, d, d.Components.Responses["Fault"]).(map[string]any)
		d.check(t, step.path, fault["content"].(map[string]any)["application/json"].(map[string]any)["schema"], r.text)
	}
	if tokens != 1 {
		t.Errorf("%d tokens were revoked", tokens)
	}
	for path, methods := range d.Paths {
		for method, o := range methods {
			if o.Tags[0] == "control" && !called[method+" "+path] {
				t.Errorf("%s %s was not called", method, path)
			}
		}
	}
}

// samples stands for the delivery, which sends them.
type samples struct{}

func (samples) Test(_ context.Context, _ chat.AppID, endpoint string) (api.TestResult, error) {
	return api.TestResult{EventId: "sample", URL: "http://127.0.0.1:1/" + endpoint, Next: "retry", Attempt: api.Attempt{Attempt: 1, Result: "failed", Reason: "refused"}}, nil
}

// A check that finds nothing wrong with anything would prove nothing.
func TestDescribedFormRefusesOtherForms(t *testing.T) {
	t.Parallel()
	d := newServer(t).description(t)
	tests := map[string]struct{ shape, text string }{
		"a field is missing":     {"MemberRole", `{"Role":"Owner"}`},
		"a field too many":       {"MemberRole", `{"Role":"Owner","Member_Account":"a","Else":1}`},
		"a number for a string":  {"MemberRole", `{"Role":1,"Member_Account":"a"}`},
		"null for a list":        {"GetDirtyWordsResponse", `{"ErrorCode":0,"ErrorInfo":"","DirtyWordsList":null}`},
		"a wrong item of a list": {"GetDirtyWordsResponse", `{"ErrorCode":0,"ErrorInfo":"","DirtyWordsList":[1]}`},
		"a fraction":             {"Code", `0.5`},
		"below 0":                {"MsgSeqItem", `{"MsgSeq":-1}`},
		"above 32 bits":          {"SendGroupMsgRequest", `{"GroupId":"g","MsgBody":[],"Random":4294967296}`},
		"no Random":              {"SendGroupMsgRequest", `{"GroupId":"g","MsgBody":[]}`},
		"a success as a failure": {"Failure", `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, known := d.Components.Schemas[test.shape]; !known {
				t.Fatalf("no %s", test.shape)
			}
			if faults := d.faults(t, d.Components.Schemas[test.shape], parse(t, test.text), ""); len(faults) == 0 {
				t.Errorf("%s passes as %s", test.text, test.shape)
			}
		})
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// check compares a JSON text with a schema.
func (d description) check(t *testing.T, what string, schema any, text string) {
	t.Helper()
	if schema == nil {
		t.Fatalf("%s: no schema", what)
	}
	if faults := d.faults(t, schema, parse(t, text), ""); len(faults) > 0 {
		t.Errorf("%s: %s\n does not conform: %q", what, text, faults)
	}
}

// faults finds what is wrong with a value by as much of JSON Schema as the
// description uses, and in addition every field that is not described.
func (d description) faults(t *testing.T, schema, value any, at string) (found []string) {
	t.Helper()
	s := resolve(t, d, schema).(map[string]any)
	fault := func(format string, args ...any) {
		found = append(found, at+": "+fmt.Sprintf(format, args...))
	}
	for _, part := range itemsOf(s["allOf"]) {
		found = append(found, d.faults(t, part, value, at)...)
	}
	if want, ok := s["const"]; ok && want != value {
		fault("%v is not %v", value, want)
	}
	object, _ := value.(map[string]any)
	fields, _ := s["properties"].(map[string]any)
	for _, name := range itemsOf(s["required"]) {
		if _, ok := object[name.(string)]; !ok {
			fault("%s is missing", name)
		}
	}
	for name, inner := range object {
		if field, ok := fields[name]; ok {
			found = append(found, d.faults(t, field, inner, at+"/"+name)...)
		} else if s["type"] == "object" {
			fault("%s is not described", name)
		}
	}
	switch s["type"] {
	case nil:
	case "object":
		if object == nil {
			fault("%v is no object", value)
		}
	case "array":
		items, ok := value.([]any)
		if !ok {
			fault("%v is no array", value)
		}
		for i, item := range items {
			found = append(found, d.faults(t, s["items"], item, fmt.Sprintf("%s/%d", at, i))...)
		}
	case "string":
		if _, ok := value.(string); !ok {
			fault("%v is no string", value)
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			fault("%v is no boolean", value)
		}
	case "integer":
		number, _ := value.(json.Number)
		n, ok := new(big.Int).SetString(number.String(), 10)
		if !ok {
			fault("%v is no integer", value)
			break
		}
		if low, ok := s["minimum"].(float64); ok && n.Cmp(big.NewInt(int64(low))) < 0 {
			fault("%v is too small", value)
		}
		if high, ok := s["maximum"].(float64); ok && n.Cmp(big.NewInt(int64(high))) > 0 {
			fault("%v is too large", value)
		}
	default:
		fault("unknown type %v", s["type"])
	}
	return found
}

func itemsOf(value any) []any {
	items, _ := value.([]any)
	return items
}
