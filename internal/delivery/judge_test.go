package delivery

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAnswersAreJudgedByStatusAndBody(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	header := func(v string) http.Header { return http.Header{"Retry-After": {v}} }
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		body   string
		err    error
		fate   fate
		reason string // a part of it
		after  time.Duration
	}{
		{name: "the fixed answer", status: 200, body: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`, fate: delivered},
		{name: "other order and blanks", status: 200, body: " {\n\"ErrorInfo\": \"\", \"ErrorCode\": 0, \"ActionStatus\": \"OK\"}\n", fate: delivered},
		{name: "an empty object", status: 200, body: `{}`, fate: delivered},
		{name: "ErrorCode absent", status: 200, body: `{"ActionStatus":"OK"}`, fate: delivered},
		{name: "ErrorCode null", status: 200, body: `{"ActionStatus":"OK","ErrorCode":null}`, fate: delivered},
		{name: "ErrorCode 0.0", status: 200, body: `{"ErrorCode":0.0}`, fate: delivered},
		{name: "ErrorCode as the string 0", status: 200, body: `{"ErrorCode":"0"}`, fate: delivered},
		{name: "an unknown ActionStatus", status: 200, body: `{"ActionStatus":"success","ErrorCode":0}`, fate: delivered},
		{name: "ActionStatus of another type", status: 200, body: `{"ActionStatus":1,"ErrorCode":0}`, fate: delivered},
		{name: "ErrorInfo of another type", status: 200, body: `{"ErrorCode":0,"ErrorInfo":{"a":1}}`, fate: delivered},
		{name: "fields it does not know", status: 200, body: `{"code":500,"ErrorCode":0}`, fate: delivered},
		{name: "a Content-Type of HTML", status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: `{"ErrorCode":0}`, fate: delivered},

		{name: "FAIL with 0", status: 200, body: `{"ActionStatus":"FAIL","ErrorCode":0,"ErrorInfo":"no"}`, fate: objected, reason: "FAIL 0: no"},
		{name: "FAIL without a code", status: 200, body: `{"ActionStatus":"FAIL"}`, fate: objected, reason: "FAIL"},
		{name: "OK with a code", status: 200, body: `{"ActionStatus":"OK","ErrorCode":7,"ErrorInfo":"later"}`, fate: objected, reason: "OK 7: later"},
		{name: "a negative code", status: 200, body: `{"ErrorCode":-1}`, fate: objected, reason: "-1"},
		{name: "a code beyond 64 bits", status: 200, body: `{"ErrorCode":100000000000000000000000}`, fate: objected, reason: "100000000000000000000000"},
		{name: "a code as a string", status: 200, body: `{"ErrorCode":"1"}`, fate: objected, reason: "1"},
		{name: "a code that is a word", status: 200, body: `{"ErrorCode":"none"}`, fate: objected, reason: "none"},
		{name: "a code that is true", status: 200, body: `{"ErrorCode":true}`, fate: objected, reason: "true"},
		{name: "null", status: 200, body: `null`, fate: objected, reason: "not a JSON object"},
		{name: "a list", status: 200, body: `[]`, fate: objected, reason: "not a JSON object"},
		{name: "a string", status: 200, body: `""`, fate: objected, reason: "not a JSON object"},
		{name: "a number", status: 200, body: `0`, fate: objected, reason: "not a JSON object"},
		{name: "nothing", status: 200, body: ``, fate: objected, reason: "not a JSON object"},
		{name: "blanks", status: 200, body: "  \n", fate: objected, reason: "not a JSON object"},
		{name: "a page", status: 200, body: `<html>OK</html>`, fate: objected, reason: "not a JSON object"},
		{name: "two objects", status: 200, body: `{}{}`, fate: objected, reason: "not a JSON object"},
		{name: "a cut object", status: 200, body: `{"ErrorCode":0`, fate: objected, reason: "not a JSON object"},
		{name: "more than is read", status: 200, body: `{"ErrorInfo":"` + strings.Repeat("x", maxAnswer-14), fate: objected, reason: "longer than 64 KB"},

		{name: "201", status: 201, body: `{"ErrorCode":0}`, fate: failed, reason: "201 Created"},
		{name: "202", status: 202, fate: failed, reason: "202"},
		{name: "204", status: 204, fate: failed, reason: "204"},
		{name: "301", status: 301, fate: failed, reason: "redirects are not followed"},
		{name: "302", status: 302, fate: failed, reason: "redirects are not followed"},
		{name: "304", status: 304, fate: failed, reason: "304"},
		{name: "400", status: 400, body: `{"ErrorCode":0}`, fate: failed, reason: "400 Bad Request"},
		{name: "401", status: 401, fate: failed, reason: "401"},
		{name: "403", status: 403, fate: failed, reason: "403"},
		{name: "404", status: 404, fate: failed, reason: "404"},
		{name: "408", status: 408, fate: failed, reason: "408"},
		{name: "410", status: 410, fate: gone, reason: "410"},
		{name: "413", status: 413, fate: dead, reason: "413"},
		{name: "429", status: 429, fate: failed, reason: "429"},
		{name: "429 with seconds", status: 429, header: header("120"), fate: failed, reason: "429", after: 2 * time.Minute},
		{name: "429 with a date", status: 429, header: header("Fri, 02 Jan 2026 03:05:05 GMT"), fate: failed, reason: "429", after: time.Minute},
		{name: "429 with a date gone by", status: 429, header: header("Fri, 02 Jan 2026 03:00:00 GMT"), fate: failed, reason: "429"},
		{name: "429 with a day", status: 429, header: header("86400"), fate: failed, reason: "429", after: time.Hour},
		{name: "429 with a date next year", status: 429, header: header("Sat, 02 Jan 2027 03:00:00 GMT"), fate: failed, reason: "429", after: time.Hour},
		{name: "429 with a number beyond 64 bits", status: 429, header: header("99999999999999999999999"), fate: failed, reason: "429", after: time.Hour},
		{name: "429 with a negative number", status: 429, header: header("-5"), fate: failed, reason: "429"},
		{name: "429 with a word", status: 429, header: header("soon"), fate: failed, reason: "429"},
		{name: "400 with Retry-After", status: 400, header: header("120"), fate: failed, reason: "400"},
		{name: "499, which has no name", status: 499, fate: failed, reason: "499"},
		{name: "500", status: 500, body: `{"ErrorCode":0}`, fate: broken, reason: "500 Internal Server Error"},
		{name: "500 with Retry-After", status: 500, header: header("120"), fate: broken, reason: "500"},
		{name: "502", status: 502, fate: broken, reason: "502"},
		{name: "503", status: 503, fate: broken, reason: "503"},
		{name: "503 with seconds", status: 503, header: header("7"), fate: broken, reason: "503", after: 7 * time.Second},
		{name: "599, which has no name", status: 599, fate: broken, reason: "599"},
		{name: "no answer in time", err: context.DeadlineExceeded, fate: broken, reason: "time-out"},
		{name: "a fault beside a status", status: 200, body: `{}`, err: context.DeadlineExceeded, fate: broken, reason: "time-out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := judge(c.status, c.header, []byte(c.body), c.err, now)
			if j.fate != c.fate || j.after != c.after {
				t.Errorf("judged %d after %s, want %d after %s", j.fate, j.after, c.fate, c.after)
			}
			if !strings.Contains(j.reason, c.reason) || (j.reason == "") != (c.fate == delivered) {
				t.Errorf("reason %q, want %q in it", j.reason, c.reason)
			}
			if strings.HasSuffix(j.reason, " ") {
				t.Errorf("reason %q ends with a blank", j.reason)
			}
		})
	}
}

func TestAReasonKeepsLittleOfWhatTheReceiverSays(t *testing.T) {
	t.Parallel()
	for _, info := range []string{strings.Repeat("ä", 20_000), "\x00\x01", strings.Repeat("x", maxReason)} {
		j := judgeAnswer([]byte(`{"ErrorCode":5,"ErrorInfo":"` + strings.ReplaceAll(strings.ReplaceAll(info, "\x00", `\u0000`), "\x01", `\u0001`) + `"}`))
		if j.fate != objected || len(j.reason) > maxReason+len("…") || !utf8.ValidString(j.reason) {
			t.Errorf("fate %d, a reason of %d bytes, valid %t", j.fate, len(j.reason), utf8.ValidString(j.reason))
		}
	}
}

// Whatever is answered, it is judged, and only an answer that says so is a delivery.
func FuzzJudgeAnswer(f *testing.F) {
	for _, seed := range []string{okAnswer, ``, `null`, `[]`, `""`, `{}`, `{"ErrorCode":"0"}`, `{"ActionStatus":"FAIL"}`,
		`{"ErrorCode":1e400}`, `{"ErrorCode":0x0}`, "{\"ErrorInfo\":\"\xff\",\"ErrorCode\":1}", `{"ErrorCode":"NaN"}`, `{"a":` + strings.Repeat("[", 200)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		j := judgeAnswer(body)
		switch j.fate {
		case delivered:
			if trimmed := strings.TrimLeft(string(body), " \t\r\n"); !strings.HasPrefix(trimmed, "{") {
				t.Errorf("%q counts as delivered", body)
			}
		case objected:
			if j.reason == "" || len(j.reason) > maxReason+len("…") || !utf8.ValidString(j.reason) {
				t.Errorf("%q: reason %q", body, j.reason)
			}
		default:
			t.Errorf("%q: fate %d", body, j.fate)
		}
	})
}
