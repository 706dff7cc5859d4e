package monitor_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/parley-im/parley/callback"
)

func TestOddBodiesAreKeptAndShown(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		for name, body := range map[string]string{
			"invalid UTF-8":     "{\"GroupId\":\"odd\",\"Random\":1,\"ErrorInfo\":\"\xff\xfe\"}",
			"zero character":    `{"GroupId":"odd","From_Account":"a\u0000b"}`,
			"lone surrogate":    `{"GroupId":"odd","Random":2,"ErrorInfo":"\ud800"}`,
			"fields of no type": `{"GroupId":"odd","Random":"x","EventTime":{},"ErrorCode":[]}`,
			"line ends":         "{\n\"GroupId\" : \"odd\",\r\n \"MsgBody\" : [ ] }",
			"huge integer":      `{"GroupId":"odd","Random":123456789012345678901234567890}`,
			"line separator":    "{\"GroupId\":\"odd\",\"Random\":3,\"ErrorInfo\":\"a\u2028b\"}",
		} {
			if status, answer := r.post(query(callback.CmdGroupSendMsgException), body, callback.Delivery{}); status != 200 {
				t.Errorf("%s: answered %d %s", name, status, answer)
			}
		}
		if got := r.list("group=odd"); len(got.Exceptions) != 7 {
			t.Errorf("%d are kept: %v", len(got.Exceptions), got)
		}
		if got := r.list("from=a%00b"); len(got.Exceptions) != 1 {
			t.Errorf("%d of the sender with a zero character", len(got.Exceptions))
		}
	})
}

// A zero character in a text is what a database might refuse.
func TestZeroCharactersAreKeptInEveryField(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		const sent = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"\u0000","ErrorCode":10017,"ErrorInfo":"\u0000",` +
			`"EventTime":1670574414123,"From_Account":"\u0000","GroupId":"\u0000","MsgBody":[{"MsgType":"\u0000","MsgContent":{"\u0000":"\u0000"}}],` +
			`"OnlineOnlyFlag":0,"Operator_Account":"\u0000","Random":1,"Type":"\u0000"}`
		for range 2 {
			if status, answer := r.post(query(callback.CmdGroupSendMsgException), sent, callback.Delivery{}); status != 200 {
				t.Fatalf("answered %d %s", status, answer)
			}
		}
		for _, filter := range []string{"", "group=%00", "from=%00", "group=%00&from=%00&code=10017"} {
			_, answer := r.get("/api/exceptions?" + filter)
			if !strings.HasPrefix(answer, `{"Exceptions":[`+strings.TrimSuffix(sent, "}")+`,"EventId":"","ReceivedAt":`) || strings.Count(answer, "EventId") != 1 {
				t.Errorf("%s: %s", filter, answer)
			}
		}
		command := "Group.Callback\x00"
		if status, answer := r.post(query(callback.Command(url.QueryEscape(command))), `{"CallbackCommand":"Group.Callback\u0000","A":"\u0000"}`,
			callback.Delivery{ID: "1", Epoch: "e"}); status != 200 {
			t.Errorf("another command: answered %d %s", status, answer)
		}
	})
}

// What is in an index in part only is compared in whole.
func TestLongIDsAreToldApart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		long := strings.Repeat("x", 5000)
		r.mustSend(event{group: long + "1", from: long + "2", random: 1}, event{group: long + "2", from: long + "1", random: 2}, event{group: long[:64], random: 3})
		for filter, want := range map[string]string{"group=" + long + "1": "1", "from=" + long + "1": "2", "group=" + long[:64]: "3"} {
			got := r.list(filter).Exceptions
			if len(got) != 1 || string(got[0]["Random"]) != want {
				t.Errorf("%.10s…: got %v", filter, len(got))
			}
		}
	})
}
