package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Bounds of a search.
const (
	defaultExplained  = 20
	maxExplained      = 100
	explainBack       = 2 * time.Hour
	maxExplainRows    = 100_000 // of the journal
	maxExplainLook    = 2 * time.Second
	maxExplainHistory = 5_000 // messages of the group
)

// Explain tells what became of sends: of the one that an exception's event tells
// of, or of those of a group, a sender or both, newest first.
func (m *Manager) Explain(ctx context.Context, app chat.AppID, r api.ExplainRequest) ([]api.Explanation, error) {
	if err := m.there(app); err != nil {
		return nil, err
	}
	now := m.backend.Now()
	switch {
	case r.EventId != "":
		if r.Group != "" || r.From != "" || r.Random != nil || r.Since != 0 {
			return nil, invalid("event names one send alone; it goes with nothing else")
		}
		e, epoch, err := m.find(ctx, app, r.EventId)
		if err != nil {
			return nil, err
		}
		x, err := m.explain(ctx, epoch, e)
		return []api.Explanation{x}, err
	case r.Group == "" && r.From == "":
		return nil, invalid("name a send by event, or by group, from or both")
	case r.Since < 0 || r.Since > now.UnixMilli():
		return nil, invalid("since must be a time in unix milliseconds that has passed")
	case r.Limit < 0 || r.Limit > maxExplained:
		return nil, invalid("limit must be 1 to %d", maxExplained)
	}
	if r.Limit == 0 {
		r.Limit = defaultExplained
	}
	if r.Since == 0 {
		r.Since = now.Add(-explainBack).UnixMilli()
	}
	s := search{Manager: m, app: app, r: &r}
	if err := s.refusals(ctx); err != nil {
		return nil, err
	}
	if err := s.messages(ctx); err != nil {
		return nil, err
	}
	return s.answer(), nil
}

// search gathers what became of the sends that a request names.
type search struct {
	*Manager
	app   chat.AppID
	r     *api.ExplainRequest
	found []finding
	cut   []string // what was not looked at
	kept  int64    // EventTime of the oldest event that is kept, 0 for none
	group bool     // the group exists
}

type finding struct {
	at int64 // unix milliseconds
	api.Explanation
}

// refusals looks through the journal, newest first.
func (s *search) refusals(ctx context.Context) error {
	j, err := s.open(ctx, s.app)
	if err != nil {
		return err
	}
	if oldest, err := j.reader.Events(ctx, s.app, 0, 1, 1); err != nil {
		return err
	} else if len(oldest) > 0 {
		s.kept = oldest[0].Time
	}
	late := time.Now().Add(maxExplainLook)
	before := j.head + 1
	for rows := 0; ; {
		list, err := j.reader.EventsBefore(ctx, s.app, before, batchRows, batchBytes)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			e := &list[i]
			if e.Time < s.r.Since {
				return nil
			}
			if !s.fits(e) {
				continue
			}
			if len(s.found) >= s.r.Limit {
				s.cut = append(s.cut, fmt.Sprintf("there are more refusals before %s", utc(e.Time)))
				return nil
			}
			x, err := s.explain(ctx, j.epoch, e)
			if err != nil {
				return err
			}
			s.found = append(s.found, finding{e.Time, x})
		}
		before = list[len(list)-1].Seq
		if rows += len(list); rows >= maxExplainRows || time.Now().After(late) {
			s.cut = append(s.cut, fmt.Sprintf("of the journal only the newest %d events were looked at, back to %s", rows, utc(list[len(list)-1].Time)))
			return nil
		}
	}
}

func (s *search) fits(e *chat.Event) bool {
	r := s.r
	return e.Command == chat.CommandSendMsgException && (r.Group == "" || string(e.Group) == r.Group) &&
		(r.From == "" || string(e.From) == r.From) && (r.Random == nil || *r.Random == e.Random)
}

// messages looks through the group's history, newest first.
func (s *search) messages(ctx context.Context) error {
	if s.r.Group == "" {
		return nil
	}
	g, ok, err := s.reader().Group(ctx, s.app, chat.GroupID(s.r.Group))
	if err != nil || !ok {
		return err
	}
	s.group = true
	newest, n := g.NextMsgSeq-1, 0
	for rows := 0; newest > 0; {
		list, err := s.reader().Messages(ctx, s.app, g.Key, newest, 100)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			msg := &list[i]
			if msg.Time < s.r.Since/1000 {
				return nil
			}
			if s.r.From != "" && string(msg.From) != s.r.From || s.r.Random != nil && *s.r.Random != msg.Random || msg.From == "" {
				continue
			}
			if n++; n > s.r.Limit {
				s.cut = append(s.cut, fmt.Sprintf("there are more accepted messages before %s", utc(msg.Time*1000)))
				return nil
			}
			s.found = append(s.found, finding{msg.Time * 1000, accepted(s.r.Group, msg)})
		}
		newest = list[len(list)-1].Seq - 1
		if rows += len(list); rows >= maxExplainHistory {
			s.cut = append(s.cut, fmt.Sprintf("of the history only the newest %d messages were looked at, back to %s", rows, utc(list[len(list)-1].Time*1000)))
			return nil
		}
	}
	return nil
}

// answer is what was found, newest first, and what that leaves open.
func (s *search) answer() []api.Explanation {
	slices.SortStableFunc(s.found, func(a, b finding) int { return cmp.Compare(b.at, a.at) })
	if len(s.found) > s.r.Limit {
		s.cut = append(s.cut, "there is more than was asked for")
		s.found = s.found[:s.r.Limit]
	}
	list := make([]api.Explanation, 0, len(s.found)+1)
	for i := range s.found {
		list = append(list, s.found[i].Explanation)
	}
	if text := s.rest(); text != "" {
		list = append(list, api.Explanation{Outcome: api.OutcomeUnknown, Text: text})
	}
	return list
}

// accepted explains a message of the history.
func accepted(group string, m *chat.Message) api.Explanation {
	sent := api.SentMessage{
		GroupId: group, FromAccount: string(m.From), MsgSeq: uint64(m.Seq), MsgTime: m.Time, Random: m.Random,
		Recalled: m.Flags&chat.FlagRecalled != 0, Unanswered: m.Flags&chat.FlagUnanswered != 0, Rewritten: m.Flags&chat.FlagRewritten != 0,
	}
	return api.Explanation{Outcome: api.OutcomeAccepted, Message: &sent, Text: acceptedText(&sent)}
}

// explain explains what an event tells of.
func (m *Manager) explain(ctx context.Context, epoch string, e *chat.Event) (x api.Explanation, err error) {
	d, err := m.detail(ctx, epoch, e)
	if err != nil {
		return x, err
	}
	w := readDetail(e)
	x = api.Explanation{Outcome: api.OutcomeRefused, Exception: &d, Text: eventText(&d, &w)}
	switch {
	case d.Command == chat.CommandStateChange: // of no send
		x.Outcome = api.OutcomeUnknown
	case d.Command != chat.CommandSendMsgException:
		x.Outcome, x.Message = api.OutcomeAccepted, sentOf(&d)
	case w.Dropped:
		x.Outcome = api.OutcomeDropped
	}
	return x, nil
}

// sentOf reads the message that Group.CallbackAfterSendMsg tells of.
func sentOf(d *api.EventDetail) *api.SentMessage {
	var body struct {
		MsgSeq  uint64
		MsgTime int64
	}
	_ = json.Unmarshal(d.Body, &body) // it was written by this server
	return &api.SentMessage{GroupId: d.GroupId, FromAccount: d.FromAccount, Random: d.Random, MsgSeq: body.MsgSeq, MsgTime: body.MsgTime}
}
