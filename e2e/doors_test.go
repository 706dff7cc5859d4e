package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// restOnly are the rows that a connection cannot meet with, and why.
var restOnly = map[string]string{
	"wrong method":         "a call has no HTTP method",
	"sender is no account": "who connects is an account, and a deleted account's connections are ended",
}

// byOthers are the rows whose sender is not alice: who must send them over a
// connection, where From_Account is the user of the connection.
var byOthers = map[string]string{"account muted": "gagged", "member muted": "muted"}

// phones are the connections of a stage, by user.
type phones map[string]*phone

// Every refusal that both doors know is the same at both: code, ErrorInfo and
// callback differ in nothing but who called, from what platform.
func TestBothDoorsRefuseAlike(t *testing.T) {
	t.Parallel()
	overBoth(t, func(t *testing.T, e engine, trust *authority) {
		s := newStage(t, e, trust, "--before-send-failure", "refuse", "--fault-internal-random", strconv.Itoa(faultRandom),
			"--callback-commands", "Group.CallbackSendMsgException,Group.CallbackBeforeSendMsg", "--refusal-rate", "0")
		all := make(phones)
		for user, platform := range map[string]string{"alice": "iOS", "gagged": "Web", "muted": "Android", "brief": "Linux", "eve": "Toaster"} {
			all[user] = s.phone(t, user, platform)
		}
		all["eve"].platform = "Unknown"
		if a := all["alice"].call(t, "apply_join_group", `{"GroupId":"live"}`); a.ErrorCode != 0 {
			t.Fatalf("alice does not get in: %s", a.text)
		}
		skipped := 0
		for _, r := range reasons {
			undo := s.ready(t, &r)
			s.refuseByREST(t, r)
			if restOnly[r.name] == "" {
				s.refuseByRPC(t, all, r)
			} else {
				skipped++
			}
			undo()
		}
		if skipped != len(restOnly) {
			t.Errorf("%d rows were left out, want %d", skipped, len(restOnly))
		}
		s.refusedByRPCAlone(t, all)
		s.muteThatEndsByRPC(t, all["brief"])
		s.frequencyByRPC(t, all["brief"], "refuse")
		s.frequencyByRPC(t, all["brief"], "drop")
		s.rateOfCallsByRPC(t, all["alice"])
		s.repeatedAtTheOtherDoor(t, all["alice"])
		s.unrecordedByRPC(t, all["alice"])
		s.close(t)
	})
}

// refuseByRPC sends a row by its sender's connection.
func (s *stage) refuseByRPC(t *testing.T, all phones, r reason) {
	t.Helper()
	user := "alice"
	if other, ok := byOthers[r.name]; ok {
		user = other
	}
	want := r.want()
	want.Caller = user
	if want.From == appAdmin { // what could not be read falls back to the caller
		want.From = user
	}
	p, from := all[user], time.Now()
	s.noteRPC(t, p, r.name, p.call(t, "send_group_msg", r.body), want, from)
}

// noteRPC is note for a send by a connection.
func (s *stage) noteRPC(t *testing.T, p *phone, name string, a reply, want exception, from time.Time) {
	t.Helper()
	name += ", over a connection"
	s.sent.Attempts++
	s.sent.Refused++
	hints := ""
	if a.RetryAfter > 0 {
		hints = fmt.Sprintf(`,"RetryAfter":%d`, a.RetryAfter)
	}
	wantText := fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorInfo":"%s","ErrorCode":%d%s,"EventId":"%s"}`, want.Info, want.Code, hints, a.EventId)
	if a.text != wantText {
		t.Errorf("%s: answered %s, want %s", name, a.text, wantText)
	}
	if a.EventId == "" {
		return
	}
	r := refusal{name: name, id: a.EventId, want: want, from: from, to: time.Now(), count: 1, platform: p.platform}
	s.told = append(s.told, r)
	s.checkBody(t, r, s.rc.event(t, r.id))
}

// refusedByRPCAlone are refusals that a REST call cannot meet with: an admin may
// speak for anybody, and to any group.
func (s *stage) refusedByRPCAlone(t *testing.T, all phones) {
	t.Helper()
	eve := all["eve"]
	for name, r := range map[string]struct {
		body, info string
		code       api.Code
	}{
		"no member":                {with("From_Account", `"eve"`), "sender is not a group member", 10007},
		"speaks as somebody else":  {with(), "From_Account must be the connection's user", 10007},
		"spares itself the filter": {with("From_Account", `"eve"`, "ForbidCallbackControl", `["ForbidBeforeSendMsgCallback"]`), "ForbidCallbackControl and NoMsgCheck are for admins of the app", 10007},
	} {
		random, from := s.next(), time.Now()
		a := eve.call(t, "send_group_msg", strings.ReplaceAll(r.body, "$R", fmt.Sprint(random)))
		want := good(random)
		want.Code, want.Info, want.Caller = r.code, r.info, "eve"
		if name != "speaks as somebody else" {
			want.From = "eve"
		}
		s.noteRPC(t, eve, name, a, want, from)
	}
}

