package chat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBeforeSendRule(t *testing.T) {
	t.Parallel()
	bad := Fail(10004, "the app's MsgBody: MsgBody is empty")
	for name, c := range map[string]struct {
		verdict Verdict
		policy  Policy
		want    *Refusal
		words   map[string]any
	}{
		"allowed":            {Verdict{Answer: AnswerAllow}, Refuse, nil, map[string]any{"answer": "allow"}},
		"allowed, rewritten": {Verdict{Answer: AnswerAllow, Content: &Content{}}, Refuse, nil, map[string]any{"answer": "allow", "rewritten": true}},
		"allowed, rewritten badly": {Verdict{Answer: AnswerAllow, Content: &Content{}, Fault: bad}, Deliver, bad,
			map[string]any{"answer": "allow", "rewritten": true}},
		"refused": {Verdict{Answer: AnswerRefuse, Code: 10016}, Deliver,
			&Refusal{Code: 10016, Info: "refused by the app backend", Compared: map[string]any{"answer": 10016}},
			map[string]any{"answer": "refuse", "code": 10016}},
		"refused in the app's words": {Verdict{Answer: AnswerRefuse, Code: 10100, Info: "请勿发广告"}, Deliver,
			&Refusal{Code: 10100, Info: "请勿发广告", Compared: map[string]any{"answer": 10100}},
			map[string]any{"answer": "refuse", "code": 10100}},
		"refused without words": {Verdict{Answer: AnswerRefuse, Code: 10200}, Deliver,
			&Refusal{Code: 10200, Info: "refused by the app backend", Compared: map[string]any{"answer": 10200}},
			map[string]any{"answer": "refuse", "code": 10200}},
		"dropped":                {Verdict{Answer: AnswerDrop}, Refuse, nil, map[string]any{"answer": "drop"}},
		"unanswered, deliver":    {Verdict{Reason: "time-out"}, Deliver, nil, map[string]any{"answer": "none", "reason": "time-out"}},
		"unanswered, by default": {Verdict{Reason: "time-out"}, DefaultSettings().BeforeSendFailure, nil, map[string]any{"answer": "none", "reason": "time-out"}},
		"unanswered, refuse": {Verdict{Reason: "time-out"}, Refuse,
			&Refusal{Code: 80003, Info: "app backend did not answer", Compared: map[string]any{"unanswered": "time-out"}},
			map[string]any{"answer": "none", "reason": "time-out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkBeforeSend(c.verdict, &Settings{BeforeSendFailure: c.policy}), c.want)
			if diff := cmp.Diff(c.words, c.verdict.words()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
