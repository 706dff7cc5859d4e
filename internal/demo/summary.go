package demo

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/monitor"
)

func codeOf(e monitor.Stored) api.Code { return api.Code(e.Code) }

// result is what a demonstration did.
type result struct {
	took    time.Duration
	totals  totals
	missing []refusal
	wrong   []string // contradictions in our own books
	server  chat.Counts
	monitor monitor.Summary
	// Of the chat page's users: what the server counts, and the exceptions that
	// arrived.
	page      chat.Counts
	pageCodes map[api.Code]int
	data      string // the folder that is gone
}

// lines tell the result to a person.
func (r *result) lines() []string {
	t := r.totals
	lines := []string{
		"",
		"parley demo ended after " + clock(r.took),
		fmt.Sprintf("  %-10s %6d", "sends", t.sends),
		fmt.Sprintf("  %-10s %6d", "accepted", t.accepted),
		fmt.Sprintf("  %-10s %6d", "refused", t.refused),
	}
	for _, code := range slices.Sorted(maps.Keys(t.codes)) {
		lines = append(lines, fmt.Sprintf("    %-8d %6d  %s", code, t.codes[code], codeWords(code)))
	}
	if t.unanswered > 0 {
		lines = append(lines, fmt.Sprintf("  %-10s %6d", "unanswered", t.unanswered))
	}
	lines = append(lines,
		fmt.Sprintf("  %-10s %6d arrived, %d missing", "callbacks", t.arrived, len(r.missing)),
		fmt.Sprintf("  %-10s p50 %s, p95 %s, max %s", "latency", span(t.p50), span(t.p95), span(t.max)),
		fmt.Sprintf("  %-10s (from the answer to a refusal to the commit of its callback)", ""),
		counted("server", r.server),
	)
	if r.page.Attempts > 0 {
		lines = append(lines, counted("chat page", r.page))
	}
	lines = append(lines,
		fmt.Sprintf("  %-10s %s, %s", "monitor", plural(int(r.monitor.Total), "exception"), r.arrived()),
		fmt.Sprintf("  %-10s was in %s and is removed", "data", r.data),
	)
	return lines
}

func counted(who string, c chat.Counts) string {
	return fmt.Sprintf("  %-10s %d attempts = %d accepted + %d refused + %d dropped + %d repeated", who, c.Attempts, c.Accepted, c.Refused, c.Dropped, c.Repeated)
}

func outcomes(c chat.Counts) uint64 {
	return c.Accepted + c.Refused + c.Dropped + c.Repeated + c.Unanswered
}

func arrived(codes map[api.Code]int) (n int) {
	for _, c := range codes {
		n += c
	}
	return n
}

// arrived tells what the monitor knows to be missing, and what it had to fetch.
func (r *result) arrived() string {
	var missing, fetched uint64
	for _, j := range r.monitor.Journals {
		missing, fetched = missing+j.Missing, fetched+uint64(j.Backfilled)
	}
	text := fmt.Sprintf("missing now: %d", missing)
	if fetched > 0 {
		text += fmt.Sprintf(", %d fetched from the server", fetched)
	}
	return text
}

// faults are everything that should not be: callbacks that did not arrive, and
// books that disagree. A send without an answer may have had any outcome.
func (r *result) faults() []string {
	faults := slices.Clone(r.wrong)
	for _, m := range r.missing {
		faults = append(faults, "no callback arrived for the refusal "+m.name())
	}
	t, s := r.totals, r.server
	compare := func(what string, ours, theirs int) {
		if theirs < ours || theirs > ours+t.unanswered {
			faults = append(faults, fmt.Sprintf("%s: the crowd counts %d, %d are told", what, ours, theirs))
		}
	}
	if s.Attempts != outcomes(s) {
		faults = append(faults, fmt.Sprintf("the server's %d attempts are not the sum of its outcomes", s.Attempts))
	}
	if r.page.Attempts != outcomes(r.page) {
		faults = append(faults, fmt.Sprintf("the chat page's %d attempts are not the sum of their outcomes", r.page.Attempts))
	}
	if n := arrived(r.pageCodes); n != int(r.page.Refused) {
		faults = append(faults, fmt.Sprintf("the chat page's users were refused %d times, %d callbacks arrived", r.page.Refused, n))
	}
	compare("the server's attempts", t.sends-t.unanswered, int(s.Attempts))
	compare("the server's accepted sends", t.accepted, int(s.Accepted))
	compare("the server's refused sends", t.refused, int(s.Refused))
	if len(r.missing) == 0 {
		faults = append(faults, r.monitorFaults(compare)...)
	}
	return faults
}

// monitorFaults compares code by code with what the monitor keeps.
func (r *result) monitorFaults(compare func(string, int, int)) (faults []string) {
	theirs := map[api.Code]int{}
	for _, reason := range r.monitor.Reasons {
		theirs[api.Code(reason.Code)] = int(reason.Count)
	}
	for code, n := range r.pageCodes {
		theirs[code] -= n
	}
	for code, n := range theirs {
		if _, ok := r.totals.codes[code]; !ok && n > r.totals.unanswered {
			faults = append(faults, fmt.Sprintf("the monitor has %d exceptions with %d, the crowd was never refused so", n, code))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(r.totals.codes)) {
		compare(fmt.Sprintf("the monitor's exceptions with %d", code), r.totals.codes[code], theirs[code])
	}
	for _, refused := range r.monitor.Refused {
		faults = append(faults, fmt.Sprintf("the monitor refused callbacks: %s, %d times", refused.Text, refused.Count))
	}
	for _, j := range r.monitor.Journals {
		if j.Missing > 0 {
			faults = append(faults, fmt.Sprintf("the monitor misses up to %s", plural(int(j.Missing), "event")))
		}
	}
	slices.Sort(faults)
	return faults
}
