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
	for i := range commands {
		for _, body := range []string{
			``, `{}`, `[]`, `null`, `{"GroupId":null}`, "{\"GroupId\":\"\xff\"}", `{"GroupId":"\ud800\u0000"}`,
			strings.Repeat(`{"a":[`, 40) + strings.Repeat("]}", 40),
			`{"GroupId":"g","Random":1,"From_Account":"ann","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`,
			`{"GroupId":"g","Random":4294967296,"MsgBody":{}}`,
			`{"Type":"Public","Name":"n","GroupId":"h","Owner_Account":"ann","MemberList":[{"Member_Account":"bob","Role":"Admin"}],"MaxMemberCount":1e3}`,
			`{"GroupId":"g","Member_Account":"ann","Member_Account":5,"Role":"Admin","ShutUpUntil":60,"NameCard":"c"}`,
			`{"GroupId":"g","MemberList":[{"Member_Account":"bob"}],"MemberToDel_Account":["bob"],"Members_Account":["ann"],"MuteTime":4294967295}`,
			`{"GroupIdList":["g","h"],"ResponseFilter":{"GroupBaseInfoFilter":["Name"],"MemberInfoFilter":["Role"]}}`,
			`{"Limit":-9223372036854775808,"Offset":9223372036854775807,"Next":18446744073709551615,"GroupId":"g","Member_Account":"ann"}`,
			`{"GroupId":"g","ReqMsgNumber":20,"ReqMsgSeq":18446744073709551615,"MsgSeqList":[{"MsgSeq":18446744073709551615}]}`,
			`{"UserID":"zoe","Accounts":["zoe",""],"AccountList":[{}],"CheckItem":[{"UserID":"zoe"}],"DeleteItem":[{"UserID":"zoe"}]}`,
			`{"Set_Account":"ann","Get_Account":"ann","C2CmsgNospeakingTime":1,"GroupmsgNospeakingTime":4294967295,"DirtyWordsList":["w\u200b"]}`,
		} {
			f.Add(byte(i), []byte(body))
		}
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
