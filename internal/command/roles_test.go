package command_test

import (
	"testing"

	"github.com/parley-im/parley/api"
)

// group makes a group as the app's admin, with ann as the owner, bob as an admin
// where the type has them, and cid as a member.
func group(kind, id, more, tells string) step {
	bob := `{"Member_Account":"bob","Role":"Admin"}`
	if kind == api.TypePrivate {
		bob = `{"Member_Account":"bob"}`
	}
	return step{
		does: "a group", command: api.CommandCreateGroup,
		body:  `{"Type":"` + kind + `","Name":"n","GroupId":"` + id + `","Owner_Account":"ann","MemberList":[` + bob + `,{"Member_Account":"cid"}]` + more + `}`,
		tells: []string{tells},
	}
}

var public = group("Public", "g", "", "joined g by admin: ann,bob,cid invited")

func TestWhatIsDoneIsToldToThoseConnected(t *testing.T) {
	t.Parallel()
	modify, member, forbid, del := api.CommandModifyGroupBaseInfo, api.CommandModifyGroupMemberInfo, api.CommandForbidSendMsg, api.CommandDeleteGroupMember
	play(t, []step{
		public,
		{does: "a group without members", command: api.CommandCreateGroup, body: `{"Type":"ChatRoom","Name":"n","GroupId":"empty"}`},
		{does: "a user's own group", by: "dan", command: api.CommandCreateGroup, body: `{"Type":"Public","Name":"n","GroupId":"own","MemberList":[{"Member_Account":"eve"}]}`,
			has: []string{`"GroupId":"own"`, `"Type":"Public"`}, tells: []string{"joined own by dan: dan,eve invited"}},
		{does: "one that fails", by: "dan", command: api.CommandCreateGroup, body: `{"Type":"Public","Name":"n","GroupId":"own"}`, code: 10025},

		{does: "add", command: api.CommandAddGroupMember, body: `{"GroupId":"g","MemberList":[{"Member_Account":"cid"},{"Member_Account":"dan"},{"Member_Account":"nobody"}]}`,
			has: []string{`"dan","Result":1`, `"nobody","Result":0`}, tells: []string{"joined g by admin: dan invited"}},
		{does: "add again", command: api.CommandAddGroupMember, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, has: []string{`"Result":2`}},

		{does: "profile", command: modify, body: `{"GroupId":"g","Name":"m","Introduction":"","MaxMemberNum":9,"MuteAllMember":"On","From_Account":"ann"}`,
			tells: []string{"profile g by ann: MaxMembers=9 MuteAll=true Name=m"}},
		{does: "the same again", command: modify, body: `{"GroupId":"g","Name":"m","MaxMemberNum":9,"MuteAllMember":"On"}`},
		{does: "options", by: "bob", command: modify, body: `{"GroupId":"g","ApplyJoinOption":"FreeAccess","InviteJoinOption":"NeedPermission","MuteAllMember":"Off","Notification":"x"}`,
			tells: []string{"profile g by bob: ApplyJoinOption=FreeAccess InviteOption=NeedPermission MuteAll=false Notification=x"}},

		{does: "role", by: "ann", command: member, body: `{"GroupId":"g","Member_Account":"cid","Role":"Admin"}`, tells: []string{"member g by ann: cid role Admin"}},
		{does: "role again", by: "ann", command: member, body: `{"GroupId":"g","Member_Account":"cid","Role":"Admin"}`},
		{does: "card", by: "cid", command: member, body: `{"GroupId":"g","Member_Account":"cid","NameCard":"C","MsgFlag":"Discard"}`, tells: []string{`member g by cid: cid card "C"`}},
		{does: "flag alone", by: "cid", command: member, body: `{"GroupId":"g","Member_Account":"cid","MsgFlag":"AcceptAndNotify"}`},
		{does: "card is emptied", by: "cid", command: member, body: `{"GroupId":"g","Member_Account":"cid","NameCard":""}`, tells: []string{`member g by cid: cid card ""`}},
		{does: "all at once", command: member, body: `{"GroupId":"g","Member_Account":"cid","Role":"Member","NameCard":"D","MuteTime":60}`,
			tells: []string{"muted g by admin: cid until +60", `member g by admin: cid role Member card "D"`}},

		{does: "mute", by: "bob", command: forbid, body: `{"GroupId":"g","Members_Account":["cid","dan"],"MuteTime":60}`, tells: []string{"muted g by bob: dan until +60"}},
		{does: "mute who is none", command: forbid, body: `{"GroupId":"g","Members_Account":["eve"],"MuteTime":4294967295}`},
		{does: "for ever", command: forbid, body: `{"GroupId":"g","Members_Account":["dan"],"MuteTime":4294967295}`, tells: []string{"muted g by admin: dan for ever"}},
		{does: "end", command: forbid, body: `{"GroupId":"g","Members_Account":["dan"],"MuteTime":0}`, tells: []string{"muted g by admin: dan off"}},
		{does: "end what has ended", wait: 61, command: forbid, body: `{"GroupId":"g","Members_Account":["cid","dan"],"MuteTime":0}`},

		{does: "mute everywhere", command: api.CommandSetNoSpeaking, body: `{"Set_Account":"dan","GroupmsgNospeakingTime":60,"C2CmsgNospeakingTime":9}`, tells: []string{"muted_out by admin: dan until +121"}},
		{does: "one to one alone", command: api.CommandSetNoSpeaking, body: `{"Set_Account":"dan","C2CmsgNospeakingTime":0}`},
		{does: "end everywhere", command: api.CommandSetNoSpeaking, body: `{"Set_Account":"dan","GroupmsgNospeakingTime":0}`, tells: []string{"muted_out by admin: dan off"}},
		{does: "again", command: api.CommandSetNoSpeaking, body: `{"Set_Account":"dan","GroupmsgNospeakingTime":0}`},

		{does: "message", by: "cid", command: "send", body: `{"GroupId":"g"}`, has: []string{`"MsgSeq":1`}},
		{does: "recall", command: api.CommandGroupMsgRecall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":1},{"MsgSeq":2}]}`, has: []string{`"RetCode":0`, `"RetCode":10030`}, tells: []string{"recalled g by admin: [1]"}},
		{does: "recall again", command: api.CommandGroupMsgRecall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":1}]}`, has: []string{`"RetCode":0`}},

		{does: "kick", by: "bob", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid","eve","dan"]}`, tells: []string{"left g by bob: cid,dan kicked"}},
		{does: "kick again", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid","dan"]}`},
		{does: "owner", by: "ann", command: api.CommandChangeGroupOwner, body: `{"GroupId":"g","NewOwner_Account":"bob"}`, tells: []string{"owner g by ann: ann,bob"}},
		{does: "owner again", command: api.CommandChangeGroupOwner, body: `{"GroupId":"g","NewOwner_Account":"bob"}`},
		{does: "quit", by: "ann", command: api.ClientQuitGroup, body: `{"GroupId":"g"}`, tells: []string{"left g by ann: ann"}},

		{does: "out", command: api.CommandKick, body: `{"UserID":"bob"}`, tells: []string{"kicked_out by admin: bob"}},
		{does: "out, nobody", command: api.CommandKick, body: `{"UserID":"nobody"}`, code: 70107},
		{does: "delete", command: api.CommandAccountDelete, body: `{"DeleteItem":[{"UserID":"bob"},{"UserID":"nobody"},{"UserID":"eve"}]}`,
			tells: []string{"owner g by admin: bob,", "left g by admin: bob kicked", "left own by admin: eve kicked", "deleted_out by admin: bob,eve"}},
		{does: "delete nobody", command: api.CommandAccountDelete, body: `{"DeleteItem":[{"UserID":"bob"}]}`},
		{does: "dissolve", by: "dan", command: api.CommandDestroyGroup, body: `{"GroupId":"own"}`, tells: []string{"dissolved own by dan:"}},
		{does: "dissolve again", by: "dan", command: api.CommandDestroyGroup, body: `{"GroupId":"own"}`, code: 10010},
	})
}

func TestRoleInTheGroupDecides(t *testing.T) {
	t.Parallel()
	modify, member, forbid, del := api.CommandModifyGroupBaseInfo, api.CommandModifyGroupMemberInfo, api.CommandForbidSendMsg, api.CommandDeleteGroupMember
	play(t, []step{
		public,
		group("Private", "p", "", "joined p by admin: ann,bob,cid invited"),
		group("ChatRoom", "room", "", "joined room by admin: ann,bob,cid invited"),

		{does: "another's group", by: "dan", command: api.CommandCreateGroup, body: `{"Type":"Public","Name":"n","Owner_Account":"eve"}`, code: 10007},
		{does: "dissolve, admin", by: "bob", command: api.CommandDestroyGroup, body: `{"GroupId":"g"}`, code: 10007},
		{does: "dissolve, nobody", by: "dan", command: api.CommandDestroyGroup, body: `{"GroupId":"g"}`, code: 10007},
		{does: "dissolve, Private", by: "ann", command: api.CommandDestroyGroup, body: `{"GroupId":"p"}`, code: 10007},
		{does: "no group", by: "ann", command: api.CommandDestroyGroup, body: `{"GroupId":"h"}`, code: 10010},

		{does: "rename, member", by: "cid", command: modify, body: `{"GroupId":"g","Name":"m"}`, code: 10007},
		{does: "rename, member of a Private", by: "cid", command: modify, body: `{"GroupId":"p","Name":"m","From_Account":"cid"}`, tells: []string{"profile p by cid: Name=m"}},
		{does: "limit of a Private", by: "ann", command: modify, body: `{"GroupId":"p","MaxMemberNum":9}`, code: 10007},
		{does: "rename, admin of a ChatRoom", by: "bob", command: modify, body: `{"GroupId":"room","Name":"m"}`, code: 10007},
		{does: "in another's name", by: "ann", command: modify, body: `{"GroupId":"g","Name":"m","From_Account":"bob"}`, code: 10007},
		{does: "mute all, admin of a ChatRoom", by: "bob", command: modify, body: `{"GroupId":"room","MuteAllMember":"On"}`, tells: []string{"profile room by bob: MuteAll=true"}},

		{does: "kick, member", by: "cid", command: del, body: `{"GroupId":"g","MemberToDel_Account":["bob"]}`, code: 10007},
		{does: "kick nobody, member", by: "cid", command: del, body: `{"GroupId":"g","MemberToDel_Account":["eve"]}`, code: 10007},
		{does: "kick the owner, admin", by: "bob", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid","ann"]}`, code: 10007},
		{does: "kick the owner, owner", by: "ann", command: del, body: `{"GroupId":"p","MemberToDel_Account":["ann"]}`, code: 10007},
		{does: "nobody was kicked", by: "ann", command: api.CommandGetGroupMemberInfo, body: `{"GroupId":"g"}`, has: []string{`"MemberNum":3`}},

		{does: "role, admin", by: "bob", command: member, body: `{"GroupId":"g","Member_Account":"cid","Role":"Admin"}`, code: 10007},
		{does: "card of the owner", by: "bob", command: member, body: `{"GroupId":"g","Member_Account":"ann","NameCard":"A"}`, code: 10007},
		{does: "flag of another", by: "ann", command: member, body: `{"GroupId":"g","Member_Account":"bob","MsgFlag":"Discard"}`, code: 10007},
		{does: "card of nobody", by: "ann", command: member, body: `{"GroupId":"g","Member_Account":"dan","NameCard":"A"}`, code: 10007},

		{does: "mute, member", by: "cid", command: forbid, body: `{"GroupId":"g","Members_Account":["dan"],"MuteTime":60}`, code: 10007},
		{does: "mute an owner, admin", by: "bob", command: forbid, body: `{"GroupId":"g","Members_Account":["cid","ann"],"MuteTime":60}`, code: 10007},
		{does: "mute in a Private", by: "ann", command: forbid, body: `{"GroupId":"p","Members_Account":["cid"],"MuteTime":60}`, code: 10007},
		{does: "nobody is muted", by: "bob", command: api.CommandGetGroupMutedAccount, body: `{"GroupId":"g"}`, has: []string{`"MutedAccountList":[]`}},
		{does: "list the muted, member", by: "cid", command: api.CommandGetGroupMutedAccount, body: `{"GroupId":"g"}`, code: 10007},
		{does: "list the muted, nobody", by: "dan", command: api.CommandGetGroupMutedAccount, body: `{"GroupId":"g"}`, code: 10007},

		{does: "hand over, admin", by: "bob", command: api.CommandChangeGroupOwner, body: `{"GroupId":"g","NewOwner_Account":"bob"}`, code: 10007},
		{does: "hand over in another's name", by: "ann", command: api.CommandChangeGroupOwner, body: `{"GroupId":"g","NewOwner_Account":"bob","From_Account":"bob"}`, code: 10007},

		{does: "members, nobody", by: "dan", command: api.CommandGetGroupMemberInfo, body: `{"GroupId":"g"}`, code: 10007},
		{does: "roles, nobody", by: "dan", command: api.CommandGetRoleInGroup, body: `{"GroupId":"g","User_Account":["ann"]}`, code: 10007},
		{does: "roles, member", by: "cid", command: api.CommandGetRoleInGroup, body: `{"GroupId":"g","User_Account":["ann","dan"]}`, has: []string{`"Role":"Owner"`, `"Role":"NotMember"`}},
		{does: "profile, nobody", by: "dan", command: api.CommandGetGroupInfo, body: `{"GroupIdList":["g"]}`, has: []string{`"Name":"n"`, `"MemberNum":3`, `"ErrorCode":0`}, lacks: []string{"MemberList", `"cid"`}},
		{does: "profile, nobody, asks for members", by: "dan", command: api.CommandGetGroupInfo, body: `{"GroupIdList":["g"],"ResponseFilter":{"MemberInfoFilter":["Role"]}}`, lacks: []string{"MemberList"}},
		{does: "profile, member", by: "cid", command: api.CommandGetGroupInfo, body: `{"GroupIdList":["g"]}`, has: []string{`"MemberList":[`, `"cid"`}},
		{does: "another's groups", by: "cid", command: api.CommandGetJoinedGroupList, body: `{"Member_Account":"ann"}`, code: 10007},
		{does: "one's own groups", by: "cid", command: api.CommandGetJoinedGroupList, body: `{}`, has: []string{`"TotalCount":2`, `"g"`, `"room"`}, lacks: []string{`"p"`}},
		{does: "one's own groups by name", by: "cid", command: api.CommandGetJoinedGroupList, body: `{"Member_Account":"cid","WithNoActiveGroups":1}`, has: []string{`"TotalCount":3`, `"p"`}},

		{does: "send as another", by: "cid", command: "send", body: `{"GroupId":"g","From_Account":"ann"}`, code: 10007},
		{does: "send as oneself", by: "cid", command: "send", body: `{"GroupId":"g","From_Account":"cid"}`, has: []string{`"MsgSeq":1`}},

		{does: "demote", by: "ann", command: member, body: `{"GroupId":"g","Member_Account":"bob","Role":"Member"}`, tells: []string{"member g by ann: bob role Member"}},
		{does: "kick by who was an admin", by: "bob", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid"]}`, code: 10007},
		{does: "an admin of the app over a connection has no more rights", by: "admin", command: del, body: `{"GroupId":"g","MemberToDel_Account":["cid"]}`, code: 10007},
	})
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	add, modify := api.CommandAddGroupMember, api.CommandModifyGroupBaseInfo
	play(t, []step{
		public,
		group("Private", "p", "", "joined p by admin: ann,bob,cid invited"),
		group("Community", "@TGS#_c", "", "joined @TGS#_c by admin: ann,bob,cid invited"),
		{does: "live room", by: "ann", command: api.CommandCreateGroup, body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live"}`, tells: []string{"joined live by ann: ann invited"}},

		{does: "Public, DisableInvite", by: "ann", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, code: 10007},
		{does: "let admins", command: modify, body: `{"GroupId":"g","InviteJoinOption":"NeedPermission"}`, tells: []string{"profile g by admin: InviteOption=NeedPermission"}},
		{does: "member", by: "cid", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, code: 10007},
		{does: "admin", by: "bob", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"},{"Member_Account":"ann"}]}`,
			has: []string{`"dan","Result":1`, `"ann","Result":2`}, tells: []string{"joined g by bob: dan invited"}},
		{does: "let all", command: modify, body: `{"GroupId":"g","InviteJoinOption":"FreeAccess"}`, tells: []string{"profile g by admin: InviteOption=FreeAccess"}},
		{does: "member", by: "cid", command: add, body: `{"GroupId":"g","MemberList":[{"Member_Account":"eve"}]}`, tells: []string{"joined g by cid: eve invited"}},
		{does: "Private, member", by: "cid", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"}]}`, tells: []string{"joined p by cid: dan invited"}},
		{does: "Private, nobody", by: "eve", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"eve"}]}`, code: 10007},
		{does: "Community, member", by: "cid", command: add, body: `{"GroupId":"@TGS#_c","MemberList":[{"Member_Account":"dan"}]}`, tells: []string{"joined @TGS#_c by cid: dan invited"}},
		{does: "AVChatRoom", by: "ann", command: add, body: `{"GroupId":"live","MemberList":[{"Member_Account":"dan"}]}`, code: 10007},
	})
}
