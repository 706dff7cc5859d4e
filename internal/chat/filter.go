package chat

import (
	"slices"
	"strings"
	"unicode"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Filter finds an app's words in texts, whatever their case, width or accents'
// encoding, and also when invisible characters are put between the letters. A
// nil Filter finds nothing. It is safe for concurrent use.
type Filter struct {
	words []string // as given
	match ahocorasick.AhoCorasick
	index []int // of the pattern: which word
}

// NewFilter makes a filter of words; those that are empty after normalisation
// are left out. It is nil when none is left.
func NewFilter(words []string) *Filter {
	f := &Filter{words: slices.Clone(words)}
	var patterns []string
	for i, w := range words {
		if p := fold(w); p != "" {
			patterns = append(patterns, p)
			f.index = append(f.index, i)
		}
	}
	if len(patterns) == 0 {
		return nil
	}
	// A full table (DFA) would be no faster on short texts, but take seconds and
	// hundreds of megabytes to build for some thousand words.
	builder := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{MatchKind: ahocorasick.StandardMatch})
	f.match = builder.Build(patterns)
	return f
}

// holds says whether the filter was made of these words.
func (f *Filter) holds(words []string) bool {
	if f == nil {
		return len(words) == 0
	}
	return slices.Equal(f.words, words)
}

// Find returns the first word found, as it was given to the filter.
func (f *Filter) Find(texts []string) (word string, hit bool) {
	if f == nil {
		return "", false
	}
	for _, text := range texts {
		if m := f.match.Iter(fold(text)).Next(); m != nil {
			return f.words[f.index[m.Pattern()]], true
		}
	}
	return "", false
}

// fold makes texts comparable: characters that cannot be seen are taken out,
// compatibility forms become plain ones, case is folded.
func fold(text string) string {
	if isPlain(text) {
		return strings.ToLower(text)
	}
	text = norm.NFKC.String(strings.Map(visible, text))
	// Upper case first, because the folding of Cherokee exchanges the two cases.
	// It can also take a composed character apart.
	return norm.NFKC.String(cases.Fold().String(strings.ToUpper(text)))
}

// visible drops what has no shape of its own: format and control characters,
// fillers, selectors. White space stays.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return r
	case unicode.In(r, unicode.Cf, unicode.Cc, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return -1
	}
	return r
}

// isPlain says that text is ASCII and all of it can be seen.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}
