package manage_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// inLobby changes something of the lobby.
func (w *world) inLobby(f func(chat.Records, *chat.Group) error) {
	w.Helper()
	w.must(w.backend.Change(w.Context(), app, func(r chat.Records) error {
		g, _, err := r.Group("lobby")
		if err != nil {
			return err
		}
		if err := f(r, &g); err != nil {
			return err
		}
		return r.UpdateGroup(g)
	}))
}

func (w *world) settings(change func(*chat.Settings)) {
	w.Helper()
	w.must(w.backend.UpdateApp(w.Context(), app, func(a *chat.App, _ *chat.Endpoint) error {
		change(&a.Settings)
		return nil
	}))
}

// The sentence names the rule, what it compared and, of a mute, until when.
func TestEachRuleIsExplainedWithWhatItCompared(t *testing.T) {
	t.Parallel()
	hour := time.UnixMilli(start).Add(time.Hour)
	for name, c := range map[string]struct {
		prepare func(w *world)
		change  func(*chat.Send)
		outcome string
		want    []string
	}{
		"no group":   {nil, func(s *chat.Send) { s.Group = "nowhere" }, "", []string{"code 10010", `there was no group "nowhere"`}},
		"no account": {nil, func(s *chat.Send) { s.From = "mia" }, "", []string{"code 10019", "mia was no account of the app"}},
		"no member":  {nil, func(s *chat.Send) { s.Entry, s.Caller = chat.EntryClient, s.From }, "", []string{"jared was not a member of the group", "the sender's own connection"}},
		"bad group":  {nil, func(s *chat.Send) { s.Group = chat.GroupID(strings.Repeat("g", 100)) }, "", []string{"group_id_bytes is 100", "at most 96"}},
		"no Random":  {nil, func(s *chat.Send) { s.Fault = chat.Fail(10004, "Random is required") }, "", []string{"Random is required", "the request itself is wrong"}},
		"mute of a member": {func(w *world) {
			w.inLobby(func(r chat.Records, g *chat.Group) error { return r.PutMute(g.Key, "jared", hour.Unix()) })
		}, nil, "", []string{"code 10017", "muted in this group until 2027-01-15 09:00:00 UTC"}},
		"mute for good": {func(w *world) {
			w.inLobby(func(r chat.Records, g *chat.Group) error { return r.PutMute(g.Key, "jared", chat.Forever) })
		}, nil, "", []string{"muted in this group for good"}},
		"mute of an account": {func(w *world) {
			w.inLobby(func(r chat.Records, _ *chat.Group) error {
				return r.PutAccount(chat.Account{User: "jared", MuteUntil: hour.Unix()})
			})
		}, nil, "", []string{"muted in all groups until 2027-01-15 09:00:00 UTC"}},
		"mute of all": {func(w *world) {
			w.inLobby(func(_ chat.Records, g *chat.Group) error { g.MuteAll = true; return nil })
		}, nil, "", []string{"the whole group was muted", "role NotMember"}},
		"size": {func(w *world) { w.settings(func(s *chat.Settings) { s.MaxMessage = 100 }) },
			func(s *chat.Send) { s.Content.Size = 101 }, "", []string{"code 80002", "has 101 bytes of text, and at most 100"}},
		"mentions": {func(w *world) { w.settings(func(s *chat.Settings) { s.MaxAt = 1 }) },
			func(s *chat.Send) { s.Mentions = make([]chat.Mention, 2) }, "", []string{"names 2 targets, and at most 1"}},
		"word": {func(w *world) {
			w.inLobby(func(r chat.Records, _ *chat.Group) error { return r.AddWords([]string{"casino"}) })
		}, func(s *chat.Send) { s.Content.Texts = []string{"the casino"} }, "", []string{"code 80001", `the filter word "casino"`}},
		"frequency of the group": {func(w *world) {
			w.settings(func(s *chat.Settings) { s.GroupRate = 1 })
			w.accept()
		}, nil, "", []string{"code 10023", "of the group within the second, and 1 are allowed"}},
		"frequency of the sender, dropped": {func(w *world) {
			w.settings(func(s *chat.Settings) { s.SenderRate, s.OnFrequency = 1, chat.Drop })
			w.accept()
		}, nil, api.OutcomeDropped, []string{"dropped, though its sender was told that all is well", "of the sender within the second"}},
		"the app said no": {func(w *world) { w.asked(chat.Verdict{Answer: chat.AnswerRefuse, Code: 10016}) }, nil, "",
			[]string{"code 10016", "the app backend was asked and said no, with code 10016"}},
		"the app said nothing": {func(w *world) {
			w.asked(chat.Verdict{Reason: "no answer within 2 s"})
			w.settings(func(s *chat.Settings) { s.BeforeSendFailure = chat.Refuse })
		}, nil, "", []string{"code 80003", "gave no answer (no answer within 2 s)"}},
		"what the app put there": {func(w *world) {
			w.asked(chat.Verdict{Answer: chat.AnswerAllow, Content: &chat.Content{Body: []byte("[]"), Size: 200_000}})
		}, nil, "", []string{"the app backend replaced the message", "has 200000 bytes of text"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			s := w.send("lobby", "jared")
			if c.change != nil {
				c.change(s)
			}
			o, err := w.backend.Send(t.Context(), s)
			if err != nil || o.Event == "" {
				t.Fatalf("outcome %+v, %v", o, err)
			}
			list, err := w.manager.Explain(t.Context(), app, api.ExplainRequest{EventId: o.Event})
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			x := list[0]
			want := api.OutcomeRefused
			if c.outcome != "" {
				want = c.outcome
			}
			if x.Outcome != want || x.Exception == nil || x.Exception.EventId != o.Event || x.Exception.ErrorInfo == "" {
				t.Errorf("explanation %+v", x)
			}
			for _, part := range append(c.want, "At 2027-01-15 08:00:00 UTC a message from ") {
				if !strings.Contains(x.Text, part) {
					t.Errorf("%q is not in: %s", part, x.Text)
				}
			}
		})
	}
}

