package manage

import (
	"context"
	"net/url"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// endpoint reads an endpoint with its cursor as it is now.
func (m *Manager) endpoint(ctx context.Context, app chat.AppID, id string) (*chat.Endpoint, error) {
	list, err := m.reader().Endpoints(ctx, app)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, missing("the app has no endpoint %q", id)
}

// Endpoints lists an app's endpoints by id. What stands before the @ of a URL is
// left out unless it is asked for.
func (m *Manager) Endpoints(ctx context.Context, app chat.AppID, login bool) ([]api.Endpoint, error) {
	if err := m.there(app); err != nil {
		return nil, err
	}
	list, err := m.reader().Endpoints(ctx, app)
	if err != nil {
		return nil, err
	}
	shown := []api.Endpoint{}
	for i := range list {
		if list[i].URL == "" {
			continue // the app has no callback URL
		}
		e, err := m.showEndpoint(ctx, &list[i], login)
		if err != nil {
			return nil, err
		}
		shown = append(shown, e)
	}
	return shown, nil
}

// Endpoint shows one endpoint; see Endpoints.
func (m *Manager) Endpoint(ctx context.Context, app chat.AppID, id string, login bool) (api.Endpoint, error) {
	if err := m.there(app); err != nil {
		return api.Endpoint{}, err
	}
	e, err := m.endpoint(ctx, app, id)
	if err != nil {
		return api.Endpoint{}, err
	}
	return m.showEndpoint(ctx, e, login)
}

// AddEndpoint makes an endpoint. It gets the events from now on.
func (m *Manager) AddEndpoint(ctx context.Context, app chat.AppID, n api.NewEndpoint) (api.EndpointChanged, error) {
	e := chat.Endpoint{ID: n.Id, App: app, Commands: []string{chat.CommandSendMsgException}}
	key, err := m.apply(&n.EndpointChange, &e)
	if err == nil {
		err = m.backend.CreateEndpoint(ctx, e)
	}
	return m.changed(ctx, app, n.Id, key, err)
}

// UpdateEndpoint changes an endpoint. The URL of the primary one is the app's
// callback URL, and makes that endpoint if it was not there.
func (m *Manager) UpdateEndpoint(ctx context.Context, app chat.AppID, id string, c api.EndpointChange) (api.EndpointChanged, error) {
	var key string
	change := func(e *chat.Endpoint) (err error) {
		key, err = m.apply(&c, e)
		return err
	}
	var err error
	if id == chat.PrimaryEndpoint {
		err = m.backend.UpdateApp(ctx, app, func(_ *chat.App, e *chat.Endpoint) error { return change(e) })
	} else if _, err = m.endpoint(ctx, app, id); err == nil {
		err = m.backend.UpdateEndpoint(ctx, app, id, change)
	}
	return m.changed(ctx, app, id, key, err)
}

func (m *Manager) changed(ctx context.Context, app chat.AppID, id, key string, err error) (api.EndpointChanged, error) {
	if err != nil {
		return api.EndpointChanged{}, err
	}
	shown, err := m.Endpoint(ctx, app, id, true)
	return api.EndpointChanged{Endpoint: shown, NewKey: key}, err
}

// RemoveEndpoint removes an endpoint with all that is known of its deliveries.
func (m *Manager) RemoveEndpoint(ctx context.Context, app chat.AppID, id string) error {
	if _, err := m.endpoint(ctx, app, id); err != nil {
		return err
	}
	return m.backend.DeleteEndpoint(ctx, app, id)
}

// pausedBySomebody is the reason of a pause that somebody asked for.
const pausedBySomebody = "paused by an operator"

// PauseEndpoint stops the delivery to an endpoint, which keeps its events.
func (m *Manager) PauseEndpoint(ctx context.Context, app chat.AppID, id string) (api.Endpoint, error) {
	_, err := m.endpoint(ctx, app, id)
	if err == nil {
		err = m.backend.PauseEndpoint(ctx, app, id, pausedBySomebody)
	}
	if err != nil {
		return api.Endpoint{}, err
	}
	return m.Endpoint(ctx, app, id, true)
}

// ResumeEndpoint has delivered what a paused endpoint has kept.
func (m *Manager) ResumeEndpoint(ctx context.Context, app chat.AppID, id string) (api.Endpoint, error) {
	_, err := m.endpoint(ctx, app, id)
	if err == nil {
		err = m.backend.ResumeEndpoint(ctx, app, id)
	}
	if err != nil {
		return api.Endpoint{}, err
	}
	return m.Endpoint(ctx, app, id, true)
}

// TestEndpoint sends a marked sample to an endpoint and tells what came back.
func (m *Manager) TestEndpoint(ctx context.Context, app chat.AppID, id string) (api.TestResult, error) {
	e, err := m.endpoint(ctx, app, id)
	switch {
	case err != nil:
		return api.TestResult{}, err
	case e.URL == "":
		return api.TestResult{}, invalid("the app has no callback URL")
	case m.Tester == nil:
		return api.TestResult{}, chat.Fail(api.CodeInternal, "this server sends no samples")
	}
	return m.Tester.Test(ctx, app, id)
}

// maxCount is how far rows of an endpoint are counted; the console asks often.
const maxCount = 100_000

func (m *Manager) showEndpoint(ctx context.Context, e *chat.Endpoint, login bool) (api.Endpoint, error) {
	shown := api.Endpoint{
		Id: e.ID, URL: e.URL, Commands: append([]string{}, e.Commands...), ErrorCodes: append([]int{}, e.Codes...),
		GroupIds: []string{}, Signed: e.Token != "", SigningKeys: []api.SigningKey{}, CA: e.CA, ClientCert: e.ClientCert,
		MinTLS: "1.2", MaxInFlight: e.InFlightLimit(), Rate: e.Rate, Order: api.OrderNone, GroupHold: inSeconds(e.HoldTime()),
		Timeout: inSeconds(e.AttemptTime()), Retry: []int{}, MaxAge: inSeconds(e.Lifetime()), Objection: api.ObjectionDead,
		Heartbeat: e.Heartbeat, State: api.EndpointActive, Reason: e.Paused,
	}
	for _, g := range e.Groups {
		shown.GroupIds = append(shown.GroupIds, string(g))
	}
	for _, k := range e.Keys {
		shown.SigningKeys = append(shown.SigningKeys, showKey(k))
	}
	for _, pause := range e.Pauses() {
		shown.Retry = append(shown.Retry, inSeconds(pause))
	}
	if e.MinTLS != "" {
		shown.MinTLS = e.MinTLS
	}
	if e.InOrder {
		shown.Order = api.OrderGroup
	}
	if e.Lenient {
		shown.Objection = api.ObjectionDelivered
	}
	if e.Paused != "" {
		shown.State = api.EndpointPaused
	}
	if !login {
		shown.URL = withoutLogin(e.URL)
	}
	var err error
	shown.Lane, err = m.lane(ctx, e)
	return shown, err
}

// withoutLogin leaves a name and a password out of a URL.
func withoutLogin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	u.User = nil
	return u.String()
}

