package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

// Whatever the body of whatever command, the answer is an envelope and no fault
// of ours.
func FuzzREST(f *testing.F) {
	commands := api.Commands()
	seeds := map[string]string{
		api.CommandAccountImport:         `{"Identifier":"zoe","Nick":"Z","FaceUrl":null}`,
		api.CommandMultiaccountImport:    `{"Accounts":["zoe",""],"AccountList":[{},{"UserID":"yan","Nick":"Y"}]}`,
		api.CommandAccountCheck:          `{"CheckItem":[{"UserID":"zoe"},{}]}`,
		api.CommandAccountDelete:         `{"DeleteItem":[{"UserID":"zoe"},{"UserID":"admin"}]}`,
		api.CommandKick:                  `{"Identifier":"ann","UserID":null}`,
		api.CommandCreateGroup:           `{"Type":"Public","Name":"n","GroupId":"h","Owner_Account":"ann","MemberList":[{"Member_Account":"bob","Role":"Admin"}],"MaxMemberCount":9}`,
		api.CommandDestroyGroup:          `{"GroupId":"h"}`,
		api.CommandGetGroupInfo:          `{"GroupIdList":["g","h"],"ResponseFilter":{"GroupBaseInfoFilter":["Name"],"MemberInfoFilter":["Role"]}}`,
		api.CommandGetAppidGroupList:     `{"Limit":-9223372036854775808,"Next":18446744073709551615,"Type":"Public"}`,
		api.CommandModifyGroupBaseInfo:   `{"GroupId":"g","Name":"m","ShutUpAllMember":"On","MaxMemberNum":1}`,
		api.CommandChangeGroupOwner:      `{"GroupId":"g","NewOwner_Account":"bob"}`,
		api.CommandAddGroupMember:        `{"GroupId":"g","MemberList":[{"Member_Account":"bob"},null]}`,
		api.CommandDeleteGroupMember:     `{"GroupId":"g","MemberToDel_Account":["bob","bob",""]}`,
		api.CommandGetGroupMemberInfo:    `{"GroupId":"g","Limit":1,"Offset":9223372036854775807,"MemberRoleFilter":["Owner"]}`,
		api.CommandModifyGroupMemberInfo: `{"GroupId":"g","Member_Account":"bob","Member_Account":"ann","ShutUpUntil":60,"NameCard":"c"}`,
		api.CommandGetJoinedGroupList:    `{"Member_Account":"ann","Offset":-1,"ResponseFilter":{"SelfInfoFilter":["Role"]}}`,
		api.CommandGetRoleInGroup:        `{"GroupId":"g","User_Account":["ann","ann"]}`,
		api.CommandForbidSendMsg:         `{"GroupId":"g","Members_Account":["ann"],"MuteTime":4294967295}`,
		api.CommandGetGroupMutedAccount:  `{"GroupId":"g"}`,
		api.CommandGetGroupShuttedUin:    `{"GroupId":"g\u0000"}`,
		api.CommandSetNoSpeaking:         `{"Set_Account":"ann","C2CmsgNospeakingTime":1,"GroupmsgNospeakingTime":4294967294}`,
		api.CommandGetNoSpeaking:         `{"Get_Account":"ann"}`,
		api.CommandSendGroupMsg:          `{"GroupId":"g","Random":1,"From_Account":"ann","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`,
		api.CommandGroupMsgGetSimple:     `{"GroupId":"g","ReqMsgNumber":20,"ReqMsgSeq":18446744073709551615}`,
		api.CommandGroupMsgRecall:        `{"GroupId":"g","MsgSeqList":[{"MsgSeq":18446744073709551615},{}]}`,
		api.CommandGetDirtyWords:         `{}`,
		api.CommandAddDirtyWords:         `{"DirtyWordsList":["w\u200b","\ud800"]}`,
		api.CommandDeleteDirtyWords:      `{"DirtyWordsList":["w"]}`,
	}
	for i, command := range commands {
		f.Add(byte(i), []byte(seeds[command]))
	}
	for i, body := range []string{
		``, `[]`, `null`, `{"GroupId":null}`, "{\"GroupId\":\"\xff\"}", `{"GroupId":1e999}`, `{} {}`,
		strings.Repeat(`{"a":[`, 40) + strings.Repeat("]}", 40),
	} {
		f.Add(byte(i), []byte(body))
	}
	s := newServer(f)
	s.call(f, first, accnt+"multiaccount_import", imports)
	s.call(f, first, svc+"create_group", `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`)
	query := s.query(first).Encode()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		command := commands[int(which)%len(commands)]
		request := httptest.NewRequest(http.MethodPost, "/v4/"+command+"?"+query, strings.NewReader(string(body)))
		recorder := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(recorder, request)
		r := read(t, recorder.Result())
		checkEnvelope(t, command, r)
		if r.ErrorCode == api.CodeInternal {
			t.Fatalf("%s %q: answered %s", command, body, r.text)
		}
	})
}
