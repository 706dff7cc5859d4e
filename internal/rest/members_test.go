package rest_test

import (
	"fmt"
	"strings"
	"testing"
)

const ok = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`

func group(kind, id, more string) step {
	return step{does: kind + " group", command: svc + "create_group", body: fmt.Sprintf(`{"Type":%q,"Name":"n","GroupId":%q%s}`, kind, id, more)}
}

func TestAddGroupMember(t *testing.T) {
	t.Parallel()
	add := svc + "add_group_member"
	play(t, []step{
		group("Public", "g", `,"MaxMemberCount":3,"Owner_Account":"ann"`),
		group("AVChatRoom", "live", ``),
		group("Private", "p", ``),
		group("Community", "@TGS#_c", ``),
		{does: "each has its result", wait: 9, command: add, body: `{"GroupId":"g","Silence":1,"MemberList":[{"Member_Account":"bob"},{"Member_Account":"ann"},{"Member_Account":"nobody"},{"Member_Account":"bob"}]}`, has: []string{
			`"MemberList":[{"Member_Account":"bob","Result":1},{"Member_Account":"ann","Result":2},{"Member_Account":"nobody","Result":0},{"Member_Account":"bob","Result":2}]`,
		}},
		{does: "list", command: svc + "get_group_member_info", body: `{"GroupId":"g"}`, has: []string{`"MemberNum":2`, `{"Member_Account":"bob","Role":"Member","JoinTime":1800000009,`}, lacks: []string{"nobody"}},
		{does: "the last place", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"cid"},{"Member_Account":"dan"}]}`, has: []string{`{"Member_Account":"cid","Result":1},{"Member_Account":"dan","Result":0}`}},
		{does: "full", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, code: 10014},
		{does: "full but inside", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"cid"}]}`, has: []string{`"Result":2`}},
		{does: "Private", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"}]}`, has: []string{`"Result":1`}},
		{does: "Community", command: add, body: `{"GroupId":"@TGS#_c","MemberList":[{"Member_Account":"admin"}]}`, has: []string{`"Result":1`}},
		{does: "AVChatRoom", command: add, body: `{"GroupId":"live","MemberList":[{"Member_Account":"dan"}]}`, code: 10007},
		{does: "no group", command: add, body: `{"GroupId":"h","MemberList":[{"Member_Account":"dan"}]}`, code: 10010},
		{does: "nobody", command: add, body: `{"GroupId":"g","MemberList":[]}`, code: 10004},
		{does: "300", command: add, body: `{"GroupId":"p","MemberList":` + list(`{"Member_Account":"u%d"}`, 1, 300) + `}`, has: []string{`{"Member_Account":"u300","Result":0}`}},
		{does: "301", command: add, body: `{"GroupId":"p","MemberList":` + list(`{"Member_Account":"u%d"}`, 1, 301) + `}`, code: 10005},
		{does: "elsewhere", app: second, command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"ann"}]}`, code: 10010},
	})
}

func TestDeleteGroupMember(t *testing.T) {
	t.Parallel()
	del := svc + "delete_group_member"
	members := `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob"},{"Member_Account":"cid"}]`
	muteBob := func(id string) step {
		return step{does: "mute", command: svc + "forbid_send_msg", body: fmt.Sprintf(`{"GroupId":%q,"Members_Account":["bob"],"MuteTime":60}`, id)}
	}
	remove := func(id, user string) step {
		return step{does: "remove", command: del, body: fmt.Sprintf(`{"GroupId":%q,"Silence":0,"Reason":"","MemberToDel_Account":[%q]}`, id, user), has: []string{ok}}
	}
	play(t, []step{
		group("Public", "g", members), group("Private", "p", members), group("Community", "@TGS#_c", members), group("AVChatRoom", "live", ``),
		muteBob("g"), remove("g", "bob"),
		{does: "gone", command: svc + "get_group_member_info", body: `{"GroupId":"g"}`, has: []string{`"MemberNum":2`}, lacks: []string{"bob"}},
		{does: "the mute stays", command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"bob"`}},
		{does: "back again", command: svc + "add_group_member", body: `{"GroupId":"g","MemberList":[{"Member_Account":"bob"}]}`},
		{does: "still muted", command: svc + "send_group_msg", body: `{"GroupId":"g","From_Account":"bob","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, code: 10017},
		muteBob("@TGS#_c"), remove("@TGS#_c", "bob"),
		{does: "not so in a Community", command: svc + "get_group_muted_account", body: `{"GroupId":"@TGS#_c"}`, has: []string{`"MutedAccountList":[]`}},
		remove("g", "dan"),    // no member
		remove("g", "nobody"), // no account
		{does: "the owner", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid","ann"]}`, code: 10009},
		{does: "nobody was removed", command: svc + "get_group_member_info", body: `{"GroupId":"g"}`, has: []string{`"MemberNum":3`}},
		remove("p", "ann"),
		{does: "a Private group goes on", command: svc + "get_group_info", body: `{"GroupIdList":["p"]}`, has: []string{`"Owner_Account":""`, `"MemberNum":2`}},
		{does: "AVChatRoom", command: del, body: `{"GroupId":"live","MemberToDel_Account":["dan"]}`, code: 10004},
		{does: "no group", command: del, body: `{"GroupId":"h","MemberToDel_Account":["dan"]}`, code: 10010},
		{does: "nobody", command: del, body: `{"GroupId":"g"}`, code: 10004},
		{does: "500", command: del, body: `{"GroupId":"g","MemberToDel_Account":` + list(`"u%d"`, 1, 500) + `}`},
		{does: "501", command: del, body: `{"GroupId":"g","MemberToDel_Account":` + list(`"u%d"`, 1, 501) + `}`, code: 10005},
	})
}

func TestGetGroupMemberInfo(t *testing.T) {
	t.Parallel()
	get := svc + "get_group_member_info"
	play(t, []step{
		group("Public", "g", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob","Role":"Admin"},{"Member_Account":"cid"},{"Member_Account":"dan"}]`),
		{does: "mute", command: svc + "forbid_send_msg", body: `{"GroupId":"g","Members_Account":["cid"],"MuteTime":60}`},
		{does: "all, filters null", command: get, body: `{"GroupId":"g","Limit":100,"Offset":0,"MemberInfoFilter":null,"MemberRoleFilter":null,"AppDefinedDataFilter_GroupMember":null}`, has: []string{
			`"MemberNum":4`, `"ann"`, `"bob"`, `"MuteUntil":1800000060,"ShutUpUntil":1800000060`, `"dan"`,
		}},
		{does: "a mute that is over", wait: 60, command: get, body: `{"GroupId":"g"}`, lacks: []string{"1800000060"}},
		{does: "page", command: get, body: `{"GroupId":"g","Limit":2,"Offset":1}`, has: []string{`"MemberNum":4`, `"bob"`, `"cid"`}, lacks: []string{`"ann"`, `"dan"`}},
		{does: "behind the end", command: get, body: `{"GroupId":"g","Limit":2,"Offset":4}`, has: []string{`"MemberNum":4`, `"MemberList":[]`}},
		{does: "roles", command: get, body: `{"GroupId":"g","MemberRoleFilter":["Owner","Admin"]}`, has: []string{`"ann"`, `"bob"`}, lacks: []string{`"cid"`, `"dan"`}},
		{does: "page of a role", command: get, body: `{"GroupId":"g","MemberRoleFilter":["Member"],"Offset":1,"Limit":1}`, has: []string{`"dan"`}, lacks: []string{`"ann"`, `"bob"`, `"cid"`}},
		{does: "fields", command: get, body: `{"GroupId":"g","Limit":1,"MemberInfoFilter":["Role","MuteUntil"]}`, has: []string{`"MemberList":[{"Member_Account":"ann","MuteUntil":0,"Role":"Owner","ShutUpUntil":0}]`}},
		{does: "bad role", command: get, body: `{"GroupId":"g","MemberRoleFilter":["King"]}`, code: 10004},
		{does: "big page", command: get, body: `{"GroupId":"g","Limit":6001}`, code: 10054},
		{does: "negative offset", command: get, body: `{"GroupId":"g","Offset":-1}`, code: 10004},
		{does: "no group", command: get, body: `{"GroupId":"h"}`, code: 10010},
		{does: "elsewhere", app: second, command: get, body: `{"GroupId":"g"}`, code: 10010},
	})
}

// A list of more members than the store gives at once is whole and in order.
func TestManyMembersAreListedInPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const n = 603
	s.play(t, []step{group("Community", "@TGS#_c", "")})
	for from := 1; from <= n; from += 100 {
		to := min(from+99, n)
		s.play(t, []step{
			{does: "accounts", command: accnt + "multiaccount_import", body: `{"Accounts":` + list(`"u%04d"`, from, to) + `}`},
			{does: "members", command: svc + "add_group_member", body: `{"GroupId":"@TGS#_c","MemberList":` + list(`{"Member_Account":"u%04d"}`, from, to) + `}`},
		})
	}
	r := s.call(t, first, svc+"get_group_member_info", `{"GroupId":"@TGS#_c","Limit":600,"Offset":2,"MemberRoleFilter":["Member"],"MemberInfoFilter":["JoinTime"]}`)
	at := 0
	for i := 3; i <= 602; i++ {
		next := strings.Index(r.text[at:], fmt.Sprintf(`"u%04d"`, i))
		if next < 0 {
			t.Fatalf("u%04d is missing or out of order", i)
		}
		at += next
	}
	if strings.Contains(r.text, "u0002") || strings.Contains(r.text, "u0603") || !strings.Contains(r.text, `"MemberNum":603`) {
		t.Errorf("the page has wrong ends")
	}
}

// An answer of more than 1 MB is refused as a whole.
func TestTooLargeAnswerIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.play(t, []step{group("Community", "@TGS#_c", "")})
	s.play(t, []step{
		{does: "accounts", command: accnt + "multiaccount_import", body: `{"Accounts":` + list(`"account with a long name %04d"`, 1, 100) + `}`},
		{does: "members", command: svc + "add_group_member", body: `{"GroupId":"@TGS#_c","MemberList":` + list(`{"Member_Account":"account with a long name %04d"}`, 1, 100) + `}`},
	})
	ids := `["@TGS#_c"` + strings.Repeat(`,"@TGS#_c"`, 49) + `]`
	s.play(t, []step{
		{does: "50 times all members", command: svc + "get_group_info", body: `{"GroupIdList":` + ids + `}`, code: 10018},
		{does: "without them", command: svc + "get_group_info", body: `{"GroupIdList":` + ids + `,"ResponseFilter":{"GroupBaseInfoFilter":["Name"]}}`},
	})
}

func TestModifyGroupMemberInfo(t *testing.T) {
	t.Parallel()
	modify := svc + "modify_group_member_info"
	see := func(has ...string) step {
		return step{does: "look", command: svc + "get_group_member_info", body: `{"GroupId":"g"}`, has: has}
	}
	play(t, []step{
		group("Public", "g", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob"}]`),
		group("Private", "p", `,"MemberList":[{"Member_Account":"bob"}]`),
		group("AVChatRoom", "live", `,"Owner_Account":"ann"`),
		{does: "all", command: modify, body: `{"GroupId":"g","Member_Account":"bob","Role":"Admin","MsgFlag":"Discard","NameCard":"B","MuteTime":60}`, has: []string{ok}},
		see(`{"Member_Account":"bob","Role":"Admin","JoinTime":1800000000,"MsgSeq":0,"MsgFlag":"Discard","LastSendMsgTime":0,"NameCard":"B","MuteUntil":1800000060,"ShutUpUntil":1800000060,`),
		{does: "the card alone", command: modify, body: `{"GroupId":"g","Member_Account":"bob","NameCard":""}`},
		see(`"Role":"Admin"`, `"MsgFlag":"Discard"`, `"MuteUntil":1800000060`),
		{does: "older name of the time", command: modify, body: `{"GroupId":"g","Member_Account":"bob","ShutUpTime":4294967295}`},
		see(`"MuteUntil":4294967295`),
		{does: "an SDK's name of the time", command: modify, body: `{"GroupId":"g","Member_Account":"bob","ShutUpUntil":0}`},
		see(`"Role":"Admin"`), {does: "not muted", command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"MutedAccountList":[]`}},
		{does: "rank and file", command: modify, body: `{"GroupId":"g","Member_Account":"bob","Role":"Member"}`},
		see(`{"Member_Account":"bob","Role":"Member"`),
		{does: "role of the owner", command: modify, body: `{"GroupId":"g","Member_Account":"ann","Role":"Member"}`, code: 10007},
		{does: "make an owner", command: modify, body: `{"GroupId":"g","Member_Account":"bob","Role":"Owner"}`, code: 10004},
		{does: "bad flag", command: modify, body: `{"GroupId":"g","Member_Account":"bob","MsgFlag":"x"}`, code: 10004},
		{does: "longest card", command: modify, body: `{"GroupId":"g","Member_Account":"bob","NameCard":"` + strings.Repeat("é", 25) + `"}`},
		{does: "long card", command: modify, body: `{"GroupId":"g","Member_Account":"bob","NameCard":"a` + strings.Repeat("é", 25) + `"}`, code: 10004},
		{does: "own field", command: modify, body: `{"GroupId":"g","Member_Account":"bob","AppMemberDefinedData":[{"Key":"k","Value":"v"}]}`, code: 10004},
		{does: "no member", command: modify, body: `{"GroupId":"g","Member_Account":"cid","NameCard":"C"}`, code: 10007},
		{does: "nobody", command: modify, body: `{"GroupId":"g"}`, code: 10004},
		{does: "no group", command: modify, body: `{"GroupId":"h","Member_Account":"bob"}`, code: 10010},
		{does: "AVChatRoom", command: modify, body: `{"GroupId":"live","Member_Account":"ann","NameCard":"A"}`, code: 10007},
		{does: "mute in a Private group", command: modify, body: `{"GroupId":"p","Member_Account":"bob","MuteTime":60}`, code: 10007},
		{does: "admin in a Private group", command: modify, body: `{"GroupId":"p","Member_Account":"bob","Role":"Admin"}`, code: 10007},
		{does: "word", command: dirty + "add", body: `{"DirtyWordsList":["sb"]}`},
		{does: "filtered", command: modify, body: `{"GroupId":"g","Member_Account":"bob","NameCard":"SB"}`, code: 80001},
	})
}

func TestGetJoinedGroupList(t *testing.T) {
	t.Parallel()
	get := svc + "get_joined_group_list"
	play(t, []step{
		group("Public", "pub", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob"}]`),
		group("Private", "priv", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob"}]`),
		group("AVChatRoom", "live", `,"Owner_Account":"ann"`),
		group("ChatRoom", "room", `,"Owner_Account":"bob"`),
		{does: "all", command: get, body: `{"Member_Account":"ann"}`, has: []string{
			`"TotalCount":2`, `"GroupId":"pub"`, `"GroupId":"priv"`, `"SelfInfo":{"Role":"Owner","JoinTime":1800000000,"MsgFlag":"AcceptAndNotify","MsgSeq":0}`,
		}, lacks: []string{`"live"`, `"room"`}},
		{does: "live rooms too", command: get, body: `{"Member_Account":"ann","WithHugeGroups":1}`, has: []string{`"TotalCount":3`, `"live"`}},
		{does: "live rooms alone", command: get, body: `{"Member_Account":"ann","GroupType":"AVChatRoom"}`, has: []string{`"TotalCount":1`, `"live"`}},
		{does: "one type", command: get, body: `{"Member_Account":"ann","GroupType":"Public"}`, has: []string{`"TotalCount":1`, `"pub"`}},
		{does: "one type under the older name", command: get, body: `{"Member_Account":"ann","Type":"Work"}`, has: []string{`"TotalCount":1`, `"priv"`}},
		{does: "not yet active", command: get, body: `{"Member_Account":"bob"}`, has: []string{`"TotalCount":2`, `"pub"`, `"room"`}, lacks: []string{`"priv"`}},
		{does: "those too", command: get, body: `{"Member_Account":"bob","WithNoActiveGroups":1}`, has: []string{`"TotalCount":3`, `"priv"`}},
		{does: "its first message", command: svc + "send_group_msg", body: `{"GroupId":"priv","From_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`},
		{does: "active", command: get, body: `{"Member_Account":"bob"}`, has: []string{`"TotalCount":3`, `"priv"`}},
		{does: "page", command: get, body: `{"Member_Account":"bob","Offset":1,"Limit":1}`, has: []string{`"TotalCount":3`, `"priv"`}, lacks: []string{`"pub"`, `"room"`}},
		{does: "behind the end", command: get, body: `{"Member_Account":"bob","Offset":9}`, has: []string{`"TotalCount":3`, `"GroupIdList":[]`}},
		{does: "fields", command: get, body: `{"Member_Account":"bob","Type":"ChatRoom","ResponseFilter":{"GroupBaseInfoFilter":["Type"],"SelfInfoFilter":["Role"]}}`, has: []string{`"GroupIdList":[{"GroupId":"room","SelfInfo":{"Role":"Owner"},"Type":"ChatRoom"}]`}},
		{does: "none", command: get, body: `{"Member_Account":"dan"}`, has: []string{`"TotalCount":0`, `"GroupIdList":[]`}},
		{does: "no account", command: get, body: `{"Member_Account":"nobody"}`, code: 10019},
		{does: "nobody", command: get, body: `{}`, code: 10004},
		{does: "big limit", command: get, body: `{"Member_Account":"ann","Limit":5001}`, code: 10004},
		{does: "bad type", command: get, body: `{"Member_Account":"ann","Type":"x"}`, code: 10004},
	})
}

func TestGetRoleInGroup(t *testing.T) {
	t.Parallel()
	get := svc + "get_role_in_group"
	play(t, []step{
		group("Public", "g", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob","Role":"Admin"},{"Member_Account":"cid"}]`),
		group("AVChatRoom", "live", `,"Owner_Account":"ann"`),
		{does: "all", command: get, body: `{"GroupId":"g","User_Account":["dan","cid","bob","ann","nobody"]}`, has: []string{
			`"UserIdList":[{"Member_Account":"dan","Role":"NotMember"},{"Member_Account":"cid","Role":"Member"},{"Member_Account":"bob","Role":"Admin"},{"Member_Account":"ann","Role":"Owner"},{"Member_Account":"nobody","Role":"NotMember"}]`,
		}},
		{does: "AVChatRoom", command: get, body: `{"GroupId":"live","User_Account":["ann"]}`, code: 10007},
		{does: "500", command: get, body: `{"GroupId":"g","User_Account":` + list(`"u%d"`, 1, 500) + `}`},
		{does: "501", command: get, body: `{"GroupId":"g","User_Account":` + list(`"u%d"`, 1, 501) + `}`, code: 10005},
		{does: "nobody", command: get, body: `{"GroupId":"g"}`, code: 10004},
		{does: "no group", command: get, body: `{"GroupId":"h","User_Account":["ann"]}`, code: 10010},
	})
}
