package rest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"pgregory.net/rapid"
)

// sender makes steps that send as user to a group, each a new message.
func sender(id, user string) func(code api.Code) step {
	random := 0
	return func(code api.Code) step {
		random++
		return step{
			does: "send as " + user, command: svc + "send_group_msg", code: code,
			body: fmt.Sprintf(`{"GroupId":%q,"From_Account":%q,"Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}}]}`, id, user, random),
		}
	}
}

func TestForbidSendMsg(t *testing.T) {
	t.Parallel()
	forbid := svc + "forbid_send_msg"
	see := func(has ...string) step {
		return step{does: "list", command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: has}
	}
	send := sender("g", "bob")
	live := sender("live", "cid")
	play(t, []step{
		group("Public", "g", `,"Owner_Account":"ann","MemberList":[{"Member_Account":"bob"},{"Member_Account":"cid"}]`),
		group("Private", "p", `,"MemberList":[{"Member_Account":"bob"}]`),
		group("AVChatRoom", "live", ``),
		send(0),
		{does: "mute", command: forbid, body: `{"GroupId":"g","Members_Account":["bob","cid"],"MuteTime":60}`, has: []string{ok}},
		see(`"GroupId":"g"`, `{"Member_Account":"bob","MutedUntil":1800000060}`, `{"Member_Account":"cid","MutedUntil":1800000060}`, `"ShuttedUinList":[{"Member_Account":"bob","ShuttedUntil":1800000060}`),
		{does: "list under the older name", command: svc + "get_group_shutted_uin", body: `{"GroupId":"g"}`, has: []string{`"ShuttedUinList":[{"Member_Account":"bob","ShuttedUntil":1800000060}`, `"MutedAccountList":[`}},
		send(10017),
		{does: "mute again, under the older name", wait: 59, command: forbid, body: `{"GroupId":"g","Members_Account":["bob"],"ShutUpTime":10}`},
		see(`{"Member_Account":"bob","MutedUntil":1800000069}`, `{"Member_Account":"cid","MutedUntil":1800000060}`),
		{does: "unmute", command: forbid, body: `{"GroupId":"g","Members_Account":["cid"],"MuteTime":0}`},
		{does: "who is left", wait: 9, command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"bob"`}, lacks: []string{`"cid"`}},
		send(10017),
		{does: "over by itself", wait: 1, command: svc + "get_group_muted_account", body: `{"GroupId":"g"}`, has: []string{`"MutedAccountList":[]`, `"ShuttedUinList":[]`}},
		send(0),
		{does: "for good", command: forbid, body: `{"GroupId":"g","Members_Account":["bob"],"MuteTime":4294967295}`},
		see(`"MutedUntil":4294967295`),
	})
	play(t, []step{
		group("Public", "g", ``), group("Private", "p", `,"MemberList":[{"Member_Account":"bob"}]`), group("AVChatRoom", "live", ``),
		{does: "longer than the number holds", command: forbid, body: `{"GroupId":"g","Members_Account":["cid"],"MuteTime":4294967294}`},
		see(`{"Member_Account":"cid","MutedUntil":4294967295}`),
		{does: "no member", command: forbid, body: `{"GroupId":"g","Members_Account":["dan"],"MuteTime":60}`},
		sender("g", "dan")(10017),
		{does: "no account", command: forbid, body: `{"GroupId":"g","Members_Account":["ann","nobody"],"MuteTime":60}`, code: 10019},
		sender("g", "ann")(0),
		live(0),
		{does: "AVChatRoom", command: forbid, body: `{"GroupId":"live","Members_Account":["cid"],"MuteTime":60}`},
		live(10017),
		{does: "Private", command: forbid, body: `{"GroupId":"p","Members_Account":["bob"],"MuteTime":60}`, code: 10007},
		{does: "no time", command: forbid, body: `{"GroupId":"g","Members_Account":["bob"]}`, code: 10004},
		{does: "nobody", command: forbid, body: `{"GroupId":"g","MuteTime":60}`, code: 10004},
		{does: "no group", command: forbid, body: `{"GroupId":"h","Members_Account":["bob"],"MuteTime":60}`, code: 10010},
		{does: "topic", command: forbid, body: `{"GroupId":"g","TopicId":"t","Members_Account":["bob"],"MuteTime":60}`, code: 10004},
		{does: "501", command: forbid, body: `{"GroupId":"g","Members_Account":` + list(`"u%d"`, 1, 501) + `,"MuteTime":60}`, code: 10005},
		{does: "list of no group", command: svc + "get_group_muted_account", body: `{"GroupId":"h"}`, code: 10010},
		{does: "list without a group", command: svc + "get_group_shutted_uin", body: `{}`, code: 10004},
	})
}

func TestNoSpeaking(t *testing.T) {
	t.Parallel()
	set, get := mute+"setnospeaking", mute+"getnospeaking"
	send := sender("g", "bob")
	see := func(c2c, group string) step {
		return step{does: "look", command: get, body: `{"Get_Account":"bob"}`, has: []string{`"ActionStatus":"OK"`, `"C2CmsgNospeakingTime":` + c2c, `"GroupmsgNospeakingTime":` + group}}
	}
	play(t, []step{
		group("Public", "g", `,"Owner_Account":"ann"`),
		see("0,", "0}"), send(0),
		{does: "both", command: set, body: `{"Set_Account":"bob","C2CmsgNospeakingTime":4294967295,"GroupmsgNospeakingTime":60}`, has: []string{ok}},
		see("4294967295", "60}"), send(10017),
		{does: "time goes by", wait: 59, command: get, body: `{"Get_Account":"bob"}`, has: []string{`"GroupmsgNospeakingTime":1}`}},
		{does: "and over", wait: 1, command: get, body: `{"Get_Account":"bob"}`, has: []string{`"GroupmsgNospeakingTime":0}`}},
		send(0),
		{does: "one alone", command: set, body: `{"Set_Account":"bob","GroupmsgNospeakingTime":4294967295}`},
		see("4294967295", "4294967295}"), send(10017),
		{does: "cancel", command: set, body: `{"Set_Account":"bob","C2CmsgNospeakingTime":0}`},
		see("0,", "4294967295}"),
		{does: "cancel", command: set, body: `{"Set_Account":"bob","GroupmsgNospeakingTime":0}`},
		see("0,", "0}"), send(0),
		{does: "an import keeps it", command: set, body: `{"Set_Account":"bob","GroupmsgNospeakingTime":60}`},
		{does: "import", command: accnt + "account_import", body: `{"UserID":"bob","Nick":"B"}`},
		send(10017),
		{does: "an admin", command: set, body: `{"Set_Account":"admin","GroupmsgNospeakingTime":60}`},
		sender("g", "admin")(10017),
		{does: "nobody to mute", command: set, body: `{"GroupmsgNospeakingTime":60}`, code: 130004},
		{does: "no account", command: set, body: `{"Set_Account":"nobody","GroupmsgNospeakingTime":60}`, code: 130005},
		{does: "long name", command: set, body: `{"Set_Account":"` + strings.Repeat("a", 33) + `","GroupmsgNospeakingTime":60}`, code: 130005},
		{does: "no time", command: set, body: `{"Set_Account":"bob"}`, code: 130008},
		{does: "null times", command: set, body: `{"Set_Account":"bob","GroupmsgNospeakingTime":null,"C2CmsgNospeakingTime":null}`, code: 130008},
		{does: "bad time", command: set, body: `{"Set_Account":"bob","GroupmsgNospeakingTime":-1}`, code: 10004},
		{does: "nobody to look at", command: get, body: `{}`, code: 130002},
		{does: "no account to look at", command: get, body: `{"Get_Account":"nobody"}`, code: 130003},
		{does: "no JSON", command: get, body: `x`, code: 60003},
	})
}

// However long a mute is and however late one looks, what is left is what was
// asked for less the time gone; a mute too long for the protocol's numbers is
// one without an end.
func TestWhatIsLeftOfAMuteIsWhatWasAskedForLessTheTimeGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.call(t, first, accnt+"account_import", `{"UserID":"ann"}`)
	client := s.client(t, first, keys[first])
	rapid.Check(t, func(rt *rapid.T) {
		asked := rapid.Uint32().Draw(rt, "asked")
		gone := int64(rapid.IntRange(0, 100).Draw(rt, "gone"))
		muted := s.seconds.Load()
		if _, err := client.SetNoSpeaking(t.Context(), api.SetNoSpeakingRequest{Set_Account: new("ann"), GroupmsgNospeakingTime: &asked}); err != nil {
			rt.Fatal(err)
		}
		s.seconds.Add(gone)
		answer, err := client.GetNoSpeaking(t.Context(), api.GetNoSpeakingRequest{Get_Account: new("ann")})
		want := max(0, int64(asked)-gone)
		if muted+int64(asked) >= api.Forever {
			want = api.Forever
		}
		if err != nil || int64(answer.GroupmsgNospeakingTime) != want || answer.C2CmsgNospeakingTime != 0 {
			rt.Fatalf("asked for %d, %d s later: %+v, want %d, error %v", asked, gone, answer, want, err)
		}
	})
}
