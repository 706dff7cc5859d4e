package api

// The two words of ActionStatus.
const (
	StatusOK   = "OK"
	StatusFail = "FAIL"
)

// Answer is the envelope of every answer. On success ErrorCode is CodeOK and
// ErrorInfo empty, on a failure both are filled.
type Answer struct {
	// ActionStatus is StatusOK or StatusFail. The mute commands of the service
	// openconfigsvr are documented without it.
	ActionStatus string `json:",omitempty"`
	ErrorInfo    string
	ErrorCode    Code
}

// NewAnswer returns the envelope for a code and its text. CodeOK gives a
// success.
func NewAnswer(code Code, info string) Answer {
	if code == CodeOK {
		return Answer{ActionStatus: StatusOK}
	}
	return Answer{ActionStatus: StatusFail, ErrorInfo: info, ErrorCode: code}
}

// Failed reports whether the call failed. Either sign of it is enough.
func (a Answer) Failed() bool { return a.ActionStatus == StatusFail || a.ErrorCode != CodeOK }

func (a Answer) envelope() Answer { return a }

// Response is an answer of any command: a struct that embeds Answer.
type Response interface{ envelope() Answer }

// firstOf returns the value that was given under the new name of a field, else
// the one under an older name.
func firstOf[T any](names ...*T) (value T, given bool) {
	for _, name := range names {
		if name != nil {
			return *name, true
		}
	}
	return value, false
}
