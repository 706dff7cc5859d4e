package chat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRulesStandInTheirOrder(t *testing.T) {
	t.Parallel()
	state := []string{RuleGroup, RuleSender, RuleAccountMute, RuleMemberMute, RuleMuteAll}
	content := []string{RuleSize, RuleFormat}
	for name, c := range map[string]struct {
		rules []rule
		want  [][]string
	}{
		"before anything else happened": {admission, [][]string{{RuleDisk}, state, content, {RuleFrequency, RuleFilter, RuleBeforeSend}}},
		"frequency last, as Tencent":    {tencentAdmission, [][]string{{RuleDisk}, state, content, {RuleFilter, RuleBeforeSend, RuleFrequency}}},
		"again at the commit":           {stateRules, [][]string{state}},
	} {
		var want, got []string
		for _, part := range c.want {
			want = append(want, part...)
		}
		for _, r := range c.rules {
			got = append(got, r.name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