// muteThatEndsByRPC tells how long a mute lasts, and lets the sender pass after
// the time it was told.
func (s *stage) muteThatEndsByRPC(t *testing.T, p *phone) {
	t.Helper()
	s.mute(t, p.user, 2)
	refused := 0
	eventually(t, "the mute ends by itself", func() bool {
		from, random := time.Now(), s.next()
		a := p.call(t, "send_group_msg", strings.ReplaceAll(with("From_Account", ""), "$R", fmt.Sprint(random)))
		if a.ErrorCode == api.CodeOK {
			s.sent.Attempts++
			s.sent.Accepted++
			return true
		}
		refused++
		want := good(random)
		want.Code, want.Info, want.From, want.Caller = 10017, "sender is muted", p.user, p.user
		s.noteRPC(t, p, "muted for two seconds", a, want, from)
		if a.RetryAfter < 1 || a.RetryAfter > 2 {
			t.Errorf("a mute of two seconds: RetryAfter %d", a.RetryAfter)
		}
		return t.Failed()
	})
	if refused == 0 {
		t.Error("the mute refused nobody")
	}
}

// frequencyByRPC sends two messages where one a second is allowed.
func (s *stage) frequencyByRPC(t *testing.T, p *phone, policy string) {
	t.Helper()
	s.set(t, &api.AppChange{GroupRate: ptr(1), OnFrequency: &policy})
	defer s.set(t, &api.AppChange{GroupRate: ptr(0), OnFrequency: ptr("refuse")})
	for range 20 { // two within one second, also on a slow machine
		from, random := time.Now(), s.next()
		a := p.call(t, "send_group_msg", strings.ReplaceAll(with("From_Account", ""), "$R", fmt.Sprint(random)))
		if a.ErrorCode == api.CodeOK && a.MsgDropReason == "" {
			s.sent.Attempts++
			s.sent.Accepted++
			continue
		}
		want := good(random)
		want.Code, want.Info, want.From, want.Caller = 10023, "msg count exceeds limit,please retry later", p.user, p.user
		if policy == "refuse" {
			s.noteRPC(t, p, "too often", a, want, from)
			if a.RetryAfter != 1 {
				t.Errorf("too often: RetryAfter %d", a.RetryAfter)
			}
			return
		}
		s.sent.Attempts++
		s.sent.Dropped++
		if a.ErrorCode != 0 || a.MsgDropReason != api.DropFrequency || a.EventId == "" || a.MsgSeq != 0 {
			t.Fatalf("dropped: %s", a.text)
		}
		r := refusal{name: "dropped over a connection", id: a.EventId, want: want, from: from, to: time.Now(), count: 1, platform: p.platform}
		s.told = append(s.told, r)
		s.checkBody(t, r, s.rc.event(t, r.id))
		return
	}
	t.Errorf("20 messages passed the limit (%s)", policy)
}

// rateOfCallsByRPC makes calls of a connection count like those of admins.
func (s *stage) rateOfCallsByRPC(t *testing.T, p *phone) {
	t.Helper()
	s.set(t, &api.AppChange{APIRate: ptr(1)})
	defer s.set(t, &api.AppChange{APIRate: ptr(0)})
	for range 20 {
		from, random := time.Now(), s.next()
		a := p.call(t, "send_group_msg", strings.ReplaceAll(with(), "$R", fmt.Sprint(random)))
		if a.ErrorCode == api.CodeOK {
			s.sent.Attempts++
			s.sent.Accepted++
			continue
		}
		want := good(random)
		want.Code, want.Info, want.Caller = 60007, "api call count exceeds limit,please retry later", p.user
		s.noteRPC(t, p, "too many calls", a, want, from)
		return
	}
	t.Error("20 calls passed the limit")
}

// repeatedAtTheOtherDoor sends a message at one door and again at the other: it
// is the same message.
func (s *stage) repeatedAtTheOtherDoor(t *testing.T, p *phone) {
	t.Helper()
	for _, restFirst := range []bool{true, false} {
		body := strings.ReplaceAll(with(), "$R", fmt.Sprint(s.next()))
		byREST := func() api.SendGroupMsgResponse {
			return s.post(t, http.MethodPost, strings.NewReader(body), nil).SendGroupMsgResponse
		}
		byRPC := func() api.SendGroupMsgResponse { return p.call(t, "send_group_msg", body).SendGroupMsgResponse }
		first, second := byRPC, byREST
		if restFirst {
			first, second = byREST, byRPC
		}
		one, two := first(), second()
		if one.ErrorCode != 0 || one.MsgSeq == 0 || one != two {
			t.Errorf("first %+v, at the other door %+v", one, two)
		}
		s.sent.Attempts += 2
		s.sent.Accepted++
		s.sent.Repeated++
	}
}

// unrecordedByRPC is answered as sent and leaves nothing.
func (s *stage) unrecordedByRPC(t *testing.T, p *phone) {
	t.Helper()
	random := s.next()
	s.rc.answer(int64(random), func(context.Context, *callback.BeforeSendMsg) callback.Verdict { return callback.Drop() })
	a := p.call(t, "send_group_msg", strings.ReplaceAll(with(), "$R", fmt.Sprint(random)))
	if a.ErrorCode != 0 || a.MsgSeq != 0 || a.EventId != "" || a.MsgDropReason != "" {
		t.Errorf("dropped by the app: %s", a.text)
	}
	s.sent.Attempts++
	s.sent.Dropped++
}