// A login is of no send, and no message stands beside it.
func TestEventOfNoSendIsExplainedAsOne(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(w *world) {
		w.must(w.backend.UpdateApp(w.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
			e.URL, e.Commands = "http://127.0.0.1:1/", []string{chat.CommandStateChange}
			return nil
		}))
		w.backend.Announce(app, chat.Announcement{Command: chat.CommandStateChange, From: "jared", Body: func(at int64) []byte {
			return wire.StateChange("Login", "Register", "jared", nil, at)
		}})
		page, err := w.manager.Events(w.Context(), app, api.EventsRequest{Wait: 20, NoBody: true})
		if err != nil || len(page.Events) != 1 {
			w.Fatalf("%+v, %v", page, err)
		}
		if e := page.Events[0]; e.Action != "Login" || e.Reason != "Register" || e.Body != nil {
			w.Errorf("a list without bodies tells of a login %+v", e)
		}
		list, err := w.manager.Explain(w.Context(), app, api.ExplainRequest{EventId: page.Events[0].EventId})
		if err != nil || len(list) != 1 {
			w.Fatalf("%+v, %v", list, err)
		}
		x := list[0]
		if x.Outcome != api.OutcomeUnknown || x.Message != nil || x.Exception == nil || !strings.Contains(x.Text, "jared logged in or out; this event (State.StateChange)") {
			w.Errorf("%+v", x)
		}
	})
}

// accept makes a send that is accepted.
func (w *world) accept() chat.Outcome {
	w.Helper()
	o, err := w.backend.Send(w.Context(), w.send("lobby", "jared"))
	if err != nil || o.Kind != chat.Accepted {
		w.Fatalf("outcome %+v, %v", o, err)
	}
	return o
}

// asked has the app backend answer the before-send question from now on.
func (w *world) asked(v chat.Verdict) {
	w.Helper()
	w.verdict.Store(&v)
	w.must(w.backend.UpdateApp(w.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1/", []string{chat.CommandBeforeSendMsg, chat.CommandSendMsgException}
		return nil
	}))
}

// Ask answers as the app backend of the test does.
func (w *world) Ask(context.Context, *chat.Question) chat.Verdict { return *w.verdict.Load() }

