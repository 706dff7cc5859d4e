package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

const noObject = "the answer is not a JSON object of the expected form"

func TestVerdictIsWhatTheAnswerSays(t *testing.T) {
	t.Parallel()
	none := func(reason string) chat.Verdict { return chat.Verdict{Reason: reason} }
	refuse := func(code api.Code, info string) chat.Verdict {
		return chat.Verdict{Answer: chat.AnswerRefuse, Code: code, Info: info}
	}
	allow := chat.Verdict{Answer: chat.AnswerAllow}
	meaningless := func(code string) chat.Verdict { return none("ErrorCode " + code + " of the answer has no meaning") }
	for answer, want := range map[string]chat.Verdict{
		`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`: allow,
		`{"ErrorCode":0}`:                     allow,
		`{"ActionStatus":"OK"}`:               allow,
		`{}`:                                  allow,
		` {"New":[1],"ErrorInfo":"ignored"} `: allow,
		`{"ErrorCode":null,"MsgBody":null,"CloudCustomData":null}`: allow,
		`{"ErrorCode":"0"}`: allow,
		`{"ActionStatus":"OK","ErrorInfo":"bad word","ErrorCode":1}`: refuse(10016, ""),
		`{"ActionStatus":"FAIL","ErrorCode":1}`:                      refuse(10016, ""),
		`{"ErrorCode":"1"}`:                                          refuse(10016, ""),
		`{"ActionStatus":"OK","ErrorCode":2}`:                        {Answer: chat.AnswerDrop},
		`{"ActionStatus":"FAIL","ErrorCode":2}`:                      {Answer: chat.AnswerDrop},
		`{"ErrorCode":10100,"ErrorInfo":"请勿发广告"}`:                    refuse(10100, "请勿发广告"),
		`{"ErrorCode":10200,"ErrorInfo":"a\u0000b"}`:                 refuse(10200, "a\x00b"),
		`{"ActionStatus":"FAIL","ErrorCode":10150}`:                  refuse(10150, ""),
		`{"ErrorCode":1,"MsgBody":[],"CloudCustomData":"x"}`:         refuse(10016, ""), // content counts with code 0 only
		`{"ActionStatus":"FAIL","ErrorCode":0}`:                      none("the answer says FAIL with ErrorCode 0"),
		`{"ActionStatus":"FAIL"}`:                                    none("the answer says FAIL with ErrorCode 0"),
		`{"ErrorCode":3}`:                                            meaningless("3"),
		`{"ErrorCode":-1}`:                                           meaningless("-1"),
		`{"ErrorCode":10016}`:                                        meaningless("10016"),
		`{"ErrorCode":10099}`:                                        meaningless("10099"),
		`{"ErrorCode":10201}`:                                        meaningless("10201"),
		`{"ErrorCode":120001}`:                                       meaningless("120001"),     // the range of one-to-one messages
		`{"ErrorCode":4294977396}`:                                   meaningless("4294977396"), // 10100 in 32 bits
		`{"ErrorCode":1.0}`:                                          none("ErrorCode of the answer is not an integer"),
		`{"ErrorCode":1e0}`:                                          none("ErrorCode of the answer is not an integer"),
		`{"ErrorCode":18446744073709551617}`:                         none("ErrorCode of the answer is not an integer"),
		`{"ErrorCode":"one"}`:                                        none(noObject),
		`{"ErrorCode":true}`:                                         none(noObject),
		`{"ErrorCode":[1]}`:                                          none(noObject),
		`{"CloudCustomData":5}`:                                      none(noObject),
		`{"ErrorCode":0`:                                             none(noObject),
		`{"ErrorCode":0} x`:                                          none(noObject),
		`[{"ErrorCode":0}]`:                                          none(noObject),
		`null`:                                                       none(noObject),
		`ok`:                                                         none(noObject),
		`"ok"`:                                                       none(noObject),
		`0`:                                                          none(noObject),
		``:                                                           none(noObject),
		"{\"ErrorCode\":0,\"ErrorInfo\":\"\xff\"}":                   none(noObject),
		`<html>` + strings.Repeat("x", 70_000) + `</html>`:           none(noObject),
	} {
		s := fullSend()
		got := wire.ReadVerdict([]byte(answer), &s)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.80s: %s", answer, diff)
		}
		if diff := cmp.Diff(fullSend(), s); diff != "" {
			t.Errorf("%.80s changed the send: %s", answer, diff)
		}
	}
}

func TestAllowedContentIsRewritten(t *testing.T) {
	t.Parallel()
	old := fullSend().Content
	face := []byte(`[{"MsgContent":{"Data":"smile","Index":1},"MsgType":"TIMFaceElem"}]`)
	for name, c := range map[string]struct {
		answer string
		want   chat.Content
	}{
		"CloudCustomData alone": {`{"CloudCustomData":"longer than before"}`,
			chat.Content{Body: old.Body, Texts: old.Texts, Cloud: "longer than before", HasCloud: true, Size: 2 + 18}},
		"CloudCustomData emptied": {`{"CloudCustomData":""}`,
			chat.Content{Body: old.Body, Texts: old.Texts, HasCloud: true, Size: 2}},
		"MsgBody alone": {`{"MsgBody":[ {"MsgType":"TIMFaceElem","MsgContent":{"Index":1,"Data":"smile"}} ]}`,
			chat.Content{Body: face, Cloud: "cloud", HasCloud: true, Size: 5 + 5}},
		"both": {`{"CloudCustomData":"c","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"\u7ea2"}}],"ErrorCode":0}`,
			chat.Content{Body: []byte(strings.Replace(textBody, "hi", "红", 1)), Texts: []string{"红"}, Cloud: "c", HasCloud: true, Size: 3 + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fullSend()
			got := wire.ReadVerdict([]byte(c.answer), &s)
			if diff := cmp.Diff(chat.Verdict{Answer: chat.AnswerAllow, Content: &c.want}, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(fullSend(), s); diff != "" {
				t.Errorf("the send was changed: %s", diff)
			}
		})
	}
}

func TestContentThatWasNotSentStaysUnsent(t *testing.T) {
	t.Parallel()
	s := fullSend()
	s.Content.Cloud, s.Content.HasCloud, s.Content.Size = "", false, 2
	got := wire.ReadVerdict([]byte(`{"MsgBody":`+textBody+`}`), &s)
	if got.Content == nil || got.Content.HasCloud || got.Content.Size != 2 {
		t.Errorf("%+v", got.Content)
	}
}

func TestRewrittenMsgBodyMustBeOne(t *testing.T) {
	t.Parallel()
	for body, info := range map[string]string{
		`{}`:                          "the app's MsgBody: MsgBody must be an array",
		`"text"`:                      "the app's MsgBody: MsgBody must be an array",
		`[]`:                          "the app's MsgBody: MsgBody is empty",
		`[{"MsgType":"TIMTextElem"}]`: "the app's MsgBody: MsgContent is required",
		`[{"MsgType":"TIMTextElem","MsgContent":{"Text":null}}]`: "the app's MsgBody: Text of TIMTextElem has the wrong type",
		strings.Repeat("[", 65) + strings.Repeat("]", 65):        "the app's MsgBody cannot be read",
	} {
		s := fullSend()
		got := wire.ReadVerdict([]byte(`{"ErrorCode":0,"MsgBody":`+body+`}`), &s)
		want := &chat.Refusal{Code: api.CodeInvalidParameter, Info: info}
		if diff := cmp.Diff(want, got.Fault); diff != "" || got.Answer != chat.AnswerAllow {
			t.Errorf("%.60s: answer %d, %s", body, got.Answer, diff)
		}
	}
}
