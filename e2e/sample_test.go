package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// sample is the sample request of the callback's page (Tencent Cloud Chat,
// document 1047/49462) as it goes over the wire: in canonical form, with the
// group's id and the time of the test.
const sample = `{"CallbackCommand":"Group.CallbackSendMsgException","CloudCustomData":"your cloud custom data",` +
	`"ErrorCode":10023,"ErrorInfo":"msg count exceeds limit,please retry later","EventTime":%d,"From_Account":"jared",` +
	`"GroupId":%q,"MsgBody":[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":1,` +
	`"Operator_Account":"admin","Random":123456,"Type":"Public"}`

func TestSampleOfThePageArrivesInAllTwelveFields(t *testing.T) {
	t.Parallel()
	onBoth(t, sampleOfThePage)
}

func sampleOfThePage(t *testing.T, e engine) {
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(e.place(t), rc, "--admin", "admin", "--group-rate", "1")...)
	c := s.clientOf(appID, appKey, "admin")
	accounts(t, c, "jared")

	// The sample's group has an id that only the service gives; ours gives one like it.
	_, err := c.CreateGroup(t.Context(), api.CreateGroupRequest{Type: "Public", Name: "sample", GroupId: "@TGS#2J4SZEAEL"})
	if code, _ := api.CodeOf(err); code == api.CodeOK {
		t.Error("an app may choose an id that only the service gives")
	}
	m := say("", "jared", 123456, "red packet")
	m.OnlineOnlyFlag, m.CloudCustomData = ptr(int64(1)), ptr("your cloud custom data")
	for range 10 { // a new group if the machine took a second between the two sends
		made, err := c.CreateGroup(t.Context(), api.CreateGroupRequest{Type: "Public", Name: "sample"})
		if err != nil || !strings.HasPrefix(made.GroupId, "@TGS#") {
			t.Fatalf("%+v, %v", made, err)
		}
		if _, err := c.SendGroupMsg(t.Context(), say(made.GroupId, "jared", 1, "the one that is allowed")); err != nil {
			t.Fatal(err)
		}
		m.GroupId = made.GroupId
		_, err = c.SendGroupMsg(t.Context(), m)
		if err == nil {
			continue
		}
		if code, _ := api.CodeOf(err); code != api.CodeSendTooOften {
			t.Fatal(err)
		}
		event := rc.event(t, eventOf(err))
		got, ok := event.Body.(*callback.SendMsgException)
		if !ok || event.BodyErr != nil {
			t.Fatalf("%T, %v", event.Body, event.BodyErr)
		}
		if want := fmt.Sprintf(sample, int64(got.EventTime), made.GroupId); string(event.Raw) != want {
			t.Errorf("\n got %s\nwant %s", event.Raw, want)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(event.Raw, &fields); err != nil || len(fields) != 12 {
			t.Errorf("%d fields, %v", len(fields), err)
		}
		return
	}
	t.Error("no message was above the limit")
}

func TestCallbackURLIsCalledAsConfigured(t *testing.T) {
	t.Parallel()
	const query = "?SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI"
	for name, c := range map[string]struct{ path, want string }{
		"without a path": {"", "/" + query},
		"with a slash":   {"/", "/" + query},
		"with a path":    {"/im/callback", "/im/callback" + query},
		"with a query":   {"/im?shop=7", "/im?shop=7&" + strings.TrimPrefix(query, "?")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rc := newReceiver(t, nil, c.path, map[int64][]string{appID: nil})
			s := serve(t, nil, oneApp(folder(t.TempDir()), nil, "--callback-url", rc.url)...)
			_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, 1, "hello"))
			if e := rc.event(t, eventOf(err)); e.target != c.want {
				t.Errorf("called as %s, want %s", e.target, c.want)
			}
			s.stop(t)
			rc.noneRefused(t)
		})
	}
}

func TestEventTimeIsATextWhenTheAppWantsIt(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(folder(t.TempDir()), rc, "--event-time", "string")...)
	_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, 1, "hello"))
	e := rc.event(t, eventOf(err))
	got := e.Body.(*callback.SendMsgException)
	want := exception{Code: 10010, Info: "this group does not exist", From: appAdmin, Group: "nowhere", MsgBody: helloKept, Caller: appAdmin, Random: 1, TimeAsText: true}
	if want := want.text(strconv.FormatInt(int64(got.EventTime), 10)); string(e.Raw) != want {
		t.Errorf("\n got %s\nwant %s", e.Raw, want)
	}
}

func TestOnlineOnlyFlagOfAnAVChatRoomIsZero(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(folder(t.TempDir()), rc)...)
	c := s.client()
	for _, kind := range []string{api.TypeAVChatRoom, api.TypePublic} {
		group(t, c, kind, kind)
		m := say(kind, "nobody", 1, "hello")
		m.OnlineOnlyFlag = ptr(int64(1))
		_, err := c.SendGroupMsg(t.Context(), m)
		got := rc.event(t, eventOf(err)).Body.(*callback.SendMsgException)
		if want := map[string]int{api.TypeAVChatRoom: 0, api.TypePublic: 1}[kind]; got.OnlineOnlyFlag != want || string(got.Type) != kind {
			t.Errorf("%s: OnlineOnlyFlag %d of type %s, want %d", kind, got.OnlineOnlyFlag, got.Type, want)
		}
	}
}

func TestCloudCustomDataIsInTheHistory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		s := serve(t, nil, oneApp(e.place(t), nil)...)
		c := s.client()
		group(t, c, api.TypePublic, "lobby")
		const cloud = "your cloud custom data 云 \x00 <&>"
		m := say("lobby", appAdmin, 1, "red packet")
		m.CloudCustomData = ptr(cloud)
		if _, err := c.SendGroupMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		list := history(t, c, "lobby")
		if len(list) != 1 || list[0].CloudCustomData != cloud || list[0].MsgRandom != 1 || list[0].From_Account != appAdmin ||
			string(list[0].MsgBody) != `[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}]` {
			t.Errorf("%+v", list)
		}
	})
}
