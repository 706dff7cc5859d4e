package manage

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Event shows everything about one event, which is named by its EventId or by its
// sequence.
func (m *Manager) Event(ctx context.Context, app chat.AppID, id string) (api.EventDetail, error) {
	if err := m.there(app); err != nil {
		return api.EventDetail{}, err
	}
	e, epoch, err := m.find(ctx, app, id)
	if err != nil {
		return api.EventDetail{}, err
	}
	return m.detail(ctx, epoch, e)
}

// detail is all that is known of an event.
func (m *Manager) detail(ctx context.Context, epoch string, e *chat.Event) (api.EventDetail, error) {
	why := readDetail(e)
	d := api.EventDetail{
		Event: showEvent(e, true), Epoch: epoch, ErrorInfo: errorInfo(e), Compared: why.Compared, BeforeSend: why.BeforeSend,
		Deliveries: []api.EventDelivery{},
	}
	endpoints, err := m.reader().Endpoints(ctx, e.App)
	if err != nil {
		return d, err
	}
	for i := range endpoints {
		f, err := m.fatesOf(ctx, &endpoints[i])
		if err != nil {
			return d, err
		}
		of, err := f.of(ctx, []chat.Event{*e})
		if err != nil {
			return d, err
		}
		attempts, err := m.reader().Attempts(ctx, e.App, endpoints[i].ID, e.Seq)
		if err != nil {
			return d, err
		}
		fate := of[e.Seq]
		if endpoints[i].URL == "" && fate.state == api.StateUnwanted && len(attempts) == 0 {
			continue // an app without a callback URL
		}
		d.Deliveries = append(d.Deliveries, delivery(&endpoints[i], fate, attempts, m.backend.Now()))
	}
	return d, nil
}

// delivery shows how an event fares at an endpoint.
func delivery(e *chat.Endpoint, f fate, attempts []chat.Attempted, now time.Time) api.EventDelivery {
	d := api.EventDelivery{Endpoint: e.ID, State: f.state, Attempts: make([]api.Attempt, len(attempts))}
	switch {
	case f.row != nil:
		d.Reason, d.Replay = f.row.Reason, f.row.Replay
		if !f.row.Dead && f.row.NextAt > now.UnixMilli() {
			d.NextAt = f.row.NextAt
		}
		if f.row.Group != "" && d.Reason == "" {
			d.Reason = "an earlier event of the group is not delivered yet"
		}
	case f.dead != nil:
		d.Reason = f.dead.Reason
	}
	if f.state == api.StateWaiting && e.Paused != "" {
		d.Reason, d.NextAt = "the endpoint is paused: "+e.Paused, 0
	}
	for i := range attempts {
		d.Attempts[i] = showAttempt(&attempts[i])
	}
	return d
}

// The words of Attempt.Result.
const (
	resultDelivered = "delivered"
	resultFailed    = "failed"
)

func showAttempt(a *chat.Attempted) api.Attempt {
	shown := api.Attempt{
		Attempt: a.Attempt, At: a.At, Duration: a.Duration, Status: a.Status, Result: resultDelivered, Reason: a.Reason,
		Answer: strings.ToValidUTF8(string(a.Answer), "\ufffd"), Replay: a.Replay,
	}
	if a.Reason != "" {
		shown.Result = resultFailed
	}
	return shown
}

// why is what explains an event, as the heart wrote it down.
type why struct {
	Compared   json.RawMessage `json:"compared"`
	BeforeSend json.RawMessage `json:"before_send"`
	Entry      string          `json:"entry"` // "client": not over REST
	Dropped    bool            `json:"dropped"`
}

func readDetail(e *chat.Event) (w why) {
	if len(e.Detail) > 0 {
		_ = json.Unmarshal(e.Detail, &w) // what cannot be read explains nothing
	}
	return w
}

func errorInfo(e *chat.Event) string {
	if e.Command != chat.CommandSendMsgException {
		return ""
	}
	var body struct{ ErrorInfo string }
	_ = json.Unmarshal(e.Body, &body) // it was written by this server
	return body.ErrorInfo
}

const (
	maxFindRows = 100_000         // that are looked at for an id
	maxFind     = 3 * time.Second //
	clockSlack  = 5 * time.Second // by which clocks of several processes may differ
)

// find reads an event by its id, or by its sequence. Where an id is in the
// journal is told by the time in it: an event is committed when its send was
// refused or soon after. What waited for the store was committed later, and is
// found as far as the bounds reach.
func (m *Manager) find(ctx context.Context, app chat.AppID, name string) (*chat.Event, string, error) {
	j, err := m.open(ctx, app)
	if err != nil {
		return nil, "", err
	}
	if seq, err := strconv.ParseUint(name, 10, 62); err == nil {
		e, ok, err := j.reader.Event(ctx, app, chat.Sequence(seq))
		switch {
		case err != nil:
			return nil, "", err
		case ok:
			return &e, j.epoch, nil
		case chat.Sequence(seq) > j.head:
			return nil, "", missing("there is no event %d yet: the newest is %d", seq, j.head)
		}
		return nil, "", missing("event %d is not kept any more, or never was: the oldest is %d", seq, j.first)
	}
	id, ok := parseEventID(name)
	if !ok {
		return nil, "", invalid("%q is neither an EventId nor a sequence", name)
	}
	began := id.Time()
	from, err := j.at(ctx, began.Add(-clockSlack).UnixMilli())
	if err != nil {
		return nil, "", err
	}
	late := time.Now().Add(maxFind)
	for rows := 0; rows < maxFindRows && time.Now().Before(late); {
		list, err := j.reader.Events(ctx, app, from-1, batchRows, batchBytes)
		if err != nil {
			return nil, "", err
		}
		if len(list) == 0 {
			return nil, "", missing("the journal has no event with this EventId: it is of another app, or not kept any more")
		}
		for i := range list {
			if list[i].ID == id {
				return &list[i], j.epoch, nil
			}
		}
		rows += len(list)
		from = list[len(list)-1].Seq + 1
	}
	return nil, "", missing("no event with this EventId was found among the %d that were committed after %s; try its sequence",
		maxFindRows, began.UTC().Format(time.RFC3339))
}

// parseEventID reads the usual form of a UUID.
func parseEventID(text string) (id chat.AttemptID, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	n, err := hex.Decode(id[:], []byte(text[0:8]+text[9:13]+text[14:18]+text[19:23]+text[24:36]))
	return id, err == nil && n == len(id)
}
