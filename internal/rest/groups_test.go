package rest_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
)

func TestCreateGroupOfEveryType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.call(t, first, accnt+"multiaccount_import", imports)
	tests := []struct {
		kind, word  string
		id          string // pattern of a made id
		own         string
		apply, join string
		max         string
	}{
		{"Private", "Private", `^@TGS#[A-Z2-7]{12}$`, "own 1", "DisableApply", "FreeAccess", "6000"},
		{"Work", "Private", `^@TGS#[A-Z2-7]{12}$`, "own~2", "DisableApply", "FreeAccess", "6000"},
		{"Public", "Public", `^@TGS#[A-Z2-7]{12}$`, "own3", "NeedPermission", "DisableInvite", "6000"},
		{"ChatRoom", "ChatRoom", `^@TGS#[A-Z2-7]{12}$`, "own4", "FreeAccess", "DisableInvite", "6000"},
		{"Meeting", "ChatRoom", `^@TGS#[A-Z2-7]{12}$`, "own5", "FreeAccess", "DisableInvite", "6000"},
		{"AVChatRoom", "AVChatRoom", `^@TGS#[A-Z2-7]{12}$`, "own6", "FreeAccess", "DisableInvite", "0"},
		{"Community", "Community", `^@TGS#_@TGS#[A-Z2-7]{12}$`, "@TGS#_own7", "FreeAccess", "FreeAccess", "100000"},
	}
	for _, test := range tests {
		for _, id := range []string{"", test.own} {
			body := fmt.Sprintf(`{"Type":%q,"GroupId":%q,"Name":"n","Owner_Account":"ann"}`, test.kind, id)
			r := s.call(t, first, svc+"create_group", body)
			var made api.CreateGroupResponse
			if err := json.Unmarshal([]byte(r.text), &made); err != nil || r.ErrorCode != 0 || made.Type != test.word {
				t.Errorf("%s: answered %s, want type %s", body, r.text, test.word)
				continue
			}
			if id != "" && made.GroupId != id || id == "" && !regexp.MustCompile(test.id).MatchString(made.GroupId) {
				t.Errorf("%s: id %s", body, made.GroupId)
			}
			s.play(t, []step{{does: "look at " + made.GroupId, command: svc + "get_group_info", body: fmt.Sprintf(`{"GroupIdList":[%q]}`, made.GroupId), has: []string{
				`"Type":"` + test.word + `"`, `"Owner_Account":"ann"`, `"MemberNum":1`, `"MaxMemberNum":` + test.max,
				`"ApplyJoinOption":"` + test.apply + `"`, `"InviteJoinOption":"` + test.join + `"`, `"Role":"Owner"`,
			}}})
		}
	}
}

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	with := func(fields string) string {
		return `{"Type":"Public","Name":"n"` + strings.TrimSuffix(","+fields, ",") + `}`
	}
	create := svc + "create_group"
	play(t, []step{
		{does: "everything", command: create, body: with(`"GroupId":"g","Owner_Account":"ann","Introduction":"i","Notification":"o","FaceUrl":"f","MaxMemberCount":3,"ApplyJoinOption":"FreeAccess","InviteJoinOption":"NeedPermission","MemberList":[{"Member_Account":"bob","Role":"Admin"},{"Member_Account":"cid"},{"Member_Account":"ann"},{"Member_Account":"cid"}]`), has: []string{`"GroupId":"g"`}},
		{does: "look", command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{
			`"Name":"n"`, `"Introduction":"i"`, `"Notification":"o"`, `"FaceUrl":"f"`, `"MaxMemberNum":3`, `"MemberNum":3`, `"Appid":1400000001`,
			`"CreateTime":1800000000`, `"LastInfoTime":1800000000`, `"LastMsgTime":0`, `"NextMsgSeq":1`, `"InfoSeq":1`,
			`"ApplyJoinOption":"FreeAccess"`, `"InviteJoinOption":"NeedPermission"`, `"MuteAllMember":"Off"`, `"ShutUpAllMember":"Off"`,
			`{"Member_Account":"bob","Role":"Admin","JoinTime":1800000000,"MsgSeq":0,"MsgFlag":"AcceptAndNotify","LastSendMsgTime":0,"NameCard":"","MuteUntil":0,"ShutUpUntil":0,"AppMemberDefinedData":[]}`,
			`{"Member_Account":"cid","Role":"Member",`,
		}},
		{does: "no owner", command: create, body: with(`"GroupId":"ownerless"`)},
		{does: "look", command: svc + "get_group_info", body: `{"GroupIdList":["ownerless"]}`, has: []string{`"Owner_Account":""`, `"MemberNum":0`}},

		{does: "no type", command: create, body: `{"Name":"n"}`, code: 10004},
		{does: "unknown type", command: create, body: `{"Type":"BChatRoom","Name":"n"}`, code: 10004},
		{does: "type in another case", command: create, body: `{"Type":"public","Name":"n"}`, code: 10004},
		{does: "no name", command: create, body: `{"Type":"Public"}`, code: 10004, has: []string{"Name is required"}},
		{does: "longest name", command: create, body: `{"Type":"Public","Name":"` + strings.Repeat("é", 15) + `"}`},
		{does: "long name", command: create, body: `{"Type":"Public","Name":"a` + strings.Repeat("é", 15) + `"}`, code: 10004, has: []string{"group name is too long"}},
		{does: "long introduction", command: create, body: with(`"Introduction":"` + strings.Repeat("a", 241) + `"`), code: 10004, has: []string{"introduction is too long"}},
		{does: "long notification", command: create, body: with(`"Notification":"` + strings.Repeat("a", 301) + `"`), code: 10004},
		{does: "long face", command: create, body: with(`"FaceUrl":"` + strings.Repeat("a", 101) + `"`), code: 10004},
		{does: "bad option", command: create, body: with(`"ApplyJoinOption":"Maybe"`), code: 10004},
		{does: "apply option for invitations", command: create, body: with(`"InviteJoinOption":"DisableApply"`), code: 10004},
		{does: "too many members wanted", command: create, body: with(`"MaxMemberCount":6001`), code: 10038},
		{does: "negative limit", command: create, body: with(`"MaxMemberCount":-1`), code: 10004},
		{does: "own field", command: create, body: with(`"AppDefinedData":[{"Key":"k","Value":"v"}]`), code: 10004, has: []string{"all defined key is invalid"}},
		{does: "topics", command: create, body: `{"Type":"Community","Name":"n","SupportTopic":1}`, code: 10007},

		{does: "longest id", command: create, body: with(`"GroupId":"` + strings.Repeat("g", 48) + `"`)},
		{does: "long id", command: create, body: with(`"GroupId":"` + strings.Repeat("g", 49) + `"`), code: 10015},
		{does: "id not ASCII", command: create, body: with(`"GroupId":"é"`), code: 10015},
		{does: "id with NUL", command: create, body: with(`"GroupId":"a\u0000"`), code: 10015},
		{does: "reserved id", command: create, body: with(`"GroupId":"@TGS#mine"`), code: 10015},
		{does: "community without its beginning", command: create, body: `{"Type":"Community","Name":"n","GroupId":"mine"}`, code: 10015},
		{does: "community with a reserved id", command: create, body: `{"Type":"Community","Name":"n","GroupId":"@TGS#_@TGS#mine"}`, code: 10015},
		{does: "community with the beginning alone", command: create, body: `{"Type":"Community","Name":"n","GroupId":"@TGS#_"}`, code: 10015},
		{does: "id of another", command: create, body: with(`"GroupId":"g","Owner_Account":"bob"`), code: 10021, has: []string{"group id has be used!"}},
		{does: "id of an ownerless group", command: create, body: with(`"GroupId":"ownerless"`), code: 10021},
		{does: "id of his own", command: create, body: with(`"GroupId":"g","Owner_Account":"ann"`), code: 10025, has: []string{"group id has be used by youself!"}},
		{does: "the admin's group", command: create, body: with(`"GroupId":"a","Owner_Account":"admin"`)},
		{does: "the caller's own id", command: create, body: with(`"GroupId":"a","Owner_Account":"bob"`), code: 10025},

		{does: "owner no account", command: create, body: with(`"GroupId":"h","Owner_Account":"nobody"`), code: 10019},
		{does: "member no account", command: create, body: with(`"GroupId":"h","MemberList":[{"Member_Account":"nobody"}]`), code: 10019},
		{does: "nothing was made", command: svc + "get_group_info", body: `{"GroupIdList":["h"]}`, has: []string{`"ErrorCode":10010`}},
		{does: "bad role", command: create, body: with(`"MemberList":[{"Member_Account":"bob","Role":"Owner"}]`), code: 10004},
		{does: "own field of a member", command: create, body: with(`"MemberList":[{"Member_Account":"bob","AppMemberDefinedData":[{"Key":"k","Value":"v"}]}]`), code: 10004},
		{does: "admin in a Private group", command: create, body: `{"Type":"Private","Name":"n","MemberList":[{"Member_Account":"bob","Role":"Admin"}]}`, code: 10007},
		{does: "members of an AVChatRoom", command: create, body: `{"Type":"AVChatRoom","Name":"n","MemberList":[{"Member_Account":"bob"}]}`, code: 10007},
		{does: "101 members", command: create, body: with(`"MemberList":` + list(`{"Member_Account":"u%d"}`, 1, 101)), code: 10005},
		{does: "100 accounts", command: accnt + "multiaccount_import", body: `{"Accounts":` + list(`"u%d"`, 1, 100) + `}`},
		{does: "100 members", command: create, body: with(`"GroupId":"h","MemberList":` + list(`{"Member_Account":"u%d"}`, 1, 100))},
		{does: "100 members are there", command: svc + "get_group_info", body: `{"GroupIdList":["h"]}`, has: []string{`"MemberNum":100`}},

		{does: "filter word", command: dirty + "add", body: `{"DirtyWordsList":["AV"]}`},
		{does: "word in the name", command: create, body: `{"Type":"Public","Name":"an av group"}`, code: 80001, has: []string{"group info secure check fail! beat word: AV"}},
		{does: "word in the introduction", command: create, body: with(`"Introduction":"AV"`), code: 80001},
		{does: "word in the notification", command: create, body: with(`"Notification":"AV"`), code: 80001},

		{does: "dissolve", command: svc + "destroy_group", body: `{"GroupId":"g"}`},
		{does: "the id is free again", command: create, body: with(`"GroupId":"g","Owner_Account":"bob"`)},
		{does: "as a new group", command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{`"MemberNum":1`, `"bob"`}, lacks: []string{`"ann"`}},
	})
}

