package manage

import (
	"net/url"

	"github.com/parley-im/parley/api"
)

// Bound has pages look at fewer rows, so that a test reaches the bounds.
func (m *Manager) Bound(rows, batch int) { m.bounds = bounds{rows, batch} }

// Waiting is how many wait for events.
func (f *Feed) Waiting() int { return int(f.waiters.Load()) }

// MaxWaiters is how many may.
const MaxWaiters = maxWaiters

// Crowd lets n more wait, who never leave.
func (f *Feed) Crowd(n int64) { f.waiters.Add(n) }

// The parsers.
var (
	ParseEventID = parseEventID
	ParseKey     = parseKey
	KeyText      = keyText
)

// ReadEventsQuery reads the parameters of a request for events.
func ReadEventsQuery(query url.Values) (r api.EventsRequest, err error) {
	err = readQuery(query, &r)
	return r, err
}
