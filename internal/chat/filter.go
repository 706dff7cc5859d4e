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
	builder := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{DFA: true, MatchKind: ahocorasick.StandardMatch})
	f.match = builder.Build(patterns)
	return f
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

// fold makes texts comparable: compatibility forms become plain ones, case is
// folded, invisible characters are taken out.
func fold(text string) string {
	if plain := strings.ToLower(text); isASCII(plain) {
		return plain
	}
	text = cases.Fold().String(norm.NFKC.String(text))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, text)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
