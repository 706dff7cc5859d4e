package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/monitor"
)

// clean is a demonstration in which everything agrees.
func clean() *result {
	return &result{
		took: 31 * time.Second,
		totals: totals{
			sends: 12, accepted: 9, refused: 3, arrived: 3, codes: map[api.Code]int{10017: 2, 10010: 1},
			p50: 1400 * time.Microsecond, p95: 3 * time.Millisecond, max: 3 * time.Millisecond,
		},
		server:  chat.Counts{Attempts: 12, Totals: chat.Totals{Accepted: 9, Refused: 3}},
		monitor: monitor.Summary{Total: 3, Journals: []monitor.Journal{{LastSequence: 3, Complete: 3, Backfilled: 1}}, Reasons: []monitor.ReasonCount{{Code: 10017, Count: 2}, {Code: 10010, Count: 1}}},
		data:    "/tmp/parley-demo-1",
	}
}

func TestSummaryTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	golden(t, "summary.txt", strings.Join(clean().lines(), "\n")+"\n")
}

func TestSummaryTellsOfTheChatPageOnceItWasUsed(t *testing.T) {
	t.Parallel()
	r := clean()
	r.page = chat.Counts{Attempts: 3, Totals: chat.Totals{Accepted: 2, Refused: 1}}
	want := "  chat page  3 attempts = 2 accepted + 1 refused + 0 dropped + 0 repeated"
	if lines := r.lines(); !slices.Contains(lines, want) {
		t.Errorf("%q is not in\n%s", want, strings.Join(lines, "\n"))
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*result)
		want   []string // a part of each
	}{
		{"none when everything agrees", func(*result) {}, nil},
		{"a missing callback is named", func(r *result) {
			m := muted("e7", 0)
			m.note = "in this group"
			r.missing = []refusal{m}
		}, []string{"no callback arrived for the refusal 10017 sender is muted (in this group) of diego in tea-house (event e7)"}},
		{"a contradiction in the own books", func(r *result) { r.wrong = []string{"event x arrived twice"} }, []string{"event x arrived twice"}},
		{"the server counts more attempts than there were", func(r *result) { r.server.Attempts, r.server.Repeated = 13, 1 },
			[]string{"the server's attempts: the crowd counts 12, 13 are told"}},
		{"the server forgot a refusal", func(r *result) { r.server.Refused, r.server.Accepted = 2, 10 },
			[]string{"accepted sends: the crowd counts 9, 10", "refused sends: the crowd counts 3, 2"}},
		{"attempts that are not the sum of the outcomes", func(r *result) { r.server.Dropped = 1 }, []string{"not the sum"}},
		{"the monitor has too few of a code", func(r *result) { r.monitor.Reasons[0].Count = 1 }, []string{"exceptions with 10017: the crowd counts 2, 1 are told"}},
		{"the monitor lacks a code", func(r *result) { r.monitor.Reasons = r.monitor.Reasons[:1] }, []string{"exceptions with 10010: the crowd counts 1, 0"}},
		{"the monitor has a code of nobody", func(r *result) {
			r.monitor.Reasons = append(r.monitor.Reasons, monitor.ReasonCount{Code: 80001, Count: 1})
		}, []string{"1 exceptions with 80001, the crowd was never refused so"}},
		{"the monitor refused callbacks", func(r *result) {
			r.monitor.Refused = []monitor.RefusedReason{{Reason: callback.ReasonSignWrong, Text: "wrong Sign", Count: 4}}
		}, []string{"wrong Sign, 4 times"}},
		{"the chat page's refusals are not the crowd's", func(r *result) {
			r.page = chat.Counts{Attempts: 5, Totals: chat.Totals{Accepted: 2, Refused: 3}}
			r.pageCodes = map[api.Code]int{10017: 1, 80001: 2}
			r.monitor.Total, r.monitor.Reasons[0].Count = 6, 3
			r.monitor.Reasons = append(r.monitor.Reasons, monitor.ReasonCount{Code: 80001, Count: 2})
		}, nil},
		{"a callback of the chat page is missing", func(r *result) {
			r.page = chat.Counts{Attempts: 1, Totals: chat.Totals{Refused: 1}}
		}, []string{"the chat page's users were refused 1 times, 0 callbacks arrived"}},
		{"a send of the chat page without an outcome", func(r *result) { r.page = chat.Counts{Attempts: 1} }, []string{"the chat page's 1 attempts are not the sum"}},
		{"the monitor misses an event", func(r *result) { r.monitor.Journals[0].Missing = 1 }, []string{"misses up to 1 event"}},
		{"a send without an answer may have had any outcome", func(r *result) {
			r.totals.sends, r.totals.unanswered = 13, 1
			r.server.Attempts, r.server.Accepted = 13, 10
		}, nil},
		{"a send without an answer may never have arrived", func(r *result) { r.totals.sends, r.totals.unanswered = 13, 1 }, nil},
		{"a send without an answer is one, not two", func(r *result) {
			r.totals.sends, r.totals.unanswered = 13, 1
			r.server.Attempts, r.server.Accepted = 14, 11
		}, []string{"attempts: the crowd counts 12, 14", "accepted sends: the crowd counts 9, 11"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := clean()
			test.change(r)
			faults := r.faults()
			if len(faults) != len(test.want) {
				t.Fatalf("faults %q, want %q", faults, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(faults[i], want) {
					t.Errorf("fault %q, want %q in it", faults[i], want)
				}
			}
		})
	}
}
