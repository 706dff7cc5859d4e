package chat

import "github.com/parley-im/parley/api"

// checkFilter refuses a text that contains one of the app's words. Only text
// elements are looked at (retired dirty-word pages, document 1047/33527 for the
// elements). With NoMsgCheck the message is not looked at.
func checkFilter(s *Send, words *Filter) *Refusal {
	if s.NoMsgCheck {
		return nil
	}
	word, hit := words.Find(s.Content.Texts)
	if !hit {
		return nil
	}
	return compared(Fail(api.CodeSensitiveText, api.InfoDirtyMessage+word), "word", word)
}
