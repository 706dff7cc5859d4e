package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// times are what no test can foresee.
var times = regexp.MustCompile(`"(EventTime|MsgTime)":\d+`)

// heard is a push with its times taken out.
func heard(p push) string { return times.ReplaceAllString(p.text, `"$1":0`) }

// hears fails unless the next pushes are these, byte for byte but for times.
func (p *phone) hears(t *testing.T, who string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := heard(p.next()); got != w {
			t.Fatalf("%s heard\n%s, want\n%s", who, got, w)
		}
	}
}

// ok calls a command that must succeed.
func (p *phone) ok(method string, body any) answer {
	p.t.Helper()
	a := p.call(method, body)
	if a.ErrorCode != 0 {
		p.t.Fatalf("%s: %d %s", method, a.ErrorCode, a.ErrorInfo)
	}
	return a
}

type object = map[string]any

func said(group, kind, from string, seq, random int, words string) string {
	return fmt.Sprintf(`{"Event":"Message","GroupId":"%s","Type":"%s","From_Account":"%s","MsgSeq":%d,"MsgTime":0,"Random":%d,"MsgPriority":"Normal","MsgBody":[{"MsgContent":{"Text":"%s"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":0}`,
		group, kind, from, seq, random, words)
}

// What happens in a group is heard by all of it, in the order of the commits, in
// the shapes that docs/clients.md names.
func TestEverythingThatHappensInAGroupIsHeardInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob, cid := w.phone(t, "ann"), w.phone(t, "bob"), w.phone(t, "cid")
	steps := []struct {
		by     *phone
		method string
		body   object
		want   string
	}{
		{ann, "modify_group_base_info", object{"GroupId": "g", "ApplyJoinOption": "FreeAccess", "Name": "a < b", "MaxMemberNum": 9, "MuteAllMember": "On"},
			`{"Event":"GroupChanged","GroupId":"g","Operator_Account":"ann","Name":"a < b","MaxMemberNum":9,"ApplyJoinOption":"FreeAccess","MuteAllMember":"On","EventTime":0}`},
		{ann, "modify_group_base_info", object{"GroupId": "g", "Introduction": "i", "Notification": "n", "FaceUrl": "f", "InviteJoinOption": "NeedPermission", "MuteAllMember": "Off"},
			`{"Event":"GroupChanged","GroupId":"g","Operator_Account":"ann","Introduction":"i","Notification":"n","FaceUrl":"f","InviteJoinOption":"NeedPermission","MuteAllMember":"Off","EventTime":0}`},
		{cid, "apply_join_group", object{"GroupId": "g"},
			`{"Event":"MemberJoined","GroupId":"g","Operator_Account":"cid","JoinType":"Apply","MemberList":[{"Member_Account":"cid"}],"EventTime":0}`},
		{ann, "modify_group_member_info", object{"GroupId": "g", "Member_Account": "bob", "Role": "Admin"},
			`{"Event":"MemberChanged","GroupId":"g","Operator_Account":"ann","Member_Account":"bob","Role":"Admin","EventTime":0}`},
		{cid, "modify_group_member_info", object{"GroupId": "g", "Member_Account": "cid", "NameCard": "Cid"},
			`{"Event":"MemberChanged","GroupId":"g","Operator_Account":"cid","Member_Account":"cid","NameCard":"Cid","EventTime":0}`},
		{bob, "forbid_send_msg", object{"GroupId": "g", "Members_Account": []string{"cid"}, "MuteTime": 4294967295},
			`{"Event":"MemberMuted","GroupId":"g","Operator_Account":"bob","MemberList":[{"Member_Account":"cid"}],"MuteUntil":4294967295,"EventTime":0}`},
		{bob, "forbid_send_msg", object{"GroupId": "g", "Members_Account": []string{"cid"}, "MuteTime": 0},
			`{"Event":"MemberMuted","GroupId":"g","Operator_Account":"bob","MemberList":[{"Member_Account":"cid"}],"MuteUntil":0,"EventTime":0}`},
		{cid, "send_group_msg", text("g", 11, "hello"), said("g", "Public", "cid", 1, 11, "hello")},
		{bob, "group_msg_recall", object{"GroupId": "g", "MsgSeqList": []object{{"MsgSeq": 1}}},
			`{"Event":"MsgRecalled","GroupId":"g","Operator_Account":"bob","MsgSeqList":[{"MsgSeq":1}],"EventTime":0}`},
		{ann, "change_group_owner", object{"GroupId": "g", "NewOwner_Account": "cid"},
			`{"Event":"OwnerChanged","GroupId":"g","Operator_Account":"ann","OldOwner_Account":"ann","NewOwner_Account":"cid","EventTime":0}`},
		{bob, "delete_group_member", object{"GroupId": "g", "MemberToDel_Account": []string{"ann"}},
			`{"Event":"MemberLeft","GroupId":"g","Operator_Account":"bob","ExitType":"Kicked","MemberList":[{"Member_Account":"ann"}],"EventTime":0}`},
		{cid, "send_group_msg", text("g", 12, "two"), said("g", "Public", "cid", 2, 12, "two")},
		{cid, "add_group_member", object{"GroupId": "g", "MemberList": []object{{"Member_Account": "ann"}}},
			`{"Event":"MemberJoined","GroupId":"g","Operator_Account":"cid","JoinType":"Invited","MemberList":[{"Member_Account":"ann"}],"EventTime":0}`},
		{bob, "quit_group", object{"GroupId": "g"},
			`{"Event":"MemberLeft","GroupId":"g","Operator_Account":"bob","ExitType":"Quit","MemberList":[{"Member_Account":"bob"}],"EventTime":0}`},
		{cid, "send_group_msg", text("g", 13, "three"), said("g", "Public", "cid", 3, 13, "three")},
		{cid, "destroy_group", object{"GroupId": "g"},
			`{"Event":"GroupDissolved","GroupId":"g","Operator_Account":"cid","EventTime":0}`},
	}
	all := make([]string, len(steps))
	for i, s := range steps {
		s.by.ok(s.method, s.body)
		all[i] = s.want
	}
	annHears := append(slices.Clone(all[:11]), all[12:]...) // not what was said while she was out
	ann.hears(t, "ann", annHears...)
	bob.hears(t, "bob", all[:14]...) // leaving is the last
	cid.hears(t, "cid", all[2:]...)  // joining is the first
	for who, p := range map[string]*phone{"ann": ann, "bob": bob, "cid": cid} {
		await(t, who+"'s end of the subscription", p.leaves)
	}
	// The same id again is another group, of those who are in it now.
	w.group(t, "g", chat.Public, "ann", "cid")
	if seq := w.say(ann, "g", "anew"); seq != 1 {
		t.Fatalf("the new group's first message has number %d", seq)
	}
	w.group(t, "end", chat.Public, "ann", "bob", "cid")
	w.say(ann, "end", "end")
	for _, p := range []*phone{ann, cid} {
		p.hears(t, "a member of the new group", `{"Event":"MemberJoined","GroupId":"g","Operator_Account":"admin","JoinType":"Invited","MemberList":[{"Member_Account":"ann"},{"Member_Account":"cid"}],"EventTime":0}`)
		if got := p.next(); words(got) != "anew" || got.MsgSeq != 1 {
			t.Fatalf("heard %s", got.text)
		}
	}
	for _, p := range []*phone{ann, bob, cid} {
		p.hears(t, "all", `{"Event":"MemberJoined","GroupId":"end","Operator_Account":"admin","JoinType":"Invited","MemberList":[{"Member_Account":"ann"},{"Member_Account":"bob"},{"Member_Account":"cid"}],"EventTime":0}`)
		if got := p.next(); words(got) != "end" {
			t.Fatalf("heard %s", got.text)
		}
	}
}

