package callback

import "net/http"

// Reason is why a callback was refused: one of the constants below, a closed
// list that is safe as a metric label.
type Reason string

// The reasons.
const (
	ReasonMethod             Reason = "method"
	ReasonTooLarge           Reason = "too_large"
	ReasonSdkAppid           Reason = "sdkappid"
	ReasonSignMissing        Reason = "sign_missing"
	ReasonSignWrong          Reason = "sign_wrong"
	ReasonRequestTimeMissing Reason = "request_time_missing"
	ReasonRequestTimeOff     Reason = "request_time_off"
	ReasonSignatureMissing   Reason = "signature_missing"
	ReasonTimestampMissing   Reason = "timestamp_missing"
	ReasonTimestampOff       Reason = "timestamp_off"
	ReasonUnreadable         Reason = "unreadable"
	ReasonSignatureWrong     Reason = "signature_wrong"
	ReasonNotJSON            Reason = "not_json"
	ReasonCommandMissing     Reason = "command_missing"
	ReasonCommandMismatch    Reason = "command_mismatch"
	ReasonStore              Reason = "store"
	ReasonPanic              Reason = "panic"
)

// Refused is one refused callback, told to [Receiver.OnRefused]. What the
// caller wrote is given as it was written and may be forged or very long.
type Refused struct {
	Reason     Reason
	Status     int    // HTTP status of the answer
	RemoteAddr string // the TCP peer
	SdkAppid   string // from the query
	Command    string // from the query
	Err        error  // what OnEvent returned, or what it panicked with; else nil
}

var reasons = []struct {
	reason Reason
	status int
	text   string
}{
	{ReasonMethod, http.StatusMethodNotAllowed, "wrong method"},
	{ReasonTooLarge, http.StatusRequestEntityTooLarge, "body over 1 MB"},
	{ReasonSdkAppid, http.StatusForbidden, "wrong SdkAppid"},
	{ReasonSignMissing, http.StatusUnauthorized, "missing Sign"},
	{ReasonSignWrong, http.StatusUnauthorized, "wrong Sign"},
	{ReasonRequestTimeMissing, http.StatusUnauthorized, "missing RequestTime"},
	{ReasonRequestTimeOff, http.StatusUnauthorized, "RequestTime too far off"},
	{ReasonSignatureMissing, http.StatusUnauthorized, "missing webhook-signature"},
	{ReasonTimestampMissing, http.StatusUnauthorized, "missing webhook-id or webhook-timestamp"},
	{ReasonTimestampOff, http.StatusUnauthorized, "webhook-timestamp too far off"},
	{ReasonUnreadable, http.StatusBadRequest, "body not readable"},
	{ReasonSignatureWrong, http.StatusUnauthorized, "wrong webhook-signature"},
	{ReasonNotJSON, http.StatusBadRequest, "body is not a JSON object"},
	{ReasonCommandMissing, http.StatusBadRequest, "no CallbackCommand in the URL"},
	{ReasonCommandMismatch, http.StatusBadRequest, "CallbackCommand in body and URL differ"},
	{ReasonStore, http.StatusServiceUnavailable, "event could not be stored"},
	{ReasonPanic, http.StatusServiceUnavailable, "receiver failed"},
}

// Reasons returns every reason, in the order in which the checks are made.
func Reasons() []Reason {
	all := make([]Reason, len(reasons))
	for i, r := range reasons {
		all[i] = r.reason
	}
	return all
}

// Text returns r in words, as it is answered in ErrorInfo.
func (r Reason) Text() string {
	for _, known := range reasons {
		if known.reason == r {
			return known.text
		}
	}
	return string(r)
}

// Status returns the HTTP status that r is answered with; 0 if r is none of
// the constants.
func (r Reason) Status() int {
	for _, known := range reasons {
		if known.reason == r {
			return known.status
		}
	}
	return 0
}
