package manage

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Replay has events sent again: one, a range, or dead letters.
func (m *Manager) Replay(ctx context.Context, app chat.AppID, r api.Replay) (api.ReplayStarted, error) {
	started := api.ReplayStarted{Replays: []api.ReplayJob{}}
	if err := m.there(app); err != nil {
		return started, err
	}
	what := chat.Replay{
		First: chat.Sequence(r.First), Last: chat.Sequence(r.Last), Dead: r.Dead, Since: r.Since, Till: r.Until,
		Code: r.Code, Group: chat.GroupID(r.Group),
	}
	var one *chat.Event
	switch {
	case r.EventId != "":
		if r.First != 0 || r.Last != 0 || r.Since != 0 || r.Until != 0 || r.Code != 0 || r.Group != "" {
			return started, invalid("EventId is one event alone; it goes with no range and no filter")
		}
		e, _, err := m.find(ctx, app, r.EventId)
		if err != nil {
			return started, err
		}
		one, what.First, what.Last = e, e.Seq, e.Seq
	case r.First > maxSequence || r.Last > maxSequence:
		return started, invalid("First and Last must be sequences")
	case r.Last != 0 && r.Last < r.First:
		return started, invalid("Last must not be below First")
	case r.Since < 0 || r.Until < 0 || r.Until != 0 && r.Until <= r.Since:
		return started, invalid("Since and Until must be unix milliseconds, and Until after Since")
	case !r.Dead && r.First == 0 && r.Last == 0 && r.Since == 0 && r.Until == 0 && r.Code == 0 && r.Group == "":
		return started, invalid("say what is to be sent again: EventId, Dead, or a range by First and Last, Since and Until, Code or Group")
	default:
		if err := m.narrow(ctx, app, &what); err != nil {
			return started, err
		}
	}
	to, err := m.replayTo(ctx, app, r.Endpoint, one)
	if err != nil {
		return started, err
	}
	begun, err := m.backend.StartReplay(ctx, app, to, what)
	if err != nil {
		return started, err
	}
	for i := range begun {
		started.Replays = append(started.Replays, showReplay(&begun[i]))
	}
	return started, nil
}

// narrow brings the range of sequences to the times that are asked for, so that
// the lane has nothing to pass over, and to what is kept.
func (m *Manager) narrow(ctx context.Context, app chat.AppID, what *chat.Replay) error {
	j, err := m.open(ctx, app)
	if err != nil {
		return err
	}
	what.First = max(what.First, j.first)
	if what.Since > 0 {
		begin, err := j.at(ctx, what.Since)
		if err != nil {
			return err
		}
		what.First = max(what.First, begin)
	}
	if what.Last == 0 {
		what.Last = j.head
	}
	if what.Till > 0 {
		end, err := j.at(ctx, what.Till)
		if err != nil {
			return err
		}
		what.Last = min(what.Last, end-1)
	}
	if what.First > what.Last {
		return invalid("no event is in this range: the journal has %d to %d", j.first, j.head)
	}
	return nil
}

// replayTo names the endpoints that are sent to: the one that was asked for, or
// all that want it.
func (m *Manager) replayTo(ctx context.Context, app chat.AppID, id string, one *chat.Event) (to []string, err error) {
	all, err := m.reader().Endpoints(ctx, app)
	if err != nil {
		return nil, err
	}
	found := false
	for i := range all {
		e := &all[i]
		if e.URL == "" || id != "" && e.ID != id {
			continue
		}
		found = true
		if one != nil {
			f, err := m.fatesOf(ctx, e)
			if err != nil {
				return nil, err
			}
			of, err := f.of(ctx, []chat.Event{*one})
			if err != nil {
				return nil, err
			}
			state := of[one.Seq].state
			if state == api.StateUnwanted && id != "" {
				return nil, invalid("the event is not for endpoint %s: its switches or filters do not let it through", id)
			}
			if state == api.StateUnwanted || state == api.StateEarlier && id == "" {
				continue
			}
		}
		to = append(to, e.ID)
	}
	switch {
	case id != "" && !found:
		return nil, invalid("the app has no endpoint %q with a URL", id)
	case !found:
		return nil, invalid("the app has no endpoint that anything could be sent to")
	case len(to) == 0:
		return nil, invalid("the event is for none of the app's endpoints")
	}
	return to, nil
}

func showReplay(r *chat.Replay) api.ReplayJob {
	return api.ReplayJob{
		Id: r.ID, Endpoint: r.Endpoint, First: uint64(r.First), Last: uint64(r.Last), Next: uint64(r.Next), Dead: r.Dead,
		Code: r.Code, Group: string(r.Group),
	}
}
