package api_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
)

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// given is what a method for two names of a field returns.
type given struct {
	Value any
	Given bool
}

func both[T any](value T, ok bool) given { return given{value, ok} }

func TestRenamedFieldIsReadUnderEitherName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		read func(t *testing.T, text string) given
		// The request with the new name, the older ones, and neither.
		newer   string
		older   []string
		neither string
		want    any
		zero    any
	}{
		"UserID": {
			func(t *testing.T, text string) given {
				return both(decode[api.AccountImportRequest](t, text).Account())
			},
			`{"UserID":"a","Identifier":"x"}`, []string{`{"Identifier":"a"}`}, `{"Nick":"a"}`, "a", "",
		},
		"MuteTime of forbid_send_msg": {
			func(t *testing.T, text string) given {
				return both(decode[api.ForbidSendMsgRequest](t, text).Seconds())
			},
			`{"MuteTime":4294967295,"ShutUpTime":1}`, []string{`{"ShutUpTime":4294967295}`}, `{}`, uint32(api.Forever), uint32(0),
		},
		"MuteTime of modify_group_member_info": {
			func(t *testing.T, text string) given {
				return both(decode[api.ModifyGroupMemberInfoRequest](t, text).Seconds())
			},
			`{"MuteTime":0,"ShutUpTime":1,"ShutUpUntil":2}`, []string{`{"ShutUpTime":0,"ShutUpUntil":1}`, `{"ShutUpUntil":0}`}, `{}`, uint32(0), uint32(0),
		},
		"MuteAllMember": {
			func(t *testing.T, text string) given {
				return both(decode[api.ModifyGroupBaseInfoRequest](t, text).MuteAll())
			},
			`{"MuteAllMember":"On","ShutUpAllMember":"Off"}`, []string{`{"ShutUpAllMember":"On"}`}, `{"Name":"x"}`, "On", "",
		},
		"OnlineOnlyFlag": {
			func(t *testing.T, text string) given {
				return both(decode[api.SendGroupMsgRequest](t, text).OnlineOnly())
			},
			`{"OnlineOnlyFlag":1,"MsgOnlineOnlyFlag":0}`, []string{`{"MsgOnlineOnlyFlag":1}`}, `{}`, int64(1), int64(0),
		},
		"GroupType of get_appid_group_list": {
			func(t *testing.T, text string) given {
				return both(decode[api.GetAppidGroupListRequest](t, text).Kind())
			},
			`{"GroupType":"Public","Type":"x"}`, []string{`{"Type":"Public"}`}, `{}`, "Public", "",
		},
		"GroupType of get_joined_group_list": {
			func(t *testing.T, text string) given {
				return both(decode[api.GetJoinedGroupListRequest](t, text).Kind())
			},
			`{"GroupType":"Public","Type":"x"}`, []string{`{"Type":"Public"}`}, `{}`, "Public", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range append(test.older, test.newer) {
				if got := test.read(t, text); got != (given{test.want, true}) {
					t.Errorf("%s: %v", text, got)
				}
			}
			if got := test.read(t, test.neither); got != (given{test.zero, false}) {
				t.Errorf("%s: %v", test.neither, got)
			}
		})
	}
}