func inSeconds(d time.Duration) int { return int(d / time.Second) }

// lane tells how the delivery stands: from the lane itself if it is here, else
// from what it last wrote.
func (m *Manager) lane(ctx context.Context, e *chat.Endpoint) (api.Lane, error) {
	replays, err := m.reader().Replays(ctx, e.App, e.ID)
	if err != nil {
		return api.Lane{}, err
	}
	lane, err := m.writtenLane(ctx, e)
	if err != nil {
		return lane, err
	}
	here := false
	if m.Lanes != nil {
		var now api.Lane
		if now, here = m.Lanes.LaneOf(ctx, e.App, e.ID); here {
			now.Dead = lane.Dead
			lane = now
		}
	}
	lane.Here, lane.Replays = here, nil
	for i := range replays {
		lane.Replays = append(lane.Replays, showReplay(&replays[i]))
	}
	return lane, nil
}

// writtenLane is what the store knows of a lane. Dead letters that have no rows
// are counted by their ranges, in which events of other kinds may be.
func (m *Manager) writtenLane(ctx context.Context, e *chat.Endpoint) (api.Lane, error) {
	lane := api.Lane{
		Cursor: uint64(e.Cursor), Settled: uint64(e.Cursor), Limit: e.Lane.Limit, FailingAt: e.Lane.FailingAt,
		DeliveredAt: e.Lane.DeliveredAt, LastError: e.Lane.LastError,
	}
	r := m.reader()
	head, err := r.Head(ctx, e.App)
	if err != nil {
		return lane, err
	}
	if head.Next > e.Cursor+1 {
		lane.Backlog = uint64(head.Next - 1 - e.Cursor)
	}
	waiting, dead, err := r.CountPending(ctx, e.App, e.ID, maxCount)
	if err != nil {
		return lane, err
	}
	lane.Waiting, lane.Dead = uint64(waiting), uint64(dead)
	ranges, err := r.DeadRanges(ctx, e.App, e.ID)
	if err != nil {
		return lane, err
	}
	for _, d := range ranges {
		lane.Dead += uint64(d.Last - d.First + 1)
	}
	oldest := e.Cursor + 1
	first, err := r.Pending(ctx, e.App, e.ID, false, 0, 1)
	if err != nil {
		return lane, err
	}
	if len(first) > 0 && first[0].Seq < oldest {
		oldest, lane.Settled = first[0].Seq, uint64(first[0].Seq-1)
	}
	if lane.Backlog > 0 || lane.Waiting > 0 {
		list, err := r.Events(ctx, e.App, oldest-1, 1, 1)
		if err != nil {
			return lane, err
		}
		if len(list) > 0 {
			lane.OldestAt = list[0].Time
		}
	}
	return lane, nil
}