func TestATargetedMessageIsHeardByItsReceiversAndTheSendersDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob", "cid")
	ann, ann2, bob, cid := w.phone(t, "ann"), w.phone(t, "ann"), w.phone(t, "bob"), w.phone(t, "cid")
	body := text("g", 21, "for bob")
	body["To_Account"] = []string{"bob"}
	ann.ok("send_group_msg", body)
	at := text("g", 22, "look")
	at["GroupAtInfo"] = []object{{"GroupAtAllFlag": 1}, {"GroupAtAllFlag": 0, "GroupAt_Account": "bob"}}
	at["CloudCustomData"] = ""
	at["MsgPriority"] = "High"
	ann.ok("send_group_msg", at)
	online := text("g", 23, "typing")
	online["OnlineOnlyFlag"] = 1
	ann.ok("send_group_msg", online)
	if err := w.backend.Login(t.Context(), app, "stranger"); err != nil {
		t.Fatal(err)
	}
	w.sayAs(t, "g", "stranger", "from outside")
	for who, p := range map[string]*phone{"ann": ann, "ann's other": ann2, "bob": bob, "cid": cid} {
		first := strings.TrimSuffix(said("g", "Public", "ann", 1, 21, "for bob"), "}") + `,"To_Account":["bob"]}`
		if p == cid {
			first = `{"Event":"Placeholder","GroupId":"g","MsgSeq":1,"PlaceReason":"NotForYou"}`
		}
		p.hears(t, who, first,
			`{"Event":"Message","GroupId":"g","Type":"Public","From_Account":"ann","MsgSeq":2,"MsgTime":0,"Random":22,"MsgPriority":"High","MsgBody":[{"MsgContent":{"Text":"look"},"MsgType":"TIMTextElem"}],"CloudCustomData":"","OnlineOnlyFlag":0,"GroupAtInfo":[{"GroupAtAllFlag":1},{"GroupAtAllFlag":0,"GroupAt_Account":"bob"}]}`,
			`{"Event":"Message","GroupId":"g","Type":"Public","From_Account":"ann","MsgTime":0,"Random":23,"MsgPriority":"Normal","MsgBody":[{"MsgContent":{"Text":"typing"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":1}`)
		if got := p.next(); got.MsgSeq != 3 || got.From_Account != "stranger" || words(got) != "from outside" {
			t.Fatalf("%s heard %s", who, got.text)
		}
		var rows []struct {
			MsgSeq      uint64
			IsPlaceMsg  int
			PlaceReason string
		}
		for _, row := range p.ok("group_msg_get_simple", object{"GroupId": "g", "ReqMsgNumber": 20}).RspMsgList {
			rows = append(rows, struct {
				MsgSeq      uint64
				IsPlaceMsg  int
				PlaceReason string
			}{})
			if err := json.Unmarshal(row, &rows[len(rows)-1]); err != nil {
				t.Fatal(err)
			}
		}
		want := "[{3 0 } {2 0 } {1 0 }]"
		if p == cid {
			want = "[{3 0 } {2 0 } {1 1 NotForYou}]"
		}
		if fmt.Sprint(rows) != want {
			t.Fatalf("%s's history is %v, want %s", who, rows, want)
		}
	}
}

