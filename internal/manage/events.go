package manage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Bounds of one page, and of what is looked at to fill it.
const (
	maxPageBytes = 3 << 20 // of bodies; the event that reaches it is in the page
	maxRows      = 20_000
	maxLook      = 300 * time.Millisecond
	batchRows    = 500
	batchBytes   = 1 << 20
	maxSequence  = 1 << 62

	// lookAgain is the least time between two looks of one who waits. What does not
	// fit him may be committed all the time; he is not to keep the store busy.
	lookAgain = 20 * time.Millisecond
)

// Events reads a page of an app's journal. With Wait it waits for the first
// event, holding nothing, until the wait, the call or the server ends. An event
// that comes into State later is not waited for.
func (m *Manager) Events(ctx context.Context, app chat.AppID, r api.EventsRequest) (api.EventsPage, error) {
	if err := checkEvents(&r); err != nil {
		return api.EventsPage{}, err
	}
	if err := m.there(app); err != nil {
		return api.EventsPage{}, err
	}
	if r.Wait == 0 {
		page, _, err := m.page(ctx, app, &r)
		return page, err
	}
	if err := m.Feed.enter(app); err != nil {
		return api.EventsPage{}, err
	}
	defer m.Feed.leave(app)
	late := time.NewTimer(time.Duration(r.Wait) * time.Second)
	defer late.Stop()
	var expired uint64
	for {
		wake, again := m.Feed.next(app), time.After(lookAgain)
		page, over, err := m.page(ctx, app, &r)
		if err != nil {
			return page, err
		}
		expired += page.Expired
		page.Expired = expired
		if over || len(page.Events) > 0 || page.More || expired > 0 {
			return page, nil
		}
		r.After, r.Epoch = page.Next, page.Epoch
		select {
		case <-wake:
		case <-late.C:
			return page, nil
		case <-m.Feed.closed:
			return page, nil
		case <-ctx.Done():
			return page, ctx.Err()
		}
		<-again
	}
}

// checkEvents refuses what does not go together, and fills in defaults.
func checkEvents(r *api.EventsRequest) error {
	downwards := r.Newest || r.Before > 0
	switch {
	case r.Limit < 0 || r.Limit > api.MaxEventsLimit:
		return invalid("limit must be 1 to %d", api.MaxEventsLimit)
	case r.Wait < 0 || r.Wait > api.MaxEventsWait:
		return invalid("wait must be 0 to %d seconds", api.MaxEventsWait)
	case r.After > maxSequence || r.Before > maxSequence:
		return invalid("after and before must be sequences")
	case r.Newest && r.Before > 0 || downwards && r.After > 0:
		return invalid("after, before and newest exclude each other")
	case downwards && r.Wait > 0:
		return invalid("wait goes with after alone")
	case r.State != "" && r.State != api.StateDelivered && r.State != api.StateWaiting && r.State != api.StateDead:
		return invalid("state must be %s, %s or %s", api.StateDelivered, api.StateWaiting, api.StateDead)
	case r.State != "" && r.Endpoint == "":
		return invalid("state goes with endpoint alone")
	case r.Since < 0 || r.Until < 0:
		return invalid("since and until must be unix milliseconds")
	case r.Since > 0 && r.Until > 0 && r.Until <= r.Since:
		return invalid("until must be after since")
	}
	if r.Limit == 0 {
		r.Limit = api.DefaultEventsLimit
	}
	return nil
}

// errMoved: the journal was replaced while a page was read.
var errMoved = errors.New("the journal was replaced while it was read")

// page reads what is there now. over says that waiting would bring nothing.
func (m *Manager) page(ctx context.Context, app chat.AppID, r *api.EventsRequest) (page api.EventsPage, over bool, err error) {
	for range 3 {
		page, over, err = m.tryPage(ctx, app, r)
		if !errors.Is(err, errMoved) {
			break
		}
	}
	return page, over, err
}

func (m *Manager) tryPage(ctx context.Context, app chat.AppID, r *api.EventsRequest) (page api.EventsPage, over bool, err error) {
	j, err := m.open(ctx, app)
	if err != nil {
		return page, false, err
	}
	if r.Epoch != "" && r.Epoch != j.epoch {
		begins, err := j.begins(ctx)
		if err != nil {
			return page, false, err
		}
		return page, false, &Moved{api.EpochMoved{
			ErrorCode: api.CodeInvalidParameter, ErrorInfo: "the sequences belong to a journal that is no more",
			Epoch: j.epoch, FirstSequence: uint64(begins),
		}}
	}
	l := look{journal: j, r: r, bounds: m.bounds, late: time.Now().Add(maxLook)}
	if r.Endpoint != "" {
		if l.fates, err = m.fates(ctx, app, r.Endpoint); err != nil {
			return page, false, err
		}
	}
	var found []chat.Event
	if r.Newest || r.Before > 0 {
		found, err = l.down(ctx)
	} else {
		found, err = l.up(ctx)
	}
	if err != nil {
		return page, false, err
	}
	after, err := m.reader().Head(ctx, app)
	if err != nil {
		return page, false, err
	}
	if after.Epoch != j.epoch {
		return page, false, errMoved
	}
	page = api.EventsPage{
		Epoch: j.epoch, Head: uint64(after.Next - 1), FirstSequence: uint64(j.first), Next: uint64(l.next), More: l.more,
		Events: make([]api.Event, len(found)),
	}
	if !r.Newest && r.Before == 0 && j.first > chat.Sequence(r.After)+1 {
		page.Expired = uint64(j.first) - r.After - 1
	}
	for i := range found {
		page.Events[i] = showEvent(&found[i], !r.NoBody)
	}
	return page, l.over, nil
}

// showEvent shows an event without what explains it.
func showEvent(e *chat.Event, body bool) api.Event {
	shown := api.Event{
		Sequence: uint64(e.Seq), EventId: e.ID.String(), Command: e.Command, EventTime: e.Time, ErrorCode: e.Code, Rule: e.Rule,
		GroupId: string(e.Group), FromAccount: string(e.From), Random: e.Random, ClientIP: e.ClientIP, OptPlatform: e.Platform,
		Count: max(e.Count, 1), Truncated: e.Cut,
	}
	if e.Command == chat.CommandStateChange {
		var change struct {
			Info struct{ Action, Reason string }
		}
		if json.Unmarshal(e.Body, &change) == nil { // else it is shown without
			shown.Action, shown.Reason = change.Info.Action, change.Info.Reason
		}
	}
	if body && len(e.Body) > 0 {
		shown.Body = e.Body
	}
	return shown
}
