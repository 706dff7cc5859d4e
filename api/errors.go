package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers in which Parley gives hints beside an answer.
const (
	HeaderRetryAfter = "Retry-After"     // seconds until another try may succeed
	HeaderEventID    = "Parley-Event-Id" // the event that tells the app backend of a refused send
	// HeaderBeforeSend stands beside the answer to a send, accepted or refused,
	// with the value [BeforeSendUnanswered] when the app backend was to be asked
	// (document 1047/34374) and did not answer in time, so that the app's policy
	// decided. It is absent otherwise.
	HeaderBeforeSend = "Parley-Before-Send"
)

// BeforeSendUnanswered is the value of [HeaderBeforeSend].
const BeforeSendUnanswered = "unanswered"

// Error is an answer that says the call failed.
type Error struct {
	Command    string        // service and command, for example CommandSendGroupMsg
	Code       Code          // may be a number without a name
	Info       string        // ErrorInfo of the answer
	RetryAfter time.Duration // 0 if the server gave no hint
	EventID    string        // empty if the failure makes no event
}

// Error returns the command, the code and its text.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Command, e.Code, e.Info)
}

// StatusError is an HTTP status other than 200, which no command was answered
// with: it may or may not have been carried out. A send can be repeated with
// the same Random without being delivered twice.
type StatusError struct {
	Command    string        // service and command
	Status     int           // HTTP status
	RetryAfter time.Duration // 0 if the server gave no hint
}

// Error returns the command and the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: HTTP status %d %s", e.Command, e.Status, http.StatusText(e.Status))
}

// CodeOf returns the code that the server answered with: CodeOK for a nil
// error. It is false for an error that is no answer of the server.
func CodeOf(err error) (Code, bool) {
	if err == nil {
		return CodeOK, true
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code, true
	}
	return 0, false
}

// retryAfter reads the hint in either of its forms (RFC 9110, section 10.2.3).
// What cannot be read is no hint.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get(HeaderRetryAfter)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
