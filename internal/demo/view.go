package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
)

// state is what a view shows beside single lines.
type state struct {
	elapsed time.Duration
	totals  totals
	monitor string // the page's address
	console string // the console's address
	chat    string // the chat page's address
	latest  string // the latest message that was delivered
	ending  bool   // the crowd is silent, callbacks are waited for
}

// entry is one thing that happened, as it is shown: as a plain line, or as
// lines for a terminal of some width.
type entry interface {
	plain() string
	rich(p palette, width int) []string
}

// view shows entries in the order in which they happened.
type view interface {
	show(entries []entry, s state) error
	// end takes away what is not to stay.
	end() error
}

// settledEntry is a refusal with the callback that told of it.
type settledEntry struct{ settled }

func (e settledEntry) plain() string {
	if e.late {
		return fmt.Sprintf("%s arrived %d %s: %s: callback after %s", e.at.Add(e.after).Format(stamp), e.code, e.reason(), e.who(), span(e.after))
	}
	return fmt.Sprintf("%s refused %d %s: %s: %s: callback after %s", e.at.Format(stamp), e.code, e.reason(), e.who(), e.quote(plainText), span(e.after))
}

func (e settledEntry) rich(p palette, width int) []string {
	return e.lines(p, width, "callback after "+span(e.after), p.good)
}

// overdueEntry is a refusal whose callback has not arrived yet.
type overdueEntry struct{ refusal }

func (e overdueEntry) plain() string {
	return fmt.Sprintf("%s refused %d %s: %s: %s: callback waiting", e.at.Format(stamp), e.code, e.reason(), e.who(), e.quote(plainText))
}

func (e overdueEntry) rich(p palette, width int) []string {
	return e.lines(p, width, "callback waiting", p.warn)
}

// noteEntry is words.
type noteEntry struct {
	text string
	warn bool
}

func (e noteEntry) plain() string { return flat(e.text) }

func (e noteEntry) rich(p palette, width int) []string {
	text := fit(flat(e.text), width)
	if e.warn {
		return []string{p.warn(text)}
	}
	return []string{text}
}

const (
	stamp     = "15:04:05.000"
	plainText = 48  // columns of a message in a plain line
	oneLine   = 118 // columns from which on a refusal takes one line

	// The columns of a refusal's parts on a terminal.
	beginCells   = 8 + 2 + 5 + 2 // time and code
	reasonCells  = 36            // on one line; on two it takes what is left
	outcomeCells = 21            // "callback after 123 ms"
	whoCells     = 24
)

func (r refusal) who() string {
	if r.group == "" {
		return flat(r.from)
	}
	return flat(r.from + " in " + r.group)
}

func (r refusal) quote(n int) string { return "“" + fit(flat(r.text), n-2) + "”" }

// lines shows r with outcome: on one line if there is room, else on two.
func (r refusal) lines(p palette, width int, outcome string, paint func(string) string) []string {
	class := classOf(r.code)
	begin := p.dim(r.at.Format("15:04:05")) + "  " + p.class(class, strconv.Itoa(int(r.code))) + "  "
	if width >= oneLine {
		left := width - beginCells - reasonCells - outcomeCells - whoCells - 4
		return []string{begin + p.class(class, pad(r.reason(), reasonCells)) + "  " + paint(pad(outcome, outcomeCells)) + " " +
			pad(r.who(), whoCells) + " " + r.quote(left)}
	}
	who := fit(r.who(), width-beginCells)
	if left := width - beginCells - cells(who) - 2; left >= 4 {
		who += ": " + r.quote(left)
	}
	below := strings.Repeat(" ", beginCells)
	room := width - beginCells - outcomeCells - 2
	if room < 12 { // a very narrow terminal
		return []string{begin + p.class(class, fit(r.reason(), width-beginCells)), below + who, below + paint(fit(outcome, width-beginCells))}
	}
	return []string{begin + p.class(class, pad(r.reason(), room)) + "  " + paint(outcome), below + who}
}

// plainView writes one line for each entry and, from time to time, the totals.
type plainView struct {
	out   io.Writer
	every time.Duration // between two lines of totals
	told  time.Duration // when the totals were written last
}

func (v *plainView) show(entries []entry, s state) error {
	var text strings.Builder
	for _, e := range entries {
		text.WriteString(e.plain() + "\n")
	}
	if s.elapsed-v.told >= v.every && !s.ending {
		v.told = s.elapsed
		text.WriteString("totals " + clock(s.elapsed) + ": " + strings.Join(append(sendParts(s.totals), callbackParts(s.totals)...), ", ") + "\n")
	}
	if text.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(v.out, text.String())
	return err
}

func (v *plainView) end() error { return nil }

// sendParts tell what became of the sends.
func sendParts(t totals) []string {
	parts := []string{plural(t.sends, "send"), fmt.Sprintf("%d delivered", t.accepted), fmt.Sprintf("%d refused", t.refused)}
	by := map[api.Class]int{}
	for code, n := range t.codes {
		by[classOf(code)] += n
	}
	for _, c := range classes {
		if by[c.class] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c.words, by[c.class]))
		}
	}
	if t.unanswered > 0 {
		parts = append(parts, fmt.Sprintf("%d without an answer", t.unanswered))
	}
	return parts
}

// callbackParts tell what became of the callbacks.
func callbackParts(t totals) []string {
	parts := []string{plural(t.arrived, "callback") + " arrived", fmt.Sprintf("%d waiting", t.waiting)}
	if t.arrived > 0 {
		parts = append(parts, "after p50 "+span(t.p50)+", max "+span(t.max))
	}
	return parts
}
