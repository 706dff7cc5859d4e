package command_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/wire"
)

func TestJoiningAndLeaving(t *testing.T) {
	t.Parallel()
	join, quit, modify := api.ClientApplyJoinGroup, api.ClientQuitGroup, api.CommandModifyGroupBaseInfo
	full := public
	full.body = strings.Replace(full.body, `"n"`, `"n","MaxMemberCount":4`, 1)
	play(t, []step{
		full,
		group("Private", "p", "", "joined p by admin: ann,bob,cid invited"),
		group("ChatRoom", "room", "", "joined room by admin: ann,bob,cid invited"),
		group("Community", "@TGS#_c", "", "joined @TGS#_c by admin: ann,bob,cid invited"),
		{does: "live room", by: "ann", command: api.CommandCreateGroup, body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live"}`, tells: []string{"joined live by ann: ann invited"}},

		{does: "at once", by: "dan", command: join, body: `{"GroupId":"room"}`, has: []string{`"JoinedStatus":"JoinedSuccess"`}, tells: []string{"joined room by dan: dan"}},
		{does: "again", by: "dan", command: join, body: `{"GroupId":"room"}`, code: 10013},
		{does: "the owner", by: "ann", command: join, body: `{"GroupId":"g"}`, code: 10013},
		{does: "Private", by: "dan", command: join, body: `{"GroupId":"p"}`, code: 10007},
		{does: "AVChatRoom", by: "dan", command: join, body: `{"GroupId":"live"}`, has: []string{`"JoinedSuccess"`}, tells: []string{"joined live by dan: dan"}},
		{does: "Community", by: "dan", command: join, body: `{"GroupId":"@TGS#_c"}`, has: []string{`"JoinedSuccess"`}, tells: []string{"joined @TGS#_c by dan: dan"}},
		{does: "no group", by: "dan", command: join, body: `{"GroupId":"h"}`, code: 10010},
		{does: "no id", by: "dan", command: join, body: `{}`, code: 10004},
		{does: "long text", by: "dan", command: join, body: `{"GroupId":"g","ApplyMsg":"` + strings.Repeat("a", 301) + `"}`, code: 10004},
		{does: "no account", by: "nobody", command: join, body: `{"GroupId":"room"}`, code: 10019},

		{does: "closed", command: modify, body: `{"GroupId":"g","ApplyJoinOption":"DisableApply"}`, tells: []string{"profile g by admin: ApplyJoinOption=DisableApply"}},
		{does: "apply to a closed one", by: "dan", command: join, body: `{"GroupId":"g"}`, code: 10007},
		{does: "open", command: modify, body: `{"GroupId":"g","ApplyJoinOption":"FreeAccess"}`, tells: []string{"profile g by admin: ApplyJoinOption=FreeAccess"}},
		{does: "the last place", by: "dan", command: join, body: `{"GroupId":"g"}`, tells: []string{"joined g by dan: dan"}},
		{does: "full", by: "eve", command: join, body: `{"GroupId":"g"}`, code: 10014},

		{does: "muted", by: "ann", command: api.CommandForbidSendMsg, body: `{"GroupId":"g","Members_Account":["dan"],"MuteTime":600}`, tells: []string{"muted g by ann: dan until +600"}},
		{does: "quit", by: "dan", command: quit, body: `{"GroupId":"g"}`, tells: []string{"left g by dan: dan"}},
		{does: "quit again", by: "dan", command: quit, body: `{"GroupId":"g"}`, code: 10007},
		{does: "come back", by: "dan", command: join, body: `{"GroupId":"g"}`, tells: []string{"joined g by dan: dan"}},
		{does: "still muted", by: "dan", command: api.ClientGetSelfMute, body: `{"GroupId":"g"}`, has: []string{fmt.Sprintf(`"MuteUntil":%d`, start+600)}},
		{does: "still muted, sends", by: "dan", command: "send", body: `{"GroupId":"g"}`, code: 10017},
		{does: "the owner of a Public", by: "ann", command: quit, body: `{"GroupId":"g"}`, code: 10009},
		{does: "the owner of an AVChatRoom", by: "ann", command: quit, body: `{"GroupId":"live"}`, code: 10009},
		{does: "from an AVChatRoom", by: "dan", command: quit, body: `{"GroupId":"live"}`, tells: []string{"left live by dan: dan"}},
		{does: "the owner of a Private", by: "ann", command: quit, body: `{"GroupId":"p"}`, tells: []string{"owner p by ann: ann,", "left p by ann: ann"}},
		{does: "it has none now", by: "bob", command: api.CommandGetGroupInfo, body: `{"GroupIdList":["p"]}`, has: []string{`"Owner_Account":""`, `"MemberNum":2`}},

		{does: "muted in a Community", by: "ann", command: api.CommandForbidSendMsg, body: `{"GroupId":"@TGS#_c","Members_Account":["dan"],"MuteTime":600}`, tells: []string{"muted @TGS#_c by ann: dan until +600"}},
		{does: "quit it", by: "dan", command: quit, body: `{"GroupId":"@TGS#_c"}`, tells: []string{"left @TGS#_c by dan: dan"}},
		{does: "come back", by: "dan", command: join, body: `{"GroupId":"@TGS#_c"}`, tells: []string{"joined @TGS#_c by dan: dan"}},
		{does: "no longer muted", by: "dan", command: api.ClientGetSelfMute, body: `{"GroupId":"@TGS#_c"}`, has: []string{`"MuteUntil":0`}},
	})
}

func TestApplications(t *testing.T) {
	t.Parallel()
	join, list, handle := api.ClientApplyJoinGroup, api.ClientGetGroupApplicationList, api.ClientHandleApplyJoinGroup
	limited := public
	limited.body = strings.Replace(limited.body, `"n"`, `"n","MaxMemberCount":4`, 1)
	other := group("Public", "h", "", "joined h by admin: ann,bob,cid invited")
	w := play(t, []step{
		limited, other,
		{does: "apply", by: "dan", command: join, body: `{"GroupId":"g","ApplyMsg":"let me in"}`, has: []string{`"JoinedStatus":"WaitAdminApproval"`}, tells: []string{`applied g by dan: dan "let me in"`}},
		{does: "the same again", wait: 1, by: "dan", command: join, body: `{"GroupId":"g","ApplyMsg":"let me in"}`, has: []string{"WaitAdminApproval"}},
		{does: "other words at once", by: "dan", command: join, body: `{"GroupId":"g","ApplyMsg":"now"}`, has: []string{"WaitAdminApproval"}},
		{does: "other words a minute later", wait: 60, by: "dan", command: join, body: `{"GroupId":"g","ApplyMsg":"please"}`, tells: []string{`applied g by dan: dan "please"`}},
		{does: "another", wait: 1, by: "eve", command: join, body: `{"GroupId":"g"}`, tells: []string{"applied g by eve: eve"}},
		{does: "another group", by: "eve", command: join, body: `{"GroupId":"h","ApplyMsg":"h"}`, tells: []string{`applied h by eve: eve "h"`}},
		{does: "who waits is no member", by: "dan", command: api.CommandGetGroupMemberInfo, body: `{"GroupId":"g"}`, code: 10007},

		{does: "list, admin", by: "bob", command: list, body: `{"GroupId":"g"}`, has: []string{fmt.Sprintf(
			`"ApplicationList":[{"GroupId":"g","Applicant_Account":"dan","ApplyMsg":"please","Time":%d},{"GroupId":"g","Applicant_Account":"eve","ApplyMsg":"","Time":%d}]`, start+61, start+62)}},
		{does: "list all", by: "ann", command: list, body: `{}`, has: []string{`"dan"`, `{"GroupId":"h","Applicant_Account":"eve","ApplyMsg":"h"`}},
		{does: "list, member", by: "cid", command: list, body: `{"GroupId":"g"}`, code: 10007},
		{does: "list all, member", by: "cid", command: list, body: `{}`, has: []string{`"ApplicationList":[]`}},
		{does: "list, applicant", by: "dan", command: list, body: `{"GroupId":"g"}`, code: 10007},

		{does: "handle, member", by: "cid", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree"}`, code: 10007},
		{does: "handle, applicant", by: "dan", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree"}`, code: 10007},
		{does: "handle, no word", by: "bob", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"agree"}`, code: 10004},
		{does: "handle, nobody named", by: "bob", command: handle, body: `{"GroupId":"g","HandleMsg":"Agree"}`, code: 10004},
		{does: "handle, long text", by: "bob", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree","ApprovalMsg":"` + strings.Repeat("a", 301) + `"}`, code: 10004},
		{does: "handle who did not apply", by: "bob", command: handle, body: `{"GroupId":"g","Applicant_Account":"cid","HandleMsg":"Agree"}`, code: 10024},
		{does: "agree", by: "bob", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree","ApprovalMsg":"welcome"}`,
			tells: []string{`handled g by bob: dan "welcome" agreed`, "joined g by bob: dan"}},
		{does: "agree again", by: "ann", command: handle, body: `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree"}`, code: 10024},
		{does: "meanwhile full", by: "ann", command: handle, body: `{"GroupId":"g","Applicant_Account":"eve","HandleMsg":"Agree"}`, code: 10014},
		{does: "reject", by: "ann", command: handle, body: `{"GroupId":"g","Applicant_Account":"eve","HandleMsg":"Reject","ApprovalMsg":"no"}`, tells: []string{`handled g by ann: eve "no"`}},
		{does: "nobody waits", by: "ann", command: list, body: `{"GroupId":"g"}`, has: []string{`"ApplicationList":[]`}},
		{does: "apply to a full one", by: "eve", command: join, body: `{"GroupId":"g"}`, code: 10014},

		{does: "who is added waits no longer", command: api.CommandAddGroupMember, body: `{"GroupId":"h","MemberList":[{"Member_Account":"eve"}]}`, tells: []string{"joined h by admin: eve invited"}},
		{does: "nobody waits", by: "ann", command: list, body: `{}`, has: []string{`"ApplicationList":[]`}},
	})

	var users []string
	for i := range chat.MaxApplications + 1 {
		users = append(users, fmt.Sprintf("u%d", i))
		if err := w.backend.Login(t.Context(), app, chat.UserID(users[i])); err != nil {
			t.Fatal(err)
		}
	}
	for i, user := range users {
		want := api.CodeOK
		if i == chat.MaxApplications {
			want = api.CodeOperationTooOften
		}
		if text, code := w.call(t, user, join, `{"GroupId":"h"}`); code != want {
			t.Fatalf("application %d: %d %s", i+1, code, text)
		}
	}
	if _, code := w.call(t, users[0], join, `{"GroupId":"h","ApplyMsg":"still here"}`); code != api.CodeOK {
		t.Fatalf("who waits could not change his words: %d", code)
	}
}

func TestHistoryIsForMembersSinceTheyJoined(t *testing.T) {
	t.Parallel()
	get, recall := api.CommandGroupMsgGetSimple, api.CommandGroupMsgRecall
	send := func(by, more string) step {
		return step{does: "send", by: by, command: "send", body: `{"GroupId":"g"` + more + `}`}
	}
	item := func(seq int, reason string) string {
		return fmt.Sprintf(`"IsPlaceMsg":1,"MsgBody":[],"MsgPriority":0,"MsgRandom":0,"MsgSeq":%d,"MsgTimeStamp":0,"PlaceReason":%q}`, seq, reason)
	}
	play(t, []step{
		public,
		{does: "live room", by: "ann", command: api.CommandCreateGroup, body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live"}`, tells: []string{"joined live by ann: ann invited"}},
		send("ann", ""),
		send("ann", `,"To_Account":["bob"]`),
		{does: "dan joins", command: api.CommandAddGroupMember, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, tells: []string{"joined g by admin: dan invited"}},
		send("ann", `,"To_Account":["dan","cid"]`),
		send("ann", `,"GroupAtInfo":[{"GroupAtAllFlag":0,"GroupAt_Account":"bob"},{"GroupAtAllFlag":1}]`),
		send("cid", ""),
		{does: "recalled", by: "cid", command: recall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":5}]}`, has: []string{`"RetCode":0`}, tells: []string{"recalled g by cid: [5]"}},

		{does: "nobody", by: "eve", command: get, body: `{"GroupId":"g","ReqMsgNumber":20}`, code: 10007},
		{does: "live room", by: "ann", command: get, body: `{"GroupId":"live","ReqMsgNumber":20}`, code: 10044},
		{does: "the sender", by: "ann", command: get, body: `{"GroupId":"g","ReqMsgNumber":20,"WithRecalledMsg":1}`,
			has:   []string{"text 1", "text 2", `"To_Account":["bob"]`, "text 3", "text 4", `"GroupAtInfo":[{"GroupAtAllFlag":0,"GroupAt_Account":"bob"},{"GroupAtAllFlag":1}]`, `"IsFinished":1`, `"IsPlaceMsg":2`},
			lacks: []string{"PlaceReason", "text 5"}},
		{does: "one of the receivers", by: "bob", command: get, body: `{"GroupId":"g","ReqMsgNumber":20}`, has: []string{"text 1", "text 2", item(3, "NotForYou"), "text 4"}, lacks: []string{"text 3"}},
		{does: "who joined later", by: "dan", command: get, body: `{"GroupId":"g","ReqMsgNumber":20}`, has: []string{item(1, "BeforeJoin"), item(2, "BeforeJoin"), "text 3", "text 4"}, lacks: []string{"text 1", "text 2"}},
		{does: "an admin of the app", command: get, body: `{"GroupId":"g","ReqMsgNumber":20,"WithRecalledMsg":1}`,
			has: []string{"text 1", "text 2", "text 3", "text 4", "text 5"}, lacks: []string{"PlaceReason", "To_Account", "GroupAtInfo"}},
		{does: "bob's account goes", command: api.CommandAccountDelete, body: `{"DeleteItem":[{"UserID":"bob"}]}`, tells: []string{"left g by admin: bob kicked", "deleted_out by admin: bob"}},
		{does: "his sight with it", by: "bob", command: get, body: `{"GroupId":"g","ReqMsgNumber":20}`, code: 10007},
	})
}

func TestHistoryFromBeforeJoiningIsShownInAChatRoom(t *testing.T) {
	t.Parallel()
	play(t, []step{
		group("ChatRoom", "room", "", "joined room by admin: ann,bob,cid invited"),
		{does: "send", by: "ann", command: "send", body: `{"GroupId":"room"}`},
		{does: "join", by: "dan", command: api.ClientApplyJoinGroup, body: `{"GroupId":"room"}`, tells: []string{"joined room by dan: dan"}},
		{does: "read", by: "dan", command: api.CommandGroupMsgGetSimple, body: `{"GroupId":"room","ReqMsgNumber":1}`, has: []string{"text 1"}},
		{does: "no message is unread", by: "dan", command: api.CommandGetJoinedGroupList, body: `{}`, has: []string{`"MsgSeq":1,"JoinSeq":0,"UnreadMsgNum":0,"MuteUntil":0`}},
	})
}

func TestRecallByMembers(t *testing.T) {
	t.Parallel()
	recall := func(by string, seq int, code api.Code, tells ...string) step {
		return step{does: "recall", by: by, command: api.CommandGroupMsgRecall, body: fmt.Sprintf(`{"GroupId":"g","MsgSeqList":[{"MsgSeq":%d}]}`, seq),
			has: []string{fmt.Sprintf(`"MsgSeq":%d,"RetCode":%d}`, seq, code)}, tells: tells}
	}
	send := func(by string) step { return step{does: "send", by: by, command: "send", body: `{"GroupId":"g"}`} }
	later := func(seconds int64, s step) step { s.wait = seconds; return s }
	play(t, []step{
		public,
		{does: "dan", command: api.CommandAddGroupMember, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, tells: []string{"joined g by admin: dan invited"}},
		send("cid"), send("cid"), send("cid"), send("cid"), send("bob"), send("ann"), // 1 to 6
		{does: "for ann", by: "cid", command: "send", body: `{"GroupId":"g","To_Account":["ann"]}`}, // 7
		recall("dan", 1, 10032),
		recall("cid", 1, 0, "recalled g by cid: [1]"),
		recall("cid", 1, 0),
		recall("bob", 2, 0, "recalled g by bob: [2]"),
		recall("bob", 6, 10032),
		recall("cid", 5, 10032),
		recall("ann", 5, 0, "recalled g by ann: [5]"),
		recall("ann", 8, 10030),
		recall("dan", 7, 10030),
		recall("ann", 7, 0, "recalled g by ann: [7]"),
		{does: "nobody", by: "eve", command: api.CommandGroupMsgRecall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":3}]}`, code: 10007},
		later(120, recall("cid", 3, 0, "recalled g by cid: [3]")),
		later(1, recall("cid", 4, 10031)),
		recall("ann", 4, 10031),
		recall("dan", 4, 10032),
		recall("cid", 3, 0),
		recall("", 4, 0, "recalled g by admin: [4]"),
		{does: "live room", by: "ann", command: api.CommandCreateGroup, body: `{"Type":"AVChatRoom","Name":"n","GroupId":"live"}`, tells: []string{"joined live by ann: ann invited"}},
		{does: "live", by: "ann", command: "send", body: `{"GroupId":"live"}`},
		{does: "live room", by: "ann", command: api.CommandGroupMsgRecall, body: `{"GroupId":"live","MsgSeqList":[{"MsgSeq":1}]}`, has: []string{`"RetCode":10033`}},
	})
}

func TestUnreadMessagesAndReading(t *testing.T) {
	t.Parallel()
	list, read := api.CommandGetJoinedGroupList, api.ClientMsgRead
	send := func(by, more string) step {
		return step{does: "send", by: by, command: "send", body: `{"GroupId":"g"` + more + `}`}
	}
	play(t, []step{
		public,
		send("ann", ""), send("ann", ""), send("cid", ""),
		send("ann", `,"SendMsgControl":["NoUnread"]`), send("ann", `,"To_Account":["cid"]`), send("ann", ""), // 4 to 6
		{does: "of others, counted", by: "cid", command: list, body: `{}`, has: []string{`"SelfInfo":{"Role":"Member","JoinTime":1800000000,"MsgFlag":"AcceptAndNotify","MsgSeq":0,"JoinSeq":1,"UnreadMsgNum":3,"MuteUntil":0}`, `"NextMsgSeq":7`}},
		{does: "recalled", by: "ann", command: api.CommandGroupMsgRecall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":2}]}`, tells: []string{"recalled g by ann: [2]"}},
		{does: "one less", by: "cid", command: list, body: `{}`, has: []string{`"UnreadMsgNum":2`}},
		{does: "over REST as ever", command: list, body: `{"Member_Account":"cid"}`, has: []string{`"SelfInfo":{"Role":"Member","JoinTime":1800000000,"MsgFlag":"AcceptAndNotify","MsgSeq":0}`}},

		{does: "read", by: "cid", command: read, body: `{"GroupId":"g","MsgReadedSeq":3}`, has: []string{`"MsgReadedSeq":3`}, tells: []string{"read g by cid: cid [3]"}},
		{does: "never falls", by: "cid", command: read, body: `{"GroupId":"g","MsgReadedSeq":1}`, has: []string{`"MsgReadedSeq":3`}},
		{does: "one more", by: "cid", command: list, body: `{"ResponseFilter":{"SelfInfoFilter":["UnreadMsgNum"]}}`, has: []string{`"SelfInfo":{"UnreadMsgNum":1}`}},
		{does: "beyond the newest", by: "cid", command: read, body: `{"GroupId":"g","MsgReadedSeq":18446744073709551615}`, has: []string{`"MsgReadedSeq":6`}, tells: []string{"read g by cid: cid [6]"}},
		{does: "all read", by: "cid", command: list, body: `{}`, has: []string{`"MsgSeq":6,"JoinSeq":1,"UnreadMsgNum":0`}},
		{does: "nothing", by: "bob", command: read, body: `{"GroupId":"g"}`, has: []string{`"MsgReadedSeq":0`}},
		{does: "nobody", by: "dan", command: read, body: `{"GroupId":"g","MsgReadedSeq":1}`, code: 10007},
		{does: "no group", by: "dan", command: read, body: `{"GroupId":"h","MsgReadedSeq":1}`, code: 10010},

		{does: "muted", by: "ann", command: api.CommandForbidSendMsg, body: `{"GroupId":"g","Members_Account":["cid"],"MuteTime":60}`, tells: []string{"muted g by ann: cid until +60"}},
		{does: "seen in the list", by: "cid", command: list, body: `{}`, has: []string{fmt.Sprintf(`"MuteUntil":%d`, start+60)}},
		{does: "who joins now", command: api.CommandAddGroupMember, body: `{"GroupId":"g","MemberList":[{"Member_Account":"dan"}]}`, tells: []string{"joined g by admin: dan invited"}},
		{does: "has nothing unread", by: "dan", command: list, body: `{}`, has: []string{`"MsgSeq":6,"JoinSeq":7,"UnreadMsgNum":0`}},
		send("ann", ""),
		{does: "but what comes", by: "dan", command: list, body: `{}`, has: []string{`"MsgSeq":6,"JoinSeq":7,"UnreadMsgNum":1`}},
	})
}

// Who never reads, and says very much, does not have all of it looked at.
func TestUnreadMessagesAreCountedAmongTheNewest(t *testing.T) {
	t.Parallel()
	w := play(t, []step{public, {does: "send", by: "ann", command: "send", body: `{"GroupId":"g"}`}})
	say := func(by chat.UserID, from, to uint32) {
		var sends sync.WaitGroup
		for random := from; random <= to; random++ {
			sends.Go(func() {
				s := &chat.Send{App: app, Caller: "admin", Platform: "RESTAPI"}
				wire.ReadSend(fmt.Appendf(nil, `{"GroupId":"g","From_Account":%q,"Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"t"}}]}`, by, random), s)
				if o, err := w.backend.Send(t.Context(), s); err != nil || o.Kind != chat.Accepted {
					t.Errorf("send: %+v %v", o, err)
				}
			})
		}
		sends.Wait()
	}
	unread := func(n int) step {
		return step{does: "count", by: "cid", command: api.CommandGetJoinedGroupList, body: `{"ResponseFilter":{"SelfInfoFilter":["UnreadMsgNum"]}}`,
			has: []string{fmt.Sprintf(`"SelfInfo":{"UnreadMsgNum":%d}`, n)}}
	}
	say("cid", 1001, 2999)
	w.play(t, []step{unread(1)})
	say("cid", 3001, 3001)
	w.play(t, []step{unread(0)})
	say("ann", 4001, 4003)
	w.play(t, []step{unread(3)})
}

func TestSelfMute(t *testing.T) {
	t.Parallel()
	get := api.ClientGetSelfMute
	play(t, []step{
		public,
		{does: "not", by: "cid", command: get, body: `{"GroupId":"g"}`, has: []string{`"MuteUntil":0,"AccountMuteUntil":0,"MuteAllMember":"Off"`}},
		{does: "in the group", command: api.CommandForbidSendMsg, body: `{"GroupId":"g","Members_Account":["cid"],"MuteTime":60}`, tells: []string{"muted g by admin: cid until +60"}},
		{does: "everywhere", command: api.CommandSetNoSpeaking, body: `{"Set_Account":"cid","GroupmsgNospeakingTime":4294967295}`, tells: []string{"muted_out by admin: cid for ever"}},
		{does: "all", command: api.CommandModifyGroupBaseInfo, body: `{"GroupId":"g","MuteAllMember":"On"}`, tells: []string{"profile g by admin: MuteAll=true"}},
		{does: "each of them", by: "cid", command: get, body: `{"GroupId":"g"}`, has: []string{fmt.Sprintf(`"MuteUntil":%d,"AccountMuteUntil":4294967295,"MuteAllMember":"On"`, start+60)}},
		{does: "over", wait: 60, by: "cid", command: get, body: `{"GroupId":"g"}`, has: []string{`"MuteUntil":0,"AccountMuteUntil":4294967295`}},
		{does: "nobody", by: "dan", command: get, body: `{"GroupId":"g"}`, code: 10007},
	})
}

// The doors find a command by the last part of its name, so no two may share it.
func TestClientCommandsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	of := map[string]string{}
	var alone []string
	for name, c := range command.Table {
		service, last, ok := strings.Cut(name, "/")
		if !ok || service == "client" != (c.Client && !c.Admin) {
			t.Errorf("%s: service %q", name, service)
		}
		if !c.Client {
			continue
		}
		if other, taken := of[last]; taken {
			t.Errorf("%s and %s share a name", name, other)
		}
		of[last] = name
		if !c.Admin {
			alone = append(alone, last)
		}
	}
	slices.Sort(alone)
	want := []string{"apply_join_group", "get_group_application_list", "get_self_mute", "handle_apply_join_group", "msg_read", "quit_group"}
	if !slices.Equal(alone, want) {
		t.Errorf("commands of a connection alone: %q", alone)
	}
	both := []string{"add_group_member", "change_group_owner", "create_group", "delete_group_member", "destroy_group", "forbid_send_msg", "get_group_info",
		"get_group_member_info", "get_group_muted_account", "get_joined_group_list", "get_role_in_group", "group_msg_get_simple", "group_msg_recall",
		"modify_group_base_info", "modify_group_member_info"}
	all := append(both, want...)
	slices.Sort(all)
	if got := slices.Sorted(maps.Keys(of)); !slices.Equal(got, all) {
		t.Errorf("commands of a connection: %q", got)
	}
}

// Whatever a user sends, he is answered, and with no fault of ours.
func FuzzClientCommands(f *testing.F) {
	seeds := map[string]string{
		api.ClientApplyJoinGroup:          `{"GroupId":"g","ApplyMsg":"please"}`,
		api.ClientGetGroupApplicationList: `{"GroupId":""}`,
		api.ClientHandleApplyJoinGroup:    `{"GroupId":"g","Applicant_Account":"dan","HandleMsg":"Agree","ApprovalMsg":"x"}`,
		api.ClientQuitGroup:               `{"GroupId":"g"}`,
		api.ClientMsgRead:                 `{"GroupId":"g","MsgReadedSeq":18446744073709551615}`,
		api.ClientGetSelfMute:             `{"GroupId":"g\u0000"}`,
		api.CommandCreateGroup:            `{"Type":"Public","Name":"n","MemberList":[{"Member_Account":"dan"}]}`,
		api.CommandGetJoinedGroupList:     `{"Offset":-1}`,
		api.CommandGroupMsgGetSimple:      `{"GroupId":"g","ReqMsgNumber":20,"ReqMsgSeq":1}`,
		api.CommandGroupMsgRecall:         `{"GroupId":"g","MsgSeqList":[{"MsgSeq":1}]}`,
	}
	var names []string
	for name, c := range command.Table {
		if c.Client {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	users := []chat.UserID{"ann", "cid", "dan", "nobody"}
	for i, name := range names {
		for j := range users {
			f.Add(byte(i), byte(j), []byte(seeds[name]))
		}
		f.Add(byte(i), byte(0), []byte(`{"GroupId":1}`))
		f.Add(byte(i), byte(1), []byte("{\"GroupId\":\"\xff\"}"))
	}
	w := newWorld(f)
	w.call(f, "", public.command, public.body)
	w.send(f, "ann", `{"GroupId":"g"}`)
	a, _ := w.backend.App(app)
	f.Fuzz(func(t *testing.T, which, who byte, body []byte) {
		name := names[int(which)%len(names)]
		call := command.Call{App: a, By: chat.Client(users[int(who)%len(users)])}
		text, err := command.Table[name].Do(t.Context(), w.commands, call, body)
		if refusal, ok := err.(*chat.Refusal); ok {
			if refusal.Info == "" || refusal.Code == api.CodeOK || refusal.Code == api.CodeInternal {
				t.Fatalf("%s %q: refused with %d %q", name, body, refusal.Code, refusal.Info)
			}
			return
		}
		if err != nil || len(text) == 0 || text[0] != '{' {
			t.Fatalf("%s %q: answered %q, error %v", name, body, text, err)
		}
		for _, n := range w.heard.take() {
			words(t, n)
		}
	})
}

func TestLoginMakesAnAccountOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	version := func() uint64 {
		t.Helper()
		head, err := w.backend.Reader().Head(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		return head.Version
	}
	before := version()
	for _, user := range []chat.UserID{"ann", "admin"} {
		if err := w.backend.Login(t.Context(), app, user); err != nil {
			t.Errorf("%s: %v", user, err)
		}
	}
	if after := version(); after != before {
		t.Errorf("who is an account cost %d changes", after-before)
	}
	for range 2 {
		if err := w.backend.Login(t.Context(), app, "fay"); err != nil {
			t.Error(err)
		}
	}
	if after := version(); after != before+1 {
		t.Errorf("a new account cost %d changes", after-before)
	}
	if text, _ := w.call(t, "", api.CommandAccountCheck, `{"CheckItem":[{"UserID":"fay"}]}`); !strings.Contains(text, api.AccountImported+`"`) || strings.Contains(text, api.AccountNotImported) {
		t.Errorf("answered %s", text)
	}
	for user, code := range map[chat.UserID]api.Code{"": api.CodeAccountParameter, "a\nb": api.CodeAccountParameter, chat.UserID(strings.Repeat("a", 33)): api.CodeAccountParameter} {
		refusal, ok := w.backend.Login(t.Context(), app, user).(*chat.Refusal)
		if !ok || refusal.Code != code {
			t.Errorf("%q: %v", user, refusal)
		}
	}
	if refusal, ok := w.backend.Login(t.Context(), app+1, "ann").(*chat.Refusal); !ok || refusal.Code != api.CodeAppNotFound {
		t.Errorf("another app: %v", refusal)
	}
}
