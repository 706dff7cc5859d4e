package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/parley-im/parley/api"
)

// leastWidth is what lines are made for on the narrowest terminal.
const leastWidth = 24

// screenView writes entries line by line, as they scroll away, and keeps a block
// with the totals and the addresses below them.
type screenView struct {
	out   io.Writer
	size  func() (columns, rows int)
	paint palette
	block []int // columns of each line of the block on the screen; the cursor is at the end of the last
}

func (v *screenView) show(entries []entry, s state) error {
	columns, rows := v.size()
	width := max(leastWidth, columns-1) // the last column would wrap on some terminals
	var text strings.Builder
	text.WriteString(v.erase(columns))
	for _, e := range entries {
		for _, line := range e.rich(v.paint, width) {
			text.WriteString(line + "\r\n")
		}
	}
	block := statusBlock(s, v.paint, width, rows)
	text.WriteString(strings.Join(block, "\r\n"))
	v.block = v.block[:0]
	for _, line := range block {
		v.block = append(v.block, cells(plainOf(line)))
	}
	_, err := io.WriteString(v.out, text.String())
	return err
}

func (v *screenView) end() error {
	columns, _ := v.size()
	_, err := io.WriteString(v.out, v.erase(columns))
	v.block = nil
	return err
}

// erase takes the block away. A terminal that became narrower since has broken
// its lines.
func (v *screenView) erase(columns int) string {
	rows := 0
	for _, n := range v.block {
		rows += max(1, (n+columns-1)/max(1, columns))
	}
	switch rows {
	case 0:
		return ""
	case 1:
		return "\r\x1b[J"
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows-1)
}

// statusBlock shows s in lines of at most width columns. It takes at most half
// of the rows.
func statusBlock(s state, p palette, width, rows int) []string {
	lines := []string{p.dim(strings.Repeat("─", width))}
	head := clock(s.elapsed)
	if s.ending {
		head += "  waiting for the last callbacks"
	}
	for _, l := range wrap(append([]string{head}, sendParts(s.totals)...), " · ", width) {
		lines = append(lines, p.strong(l))
	}
	waiting := p.good
	if s.totals.waiting > 0 {
		waiting = p.warn
	}
	for _, l := range wrap(callbackParts(s.totals), " · ", width) {
		lines = append(lines, waiting(l))
	}
	if s.latest != "" {
		lines = append(lines, p.dim(fit("delivered: "+s.latest, width)))
	}
	lines = append(lines, wrap([]string{"monitor " + s.monitor, "chat " + s.chat, "Ctrl-C ends", "console " + s.console}, " · ", width)...)
	if most := max(1, rows/2); len(lines) > most {
		lines = append(lines[1:2], fit("monitor "+s.monitor, width))
		lines = lines[:min(len(lines), most)]
	}
	return lines
}

// palette colours text; without colours it changes nothing.
type palette struct{ colours bool }

func (p palette) in(code, text string) string {
	if !p.colours {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) dim(text string) string    { return p.in("2", text) }
func (p palette) strong(text string) string { return p.in("1", text) }
func (p palette) good(text string) string   { return p.in("32", text) }
func (p palette) warn(text string) string   { return p.in("1;33", text) }

// class gives each kind of refusal its colour.
func (p palette) class(c api.Class, text string) string {
	switch c {
	case api.ClassBadParameter:
		return p.in("33", text)
	case api.ClassFrequency:
		return p.in("35", text)
	case api.ClassContentFilter:
		return p.in("31", text)
	case api.ClassMuted:
		return p.in("36", text)
	}
	return text
}

// plainOf takes the colours out of text.
func plainOf(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "\x1b[")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		_, text, _ = strings.Cut(rest, "m")
	}
}
