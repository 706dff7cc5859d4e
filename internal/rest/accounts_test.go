package rest_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 32)
	play(t, []step{
		{does: "import under the newer name", command: accnt + "account_import", body: `{"UserID":"eve","Nick":"Eve","FaceUrl":"http://f"}`, has: []string{`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`}},
		{does: "import under the older name", command: accnt + "account_import", body: `{"Identifier":"fay"}`},
		{does: "import again", command: accnt + "account_import", body: `{"UserID":"eve","Nick":"Eve II"}`},
		{does: "longest", command: accnt + "account_import", body: `{"UserID":"` + long + `"}`},
		{does: "too long", command: accnt + "account_import", body: `{"UserID":"a` + long + `"}`, code: 70402},
		{does: "nameless", command: accnt + "account_import", body: `{}`, code: 70402},
		{does: "empty", command: accnt + "account_import", body: `{"UserID":""}`, code: 70402},
		{does: "not printable", command: accnt + "account_import", body: `{"UserID":"a\u0000b"}`, code: 70402},
		{does: "not ASCII", command: accnt + "account_import", body: `{"UserID":"é"}`, code: 70402},
		{does: "long nick", command: accnt + "account_import", body: `{"UserID":"eve","Nick":"` + strings.Repeat("a", 501) + `"}`, code: 70402},

		{does: "import many", command: accnt + "multiaccount_import", body: `{"Accounts":["gil","a\u0007b","` + long + `x"]}`, has: []string{`"FailAccounts":["a\u0007b","` + long + `x"]`}},
		{does: "import many with profiles", command: accnt + "multiaccount_import", body: `{"AccountList":[{"UserID":"hal","Nick":"Hal"}]}`, has: []string{`"FailAccounts":[]`}},
		{does: "import 100", command: accnt + "multiaccount_import", body: `{"Accounts":` + list(`"u%d"`, 1, 100) + `}`},
		{does: "import 101", command: accnt + "multiaccount_import", body: `{"Accounts":` + list(`"v%d"`, 1, 101) + `}`, code: 70402},
		{does: "import none", command: accnt + "multiaccount_import", body: `{}`, code: 70402},

		{does: "check", command: accnt + "account_check", body: `{"CheckItem":[{"UserID":"eve"},{"UserID":"nobody"},{"UserID":"gil"},{"UserID":"hal"},{"UserID":"u100"},{"UserID":"v1"},{"UserID":"admin"}]}`, has: []string{
			`{"UserID":"eve","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`,
			`{"UserID":"nobody","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"}`,
			`{"UserID":"gil","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`,
			`{"UserID":"hal","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`,
			`{"UserID":"u100","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`,
			`{"UserID":"v1","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"}`,
			`{"UserID":"admin","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"}`,
		}},
		{does: "check none", command: accnt + "account_check", body: `{"CheckItem":[]}`, code: 70402},
		{does: "check 101", command: accnt + "account_check", body: `{"CheckItem":` + list(`{"UserID":"u%d"}`, 1, 101) + `}`, code: 70402},
		{does: "check elsewhere", app: second, command: accnt + "account_check", body: `{"CheckItem":[{"UserID":"eve"}]}`, has: []string{`"NotImported"`}},

		{does: "kick", command: accnt + "kick", body: `{"UserID":"eve"}`, has: []string{`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`}},
		{does: "kick under the older name", command: accnt + "kick", body: `{"Identifier":"admin"}`},
		{does: "kick nobody", command: accnt + "kick", body: `{"UserID":"nobody"}`, code: 70107},
		{does: "kick without a name", command: accnt + "kick", body: `{}`, code: 70402},
		{does: "kick elsewhere", app: second, command: accnt + "kick", body: `{"UserID":"eve"}`, code: 70107},

		{does: "a group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"eve","MemberList":[{"Member_Account":"gil"}]}`},
		{does: "delete", command: accnt + "account_delete", body: `{"DeleteItem":[{"UserID":"eve"},{"UserID":"nobody"},{"UserID":"admin"}]}`, has: []string{
			`{"UserID":"eve","ResultCode":0,"ResultInfo":""}`,
			`{"UserID":"nobody","ResultCode":70107,"ResultInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist"}`,
			`{"UserID":"admin","ResultCode":71000,`,
		}},
		{does: "gone", command: accnt + "account_check", body: `{"CheckItem":[{"UserID":"eve"}]}`, has: []string{`"NotImported"`}},
		{does: "its group goes on without an owner", command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{`"Owner_Account":""`, `"MemberNum":1`, `"gil"`}, lacks: []string{`"eve"`}},
		{does: "delete none", command: accnt + "account_delete", body: `{"DeleteItem":[]}`, code: 70402},
		{does: "delete 101", command: accnt + "account_delete", body: `{"DeleteItem":` + list(`{"UserID":"u%d"}`, 1, 101) + `}`, code: 70402},
		{does: "import once more", command: accnt + "account_import", body: `{"UserID":"eve"}`},
		{does: "deleted elsewhere", app: second, command: accnt + "account_delete", body: `{"DeleteItem":[{"UserID":"eve"}]}`, has: []string{`70107`}},
		{does: "still here", command: accnt + "account_check", body: `{"CheckItem":[{"UserID":"eve"}]}`, has: []string{`"Imported"`}},
	})
}