func TestWhatConcernsAUserAloneIsToldToHisConnectionsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob, bob2, cid := w.phone(t, "ann"), w.phone(t, "bob"), w.phone(t, "bob"), w.phone(t, "cid")
	cid.ok("apply_join_group", object{"GroupId": "g", "ApplyMsg": "please"})
	ann.hears(t, "ann", `{"Event":"Application","GroupId":"g","Operator_Account":"cid","Applicant_Account":"cid","ApplyMsg":"please","EventTime":0}`)
	ann.ok("handle_apply_join_group", object{"GroupId": "g", "Applicant_Account": "cid", "HandleMsg": "Reject", "ApprovalMsg": "no"})
	cid.hears(t, "cid", `{"Event":"ApplicationHandled","GroupId":"g","Operator_Account":"ann","Applicant_Account":"cid","HandleMsg":"Reject","ApprovalMsg":"no","EventTime":0}`)
	w.say(ann, "g", "one")
	for _, p := range []*phone{bob, bob2} {
		if got := p.next(); words(got) != "one" {
			t.Fatalf("bob heard %s", got.text)
		}
	}
	bob.ok("msg_read", object{"GroupId": "g", "MsgReadedSeq": 1})
	bob2.hears(t, "bob's other", `{"Event":"Read","GroupId":"g","Operator_Account":"bob","MsgReadedSeq":1,"EventTime":0}`)
	ever := uint32(chat.Forever)
	if err := w.backend.MuteAccount(context.Background(), app, chat.Admin("admin"), "bob", &ever, nil); err != nil {
		t.Fatal(err)
	}
	bob2.hears(t, "bob's other", `{"Event":"AccountMuted","Operator_Account":"admin","MuteUntil":4294967295,"EventTime":0}`)
	// An app with the same names is another world.
	if err := w.backend.Login(context.Background(), other, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.backend.CreateGroup(context.Background(), other, chat.Admin("admin"), chat.GroupSpec{ID: "g", Type: chat.Public, Name: "g", Owner: "ann"}); err != nil {
		t.Fatal(err)
	}
	far := w.phone(t, "ann", func(o *phoneOptions) { o.app = other })
	w.say(far, "g", "elsewhere")
	w.say(ann, "g", "two")
	if got := far.next(); words(got) != "elsewhere" {
		t.Fatalf("ann of the other app heard %s", got.text)
	}
	if got := ann.nextOf("Message"); words(got) != "one" {
		t.Fatalf("ann heard %s", got.text)
	}
	if got := ann.next(); words(got) != "two" {
		t.Fatalf("ann heard %s", got.text)
	}
}

func TestAUserOfManyGroupsHearsAllOfThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const groups = 300
	for i := range groups {
		w.group(t, fmt.Sprint("g", i), chat.Public, "ann")
	}
	ann := w.phone(t, "ann")
	for i := range groups {
		w.sayAs(t, fmt.Sprint("g", i), "admin", "hello")
	}
	missing := make(map[string]bool)
	for i := range groups {
		missing[fmt.Sprint("g", i)] = true
	}
	for len(missing) > 0 {
		got := ann.next()
		if !missing[got.GroupId] || got.MsgSeq != 1 {
			t.Fatalf("heard twice or wrong: %s", got.text)
		}
		delete(missing, got.GroupId)
	}
}

// Who comes to an AVChatRoom is given its last messages: at most 50, that he may
// see, and not what was taken back or whose sender is gone.
func TestWhoComesToARoomIsGivenItsLastMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "r", chat.AVChatRoom, "ann")
	ann := w.phone(t, "ann")
	if got := ann.next(); got.text != `{"Event":"Recent","GroupId":"r","MessageList":[]}` {
		t.Fatalf("ann heard %s", got.text)
	}
	bob := w.phone(t, "bob")
	bob.ok("apply_join_group", object{"GroupId": "r"})
	if got := bob.next(); got.text != `{"Event":"Recent","GroupId":"r","MessageList":[]}` {
		t.Fatalf("bob heard %s", got.text)
	}
	for i := range 60 {
		w.say(ann, "r", fmt.Sprint("m", i+1))
	}
	list := w.reconnected(t, ann).MessageList
	if len(list) != 50 || words(list[0]) != "m11" || words(list[49]) != "m60" || list[0].MsgSeq != 11 || list[0].Event != "Message" || list[0].Type != "AVChatRoom" {
		t.Fatalf("%d messages, first %+v", len(list), list[0])
	}
	if a := ann.call("group_msg_get_simple", object{"GroupId": "r", "ReqMsgNumber": 1}); a.ErrorCode != 10044 {
		t.Fatalf("the history of a room: %+v", a)
	}
	big := strings.Repeat("x", 7000)
	for range 12 {
		w.say(ann, "r", big)
	}
	// The sender of a message is gone: what he said is in nobody's memory.
	dan := w.phone(t, "dan")
	dan.ok("apply_join_group", object{"GroupId": "r"})
	w.say(dan, "r", "of dan")
	w.say(ann, "r", "after dan")
	for bob.nextOf("Message"); ; {
		if words(bob.nextOf("Message")) == "after dan" {
			break
		}
	}
	if _, err := w.backend.DeleteAccounts(context.Background(), app, chat.Admin("admin"), []chat.UserID{"dan"}); err != nil {
		t.Fatal(err)
	}
	if down := await(t, "the end of dan's connection", dan.downs); down.Code != 4502 {
		t.Fatalf("dan was ended with %d", down.Code)
	}
	got := w.reconnected(t, ann)
	if n := len(got.text); n > 64<<10+1024 || n < 48<<10 {
		t.Fatalf("%d bytes of recent messages", n)
	}
	for _, m := range got.MessageList {
		if words(m) == "of dan" {
			t.Fatal("what a deleted user said is still shown")
		}
	}
	if last := got.MessageList[len(got.MessageList)-1]; words(last) != "after dan" {
		t.Fatalf("the last is %s", last.MsgBody)
	}
}

