package command_test

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Nobody is put into more groups than his list and his connection have room for,
// by himself, by others or by the app.
func TestNobodyIsInTooManyGroups(t *testing.T) {
	t.Parallel()
	create, add, join, quit, handle := api.CommandCreateGroup, api.CommandAddGroupMember, api.ClientApplyJoinGroup, api.ClientQuitGroup, api.ClientHandleApplyJoinGroup
	w := newWorld(t)
	w.play(t, []step{
		group("Private", "p", "", "joined p by admin: ann,bob,cid invited"),
		group("ChatRoom", "room", "", "joined room by admin: ann,bob,cid invited"),
		{does: "a group that asks", by: "ann", command: create, body: `{"Type":"Public","Name":"n","GroupId":"asks","ApplyJoinOption":"NeedPermission"}`, tells: []string{"joined asks by ann: ann invited"}},
		{does: "ask", by: "dan", command: join, body: `{"GroupId":"asks"}`, has: []string{`"WaitAdminApproval"`}, tells: []string{`applied asks by dan: dan`}},
	})
	err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
		for i := range chat.MaxJoined - 1 {
			key, err := r.CreateGroup(chat.Group{ID: chat.GroupID(fmt.Sprint("many", i)), Type: chat.ChatRoom, ApplyJoinOption: "FreeAccess", NextMsgSeq: 1})
			if err != nil {
				return err
			}
			if err := r.PutMember(key, chat.Member{User: "dan", Role: chat.RoleMember}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.play(t, []step{
		{does: "the last one", by: "dan", command: join, body: `{"GroupId":"room"}`, has: []string{`"JoinedSuccess"`}, tells: []string{"joined room by dan: dan"}},
		{does: "join", by: "dan", command: join, body: `{"GroupId":"asks"}`, code: 10037},
		{does: "create", by: "dan", command: create, body: `{"Type":"Private","Name":"n"}`, code: 10037},
		{does: "create for him", command: create, body: `{"Type":"Private","Name":"n","GroupId":"h","Owner_Account":"dan"}`, code: 10037},
		{does: "create with him", by: "ann", command: create, body: `{"Type":"Private","Name":"n","GroupId":"h","MemberList":[{"Member_Account":"dan"}]}`, code: 10037},
		{does: "nothing was made", command: api.CommandGetGroupInfo, body: `{"GroupIdList":["h"]}`, has: []string{`"ErrorCode":10010`}},
		{does: "add him", by: "ann", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"}]}`, code: 10037},
		{does: "the app adds him", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"}]}`, code: 10037},
		{does: "add him and another", by: "ann", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"},{"Member_Account":"eve"}]}`,
			has:   []string{`{"Member_Account":"dan","Result":0},{"Member_Account":"eve","Result":1}`},
			tells: []string{"joined p by ann: eve invited"}},
		{does: "add him and a member", by: "ann", command: add, body: `{"GroupId":"p","MemberList":[{"Member_Account":"dan"},{"Member_Account":"bob"}]}`,
			has: []string{`{"Member_Account":"dan","Result":0},{"Member_Account":"bob","Result":2}`}},
		{does: "where he is already", command: add, body: `{"GroupId":"room","MemberList":[{"Member_Account":"dan"}]}`, has: []string{`"Result":2`}},
		{does: "agree", by: "ann", command: handle, body: `{"GroupId":"asks","Applicant_Account":"dan","HandleMsg":"Agree"}`, code: 10037},
		{does: "leave one", by: "dan", command: quit, body: `{"GroupId":"many7"}`, tells: []string{"left many7 by dan: dan"}},
		{does: "he waits still", by: "ann", command: handle, body: `{"GroupId":"asks","Applicant_Account":"dan","HandleMsg":"Agree"}`,
			tells: []string{`handled asks by ann: dan agreed`, "joined asks by ann: dan"}},
		{does: "refuse who is in too many", by: "dan", command: join, body: `{"GroupId":"many7"}`, code: 10037},
	})
}