// The same names in two apps are two groups and two accounts.
func TestAppsSeeNothingOfOneAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var steps []step
	for _, app := range []struct {
		step
		name string
	}{{step{app: first}, "one"}, {step{app: second}, "two"}} {
		steps = append(steps,
			step{does: "accounts", app: app.app, command: accnt + "multiaccount_import", body: `{"Accounts":["ann"]}`},
			step{does: "group", app: app.app, command: svc + "create_group", body: `{"Type":"Public","GroupId":"g","Owner_Account":"ann","Name":"` + app.name + `"}`},
		)
	}
	send := `{"GroupId":"g","From_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"%s"}}]}`
	steps = append(steps,
		step{does: "send", app: first, command: svc + "send_group_msg", body: fmt.Sprintf(send, "to one"), has: []string{`"MsgSeq":1`}},
		step{does: "mute", app: first, command: svc + "forbid_send_msg", body: `{"GroupId":"g","Members_Account":["ann"],"MuteTime":60}`},
		step{does: "mute everywhere", app: first, command: mute + "setnospeaking", body: `{"Set_Account":"ann","GroupmsgNospeakingTime":60}`},
		step{does: "word", app: first, command: dirty + "add", body: `{"DirtyWordsList":["two"]}`},
		step{does: "muted here", app: first, command: svc + "send_group_msg", body: fmt.Sprintf(send, "again"), code: 10017},

		step{does: "other name", app: second, command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{`"Name":"two"`, `"Appid":1400000002`, `"NextMsgSeq":1`}},
		step{does: "nobody muted", app: second, command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"MutedAccountList":[]`}},
		step{does: "account not muted", app: second, command: mute + "getnospeaking", body: `{"Get_Account":"ann"}`, has: []string{`"GroupmsgNospeakingTime":0`}},
		step{does: "no words", app: second, command: dirty + "get", body: `{}`, has: []string{`"DirtyWordsList":[]`}},
		step{does: "no history", app: second, command: svc + "group_msg_get_simple", body: `{"GroupId":"g","ReqMsgNumber":20}`, has: []string{`"RspMsgList":[]`}},
		step{does: "first message", app: second, command: svc + "send_group_msg", body: fmt.Sprintf(send, "to two"), has: []string{`"MsgSeq":1`}},
		step{does: "own history", app: second, command: svc + "group_msg_get_simple", body: `{"GroupId":"g","ReqMsgNumber":20}`, has: []string{"to two"}, lacks: []string{"to one"}},
		step{does: "one group", app: second, command: svc + "get_appid_group_list", body: `{}`, has: []string{`"TotalCount":1`}},
		step{does: "dissolve", app: second, command: svc + "destroy_group", body: `{"GroupId":"g"}`},
		step{does: "the other lives", app: first, command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{`"Name":"one"`, `"NextMsgSeq":2`}},
	)
	s.play(t, steps)
	if n := len(s.exceptions(t, second)); n > 0 {
		t.Errorf("the second app has %d events of the first", n)
	}
}
