package chat

import (
	"errors"
	"time"

	"github.com/parley-im/parley/api"
)

// Refusal is why something was not done: a send that a rule refused, or a
// command that failed. It is an error with a code from the registry.
type Refusal struct {
	Code api.Code
	// Info is the ErrorInfo, the same to the byte in the answer and in the callback.
	Info string
	// Rule names the rule that refused a send; empty for other commands.
	Rule string
	// Compared holds the values that the rule compared, by plain names
	// ("limit", "count", "mute_until", "word", "size"), for people to read.
	Compared map[string]any
	// RetryAfter says when a new attempt may succeed; 0 if that is not known.
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return r.Info }

// Fail makes a refusal with the registry's text for the code, or with the
// given one.
func Fail(code api.Code, info ...string) *Refusal {
	r := &Refusal{Code: code}
	if len(info) > 0 && info[0] != "" {
		r.Info = info[0]
		return r
	}
	if known, ok := code.Info(); ok {
		r.Info = known.Text
	}
	if r.Info == "" {
		r.Info = "refused"
	}
	return r
}

// Errors of the send path that are no refusals. Over REST all of them become HTTP
// 503 without an envelope.
var (
	// ErrFull: the disk is so full that no send begins.
	ErrFull = errors.New("chat: the disk is full")
	// ErrBusy: the queue before the journal is full; the send did not begin.
	ErrBusy = errors.New("chat: too many sends are waiting")
	// ErrUnknown: the store failed in mid-commit and could not be asked; the
	// caller should repeat with the same Random.
	ErrUnknown = errors.New("chat: outcome unknown")
	// ErrStopped: the backend is stopping.
	ErrStopped = errors.New("chat: stopped")
)
