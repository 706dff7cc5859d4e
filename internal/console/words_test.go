package console_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/console"
)

// source is a file of the page's sources.
func source(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../web/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPageExplainsEveryCodeThatASendCanBeRefusedWith(t *testing.T) {
	t.Parallel()
	codes := source(t, "shared/codes.ts")
	for _, code := range []api.Code{
		api.CodeInternal, api.CodeInvalidParameter, api.CodePermissionDenied, api.CodeGroupNotFound, api.CodeInvalidGroupID, api.CodeRefusedByApp, api.CodeMuted,
		api.CodeAccountNotFound, api.CodeSendTooOften, api.CodeTooManyAt, api.CodeHTTPParse, api.CodeJSONParse, api.CodeTooManyCalls, api.CodeServiceTimeout,
		api.CodeSensitiveText, api.CodeMessageTooLong, api.CodeBeforeSendFailed,
	} {
		number, _, _ := strings.Cut(code.String(), " ")
		entry := regexp.MustCompile(`(?s)\n  ` + number + `: \{(.*?)\n  \},`).FindStringSubmatch(codes)
		if entry == nil {
			t.Errorf("%v is not explained", code)
			continue
		}
		for _, l := range []string{"en", "zh", "ko"} {
			if !regexp.MustCompile(l + `: \{ what: ".+", todo: ".+" \}`).MatchString(entry[1]) {
				t.Errorf("%v is not explained in %s", code, l)
			}
		}
	}
}

func TestPageNamesEveryRule(t *testing.T) {
	t.Parallel()
	for _, l := range []string{"en", "zh", "ko"} {
		words := regexp.MustCompile(`(?s)\n  rules: \{(.*?)\n  \},`).FindStringSubmatch(source(t, "console/src/words/"+l+".ts"))
		if words == nil {
			t.Fatalf("%s names no rules", l)
		}
		for _, rule := range []string{
			chat.RuleAPIRate, chat.RuleParameters, chat.RuleGroup, chat.RuleSender, chat.RuleAccountMute, chat.RuleMemberMute, chat.RuleMuteAll, chat.RuleSize,
			chat.RuleFormat, chat.RuleFrequency, chat.RuleFilter, chat.RuleBeforeSend, chat.RuleOverload, chat.RuleDisk, chat.RuleStore, chat.RuleInternal,
		} {
			if !regexp.MustCompile(`\b` + rule + `: ".+"`).MatchString(words[1]) {
				t.Errorf("%s has no words for the rule %s", l, rule)
			}
		}
	}
}

func TestPageHasAWordForEveryOutcomeOfAnExplanation(t *testing.T) {
	t.Parallel()
	for _, l := range []string{"en", "zh", "ko"} {
		words := regexp.MustCompile(`\n  outcomes: \{(.*?)\},`).FindStringSubmatch(source(t, "console/src/words/"+l+".ts"))
		if words == nil {
			t.Fatalf("%s names no outcomes", l)
		}
		for _, outcome := range []string{api.OutcomeAccepted, api.OutcomeDropped, api.OutcomeRefused, api.OutcomeUnknown} {
			if !regexp.MustCompile(`\b` + outcome + `: ".+"`).MatchString(words[1]) {
				t.Errorf("%s has no word for the outcome %s", l, outcome)
			}
		}
	}
}

func TestLoginHasAllItsWordsInEachLanguage(t *testing.T) {
	t.Parallel()
	s := start(t, console.Config{})
	for _, l := range []string{"en", "zh", "ko"} {
		a := s.do(call{path: "/admin/login?lang=" + l})
		if strings.Contains(a.body, "><") && regexp.MustCompile(`<(label|button|title|p)[^>]*>\s*<`).MatchString(a.body) || !strings.Contains(a.body, `<html lang="`+l+`">`) {
			t.Errorf("%s: a text is empty in %s", l, a.body)
		}
	}
}
