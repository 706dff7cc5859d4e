package pg

import "strings"

// OneLine is err with its text on one line: the driver takes a line for each
// address that it tried.
func OneLine(err error) error {
	if err == nil {
		return nil
	}
	return line{err}
}

type line struct{ error }

func (l line) Unwrap() error { return l.error }

func (l line) Error() string {
	text := strings.ReplaceAll(l.error.Error(), ":\n\t", ": ")
	return strings.Join(strings.FieldsFunc(strings.ReplaceAll(text, "\t", ""), func(r rune) bool { return r == '\n' }), "; ")
}