func TestSendsAreFoundByGroupSenderAndRandom(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(w *world) {
		old := w.refuse("lobby", "mia")
		w.clock.Add(3 * time.Hour.Milliseconds())
		first := w.accept()
		w.clock.Add(2000)
		refused := w.send("lobby", "mia")
		o, err := w.backend.Send(w.Context(), refused)
		w.must(err)
		w.clock.Add(2000)
		last := w.accept()

		outcomes := func(r api.ExplainRequest) (all []string) {
			w.Helper()
			list, err := w.manager.Explain(w.Context(), app, r)
			w.must(err)
			for _, x := range list {
				all = append(all, x.Outcome)
			}
			return all
		}
		for _, c := range []struct {
			r    api.ExplainRequest
			want []string
		}{
			{api.ExplainRequest{Group: "lobby"}, []string{"accepted", "refused", "accepted"}},
			{api.ExplainRequest{Group: "lobby", From: "jared"}, []string{"accepted", "accepted"}},
			{api.ExplainRequest{From: "mia"}, []string{"refused"}},
			{api.ExplainRequest{Group: "lobby", Random: &refused.Random}, []string{"refused"}},
			{api.ExplainRequest{Group: "lobby", From: "mia", Since: start}, []string{"refused", "refused"}},
			{api.ExplainRequest{Group: "lobby", Limit: 1}, []string{"accepted", "unknown"}},
			{api.ExplainRequest{Group: "lobby", From: "nobody"}, []string{"unknown"}},
			{api.ExplainRequest{Group: "nowhere"}, []string{"unknown"}},
			{api.ExplainRequest{EventId: old.Event}, []string{"refused"}},
			{api.ExplainRequest{EventId: "2"}, []string{"refused"}},
		} {
			if got := outcomes(c.r); !slices.Equal(got, c.want) {
				w.Errorf("%+v: %q, want %q", c.r, got, c.want)
			}
		}
		list, err := w.manager.Explain(w.Context(), app, api.ExplainRequest{Group: "lobby"})
		w.must(err)
		if list[1].Exception.EventId != o.Event || list[0].Message.MsgSeq != uint64(last.Seq) || list[2].Message.MsgSeq != uint64(first.Seq) ||
			!strings.Contains(list[0].Text, "accepted: it is stored as number 2") {
			w.Errorf("%+v", list)
		}
		list, err = w.manager.Explain(w.Context(), app, api.ExplainRequest{Group: "nowhere"})
		w.must(err)
		for _, part := range []string{"never reached this server as a send", "wrong or expired UserSig", `no group "nowhere"`} {
			if !strings.Contains(list[0].Text, part) {
				w.Errorf("%q is not in: %s", part, list[0].Text)
			}
		}
		for name, r := range map[string]api.ExplainRequest{
			"nothing": {}, "event and group": {EventId: "1", Group: "g"}, "limit": {Group: "g", Limit: 101},
			"the future": {Group: "g", Since: w.clock.Load() + 1}, "no event": {EventId: "x"},
		} {
			_, err := w.manager.Explain(w.Context(), app, r)
			if err == nil {
				w.Errorf("%s passes", name)
				continue
			}
			w.refused(err, api.CodeInvalidParameter)
		}
	})
}

func TestDeliveriesAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	early := w.refuse("nowhere", "mia")
	w.endpoint("a", nil)
	w.endpoint("other-codes", func(e *api.NewEndpoint) { e.ErrorCodes = []int{10017} })
	delivered, waits, dead, died, fresh := w.refuse("nowhere", "mia"), w.refuse("nowhere", "mia"), w.refuse("nowhere", "mia"), w.refuse("nowhere", "mia"), w.refuse("nowhere", "mia")
	next := w.clock.Load() + 60_000
	w.report(chat.Progress{
		Endpoint: "a", Cursor: 5, At: 1,
		Put: []chat.Pending{
			{Seq: 3, Attempt: 2, NextAt: next, Status: 500, Reason: "HTTP 500"},
			{Seq: 4, Attempt: 3, Dead: true, Reason: "objects: no"},
		},
		Failed: []chat.Attempted{
			{Seq: 2, Attempt: 1, At: start + 10, Duration: 20, Status: 503, Reason: "HTTP 503", Answer: []byte("over\xffloaded")},
			{Seq: 3, Attempt: 1, At: start, Duration: 5, Status: 500, Reason: "HTTP 500"},
			{Seq: 4, Attempt: 3, At: start, Status: 200, Reason: "objects: no"},
		},
		Delivered: []chat.Attempted{{Seq: 2, Attempt: 2, At: start + 3000, Duration: 100, Status: 200}},
		Dead:      []chat.DeadRange{{First: 5, Last: 5, Reason: "older than 72h0m0s", Switches: chat.Switches{Commands: []string{chat.CommandSendMsgException}}}},
	})
	w.report(chat.Progress{Endpoint: "other-codes", Cursor: 5, At: 1})
	for _, c := range []struct {
		event chat.Outcome
		state string
		want  []string
	}{
		{early, api.StateEarlier, []string{"Not sent to a: it was committed before"}},
		{delivered, api.StateDelivered, []string{"Delivered to a at the 2nd attempt, 3.1 s after", "Not for other-codes: its switches or filters"}},
		{waits, api.StateWaiting, []string{"Waiting for a after one attempt (HTTP 500), the next attempt is at 2027-01-15 08:01:00 UTC"}},
		{dead, api.StateDead, []string{"A dead letter of a after 3 attempts (objects: no)"}},
		{died, api.StateDead, []string{"A dead letter of a (older than 72h0m0s)"}},
		{fresh, api.StateWaiting, []string{"Waiting for a"}},
	} {
		list, err := w.manager.Explain(t.Context(), app, api.ExplainRequest{EventId: c.event.Event})
		w.must(err)
		if got := list[0].Exception.Deliveries[0]; got.Endpoint != "a" || got.State != c.state {
			t.Errorf("%s: %+v", c.state, got)
		}
		for _, part := range c.want {
			if !strings.Contains(list[0].Text, part) {
				t.Errorf("%q is not in: %s", part, list[0].Text)
			}
		}
	}
	d, err := w.manager.Event(t.Context(), app, delivered.Event)
	w.must(err)
	want := []api.Attempt{
		{Attempt: 1, At: start + 10, Duration: 20, Status: 503, Result: "failed", Reason: "HTTP 503", Answer: "over\ufffdloaded"},
		{Attempt: 2, At: start + 3000, Duration: 100, Status: 200, Result: "delivered"},
	}
	if got := d.Deliveries[0].Attempts; !slices.Equal(got, want) {
		t.Errorf("attempts %+v", got)
	}
	_, err = w.manager.PauseEndpoint(t.Context(), app, "a")
	w.must(err)
	if d, err = w.manager.Event(t.Context(), app, fresh.Event); err != nil || !strings.Contains(d.Deliveries[0].Reason, "paused") {
		t.Errorf("%+v, %v", d.Deliveries, err)
	}
}

// An event is found by its id wherever it is, and by its sequence.
func TestEventIsFoundByIDAndSequence(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(w *world) {
		var made []string
		for i := range 60 {
			made = append(made, w.refuse("nowhere", "mia").Event)
			w.clock.Add(int64(i*i) * 10)
		}
		w.manager.Bound(10, 7)
		for i, id := range made {
			d, err := w.manager.Event(w.Context(), app, id)
			if err != nil || d.Sequence != uint64(i+1) || d.EventId != id || len(d.Body) == 0 {
				w.Fatalf("event %d: %+v, %v", i+1, d.Event, err)
			}
		}
		if d, err := w.manager.Event(w.Context(), app, "60"); err != nil || d.EventId != made[59] {
			w.Errorf("event 60: %+v, %v", d.Event, err)
		}
		for _, id := range []string{"61", "0", "01900000-0000-7000-8000-000000000000", made[3][:35] + "x", "", "-1", made[3] + "0"} {
			if _, err := w.manager.Event(w.Context(), app, id); err == nil {
				w.Errorf("%q was found", id)
			} else {
				w.refused(err, api.CodeInvalidParameter)
			}
		}
	})
}
