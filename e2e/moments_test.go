package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// The reasons that need more than one call, or a call that no client makes.

// endlessBody sends more than 1 MB without saying so beforehand.
func (s *stage) endlessBody(t *testing.T) {
	t.Helper()
	from := time.Now()
	endless := io.MultiReader(strings.NewReader(`{"GroupId":"`), strings.NewReader(strings.Repeat("x", 1<<20)))
	a := s.post(t, http.MethodPost, struct{ io.Reader }{endless}, nil)
	want := good(0)
	want.Code, want.Info = 60002, tooMuch
	unread(&want)
	s.note(t, "over 1 MB, chunked", a, want, from)
}

// brokenBody ends the body before the length it was announced with.
func (s *stage) brokenBody(t *testing.T) {
	t.Helper()
	plain, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	type half interface {
		net.Conn
		CloseWrite() error
	}
	conn := plain.(half)
	if s.trust != nil {
		conn = tls.Client(plain, &tls.Config{RootCAs: s.trust.pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	}
	from := time.Now()
	path := strings.TrimPrefix(s.target(t), s.url)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{\"GroupId\":\"lobby\"", path, s.address)
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	want := good(0)
	want.Code, want.Info = 60002, "HTTP parse Error: the body ends too early"
	unread(&want)
	s.note(t, "body ends too early", readAnswer(t, res), want, from)
}

// muteThatEnds mutes for a second and sends until a message passes.
func (s *stage) muteThatEnds(t *testing.T) {
	t.Helper()
	s.mute(t, "brief", 2) // ends are whole seconds: it lasts for one at least
	muted := time.Now()
	passed := false
	eventually(t, "the mute ends by itself", func() bool {
		from, random := time.Now(), s.next()
		a := s.post(t, http.MethodPost, strings.NewReader(strings.ReplaceAll(with("From_Account", `"brief"`), "$R", fmt.Sprint(random))), nil)
		if a.ErrorCode == api.CodeOK {
			s.sent.Attempts++
			s.sent.Accepted++
			passed = true
			return true
		}
		want := good(random)
		want.Code, want.Info, want.From = 10017, "sender is muted", "brief"
		s.note(t, "muted for two seconds", a, want, from)
		if a.header.Get("Retry-After") == "" {
			t.Error("a mute that will end names no Retry-After")
		}
		return t.Failed()
	})
	if refused := s.told[len(s.told)-1].name == "muted for two seconds"; passed && !refused {
		t.Errorf("the mute refused nobody; %v after it a message passed", time.Since(muted))
	}
}

// longMessage is refused as too long, and longer than what a record keeps.
func (s *stage) longMessage(t *testing.T) {
	t.Helper()
	from, random, long := time.Now(), s.next(), strings.Repeat("x", 40_000)
	a := s.post(t, http.MethodPost, strings.NewReader(strings.ReplaceAll(with("MsgBody", text(long)), "$R", fmt.Sprint(random))), nil)
	s.sent.Attempts++
	s.sent.Refused++
	if a.ErrorCode != api.CodeMessageTooLong || a.event() == "" {
		t.Fatalf("a message of 40 kB: %s", a.text)
	}
	r := refusal{name: "longer than a record", id: a.event(), from: from, to: time.Now(), count: 1, cut: true}
	s.told = append(s.told, r)
	e := s.rc.event(t, r.id)
	s.checkBody(t, r, e)
	m := e.Body.(*callback.SendMsgException)
	kept, err := callbackText(m)
	if err != nil || !strings.HasPrefix(long, kept) || len(kept) < 16_000 || len(kept) > 16<<10 {
		t.Errorf("kept %d bytes of the text, %v", len(kept), err)
	}
	if cut := len(long) - len(kept); e.Delivery.Truncated != cut {
		t.Errorf("Parley-Truncated is %d, cut were %d bytes", e.Delivery.Truncated, cut)
	}
}

// frequency sends two messages where one a second is allowed.
func (s *stage) frequency(t *testing.T, scope string, limit, none *api.AppChange) {
	t.Helper()
	s.set(t, limit)
	defer s.set(t, none)
	for range 20 { // two within one second, also on a slow machine
		from, random := time.Now(), s.next()
		a := s.post(t, http.MethodPost, strings.NewReader(strings.ReplaceAll(with("From_Account", `"hasty"`), "$R", fmt.Sprint(random))), nil)
		if a.ErrorCode == api.CodeOK {
			s.sent.Attempts++
			s.sent.Accepted++
			continue
		}
		want := good(random)
		want.Code, want.Info, want.From = 10023, "msg count exceeds limit,please retry later", "hasty"
		s.note(t, "too often for the "+scope, a, want, from)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("too often for the %s: Retry-After %q", scope, a.header.Get("Retry-After"))
		}
		return
	}
	t.Errorf("20 messages passed the limit of the %s", scope)
}

// frequencyDropped answers a message above the limit as sent; its exception
// tells all the same.
func (s *stage) frequencyDropped(t *testing.T) {
	t.Helper()
	s.set(t, &api.AppChange{GroupRate: ptr(1), OnFrequency: ptr("drop")})
	defer s.set(t, &api.AppChange{GroupRate: ptr(0), OnFrequency: ptr("refuse")})
	for range 20 {
		from, random := time.Now(), s.next()
		a := s.post(t, http.MethodPost, strings.NewReader(strings.ReplaceAll(with(), "$R", fmt.Sprint(random))), nil)
		s.sent.Attempts++
		if a.ErrorCode != api.CodeOK {
			t.Fatalf("answered %s", a.text)
		}
		if a.MsgDropReason == "" {
			s.sent.Accepted++
			continue
		}
		s.sent.Dropped++
		want := good(random)
		want.Code, want.Info = 10023, "msg count exceeds limit,please retry later"
		r := refusal{name: "dropped for its frequency", id: a.event(), want: want, from: from, to: time.Now(), count: 1}
		if a.MsgDropReason != api.DropFrequency || r.id == "" || a.MsgSeq != 0 {
			t.Fatalf("answered %s, event %q", a.text, r.id)
		}
		s.told = append(s.told, r)
		s.checkBody(t, r, s.rc.event(t, r.id))
		return
	}
	t.Error("20 messages passed the limit of the group")
}

// rateOfCalls makes many calls at once where one a second is allowed: what is
// refused alike shares a record that tells how many it stands for.
func (s *stage) rateOfCalls(t *testing.T) {
	t.Helper()
	s.set(t, &api.AppChange{APIRate: ptr(1)})
	defer s.set(t, &api.AppChange{APIRate: ptr(0)})
	from := time.Now()
	refused, accepted := s.burst(t, 12)
	s.sent.Attempts += 12
	s.sent.Accepted += accepted
	told := 0
	for id, n := range refused {
		s.sent.Refused += n
		told += n
		e := s.rc.event(t, id)
		m, ok := e.Body.(*callback.SendMsgException)
		if !ok {
			t.Fatalf("body %s", e.Raw)
		}
		want := good(uint32(m.Random)) // of the send that opened the record
		want.Code, want.Info = 60007, "api call count exceeds limit,please retry later"
		r := refusal{name: "too many calls", id: id, want: want, from: from, to: time.Now(), count: n}
		s.told = append(s.told, r)
		s.checkBody(t, r, e)
		if e.Delivery.Count != n {
			t.Errorf("Parley-Count is %d, %d senders were told of this event", e.Delivery.Count, n)
		}
	}
	if told < 6 || len(refused) > told/2 {
		t.Errorf("%d calls were refused in %d records", told, len(refused))
	}
}

// burst sends n messages of alice's at once and counts those refused with
// 60007 by event.
func (s *stage) burst(t *testing.T, n int) (refused map[string]int, accepted int) {
	t.Helper()
	refused = make(map[string]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		random := s.next()
		all.Go(func() {
			_, err := s.api.SendGroupMsg(t.Context(), say("lobby", "alice", random, "hello"))
			mu.Lock()
			defer mu.Unlock()
			switch code, ok := api.CodeOf(err); {
			case ok && code == api.CodeOK:
				accepted++
			case ok && code == api.CodeTooManyCalls && eventOf(err) != "":
				refused[eventOf(err)]++
			default:
				t.Errorf("a send in a burst: %v", err)
			}
		})
	}
	all.Wait()
	return refused, accepted
}

// droppedByTheApp is answered as sent and leaves nothing.
func (s *stage) droppedByTheApp(t *testing.T) {
	t.Helper()
	random := s.next()
	s.rc.answer(int64(random), func(context.Context, *callback.BeforeSendMsg) callback.Verdict { return callback.Drop() })
	a, err := s.api.SendGroupMsg(t.Context(), say("lobby", "alice", random, "vanish"))
	if err != nil || a.MsgSeq != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	s.sent.Attempts++
	s.sent.Dropped++
}

// acceptedAndRepeated sends a message twice.
func (s *stage) acceptedAndRepeated(t *testing.T) {
	t.Helper()
	m := say("lobby", "alice", s.next(), "said once")
	first, err := s.api.SendGroupMsg(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.api.SendGroupMsg(t.Context(), m)
	if err != nil || again.MsgSeq != first.MsgSeq || again.MsgTime != first.MsgTime {
		t.Fatalf("%+v, then %+v, %v", first, again, err)
	}
	s.sent.Attempts += 2
	s.sent.Accepted++
	s.sent.Repeated++
	if list := history(t, s.api, "lobby"); len(list) != s.sent.Accepted {
		t.Errorf("%d messages are stored, %d were accepted", len(list), s.sent.Accepted)
	}
}

func TestCallsAboveTheRateOfTheFlagShareRecords(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		s := newStage(t, e, nil, "--api-rate", "3")
		refused, accepted := s.burst(t, 40)
		told := 0
		for id, n := range refused {
			told += n
			if e := s.rc.event(t, id); e.Delivery.Count != n {
				t.Errorf("Parley-Count is %d, %d senders were told of this event", e.Delivery.Count, n)
			}
		}
		if accepted < 3 || told+accepted != 40 || len(refused) == 0 || len(refused) > told/2 {
			t.Errorf("%d accepted, %d refused in %d records", accepted, told, len(refused))
		}
		if got, want := s.ledger(t, appID), (ledger{Attempts: 40, Accepted: accepted, Refused: told}); got != want {
			t.Errorf("metrics say %+v, want %+v", got, want)
		}
		s.stop(t)
		if n := len(s.rc.all()); n != len(refused) {
			t.Errorf("%d callbacks for %d records", n, len(refused))
		}
	})
}
