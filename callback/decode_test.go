package callback_test

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
)

const seedBody = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"your cloud custom data","ErrorCode":10023,` +
	`"ErrorInfo":"msg count exceeds limit,please retry later","EventTime":"1670574414123","From_Account":"jared",` +
	`"GroupId":"@TGS#2J4SZEAEL","MsgBody":[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}],` +
	`"OnlineOnlyFlag":1,"Operator_Account":"admin","Random":123456,"Type":"Public"}`

var seed = &callback.SendMsgException{
	CallbackCommand: callback.CmdGroupSendMsgException, GroupID: "@TGS#2J4SZEAEL", Type: "Public",
	FromAccount: "jared", OperatorAccount: "admin", Random: 123456, OnlineOnlyFlag: 1,
	MsgBody: []callback.Element{callback.TextElement("red packet")}, CloudCustomData: "your cloud custom data",
	ErrorCode: 10023, ErrorInfo: "msg count exceeds limit,please retry later", EventTime: 1670574414123,
}

func TestDecodeReadsEveryContradictionOfTheDocuments(t *testing.T) {
	t.Parallel()
	name := "n"
	for title, c := range map[string]struct {
		command callback.Command
		raw     string
		want    any
	}{
		"EventTime in quotation marks": {callback.CmdGroupSendMsgException, seedBody, seed},
		"EventTime as a number": {callback.CmdGroupSendMsgException,
			strings.Replace(seedBody, `"1670574414123"`, `1670574414123`, 1), seed},
		"unknown keys": {callback.CmdGroupSendMsgException,
			strings.Replace(seedBody, `{`, `{"MsgPriority":"Normal","New":{"x":[1]},`, 1), seed},
		"absent keys": {callback.CmdGroupSendMsgException, `{}`, &callback.SendMsgException{}},
		"Random beyond 31 bits": {callback.CmdGroupAfterSendMsg, `{"Random":4294967295,"MsgSeq":23,"MsgTime":1567032819}`,
			&callback.AfterSendMsg{Random: 4294967295, MsgSeq: 23, MsgTime: 1567032819}},
		"undocumented MsgPriority": {callback.CmdGroupBeforeSendMsg, `{"MsgPriority":"Normal","EventTime":1657699196949}`,
			&callback.BeforeSendMsg{MsgPriority: "Normal", EventTime: 1657699196949}},
		"TopicIdList as text": {callback.CmdGroupAfterTopicDestroyed, `{"TopicIdList":"a"}`,
			&callback.AfterTopicDestroyed{TopicIDList: callback.StringList{"a"}}},
		"TopicIdList as array": {callback.CmdGroupAfterTopicDestroyed, `{"TopicIdList":["a","b"]}`,
			&callback.AfterTopicDestroyed{TopicIDList: callback.StringList{"a", "b"}}},
		"attributes in lower case": {callback.CmdGroupAfterGroupAttrChanged, `{"GroupAttr":[{"key":"k","value":"v"}]}`,
			&callback.AfterGroupAttrChanged{GroupAttr: []callback.GroupAttr{{Key: "k", Value: "v"}}}},
		"groupID in another case": {callback.CmdGroupAfterCreateGroup, `{"groupID":"g"}`, &callback.AfterCreateGroup{GroupID: "g"}},
		"only what changed": {callback.CmdGroupAfterGroupInfoChanged, `{"Name":"n"}`,
			&callback.AfterGroupInfoChanged{Name: &name}},
		"state change": {callback.CmdStateChange, `{"EventTime":1,"Info":{"Action":"Login","To_Account":"u","Reason":"Register"},"KickedDevice":[{"Platform":"IOS"}]}`,
			&callback.StateChange{EventTime: 1, Info: callback.StateInfo{Action: "Login", ToAccount: "u", Reason: "Register"},
				KickedDevice: []callback.KickedDevice{{Platform: "IOS"}}}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got, err := callback.Decode(c.command, []byte(c.raw))
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("err %v, diff %s", err, diff)
			}
		})
	}
}

func TestMemberIsReadFromEitherKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"Member_Account", "Modified_Account"} {
		body, err := callback.Decode(callback.CmdGroupAfterMemberFieldChanged, []byte(`{"`+key+`":"bob"}`))
		if changed, ok := body.(*callback.AfterMemberFieldChanged); !ok || err != nil || changed.Account() != "bob" {
			t.Errorf("%s: %v, %v", key, body, err)
		}
	}
}

func TestFieldOfUnexpectedTypeCostsOnlyItself(t *testing.T) {
	t.Parallel()
	raw := strings.NewReplacer(`"1670574414123"`, `"soon"`, `123456`, `"many"`).Replace(seedBody)
	want := *seed
	want.EventTime, want.Random = 0, 0
	got, err := callback.Decode(callback.CmdGroupSendMsgException, []byte(raw))
	if diff := cmp.Diff(&want, got); err == nil || diff != "" {
		t.Errorf("err %v, diff %s", err, diff)
	}
}

func TestUnknownCommandHasNoBodyType(t *testing.T) {
	t.Parallel()
	if body, err := callback.Decode("Group.CallbackOfTomorrow", []byte(`{}`)); body != nil || err != nil {
		t.Errorf("got %v, %v", body, err)
	}
}

func TestEncodeIsCompactSortedAndUnescaped(t *testing.T) {
	t.Parallel()
	body := *seed
	body.ErrorInfo = "<红包> & more"
	got, err := callback.Encode(body)
	want := strings.NewReplacer(`"1670574414123"`, `1670574414123`, "msg count exceeds limit,please retry later", body.ErrorInfo).Replace(seedBody)
	if err != nil || string(got) != want {
		t.Errorf("err %v\n got %s\nwant %s", err, got, want)
	}
}

// Every body type of the package, so that a new one cannot forget the order.
func TestEveryBodyTypeListsItsKeysInAlphabeticalOrder(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, c := range callback.Commands() {
		body := c.BodyType()
		if body == nil {
			continue
		}
		seen++
		var keys []string
		for field := range reflect.TypeOf(body).Elem().Fields() {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			keys = append(keys, key)
		}
		if !sort.StringsAreSorted(keys) {
			t.Errorf("%s: %v", c, keys)
		}
		if keys[0] != "CallbackCommand" {
			t.Errorf("%s does not begin with CallbackCommand", c)
		}
		empty, err := callback.Encode(body)
		if err != nil || !json.Valid(empty) {
			t.Errorf("%s: %s, %v", c, empty, err)
		}
	}
	if seen < 25 {
		t.Errorf("only %d body types", seen)
	}
}

func TestCommandsThatAreQuestions(t *testing.T) {
	t.Parallel()
	for _, c := range callback.Commands() {
		want := strings.Contains(string(c), "Before") || strings.Contains(string(c), "Prev")
		if !c.Known() || c.Question() != want {
			t.Errorf("%s: known %v, question %v", c, c.Known(), c.Question())
		}
	}
	if tomorrow := callback.Command("Group.CallbackBeforeTomorrow"); tomorrow.Known() || tomorrow.Question() {
		t.Error("an unknown command is known")
	}
}
