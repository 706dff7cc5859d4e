package monitor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// HeaderCursor is the header of an answer of /api/exceptions that says where to
// go on reading: pass its value as after. Unlike Next in the body it is there
// on the last page too, so a program that polls keeps it.
const HeaderCursor = "Parley-Cursor"

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// exceptions answers GET /api/exceptions: what was not delivered, in the order
// of arrival, the oldest first.
//
// code, group and from pick what is equal to them; empty is as if absent. after
// is a cursor, which is opaque: only what arrived later is listed. limit, 1 to
// 1000, is how many at most; a page of large messages has fewer. Next is the
// cursor of the next page, and "" when nothing more has arrived yet.
func (m *Monitor) exceptions(w http.ResponseWriter, r *http.Request) {
	f, after, limit, err := parseList(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, api.CodeInvalidParameter, err.Error())
		return
	}
	rows, head, more, err := m.store.list(r.Context(), f, after, limit)
	if err != nil {
		m.broken(w, r, err)
		return
	}
	page := struct {
		Exceptions []json.RawMessage
		Next       string
	}{Exceptions: make([]json.RawMessage, len(rows))}
	for i, row := range rows {
		page.Exceptions[i] = object(row)
	}
	if more {
		page.Next = cursorText(head)
	}
	w.Header().Set(HeaderCursor, cursorText(head))
	answer(w, http.StatusOK, page)
}

func parseList(rawQuery string) (f filter, after int64, limit int, err error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return f, 0, 0, fmt.Errorf("the query string is malformed")
	}
	limit = defaultLimit
	for name, values := range query {
		if len(values) > 1 {
			return f, 0, 0, fmt.Errorf("%s is given more than once", name)
		}
		value := values[0]
		var fault error
		switch name {
		case "code":
			f.code, fault = optional(value, strconv.Atoi, "is not an integer")
		case "group":
			f.group, fault = optional(value, func(s string) (string, error) { return s, nil }, "")
		case "from":
			f.from, fault = optional(value, func(s string) (string, error) { return s, nil }, "")
		case "after":
			after, fault = parseCursor(value)
		case "limit":
			var n *int
			if n, fault = optional(value, parseLimit, fmt.Sprintf("is not an integer from 1 to %d", maxLimit)); n != nil {
				limit = *n
			}
		default:
			fault = fmt.Errorf("is not known; use code, group, from, after, limit")
		}
		if fault != nil {
			return f, 0, 0, fmt.Errorf("%s %w", name, fault)
		}
	}
	return f, after, limit, nil
}

func parseLimit(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > maxLimit) {
		err = strconv.ErrRange
	}
	return n, err
}

// optional parses text unless it is empty.
func optional[T any](text string, parse func(string) (T, error), fault string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	value, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s", fault)
	}
	return &value, nil
}

// Summary is the answer to GET /api/summary.
type Summary struct {
	Total     int64           // refused sends that the exceptions stand for, ever
	Records   int64           // exceptions stored, ever
	Minute    int64           // refused sends told of in the last minute, since Since
	Reasons   []ReasonCount   // by code, the most frequent first
	Refused   []RefusedReason // callbacks that were not accepted since Since
	Since     int64           // ms: when this monitor started
	Now       int64           // ms: the monitor's clock
	Writable  bool            // whether the store takes writes, as last seen
	Apps      []int64         // whose callbacks are accepted
	Unsigned  []int64         // those among them that need no signature
	TLS       bool            // whether the monitor speaks HTTPS itself
	Callbacks string          // path that callbacks go to
	Journals  []Journal       // what arrived of each app, as far as its sender tells
}

// ReasonCount is how often messages were refused with one code.
type ReasonCount struct {
	Code    int
	Name    string    // stable word
	Class   api.Class // which of the documented causes it belongs to
	Text    string    // in words
	Count   int64     // refused sends
	Records int64     // exceptions that tell of them
	Last    int64     // ms: when the latest arrived
}

// RefusedReason is how often callbacks were refused for one reason.
type RefusedReason struct {
	Reason callback.Reason
	Text   string // in words
	Count  int64
	Last   int64 // ms
}

// summary answers GET /api/summary.
func (m *Monitor) summary(w http.ResponseWriter, r *http.Request) {
	totals, err := m.store.totals(r.Context())
	if err != nil {
		m.broken(w, r, err)
		return
	}
	s := Summary{Reasons: []ReasonCount{}, Refused: []RefusedReason{}, Apps: []int64{}, Unsigned: []int64{},
		Since: m.since.UnixMilli(), Now: m.cfg.Now().UnixMilli(), Writable: m.store.writable() == nil,
		Minute: m.minute.total(m.cfg.Now()), TLS: m.cfg.TLSCert != "", Callbacks: callbackPath}
	for _, t := range totals {
		s.Total, s.Records = s.Total+t.refusals, s.Records+t.records
		info := describe(t.code)
		s.Reasons = append(s.Reasons, ReasonCount{t.code, info.Name, info.Class, info.Text, t.refusals, t.records, t.lastAt})
	}
	for _, reason := range callback.Reasons() {
		if n := m.refusals.of(reason); n.count > 0 {
			s.Refused = append(s.Refused, RefusedReason{reason, reason.Text(), n.count, n.last.UnixMilli()})
		}
	}
	for _, app := range m.cfg.Apps {
		s.Apps = append(s.Apps, app.SdkAppid)
		if app.Unsigned() {
			s.Unsigned = append(s.Unsigned, app.SdkAppid)
		}
	}
	s.Journals = append([]Journal{}, m.standing()...)
	answer(w, http.StatusOK, s)
}

// broken answers that the store could not be read.
func (m *Monitor) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the caller is gone
	}
	m.cfg.Logger.Error("store.read_failed", "path", r.URL.Path, "error", err)
	refuse(w, http.StatusServiceUnavailable, api.CodeInternal, "the store could not be read")
}

func refuse(w http.ResponseWriter, status int, code api.Code, info string) {
	answer(w, status, struct {
		ErrorCode api.Code
		ErrorInfo string
	}{code, info})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller hung up
}