func TestDestroyGroup(t *testing.T) {
	t.Parallel()
	destroy := svc + "destroy_group"
	play(t, []step{
		{does: "group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`},
		{does: "mute", command: svc + "forbid_send_msg", body: `{"GroupId":"g","Members_Account":["ann"],"MuteTime":60}`},
		{does: "elsewhere", app: second, command: destroy, body: `{"GroupId":"g"}`, code: 10010},
		{does: "dissolve", command: destroy, body: `{"GroupId":"g"}`, has: []string{`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`}},
		{does: "again", command: destroy, body: `{"GroupId":"g"}`, code: 10010, has: []string{`"this group does not exist"`}},
		{does: "send", command: svc + "send_group_msg", body: `{"GroupId":"g","From_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, code: 10010},
		{does: "members", command: svc + "get_group_member_info", body: `{"GroupId":"g"}`, code: 10010},
		{does: "history", command: svc + "group_msg_get_simple", body: `{"GroupId":"g","ReqMsgNumber":1}`, code: 10010},
		{does: "joined", command: svc + "get_joined_group_list", body: `{"Member_Account":"ann"}`, has: []string{`"TotalCount":0`}},
		{does: "no id", command: destroy, body: `{}`, code: 10004},
		{does: "malformed id", command: destroy, body: `{"GroupId":"a\u0007"}`, code: 10015},
		{does: "again under the same id", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`},
		{does: "the old mute is gone", command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"MutedAccountList":[]`}},
	})
}

func TestGetGroupInfo(t *testing.T) {
	t.Parallel()
	get := svc + "get_group_info"
	play(t, []step{
		{does: "group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`},
		{does: "message", wait: 5, command: svc + "send_group_msg", body: `{"GroupId":"g","From_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`},
		{does: "each has a code of its own", command: get, body: `{"GroupIdList":["g","none",""]}`, has: []string{
			`"NextMsgSeq":2`, `"LastMsgTime":1800000005`,
			`{"ErrorCode":10010,"ErrorInfo":"this group does not exist","GroupId":"none"}`,
			`{"ErrorCode":10004,"ErrorInfo":"GroupId is required","GroupId":""}`,
		}},
		{does: "filters", command: get, body: `{"GroupIdList":["g"],"ResponseFilter":{"GroupBaseInfoFilter":["Name","MuteAllMember"],"MemberInfoFilter":["Role"]}}`, has: []string{
			`"Name":"n"`, `"MuteAllMember":"Off"`, `"ShutUpAllMember":"Off"`, `"MemberList":[{"Member_Account":"ann","Role":"Owner"}]`,
		}, lacks: []string{"NextMsgSeq", "JoinTime"}},
		{does: "filter without members", command: get, body: `{"GroupIdList":["g"],"ResponseFilter":{"GroupBaseInfoFilter":["Name"]}}`, has: []string{`"Name":"n"`}, lacks: []string{"MemberList", "NextMsgSeq"}},
		{does: "null filters", command: get, body: `{"GroupIdList":["g"],"ResponseFilter":null}`, has: []string{`"NextMsgSeq":2`, `"MemberList"`}},
		{does: "null lists", command: get, body: `{"GroupIdList":["g"],"ResponseFilter":{"GroupBaseInfoFilter":null,"MemberInfoFilter":null,"AppDefinedDataFilter_Group":null}}`, has: []string{`"NextMsgSeq":2`}},
		{does: "none", command: get, body: `{"GroupIdList":[]}`, code: 10004},
		{does: "50", command: get, body: `{"GroupIdList":` + list(`"x%d"`, 1, 50) + `}`, has: []string{`"ErrorCode":10010`}},
		{does: "51", command: get, body: `{"GroupIdList":` + list(`"x%d"`, 1, 51) + `}`, code: 10004},
	})
}

func TestGroupListIsPaged(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	kinds := []string{"Public", "Private", "Public", "AVChatRoom", "Public"}
	for i, kind := range kinds {
		s.call(t, first, svc+"create_group", fmt.Sprintf(`{"Type":%q,"Name":"n","GroupId":"g%d"}`, kind, i))
	}
	tests := []struct {
		filter string
		total  int64
		want   []string
	}{
		{``, 5, []string{"g0", "g1", "g2", "g3", "g4"}},
		{`"GroupType":"Public",`, 3, []string{"g0", "g2", "g4"}},
		{`"Type":"Public",`, 3, []string{"g0", "g2", "g4"}},
		{`"GroupType":"Work",`, 1, []string{"g1"}},
		{`"GroupType":"Community",`, 0, nil},
	}
	for _, test := range tests {
		for limit := 1; limit <= 5; limit++ {
			var got []string
			next, pages := uint64(0), 0
			for pages = 1; ; pages++ {
				r := s.call(t, first, svc+"get_appid_group_list", fmt.Sprintf(`{%s"Limit":%d,"Next":%d}`, test.filter, limit, next))
				var page api.GetAppidGroupListResponse
				if err := json.Unmarshal([]byte(r.text), &page); err != nil || page.TotalCount != test.total || len(page.GroupIdList) > limit {
					t.Fatalf("%slimit %d: answered %s", test.filter, limit, r.text)
				}
				for _, g := range page.GroupIdList {
					got = append(got, g.GroupId)
				}
				if next = page.Next; next == 0 {
					break
				}
			}
			if want := max(1, (len(test.want)+limit-1)/limit); fmt.Sprint(got) != fmt.Sprint(test.want) || pages != want {
				t.Errorf("%slimit %d: %v in %d pages, want %v in %d", test.filter, limit, got, pages, test.want, want)
			}
		}
	}
	s.play(t, []step{
		{does: "defaults", command: svc + "get_appid_group_list", body: `{}`, has: []string{`"TotalCount":5`, `"Next":0`}},
		{does: "none here", app: second, command: svc + "get_appid_group_list", body: `{}`, has: []string{`"TotalCount":0`, `"GroupIdList":[]`, `"Next":0`}},
		{does: "bad type", command: svc + "get_appid_group_list", body: `{"Type":"Club"}`, code: 10004},
		{does: "big limit", command: svc + "get_appid_group_list", body: `{"Limit":10001}`, code: 10004},
		{does: "negative limit", command: svc + "get_appid_group_list", body: `{"Limit":-1}`, code: 10004},
		{does: "huge next", command: svc + "get_appid_group_list", body: `{"Next":18446744073709551615}`, code: 10004},
	})
}

func TestModifyGroupBaseInfo(t *testing.T) {
	t.Parallel()
	modify, look := svc+"modify_group_base_info", step{does: "look", command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`}
	see := func(has ...string) step { s := look; s.has = has; return s }
	send := func(random int, from string, code api.Code) step {
		return step{does: "send as " + from, command: svc + "send_group_msg", code: code,
			body: fmt.Sprintf(`{"GroupId":"g","From_Account":%q,"Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, from, random)}
	}
	play(t, []step{
		{does: "group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Introduction":"i","Owner_Account":"ann","MemberList":[{"Member_Account":"bob"},{"Member_Account":"cid","Role":"Admin"}]}`},
		{does: "name alone", wait: 7, command: modify, body: `{"GroupId":"g","Name":"new"}`, has: []string{`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`}},
		see(`"Name":"new"`, `"Introduction":"i"`, `"InfoSeq":2`, `"LastInfoTime":1800000007`),
		{does: "nothing", wait: 7, command: modify, body: `{"GroupId":"g"}`},
		{does: "the same", command: modify, body: `{"GroupId":"g","Name":"new"}`},
		see(`"InfoSeq":2`, `"LastInfoTime":1800000007`),
		{does: "all", command: modify, body: `{"GroupId":"g","Name":"x","Introduction":"","Notification":"o","FaceUrl":"f","MaxMemberNum":9,"ApplyJoinOption":"DisableApply","InviteJoinOption":"FreeAccess","From_Account":"bob"}`},
		see(`"Introduction":""`, `"Notification":"o"`, `"FaceUrl":"f"`, `"MaxMemberNum":9`, `"ApplyJoinOption":"DisableApply"`, `"InviteJoinOption":"FreeAccess"`, `"InfoSeq":3`),

		{does: "mute all", command: modify, body: `{"GroupId":"g","MuteAllMember":"On"}`},
		see(`"MuteAllMember":"On"`, `"ShutUpAllMember":"On"`),
		send(1, "bob", 10017), send(2, "cid", 0), send(3, "ann", 0), send(4, "admin", 0),
		{does: "unmute under the older name", command: modify, body: `{"GroupId":"g","ShutUpAllMember":"Off"}`},
		see(`"MuteAllMember":"Off"`, `"ShutUpAllMember":"Off"`),
		send(5, "bob", 0),
		{does: "mute under the older name", command: modify, body: `{"GroupId":"g","ShutUpAllMember":"On"}`},
		send(6, "bob", 10017),
		{does: "bad word", command: modify, body: `{"GroupId":"g","MuteAllMember":"on"}`, code: 10004},

		{does: "no group", command: modify, body: `{"GroupId":"h","Name":"x"}`, code: 10010},
		{does: "empty name", command: modify, body: `{"GroupId":"g","Name":""}`, code: 10004},
		{does: "long name", command: modify, body: `{"GroupId":"g","Name":"` + strings.Repeat("a", 31) + `"}`, code: 10004, has: []string{"group name is too long"}},
		{does: "long introduction", command: modify, body: `{"GroupId":"g","Introduction":"` + strings.Repeat("a", 241) + `"}`, code: 10004},
		{does: "bad option", command: modify, body: `{"GroupId":"g","InviteJoinOption":"x"}`, code: 10004},
		{does: "high limit", command: modify, body: `{"GroupId":"g","MaxMemberNum":6001}`, code: 10038},
		{does: "own field", command: modify, body: `{"GroupId":"g","AppDefinedData":[{"Key":"k","Value":""}]}`, code: 10004},
		{does: "operator no account", command: modify, body: `{"GroupId":"g","Name":"y","From_Account":"nobody"}`, code: 10019},
		{does: "word", command: dirty + "add", body: `{"DirtyWordsList":["sb"]}`},
		{does: "filtered", command: modify, body: `{"GroupId":"g","Notification":"SB"}`, code: 80001},
		see(`"Name":"x"`, `"Notification":"o"`),

		{does: "live room", command: svc + "create_group", body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live"}`},
		{does: "fixed by its type", command: modify, body: `{"GroupId":"live","MaxMemberNum":9,"ApplyJoinOption":"DisableApply","InviteJoinOption":"FreeAccess"}`},
		{does: "unchanged", command: svc + "get_group_info", body: `{"GroupIdList":["live"]}`, has: []string{`"MaxMemberNum":0`, `"ApplyJoinOption":"FreeAccess"`, `"InviteJoinOption":"DisableInvite"`, `"InfoSeq":1`}},
	})
}

func TestChangeGroupOwner(t *testing.T) {
	t.Parallel()
	change := svc + "change_group_owner"
	play(t, []step{
		{does: "group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann","MemberList":[{"Member_Account":"bob","Role":"Admin"}]}`},
		{does: "live room", command: svc + "create_group", body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live","Owner_Account":"ann"}`},
		{does: "ownerless", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"o","MemberList":[{"Member_Account":"bob"}]}`},
		{does: "hand over", command: change, body: `{"GroupId":"g","NewOwner_Account":"bob"}`, has: []string{`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`}},
		{does: "roles", command: svc + "get_role_in_group", body: `{"GroupId":"g","User_Account":["ann","bob"]}`, has: []string{`{"Member_Account":"ann","Role":"Member"}`, `{"Member_Account":"bob","Role":"Owner"}`}},
		{does: "profile", command: svc + "get_group_info", body: `{"GroupIdList":["g"]}`, has: []string{`"Owner_Account":"bob"`, `"InfoSeq":2`, `"MemberNum":2`}},
		{does: "to himself", command: change, body: `{"GroupId":"g","NewOwner_Account":"bob"}`},
		{does: "still owner", command: svc + "get_role_in_group", body: `{"GroupId":"g","User_Account":["bob"]}`, has: []string{`"Role":"Owner"`}},
		{does: "no member", command: change, body: `{"GroupId":"g","NewOwner_Account":"cid"}`, code: 10007},
		{does: "no account", command: change, body: `{"GroupId":"g","NewOwner_Account":"nobody"}`, code: 10019},
		{does: "nobody", command: change, body: `{"GroupId":"g"}`, code: 10004},
		{does: "live room", command: change, body: `{"GroupId":"live","NewOwner_Account":"ann"}`, code: 10007},
		{does: "no group", command: change, body: `{"GroupId":"h","NewOwner_Account":"ann"}`, code: 10010},
		{does: "ownerless", command: change, body: `{"GroupId":"o","NewOwner_Account":"bob"}`},
		{does: "owner of it", command: svc + "get_role_in_group", body: `{"GroupId":"o","User_Account":["bob"]}`, has: []string{`"Role":"Owner"`}},
	})
}
