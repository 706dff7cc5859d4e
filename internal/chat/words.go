package chat

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-im/parley/api"
)

// Bounds of the filter words (retired dirty-word pages of the protocol).
const (
	MaxWords    = 50   // words one call adds or deletes
	MaxAllWords = 3000 // words of one app

	maxWord = 200 // bytes of UTF-8
)

// Words lists the app's filter words.
func (b *Backend) Words(ctx context.Context, app AppID) ([]string, error) {
	words, err := b.Reader().Words(ctx, app)
	if err != nil {
		return nil, fmt.Errorf("list words: %w", err)
	}
	return words, nil
}

// AddWords adds filter words; those that are there already are no fault. They
// hold for every send that is committed after the return. Code: 10004 for none,
// for more than MaxWords, for a word that is empty or longer than 200 bytes, and
// when the app would have more than MaxAllWords.
func (b *Backend) AddWords(ctx context.Context, app AppID, words []string) error {
	if refusal := checkWords(words); refusal != nil {
		return refusal
	}
	return b.Change(ctx, app, func(r Records) error {
		have, err := r.Words()
		if err != nil {
			return err
		}
		words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(have, w) })
		slices.Sort(words)
		words = slices.Compact(words)
		if len(have)+len(words) > MaxAllWords {
			return Fail(api.CodeInvalidParameter, fmt.Sprintf("the app may have %d dirty words", MaxAllWords))
		}
		if len(words) == 0 {
			return nil
		}
		return r.AddWords(words)
	})
}

// DeleteWords takes filter words away; those that are not there are no fault.
// Code: 10004 as for AddWords.
func (b *Backend) DeleteWords(ctx context.Context, app AppID, words []string) error {
	if refusal := checkWords(words); refusal != nil {
		return refusal
	}
	return b.Change(ctx, app, func(r Records) error { return r.DeleteWords(words) })
}

func checkWords(words []string) *Refusal {
	if len(words) == 0 || len(words) > MaxWords {
		return Fail(api.CodeInvalidParameter, fmt.Sprintf("DirtyWordsList must have 1 to %d words", MaxWords))
	}
	for _, w := range words {
		if len(w) > maxWord || fold(w) == "" {
			return Fail(api.CodeInvalidParameter, fmt.Sprintf("a dirty word must have 1 to %d bytes that can be seen", maxWord))
		}
	}
	return nil
}