func TestBatchImportTakesBothForms(t *testing.T) {
	t.Parallel()
	r := decode[api.MultiaccountImportRequest](t, `{"Accounts":["a","b"],"AccountList":[{"UserID":"c","Nick":"C"}]}`)
	want := []api.AccountImportRequest{{UserID: new("a")}, {UserID: new("b")}, {UserID: new("c"), Nick: new("C")}}
	if diff := cmp.Diff(want, r.All()); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestAnswerHasBothNamesOfAField(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer any
		want   string
	}{
		"muted members": {
			api.NewMutedAccounts("g", []api.MutedAccount{{Member_Account: "a", MutedUntil: api.Forever}}),
			`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupId":"g","MutedAccountList":[{"Member_Account":"a","MutedUntil":4294967295}],"ShuttedUinList":[{"Member_Account":"a","ShuttedUntil":4294967295}]}`,
		},
		"nobody muted": {
			api.NewMutedAccounts("g", nil),
			`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupId":"g","MutedAccountList":[],"ShuttedUinList":[]}`,
		},
		"recalled messages": {
			api.NewRecallResults([]api.RecallResult{{MsgSeq: 7, RetCode: api.CodeRecallTooLate}}),
			`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"RecallRetList":[{"MsgSeq":7,"RetCode":10031}],"Results":[{"MsgSeq":7,"RetCode":10031}]}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, encode(t, test.answer)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswerIsReadUnderEitherName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"MutedAccountList":[{"Member_Account":"a","MutedUntil":5}]}`,
		`{"ShuttedUinList":[{"Member_Account":"a","ShuttedUntil":5}]}`,
	} {
		got := decode[api.GetGroupMutedAccountResponse](t, text).Muted()
		if diff := cmp.Diff([]api.MutedAccount{{Member_Account: "a", MutedUntil: 5}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{`{"RecallRetList":[{"MsgSeq":7,"RetCode":0}]}`, `{"Results":[{"MsgSeq":7,"RetCode":0}]}`} {
		got := decode[api.GroupMsgRecallResponse](t, text).Recalled()
		if diff := cmp.Diff([]api.RecallResult{{MsgSeq: 7}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]bool{`{"MuteAllMember":"On"}`: true, `{"ShutUpAllMember":"On"}`: true, `{"MuteAllMember":"Off"}`: false} {
		if got := decode[api.GroupInfo](t, text).MutedAll(); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestFilterKeepsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	group := api.GroupProfile{GroupId: "g", Name: "n", MuteAllMember: api.On, ShutUpAllMember: api.On}
	member := api.MemberInfo{Member_Account: "a", Role: api.RoleAdmin, MuteUntil: 5, ShutUpUntil: 5}
	tests := map[string]struct {
		value any
		want  string
	}{
		"group":                 {api.GroupInfo{GroupProfile: group, Only: []string{"Name", "LastMsgTime"}}, `{"ErrorCode":0,"ErrorInfo":"","GroupId":"g","LastMsgTime":0,"Name":"n"}`},
		"group by older name":   {api.GroupInfo{GroupProfile: group, Only: []string{"ShutUpAllMember"}}, `{"ErrorCode":0,"ErrorInfo":"","GroupId":"g","MuteAllMember":"On","ShutUpAllMember":"On"}`},
		"group that is missing": {api.GroupInfo{GroupProfile: group, ErrorCode: 10010, ErrorInfo: "x", Only: []string{}}, `{"ErrorCode":10010,"ErrorInfo":"x","GroupId":"g"}`},
		"unknown field":         {api.GroupInfo{GroupProfile: group, Only: []string{"Unknown"}}, `{"ErrorCode":0,"ErrorInfo":"","GroupId":"g"}`},
		"member":                {api.MemberInfo{Member_Account: "a", Role: api.RoleAdmin, Only: []string{"Role"}}, `{"Member_Account":"a","Role":"Admin"}`},
		"member by newer name":  {api.MemberInfo{Member_Account: "a", MuteUntil: 5, ShutUpUntil: 5, Only: []string{"MuteUntil"}}, `{"Member_Account":"a","MuteUntil":5,"ShutUpUntil":5}`},
		"joined group":          {api.JoinedGroup{GroupProfile: group, SelfInfo: &api.SelfInfo{Role: "Owner", Only: []string{"Role"}}, Only: []string{}}, `{"GroupId":"g","SelfInfo":{"Role":"Owner"}}`},
		"joined, group alone":   {api.JoinedGroup{GroupProfile: group, Only: []string{}}, `{"GroupId":"g"}`},
		"no filter": {member, `{"Member_Account":"a","Role":"Admin","JoinTime":0,"MsgSeq":0,"MsgFlag":"","LastSendMsgTime":0,` +
			`"NameCard":"","MuteUntil":5,"ShutUpUntil":5,"AppMemberDefinedData":null}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, encode(t, test.value)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

// What is written unfiltered is read back as it was.
func TestProfilesSurviveTheWire(t *testing.T) {
	t.Parallel()
	info := api.GroupInfo{
		GroupProfile: api.GroupProfile{
			GroupId: "g", Type: api.TypePublic, Name: "n", Introduction: "i", Notification: "o", FaceUrl: "f",
			Owner_Account: "a", Appid: 1400000000, CreateTime: 1, InfoSeq: 2, LastInfoTime: 3, LastMsgTime: 4, NextMsgSeq: 5,
			MemberNum: 6, MaxMemberNum: 7, ApplyJoinOption: api.FreeAccess, InviteJoinOption: api.DisableInvite,
			MuteAllMember: api.Off, ShutUpAllMember: api.Off, AppDefinedData: []api.KeyValue{{Key: "k", Value: "v"}},
		},
		MemberList: []api.MemberInfo{{Member_Account: "a", Role: api.RoleOwner}},
	}
	if diff := cmp.Diff(info, decode[api.GroupInfo](t, encode(t, info))); diff != "" {
		t.Errorf("group (-written +read):\n%s", diff)
	}
	joined := api.JoinedGroup{GroupProfile: info.GroupProfile, SelfInfo: &api.SelfInfo{Role: api.RoleOwner, JoinTime: 5, MsgSeq: 3}}
	if diff := cmp.Diff(joined, decode[api.JoinedGroup](t, encode(t, joined))); diff != "" {
		t.Errorf("joined group (-written +read):\n%s", diff)
	}
}

func TestElementsHaveTheirWireForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		element api.Element
		want    string
	}{
		"text":     {api.Text("red packet"), `{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}`},
		"quotes":   {api.Text("\"\n"), `{"MsgType":"TIMTextElem","MsgContent":{"Text":"\"\n"}}`},
		"not utf8": {api.Text("a\xffb"), `{"MsgType":"TIMTextElem","MsgContent":{"Text":"a\ufffdb"}}`},
		"custom": {
			api.Custom("d", "e", "x", "s"),
			`{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d","Desc":"e","Ext":"x","Sound":"s"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := encode(t, test.element)
			if want := test.want; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestStoredBodyIsReadAsElements(t *testing.T) {
	t.Parallel()
	m := decode[api.StoredMessage](t, `{"MsgSeq":3,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`)
	got, err := m.Elements()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]api.Element{api.Text("a")}, got); diff != "" {
		t.Errorf("elements (-want +got):\n%s", diff)
	}
	if got, err := (api.StoredMessage{}).Elements(); err != nil || len(got) != 0 {
		t.Errorf("no body: %v, %v", got, err)
	}
	if _, err := decode[api.StoredMessage](t, `{"MsgBody":{"Opt":1}}`).Elements(); err == nil {
		t.Error("the body of a system notice passed for elements")
	}
}

func TestSendKeepsAbsentApartFromZero(t *testing.T) {
	t.Parallel()
	got := encode(t, api.SendGroupMsgRequest{GroupId: "g", Random: new(uint32(0)), MsgBody: []api.Element{api.Text("a")}})
	want := `{"GroupId":"g","Random":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if r := decode[api.SendGroupMsgRequest](t, `{"CloudCustomData":""}`); r.CloudCustomData == nil || r.Random != nil {
		t.Errorf("read %+v", r)
	}
	for _, random := range []string{"-1", "4294967296", "1.5", `"1"`, "1e400"} {
		var r api.SendGroupMsgRequest
		if err := json.Unmarshal([]byte(`{"Random":`+random+`}`), &r); err == nil {
			t.Errorf("Random %s was taken as %d", random, *r.Random)
		}
	}
}

func TestGroupTypesHaveTwoSpellings(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Private": "Private", "Work": "Private", "Public": "Public", "ChatRoom": "ChatRoom", "Meeting": "ChatRoom",
		"AVChatRoom": "AVChatRoom", "Community": "Community", "BChatRoom": "", "public": "", "": "",
	}
	for word, want := range tests {
		if got, ok := api.RESTGroupType(word); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", word, got, ok)
		}
	}
}

func TestEnvelopeTellsSuccessFromFailure(t *testing.T) {
	t.Parallel()
	if got := encode(t, api.NewAnswer(api.CodeOK, "ignored")); got != `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}` {
		t.Error(got)
	}
	if got := encode(t, api.NewAnswer(10010, "x")); got != `{"ActionStatus":"FAIL","ErrorInfo":"x","ErrorCode":10010}` {
		t.Error(got)
	}
	if got := encode(t, api.SetNoSpeakingResponse{}); got != `{"ErrorInfo":"","ErrorCode":0}` {
		t.Error(got)
	}
}
