package e2e

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// faultRandom is the Random that the server's fault switch is set to.
const faultRandom = 4242424242

// reason is one way to have a send refused.
type reason struct {
	name    string
	change  *api.AppChange // of the app before the send, taken back after it
	prepare func(*testing.T, *stage)
	method  string // POST by default
	body    string // with $R for a new Random; the default is a good message
	expect  bool   // with Expect: 100-continue
	random  uint32
	code    api.Code
	info    string
	saw     func(*exception) // how the exception differs from that of the good message
}

const (
	helloSent = `[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello"}}]`
	helloKept = `[{"MsgContent":{"Text":"hello"},"MsgType":"TIMTextElem"}]`
)

// with is a good message with some fields replaced, added or, for a value of
// "", left out: name, value, name, value …
func with(pairs ...string) string {
	names := []string{"GroupId", "From_Account", "Random", "MsgBody"}
	fields := map[string]string{"GroupId": `"lobby"`, "From_Account": `"alice"`, "Random": "$R", "MsgBody": helloSent}
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := fields[pairs[i]]; !ok {
			names = append(names, pairs[i])
		}
		fields[pairs[i]] = pairs[i+1]
	}
	var parts []string
	for _, n := range names {
		if fields[n] != "" {
			parts = append(parts, strconv.Quote(n)+":"+fields[n])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// unread is what the exception shows of a request that could not be read.
func unread(e *exception) {
	e.Group, e.Type, e.From, e.Random, e.MsgBody = "", "", appAdmin, 0, "[]"
}

func noRandom(e *exception) { e.Random = 0 }

func body(kept string) func(*exception) { return func(e *exception) { e.MsgBody = kept } }

func in(group, kind string) func(*exception) {
	return func(e *exception) { e.Group, e.Type = group, kind }
}

func sender(user string) func(*exception) { return func(e *exception) { e.From = user } }

func words(text string) func(*exception) {
	return body(`[{"MsgContent":{"Text":"` + text + `"},"MsgType":"TIMTextElem"}]`)
}

func text(s string) string {
	return `[{"MsgType":"TIMTextElem","MsgContent":{"Text":"` + s + `"}}]`
}

// many repeats an array's item.
func many(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// said lets the app backend give its verdict on the message with this Random.
func said(random int64, v callback.Verdict) func(*testing.T, *stage) {
	return func(_ *testing.T, s *stage) {
		s.rc.answer(random, func(context.Context, *callback.BeforeSendMsg) callback.Verdict { return v })
	}
}

const (
	needRandom = "Random must be an integer from 0 to 4294967295"
	tooMuch    = "HTTP parse Error: the body exceeds 1 MB"
	atBob      = `{"GroupAtAllFlag":0,"GroupAt_Account":"bob"}`
)

// reasons are all kinds of refusal that one REST call can meet with.
var reasons = []reason{
	// What cannot be read.
	{name: "wrong method", method: http.MethodGet, code: 60002, info: "HTTP parse Error", saw: unread},
	{name: "over 1 MB", body: with("MsgBody", text(strings.Repeat("x", 1<<20))), expect: true, code: 60002, info: tooMuch, saw: unread},
	{name: "no body", body: " ", code: 60003, info: "json parse error", saw: unread},
	{name: "not JSON", body: `GroupId=lobby`, code: 60003, info: "json parse error", saw: unread},
	{name: "JSON cut off", body: `{"GroupId":"lobby","Random":$R`, code: 60003, info: "json parse error", saw: unread},
	{name: "more behind the JSON", body: with() + "{}", code: 60003, info: "json parse error", saw: unread},
	{name: "an array", body: `[]`, code: 60003, info: "json parse error", saw: unread},
	{name: "null", body: `null`, code: 60003, info: "json parse error", saw: unread},
	{name: "too deep", body: with("Deep", strings.Repeat("[", 64)+strings.Repeat("]", 64)), code: 60003, info: "json parse error", saw: unread},
	{name: "invalid UTF-8", body: with("MsgBody", text("h\xffllo")), code: 60003, info: "json parse error", saw: unread},
	{name: "control character", body: with("MsgBody", text("h\x00llo")), code: 60003, info: "json parse error", saw: unread},

	// Fields missing or wrong.
	{name: "no GroupId", body: with("GroupId", ""), code: 10004, info: "GroupId is required", saw: in("", "")},
	{name: "GroupId empty", body: with("GroupId", `""`), code: 10004, info: "GroupId is required", saw: in("", "")},
	{name: "GroupId null", body: with("GroupId", "null"), code: 10004, info: "GroupId must be a string", saw: in("", "")},
	{name: "GroupId a number", body: with("GroupId", "1"), code: 10004, info: "GroupId must be a string", saw: in("", "")},
	{name: "GroupId not ASCII", body: with("GroupId", `"大厅"`), code: 10015, info: "invalid group id", saw: in("大厅", "")},
	{name: "GroupId too long", body: with("GroupId", `"`+strings.Repeat("g", 97)+`"`), code: 10015, info: "invalid group id", saw: in(strings.Repeat("g", 97), "")},
	{name: "From_Account a number", body: with("From_Account", "7"), code: 10004, info: "From_Account must be a string", saw: sender(appAdmin)},
	{name: "From_Account too long", body: with("From_Account", `"`+strings.Repeat("u", 33)+`"`), code: 10004, info: "From_Account is not a valid UserID", saw: sender(strings.Repeat("u", 33))},
	{name: "no Random", body: with("Random", ""), code: 10004, info: "Random is required", saw: noRandom},
	{name: "Random null", body: with("Random", "null"), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random a string", body: with("Random", `"7"`), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random negative", body: with("Random", "-1"), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random fractional", body: with("Random", "7.5"), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random with exponent", body: with("Random", "7e1"), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random above 32 bits", body: with("Random", "4294967296"), code: 10004, info: needRandom, saw: noRandom},
	{name: "Random above 64 bits", body: with("Random", "18446744073709551617"), code: 10004, info: needRandom, saw: noRandom},
	{name: "no MsgBody", body: with("MsgBody", ""), code: 10004, info: "MsgBody is required", saw: body("[]")},
	{name: "MsgBody null", body: with("MsgBody", "null"), code: 10004, info: "MsgBody must be an array", saw: body("[]")},
	{name: "MsgBody an object", body: with("MsgBody", "{}"), code: 10004, info: "MsgBody must be an array", saw: body("[]")},
	{name: "MsgBody empty", body: with("MsgBody", "[]"), code: 10004, info: "MsgBody is empty", saw: body("[]")},
	{name: "MsgBody of numbers", body: with("MsgBody", "[1]"), code: 10004, info: "MsgBody must be an array of objects", saw: body("[]")},
	{name: "no MsgType", body: with("MsgBody", `[{"MsgContent":{"Text":"hello"}}]`), code: 10004, info: "MsgType is required", saw: body(`[{"MsgContent":{"Text":"hello"}}]`)},
	{name: "MsgType a number", body: with("MsgBody", `[{"MsgType":1,"MsgContent":{"Text":"hello"}}]`), code: 10004, info: "MsgType must be a string", saw: body("[]")},
	{name: "MsgType unknown", body: with("MsgBody", `[{"MsgType":"TIMMagicElem","MsgContent":{}}]`), code: 10004, info: "MsgType is unknown", saw: body(`[{"MsgContent":{},"MsgType":"TIMMagicElem"}]`)},
	{name: "no MsgContent", body: with("MsgBody", `[{"MsgType":"TIMTextElem"}]`), code: 10004, info: "MsgContent is required", saw: body(`[{"MsgType":"TIMTextElem"}]`)},
	{name: "MsgContent a string", body: with("MsgBody", `[{"MsgType":"TIMTextElem","MsgContent":"hello"}]`), code: 10004, info: "MsgContent must be an object", saw: body(`[{"MsgContent":"hello","MsgType":"TIMTextElem"}]`)},
	{name: "no Text", body: with("MsgBody", `[{"MsgType":"TIMTextElem","MsgContent":{}}]`), code: 10004, info: "Text of TIMTextElem is required", saw: body(`[{"MsgContent":{},"MsgType":"TIMTextElem"}]`)},
	{name: "Text a number", body: with("MsgBody", `[{"MsgType":"TIMTextElem","MsgContent":{"Text":7}}]`), code: 10004, info: "Text of TIMTextElem has the wrong type", saw: body(`[{"MsgContent":{"Text":7},"MsgType":"TIMTextElem"}]`)},
	{name: "two custom elements", body: with("MsgBody", many(2, `{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d"}}`)), code: 10004, info: "MsgBody has more than one TIMCustomElem", saw: body(many(2, `{"MsgContent":{"Data":"d"},"MsgType":"TIMCustomElem"}`))},
	{name: "MsgPriority unknown", body: with("MsgPriority", `"Urgent"`), code: 10004, info: "MsgPriority is unknown"},
	{name: "MsgPriority a number", body: with("MsgPriority", `1`), code: 10004, info: "MsgPriority must be a string"},
	{name: "OnlineOnlyFlag 2", body: with("OnlineOnlyFlag", `2`), code: 10004, info: "OnlineOnlyFlag must be 0 or 1"},
	{name: "CloudCustomData an object", body: with("CloudCustomData", `{}`), code: 10004, info: "CloudCustomData must be a string"},
	{name: "GroupAtInfo a string", body: with("GroupAtInfo", `"bob"`), code: 10004, info: "GroupAtInfo must be an array of objects"},
	{name: "GroupAtInfo without account", body: with("GroupAtInfo", `[{"GroupAtAllFlag":0}]`), code: 10004, info: "GroupAt_Account is required"},
	{name: "To_Account a string", body: with("To_Account", `"bob"`), code: 10004, info: "To_Account must be an array of strings"},
	{name: "51 receivers", body: with("To_Account", many(51, `"bob"`)), code: 10004, info: "To_Account has too many receivers"},
	{name: "SendMsgControl of an online message", body: with("OnlineOnlyFlag", "1", "SendMsgControl", `["NoUnread"]`), code: 10004, info: "SendMsgControl is not allowed with OnlineOnlyFlag", saw: func(e *exception) { e.OnlineOnly = 1 }},
	{name: "OfflinePushInfo a string", body: with("OfflinePushInfo", `"x"`), code: 10004, info: "OfflinePushInfo must be an object"},
	{name: "TopicId", body: with("TopicId", `"t"`), code: 10004, info: "TopicId is not supported"},

	// Group and sender.
	{name: "no such group", body: with("GroupId", `"nowhere"`), code: 10010, info: "this group does not exist", saw: in("nowhere", "")},
	{name: "no such group, told as 10015", change: &api.AppChange{MissingGroup: ptr(10015)}, body: with("GroupId", `"nowhere"`), code: 10015, info: "invalid group id", saw: in("nowhere", "")},
	{name: "group dissolved", prepare: dissolve, body: with("GroupId", `"closed"`), code: 10010, info: "this group does not exist", saw: in("closed", "")},
	{name: "sender is no account", body: with("From_Account", `"nobody"`), code: 10019, info: "account does not exist", saw: sender("nobody")},
	{name: "account muted", prepare: muteAccount, body: with("From_Account", `"gagged"`), code: 10017, info: "sender is muted", saw: sender("gagged")},
	{name: "member muted", prepare: muteMember, body: with("From_Account", `"muted"`), code: 10017, info: "sender is muted", saw: sender("muted")},
	{name: "all muted", prepare: muteAll, body: with("GroupId", `"silent"`), code: 10017, info: "sender is muted", saw: in("silent", "Private")},

	// The message.
	{name: "too long", body: with("MsgBody", text(strings.Repeat("x", 12289))), code: 80002, info: "message is too long", saw: words(strings.Repeat("x", 12289))},
	{name: "too long with CloudCustomData", body: with("MsgBody", text(strings.Repeat("x", 12000)), "CloudCustomData", `"`+strings.Repeat("c", 300)+`"`), code: 80002, info: "message is too long",
		saw: func(e *exception) { words(strings.Repeat("x", 12000))(e); e.Cloud = ptr(strings.Repeat("c", 300)) }},
	{name: "31 mentions", body: with("GroupAtInfo", many(31, atBob)), code: 10053, info: "too many accounts are mentioned"},
	{name: "everybody mentioned in an AVChatRoom", body: with("GroupId", `"live"`, "GroupAtInfo", `[{"GroupAtAllFlag":1}]`), code: 10004, info: "GroupAtInfo cannot mention all in an AVChatRoom", saw: in("live", "AVChatRoom")},
	{name: "some receivers in an AVChatRoom", body: with("GroupId", `"live"`, "To_Account", `["bob"]`), code: 10007, info: "To_Account is not supported in this group type", saw: in("live", "AVChatRoom")},
	{name: "content filter", body: with("MsgBody", text("come to the CASINO")), code: 80001, info: "message has dirty word: casino", saw: words("come to the CASINO")},

	// The app backend.
	{name: "refused by the app", random: 901, prepare: said(901, callback.Refuse()), code: 10016, info: "refused by the app backend"},
	{name: "refused by the app with 10100", random: 902, prepare: said(902, callback.RefuseWith(10100, "请勿发广告 <here>")), code: 10100, info: "请勿发广告 <here>"},
	{name: "refused by the app with 10200", random: 903, prepare: said(903, callback.RefuseWith(10200, "last of the range")), code: 10200, info: "last of the range"},
	{name: "the app does not answer", random: 904, prepare: func(_ *testing.T, s *stage) {
		s.rc.answer(904, func(ctx context.Context, _ *callback.BeforeSendMsg) callback.Verdict {
			<-ctx.Done() // until the server waits no longer
			return callback.Allow()
		})
	}, code: 80003, info: "app backend did not answer"},
	{name: "rewritten by the app to what the filter finds", random: 905, prepare: said(905, callback.Rewrite([]callback.Element{{MsgType: "TIMTextElem", MsgContent: []byte(`{"Text":"casino"}`)}}, "")), code: 80001, info: "message has dirty word: casino"},
	{name: "rewritten by the app to what is too long", random: 906, prepare: said(906, callback.Rewrite(nil, strings.Repeat("c", 13000))), code: 80002, info: "message is too long"},

	// The server.
	{name: "internal fault", random: faultRandom, code: 10002, info: "internal error"},
}

func dissolve(t *testing.T, s *stage) {
	group(t, s.api, api.TypePublic, "closed", "alice")
	if _, err := s.api.DestroyGroup(t.Context(), api.DestroyGroupRequest{GroupId: "closed"}); err != nil {
		t.Fatal(err)
	}
}

func muteAccount(t *testing.T, s *stage) {
	if _, err := s.api.SetNoSpeaking(t.Context(), api.SetNoSpeakingRequest{Set_Account: ptr("gagged"), GroupmsgNospeakingTime: ptr(uint32(3600))}); err != nil {
		t.Fatal(err)
	}
}

func muteMember(t *testing.T, s *stage) { s.mute(t, "muted", api.Forever) }

func (s *stage) mute(t *testing.T, user string, seconds uint32) {
	t.Helper()
	if _, err := s.api.ForbidSendMsg(t.Context(), api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{user}, MuteTime: &seconds}); err != nil {
		t.Fatal(err)
	}
}

func muteAll(t *testing.T, s *stage) {
	group(t, s.api, api.TypePrivate, "silent", "alice")
	if _, err := s.api.ModifyGroupBaseInfo(t.Context(), api.ModifyGroupBaseInfoRequest{GroupId: "silent", MuteAllMember: ptr(api.On)}); err != nil {
		t.Fatal(err)
	}
}

func TestEveryReasonLeavesOneCallback(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, e engine, trust *authority) {
		s := newStage(t, e, trust, "--before-send-failure", "refuse", "--fault-internal-random", strconv.Itoa(faultRandom),
			"--callback-commands", "Group.CallbackSendMsgException,Group.CallbackBeforeSendMsg")
		for _, r := range reasons {
			s.refuse(t, r)
		}
		s.endlessBody(t)
		s.brokenBody(t)
		s.muteThatEnds(t)
		s.longMessage(t)
		s.frequency(t, "group", &api.AppChange{GroupRate: ptr(1)}, &api.AppChange{GroupRate: ptr(0)})
		s.frequency(t, "sender", &api.AppChange{SenderRate: ptr(1)}, &api.AppChange{SenderRate: ptr(0)})
		s.frequencyDropped(t)
		s.rateOfCalls(t)
		s.droppedByTheApp(t)
		s.acceptedAndRepeated(t)
		s.close(t)
	})
}
