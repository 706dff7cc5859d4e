package delivery

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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
	j := judgement{fate: failed, reason: strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))}
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

// judgeAnswer reads the body of a 200: it is an objection only if it is no JSON
// object, or if it says FAIL or an ErrorCode other than 0.
func judgeAnswer(body []byte) judgement {
	if string(body) == okAnswer {
		return judgement{fate: delivered}
	}
	var a map[string]json.RawMessage // nil after a null
	if err := json.Unmarshal(body, &a); err != nil || a == nil {
		if len(body) >= maxAnswer {
			return judgement{fate: objected, reason: "200, but the answer is longer than 64 KB"}
		}
		return judgement{fate: objected, reason: "200, but the answer is not a JSON object"}
	}
	status, code := word(a["ActionStatus"]), word(a["ErrorCode"])
	if status != "FAIL" && isZero(code) {
		return judgement{fate: delivered}
	}
	reason := "the receiver answered " + strings.TrimSpace(status+" "+code)
	if info := word(a["ErrorInfo"]); info != "" {
		reason += ": " + info
	}
	return judgement{fate: objected, reason: clip(reason)}
}

// word is a field of an answer as text: a string's text, nothing for null and
// for what is absent, and other values as they stand.
func word(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// isZero reports whether an ErrorCode is 0 in any spelling, or absent.
func isZero(code string) bool {
	n, err := strconv.ParseFloat(code, 64)
	return code == "" || err == nil && n == 0
}

// maxReason is how many bytes of a receiver's words a reason keeps.
const maxReason = 300

// clip makes a reason of words that somebody else chose.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxReason {
		return s
	}
	cut := maxReason
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// okAnswer is what receivers of the usual kind answer, to the byte; it is the
// same as reading it, sooner.
const okAnswer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// retryAfter reads the header's seconds or date, at most an hour.
func retryAfter(v string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		d = time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
