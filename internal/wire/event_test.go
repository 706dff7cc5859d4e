package wire_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
	"pgregory.net/rapid"
)

// sample is what leads to the sample of document 1047/49462.
func sample() (*chat.App, *chat.Send, *chat.Group, *chat.Refusal, int64) {
	s := caller()
	wire.ReadSend([]byte(`{"GroupId":"@TGS#2J4SZEAEL","From_Account":"jared","Random":123456,"OnlineOnlyFlag":1,`+
		`"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data"}`), &s)
	g := &chat.Group{Key: 7, ID: s.Group, Type: chat.Public}
	return &chat.App{ID: s.App, Settings: chat.DefaultSettings()}, &s, g, chat.Fail(api.CodeSendTooOften), 1670574414123
}

const sampleBody = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"your cloud custom data","ErrorCode":10023,` +
	`"ErrorInfo":"msg count exceeds limit,please retry later","EventTime":1670574414123,"From_Account":"jared","GroupId":"@TGS#2J4SZEAEL",` +
	`"MsgBody":[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":1,"Operator_Account":"admin","Random":123456,"Type":"Public"}`

func TestExceptionIsThePublishedSample(t *testing.T) {
	t.Parallel()
	app, s, g, r, at := sample()
	body, cut := wire.Bodies{}.Exception(app, s, g, r, at)
	if string(body) != sampleBody || cut != 0 {
		t.Errorf("cut %d\n got %s\nwant %s", cut, body, sampleBody)
	}
	app.Settings.EventTimeString = true
	body, _ = wire.Bodies{}.Exception(app, s, g, r, at)
	if want := strings.Replace(sampleBody, "1670574414123", `"1670574414123"`, 1); string(body) != want {
		t.Errorf("EventTime as a text\n got %s\nwant %s", body, want)
	}
}

func TestExceptionShowsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*chat.App, *chat.Send, *chat.Group)
		old, new string
	}{
		"raw UTF-8": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.Content.Cloud = "红包<&>\u2028\x00\"\\" },
			`"your cloud custom data"`, "\"红包<&>\u2028\\u0000\\\"\\\\\""},
		"CloudCustomData only when it was sent": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.Content.HasCloud, s.Content.Cloud = false, "" },
			`"CloudCustomData":"your cloud custom data",`, ``},
		"CloudCustomData also when it was sent empty": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.Content.Cloud = "" },
			`"your cloud custom data"`, `""`},
		"no flag for online members in an AVChatRoom": {func(_ *chat.App, _ *chat.Send, g *chat.Group) { g.Type = chat.AVChatRoom },
			`"OnlineOnlyFlag":1,"Operator_Account":"admin","Random":123456,"Type":"Public"`, `"OnlineOnlyFlag":0,"Operator_Account":"admin","Random":123456,"Type":"AVChatRoom"`},
		"an ordinary message": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.OnlineOnly = false },
			`"OnlineOnlyFlag":1`, `"OnlineOnlyFlag":0`},
		"unreadable MsgBody": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.Content.Body = nil },
			`[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}]`, `[]`},
		"largest Random": {func(_ *chat.App, s *chat.Send, _ *chat.Group) { s.Random = 4294967295 }, `123456`, `4294967295`},
		"Private":        {func(_ *chat.App, _ *chat.Send, g *chat.Group) { g.Type = chat.Private }, `"Public"`, `"Private"`},
		"Work":           {func(a *chat.App, _ *chat.Send, g *chat.Group) { g.Type, a.Settings.ModernTypes = chat.Private, true }, `"Public"`, `"Work"`},
		"ChatRoom":       {func(_ *chat.App, _ *chat.Send, g *chat.Group) { g.Type = chat.ChatRoom }, `"Public"`, `"ChatRoom"`},
		"Meeting":        {func(a *chat.App, _ *chat.Send, g *chat.Group) { g.Type, a.Settings.ModernTypes = chat.ChatRoom, true }, `"Public"`, `"Meeting"`},
		"Community":      {func(a *chat.App, _ *chat.Send, g *chat.Group) { g.Type, a.Settings.ModernTypes = chat.Community, true }, `"Public"`, `"Community"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, s, g, r, at := sample()
			c.change(app, s, g)
			body, _ := wire.Bodies{}.Exception(app, s, g, r, at)
			if want := replaced(t, sampleBody, c.old, c.new); string(body) != want {
				t.Errorf("\n got %s\nwant %s", body, want)
			}
		})
	}
}

func TestExceptionOfWhatWasNoRequestHasElevenEmptyFields(t *testing.T) {
	t.Parallel()
	s := read("{")
	s.From = s.Caller // as a send without From_Account counts
	body, cut := wire.Bodies{}.Exception(&chat.App{ID: 1}, &s, nil, s.Fault, 1)
	want := `{"CallbackCommand":"Group.CallbackSendMsgException","ErrorCode":60003,"ErrorInfo":"json parse error","EventTime":1,"From_Account":"admin",` +
		`"GroupId":"","MsgBody":[],"OnlineOnlyFlag":0,"Operator_Account":"admin","Random":0,"Type":""}`
	if string(body) != want || cut != 0 {
		t.Errorf("\n got %s\nwant %s", body, want)
	}
}

func TestQuestionAndAfterSendBodies(t *testing.T) {
	t.Parallel()
	app, s, g, _, at := sample()
	s.OnlineOnly, s.Priority = false, chat.Low
	s.Mentions = []chat.Mention{{User: "bob\n"}, {All: true}}
	question := wire.Question(&chat.Question{App: app, Send: s, Group: g}, at)
	want := `{"CallbackCommand":"Group.CallbackBeforeSendMsg","CloudCustomData":"your cloud custom data","EventTime":1670574414123,"From_Account":"jared",` +
		`"GroupId":"@TGS#2J4SZEAEL","MsgBody":[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}],"MsgPriority":"Low","OnlineOnlyFlag":0,` +
		`"Operator_Account":"admin","Random":123456,"Type":"Public"}`
	if string(question) != want {
		t.Errorf("\n got %s\nwant %s", question, want)
	}
	m := chat.Message{Group: 7, Seq: 23, From: s.From, Random: s.Random, Time: 1670574414, Priority: s.Priority, Body: s.Content.Body, Cloud: s.Content.Cloud}
	after := wire.Bodies{}.AfterSend(app, s, g, m, at)
	want = `{"CallbackCommand":"Group.CallbackAfterSendMsg","CloudCustomData":"your cloud custom data","EventTime":1670574414123,"From_Account":"jared",` +
		`"GroupAtInfo":[{"GroupAtAllFlag":0,"GroupAt_Account":"bob\n"},{"GroupAtAllFlag":1}],` +
		`"GroupId":"@TGS#2J4SZEAEL","MsgBody":[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}],"MsgId":"7-1670574414-123456","MsgPriority":"Low",` +
		`"MsgSeq":23,"MsgTime":1670574414,"OnlineOnlyFlag":0,"Operator_Account":"admin","Random":123456,"Type":"Public"}`
	if string(after) != want {
		t.Errorf("\n got %s\nwant %s", after, want)
	}
	s.Mentions, s.Content.HasCloud = nil, false
	for _, name := range []string{"GroupAtInfo", "CloudCustomData"} {
		if after := (wire.Bodies{}).AfterSend(app, s, g, m, at); strings.Contains(string(after), name) {
			t.Errorf("%s without having been sent: %s", name, after)
		}
	}
}

// Whatever was sent: the body is canonical, and the receiver's types read all of it.
func TestPropertyReceiverReadsEveryBody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		app, s, g, r, at := sample()
		app.Settings.EventTimeString = rapid.Bool().Draw(t, "string time")
		s.From, s.Group = chat.UserID(rapid.String().Draw(t, "from")), chat.GroupID(rapid.String().Draw(t, "group"))
		s.Random, s.OnlineOnly = rapid.Uint32().Draw(t, "random"), rapid.Bool().Draw(t, "online")
		s.Content.Cloud, s.Content.HasCloud = rapid.String().Draw(t, "cloud"), true
		text, err := json.Marshal(rapid.String().Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		var sent chat.Send
		wire.ReadSend([]byte(`{"GroupId":"g","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":`+string(text)+`}}]}`), &sent)
		s.Content.Body = sent.Content.Body
		r.Info = rapid.StringN(1, 20, 80).Draw(t, "info")
		flag := 0
		if s.OnlineOnly {
			flag = 1
		}
		elements := []callback.Element{{MsgType: "TIMTextElem", MsgContent: json.RawMessage(strings.TrimSuffix(strings.TrimPrefix(
			string(s.Content.Body), `[{"MsgContent":`), `,"MsgType":"TIMTextElem"}]`))}}

		check := func(raw []byte, want any, command callback.Command) {
			got, err := callback.Decode(command, raw)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("%s: %v, %s", raw, err, diff)
			}
			canonical(t, raw)
		}
		body, _ := wire.Bodies{}.Exception(app, s, g, r, at)
		check(body, &callback.SendMsgException{
			CallbackCommand: callback.CmdGroupSendMsgException, CloudCustomData: s.Content.Cloud, ErrorCode: 10023, ErrorInfo: r.Info,
			EventTime: callback.Millis(at), FromAccount: string(s.From), GroupID: string(s.Group), MsgBody: elements, OnlineOnlyFlag: flag,
			OperatorAccount: "admin", Random: int64(s.Random), Type: "Public",
		}, callback.CmdGroupSendMsgException)
		check(wire.Question(&chat.Question{App: app, Send: s, Group: g}, at), &callback.BeforeSendMsg{
			CallbackCommand: callback.CmdGroupBeforeSendMsg, CloudCustomData: s.Content.Cloud, EventTime: callback.Millis(at),
			FromAccount: string(s.From), GroupID: string(s.Group), MsgBody: elements, MsgPriority: "Normal", OnlineOnlyFlag: flag,
			OperatorAccount: "admin", Random: int64(s.Random), Type: "Public",
		}, callback.CmdGroupBeforeSendMsg)
		m := chat.Message{Group: 1, Seq: chat.MsgSeq(rapid.Uint32().Draw(t, "seq")), Time: 5, Random: s.Random, Priority: chat.High, Body: s.Content.Body, Cloud: s.Content.Cloud}
		s.Mentions = []chat.Mention{{All: true}, {User: s.From}}
		check(wire.Bodies{}.AfterSend(app, s, g, m, at), &callback.AfterSendMsg{
			CallbackCommand: callback.CmdGroupAfterSendMsg, CloudCustomData: m.Cloud, EventTime: callback.Millis(at), FromAccount: string(s.From),
			GroupAtInfo: []callback.AtTarget{{GroupAtAllFlag: 1}, {GroupAtAccount: string(s.From)}}, GroupID: string(s.Group), MsgBody: elements,
			MsgID: "1-5-" + strconv.FormatUint(uint64(s.Random), 10), MsgPriority: "High", MsgSeq: int64(m.Seq), MsgTime: 5, OnlineOnlyFlag: flag,
			OperatorAccount: "admin", Random: int64(s.Random), Type: "Public",
		}, callback.CmdGroupAfterSendMsg)
	})
}

// canonical checks that raw would not change if it were written once more by
// the standard library.
func canonical(t interface{ Fatalf(string, ...any) }, raw []byte) {
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatalf("%v", err)
	}
	want := strings.TrimSuffix(out.String(), "\n")
	plain := strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(raw))
	if plain != want || !utf8.Valid(raw) {
		t.Fatalf("\n got %s\nwant %s", raw, want)
	}
}