// reconnected connects a phone anew and returns the room's last messages that it
// is given then.
func (w *world) reconnected(t *testing.T, p *phone) push {
	t.Helper()
	if err := p.client.Disconnect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the connection", p.downs)
	for len(p.pushes) > 0 {
		<-p.pushes
	}
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection", p.ups)
	return p.nextOf("Recent")
}

// A pull is answered from memory as it would be from the store.
func TestMemoryAnswersLikeTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob", "cid")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	for i := range 700 {
		s := &chat.Send{App: app, Caller: "admin", Platform: "RESTAPI"}
		body := text("g", w.random.Add(1), fmt.Sprint("m", i+1))
		switch i % 7 {
		case 1:
			body["To_Account"] = []string{"bob"}
		case 2:
			body["CloudCustomData"] = "cloud"
		case 3:
			body["GroupAtInfo"] = []object{{"GroupAtAllFlag": 1}}
		}
		data, _ := json.Marshal(body)
		wire.ReadSend(data, s)
		s.From = []chat.UserID{"ann", "bob", "cid"}[i%3]
		if o, err := w.backend.Send(t.Context(), s); err != nil || o.Kind != chat.Accepted {
			t.Fatalf("%+v %v", o, err)
		}
		if i%50 == 49 {
			if _, err := w.backend.Recall(t.Context(), app, chat.Admin("admin"), "g", []chat.MsgSeq{chat.MsgSeq(i - 1), chat.MsgSeq(i + 1)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	g, _, err := w.backend.Reader().Group(t.Context(), app, "g")
	if err != nil {
		t.Fatal(err)
	}
	for bob.next().MsgSeq < 700 { // all of it is in memory when it was pushed
	}
	fromMemory := 0
	for newest := chat.MsgSeq(700); newest > 0; newest -= min(newest, 13) {
		for _, limit := range []int{1, 7, 20} {
			list, ok := w.door.Recent(app, g.Key, newest, limit)
			if !ok {
				continue
			}
			fromMemory++
			stored, err := w.backend.Reader().Messages(t.Context(), app, g.Key, newest, limit)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(list)
			b, _ := json.Marshal(stored)
			if string(a) != string(b) {
				t.Fatalf("from %d, %d messages: memory says\n%s\nthe store\n%s", newest, limit, a, b)
			}
		}
	}
	if fromMemory < 30 {
		t.Fatalf("memory answered %d times", fromMemory)
	}
	_ = ann
}

// Who is let into a group hears everything that is said from then on, however
// soon it is said, although nobody here heard the group before.
func TestWhoJoinedHearsWhatIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "first", chat.Public, "ann")
	ann := w.phone(t, "ann")
	for i := range 50 {
		id := fmt.Sprint("g", i)
		w.group(t, id, chat.Public, "ann")
		w.sayAs(t, id, "admin", "one")
		if got := ann.next(); got.Event != "MemberJoined" || got.GroupId != id {
			t.Fatalf("ann heard %s", got.text)
		}
		if got := ann.next(); words(got) != "one" || got.GroupId != id {
			t.Fatalf("ann heard %s", got.text)
		}
	}
}
