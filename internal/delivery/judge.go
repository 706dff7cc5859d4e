package delivery

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// fate is what happens next with an attempt.
type fate uint8

const (
	delivered fate = iota
	objected       // the receiver got it and objects: a few attempts, then dead
	failed         // retried by schedule
	broken         // as failed, and the endpoint may be failing as a whole
	dead           // never retried
	gone           // the endpoint is paused
)

// judgement is the fate of one attempt, with a reason for people.
type judgement struct {
	fate   fate
	reason string
	after  time.Duration // at least this long until the next attempt
}

const maxRetryAfter = time.Hour

// judge decides by status and body, never by Content-Type. err is a fault of
// the network or of TLS; with one, status and body mean nothing.
func judge(status int, header http.Header, body []byte, err error, now time.Time) judgement {
	switch {
	case err != nil:
		return judgement{fate: broken, reason: reasonOf(err)}
	case status == http.StatusOK:
		return judgeAnswer(body)
	case status == http.StatusGone:
		return judgement{fate: gone, reason: "410: the endpoint is gone"}
	case status == http.StatusRequestEntityTooLarge:
		return judgement{fate: dead, reason: "413: the receiver takes no body of this size"}
	}
	j := judgement{fate: failed, reason: strconv.Itoa(status) + " " + http.StatusText(status)}
	if status >= 300 && status < 400 {
		j.reason += ", redirects are not followed"
	}
	if status >= 500 {
		j.fate = broken
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		j.after = retryAfter(header.Get("Retry-After"), now)
	}
	return j
}

// judgeAnswer reads the body of a 200.
func judgeAnswer(body []byte) judgement {
	if string(body) == okAnswer {
		return judgement{fate: delivered}
	}
	var a struct {
		ActionStatus string
		ErrorCode    json.Number
		ErrorInfo    string
	}
	if err := json.Unmarshal(body, &a); err != nil || bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
		return judgement{fate: objected, reason: "200, but the answer is not a JSON object of the expected form"}
	}
	if a.ErrorCode != "" && a.ErrorCode != "0" || a.ActionStatus == "FAIL" {
		return judgement{fate: objected, reason: "the receiver answered " + a.ActionStatus + " " + a.ErrorCode.String() + ": " + a.ErrorInfo}
	}
	return judgement{fate: delivered}
}

// okAnswer is what receivers of the usual kind answer, to the byte; it is the
// same as reading it, sooner.
const okAnswer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// retryAfter reads the header's seconds or date, at most an hour.
func retryAfter(v string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
