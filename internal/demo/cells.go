package demo

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cells is how many columns text takes on a terminal: two for wide characters,
// none for what is put on top of others or cannot be seen.
func cells(text string) (n int) {
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x20 || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x7f:
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fit cuts text to at most n columns; what was cut shows as an ellipsis.
func fit(text string, n int) string {
	if cells(text) <= n {
		return text
	}
	if n <= 0 {
		return ""
	}
	used := 0
	for i, r := range text {
		if used+runeCells(r) > n-1 {
			return strings.TrimRight(text[:i], " ") + "…"
		}
		used += runeCells(r)
	}
	return text
}

// pad fits text and fills it with blanks to exactly n columns.
func pad(text string, n int) string {
	text = fit(text, n)
	return text + strings.Repeat(" ", max(0, n-cells(text)))
}

// flat puts text on one line and takes out what a terminal would obey.
func flat(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}

// wrap joins parts with sep into lines of at most n columns. A part longer than
// that is cut.
func wrap(parts []string, sep string, n int) []string {
	var lines []string
	current := ""
	for i, part := range parts {
		switch {
		case i == 0:
			current = part
		case cells(current)+cells(sep)+cells(part) <= n:
			current += sep + part
		default:
			lines = append(lines, fit(current, n))
			current = part
		}
	}
	return append(lines, fit(current, n))
}
