package chat

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFilterFindsAWordHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		word, text string
	}{
		"as it is":                         {"casino", "casino"},
		"inside a text":                    {"casino", "the casinos of Macau"},
		"upper case in the text":           {"casino", "CaSiNO"},
		"upper case in the word":           {"CASINO", "casino"},
		"full width in the text":           {"casino", "ｃａＳＩＮＯ"},
		"full width in the word":           {"ＣＡＳＩＮＯ", "casino"},
		"full width digits":                {"3000", "３０００"},
		"half width katakana":              {"カジノ", "ｶｼﾞﾉ"},
		"letters in circles":               {"casino", "ⓒⓐⓢⓘⓝⓞ"},
		"mathematical letters":             {"casino", "𝓬𝓪𝓼𝓲𝓷𝓸"},
		"ligature":                         {"office", "oﬃce"},
		"accent as a character of its own": {"café", "cafe\u0301"},
		"accent within the character":      {"cafe\u0301", "CAFÉ"},
		"zero-width space":                 {"casino", "ca\u200bsi\u200bno"},
		"zero-width joiner":                {"casino", "c\u200da\u200csino"},
		"word joiner":                      {"casino", "cas\u2060ino"},
		"byte order mark":                  {"casino", "\ufeffcas\ufeffino"},
		"soft hyphen":                      {"casino", "cas\u00adino"},
		"direction marks":                  {"casino", "\u202ecas\u200fino\u202c"},
		"variation selector":               {"casino", "c\ufe0fasino"},
		"grapheme joiner":                  {"casino", "cas\u034fino"},
		"hangul filler":                    {"casino", "cas\u3164ino"},
		"tag characters":                   {"casino", "cas\U000e0041ino"},
		"U+0000":                           {"casino", "cas\x00ino"},
		"other control characters":         {"casino", "\x01cas\x1bi\x7fno"},
		"invisible before an accent":       {"café", "cafe\u200b\u0301"},
		"invisible in the word":            {"ca\u200bsino", "casino"},
		"Chinese":                          {"红包", "发红包了"},
		"Chinese with invisible between":   {"红包", "发红\u200b包了"},
		"Chinese and Latin":                {"加V信", "请加ｖ信"},
		"Greek final sigma":                {"ΟΔΟΣ", "οδος"},
		"German sharp s":                   {"STRASSE", "straße"},
		"Turkish dotless i":                {"casino", "casıno"},
		"Cherokee":                         {"ᎠᎡᎢ", "ꭰꭱᎢ"},
		"Turkish dotted I":                 {"i\u0307", "İ"},
		"Kelvin sign":                      {"kelvin", "\u212aelvin"},
		"word with a space":                {"free money", "FREE money now"},
		"last of the text":                 {"now", "buy it now"},
		"one letter":                       {"x", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			word, hit := NewFilter([]string{"unrelated", c.word}).Find([]string{"harmless", c.text})
			if !hit || word != c.word {
				t.Errorf("%q in %q: %q, %v", c.word, c.text, word, hit)
			}
		})
	}
}

func TestFilterFindsNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		words, texts []string
	}{
		"no words":                     {nil, []string{"a"}},
		"only empty words":             {[]string{"", "\u200b", "\x00"}, []string{"", "a", "\u200b"}},
		"no texts":                     {[]string{"a"}, nil},
		"empty text":                   {[]string{"a"}, []string{""}},
		"another word":                 {[]string{"casino"}, []string{"casin o", "cas\nino", "cas-ino"}},
		"a word across two texts":      {[]string{"casino"}, []string{"cas", "ino"}},
		"beginning of a word":          {[]string{"casino", "红包"}, []string{"casin", "红"}},
		"another accent":               {[]string{"cafe\u0300"}, []string{"café"}},
		"bytes in common":              {[]string{"红"}, []string{"纠"}},
		"white space is not invisible": {[]string{"ab"}, []string{"a b", "a\tb", "a\u00a0b", "a\u3000b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if word, hit := NewFilter(c.words).Find(c.texts); hit || word != "" {
				t.Errorf("found %q", word)
			}
		})
	}
}

func TestFilterNamesTheWordAsItWasGiven(t *testing.T) {
	t.Parallel()
	words := []string{"", "ab", "ＣＤ", "abcde", "cd", "bc"}
	f := NewFilter(words)
	words[1] = "changed by the caller"
	for text, want := range map[string]string{"xxabxx": "ab", "xxＣd": "ＣＤ", "abcde": "ab", "bcd": "bc"} {
		if word, hit := f.Find([]string{text}); !hit || word != want {
			t.Errorf("%s: %q, want %q", text, word, want)
		}
	}
}

func TestPropertyFilterAgreesWithAPlainSearch(t *testing.T) {
	t.Parallel()
	letters := rapid.StringOfN(rapid.SampledFrom([]rune("aAbBcｃ红包é\u0301\u200bß ﬁ\x00")), 0, 4, -1)
	long := rapid.StringOfN(rapid.SampledFrom([]rune("aAbBcｃ红包eé\u0301\u200bßs ﬁ\x00")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.OneOf(letters, rapid.StringN(0, 3, -1)), 0, 8).Draw(t, "words")
		texts := rapid.SliceOfN(rapid.OneOf(long, rapid.String()), 0, 3).Draw(t, "texts")
		contains := func(word string) bool {
			for _, text := range texts {
				if fold(word) != "" && strings.Contains(fold(text), fold(word)) {
					return true
				}
			}
			return false
		}
		want := false
		for _, word := range words {
			want = want || contains(word)
		}
		word, hit := NewFilter(words).Find(texts)
		if hit != want {
			t.Fatalf("%q in %q: %v, want %v", words, texts, hit, want)
		}
		if hit && !contains(word) {
			t.Fatalf("%q is not in %q", word, texts)
		}
	})
}

func TestPropertyFoldedTextStaysAsItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once := fold(rapid.String().Draw(t, "text"))
		if twice := fold(once); twice != once {
			t.Fatalf("%q becomes %q", once, twice)
		}
	})
}

func TestConcurrentSearchesDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	f := NewFilter([]string{"casino", "红包"})
	done := make(chan string)
	for i := range 8 {
		text := []string{"a casino", "发红包"}[i%2]
		go func() {
			for range 500 {
				if _, hit := f.Find([]string{text}); !hit {
					done <- "missed " + text
					return
				}
			}
			done <- ""
		}()
	}
	for range 8 {
		if fault := <-done; fault != "" {
			t.Error(fault)
		}
	}
}

// manyWords are n words, half of them Chinese; none is in the texts of the benchmarks.
func manyWords(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, n)
	for i := range words {
		if i%2 == 0 {
			words[i] = fmt.Sprintf("word%dx%d", i, r.IntN(1e9))
			continue
		}
		for range 4 {
			words[i] += string(rune(0x4e00 + r.IntN(20000)))
		}
	}
	return words
}

func BenchmarkFilterFind(b *testing.B) {
	f := NewFilter(manyWords(10_000))
	for name, text := range map[string]string{
		"ascii":   "See you at eight, and bring the red one please.",
		"chinese": "今晚八点见，记得带上那个红色的。Thanks!",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			texts := []string{text}
			for b.Loop() {
				if word, hit := f.Find(texts); hit {
					b.Fatal(word)
				}
			}
		})
	}
}

func BenchmarkNewFilter(b *testing.B) {
	words := manyWords(MaxAllWords)
	b.ReportAllocs()
	for b.Loop() {
		NewFilter(words)
	}
}
