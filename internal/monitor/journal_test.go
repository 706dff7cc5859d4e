package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
)

const readToken = "read-only"

// sender is a Parley server as far as a monitor sees it: a journal to read, and
// events to call back.
type sender struct {
	*httptest.Server

	mu     sync.Mutex
	epoch  string
	first  uint64 // of the epoch
	kept   uint64 // the oldest that is kept
	events []api.Event
	asked  []string
	status int // answered instead of a page, if not 0
}

func newSender(t testing.TB) *sender {
	s := &sender{epoch: "e1", first: 1, kept: 1}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// make adds events to the journal and returns them as they are called back.
func (s *sender) make(n int) (list []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		previous, sequence := uint64(0), s.first
		if len(s.events) > 0 {
			previous = s.events[len(s.events)-1].Sequence
			sequence = max(s.first, previous+1)
		}
		e := event{code: 10017, group: "g", from: "u", random: int(sequence), delivery: callback.Delivery{
			ID: "evt_" + strconv.FormatUint(sequence, 10), Epoch: s.epoch, Sequence: sequence, Previous: previous}}
		list = append(list, e)
		s.events = append(s.events, api.Event{Sequence: sequence, EventId: e.delivery.ID, Command: string(callback.CmdGroupSendMsgException),
			ErrorCode: e.code, Count: 1, Body: json.RawMessage(e.body())})
	}
	return list
}

func (s *sender) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *sender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RawQuery)
	query := r.URL.Query()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch {
	case s.status != 0:
		answer(s.status, map[string]any{"ErrorCode": 1, "ErrorInfo": "not now"})
		return
	case r.URL.Path != "/v1/events" || r.Header.Get("Authorization") != "Bearer "+readToken || query.Get("endpoint") != "primary":
		answer(401, map[string]any{"ErrorCode": 70003, "ErrorInfo": "no such token"})
		return
	case query.Has("epoch") && query.Get("epoch") != s.epoch:
		answer(409, api.EpochMoved{ErrorCode: 1, ErrorInfo: "moved", Epoch: s.epoch, FirstSequence: s.first})
		return
	}
	after, _ := strconv.ParseUint(query.Get("after"), 10, 64)
	limit, _ := strconv.Atoi(query.Get("limit"))
	p := api.EventsPage{Epoch: s.epoch, FirstSequence: s.kept, Next: after, Events: []api.Event{}}
	if after+1 < s.kept {
		p.Expired = s.kept - 1 - after
	}
	for _, e := range s.events {
		switch p.Head = e.Sequence; {
		case e.Sequence <= after || e.Sequence < s.kept:
		case len(p.Events) == limit:
			p.More = true
		default:
			p.Events, p.Next = append(p.Events, e), e.Sequence
		}
	}
	if !p.More {
		p.Next = max(after, p.Head)
	}
	wait, _ := strconv.Atoi(query.Get("wait"))
	if len(p.Events) == 0 && wait > 0 { // the tests make what they wait for known in other ways
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return
	}
	answer(200, p)
}

// journals is a monitor with a sender's journal to read; came gets the event id
// of all that is newly stored.
func journals(t testing.TB, e engine, s *sender) (cfg monitor.Config, came chan string) {
	cfg = e.config(t)
	came = make(chan string, 1000)
	cfg.OnException = func(e monitor.Stored) { came <- e.EventID }
	cfg.Apps[0].Server = monitor.Server{URL: s.URL, Token: readToken, Endpoint: "primary"}
	return cfg, came
}

// await returns the next n event ids, sorted as numbers.
func await(t testing.TB, came chan string, n int) (ids []string) {
	t.Helper()
	for range n {
		select {
		case id := <-came:
			ids = append(ids, id)
		case <-time.After(30 * time.Second):
			t.Fatalf("only %v came", ids)
		}
	}
	slices.Sort(ids)
	return ids
}

func (r *running) journal() monitor.Journal {
	r.t.Helper()
	s := r.summary()
	if len(s.Journals) != 1 {
		r.t.Fatalf("journals %+v", s.Journals)
	}
	return s.Journals[0]
}

// until asks for the journal until it is as wanted.
func (r *running) until(wanted func(monitor.Journal) bool) {
	r.t.Helper()
	for began := time.Now(); !wanted(r.journal()); {
		if time.Since(began) > 30*time.Second {
			r.t.Fatalf("it stays %+v", r.journal())
		}
	}
}

// beat sends a heartbeat.
func (r *running) beat(epoch string, head, last, settled uint64) {
	r.t.Helper()
	body := fmt.Sprintf(`{"CallbackCommand":"Parley.CallbackHeartbeat","EventTime":1,"HeadSequence":%d,"Interval":60,"LastSequence":%d}`, head, last)
	req, err := http.NewRequest("POST", r.base+query(callback.CmdParleyHeartbeat), strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("webhook-id", "hb")
	req.Header.Set("Parley-Epoch", epoch)
	req.Header.Set("Parley-Settled", strconv.FormatUint(settled, 10))
	if status, answer := r.do(req); status != 200 {
		r.t.Fatalf("heartbeat: %d %s", status, answer)
	}
}

func settled(e event, n uint64) event {
	e.delivery.Settled = n
	return e
}

func (r *running) metric(name string) string {
	r.t.Helper()
	_, text := r.get("/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `(?:\{app="1400000001"\})? (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestWhatWasNotCalledBackIsFetched(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSender(t)
		s.make(3)
		cfg, came := journals(t, e, s)
		r := start(t, cfg)
		want := []string{"evt_1", "evt_2", "evt_3"}
		if diff := cmp.Diff(want, await(t, came, 3)); diff != "" {
			t.Fatalf("at the start: %s", diff)
		}
		more := s.make(4) // 4 to 7: the second and third are lost
		r.mustSend(more[0], settled(more[3], 7))
		if diff := cmp.Diff([]string{"evt_4", "evt_5", "evt_6", "evt_7"}, await(t, came, 4)); diff != "" {
			t.Fatalf("in a gap: %s", diff)
		}
		s.make(2) // all of it is lost, and a heartbeat tells
		r.beat("e1", 9, 9, 9)
		if diff := cmp.Diff([]string{"evt_8", "evt_9"}, await(t, came, 2)); diff != "" {
			t.Fatalf("after a heartbeat: %s", diff)
		}
		r.mustSend(settled(more[1], 7), more[0]) // late, and again
		r.stop()

		r = start(t, cfg)
		got := r.list("")
		var ids []string
		fetched := 0
		for _, e := range got.Exceptions {
			ids = append(ids, string(e["EventId"]))
			if string(e["Backfilled"]) == "true" {
				fetched++
			}
		}
		slices.Sort(ids)
		if len(ids) != 9 || len(slices.Compact(ids)) != 9 || fetched != 7 {
			t.Errorf("%d are listed, %d fetched: %v", len(ids), fetched, ids)
		}
		j := r.journal()
		if j.Complete != 9 || j.LastSequence != 9 || j.Missing != 0 || j.Backfilled != 7 || j.Epoch != "e1" || j.Lost != 0 || j.Heartbeat == nil || j.Heartbeat.HeadSequence != 9 {
			t.Errorf("after the restart: %+v", j)
		}
		if got := r.metric("parley_monitor_missing") + " " + r.metric("parley_monitor_backfilled_total"); got != "0 7" {
			t.Errorf("metrics: %s", got)
		}
		if age := r.metric("parley_monitor_heartbeat_age_seconds"); age == "" {
			t.Error("no age of the heartbeat")
		}
	})
}

// It goes on behind what it has: nothing is fetched twice.
func TestFetchingGoesOnWhereItWas(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSender(t)
		s.make(250)
		cfg, came := journals(t, e, s)
		r := start(t, cfg)
		await(t, came, 250)
		r.until(func(j monitor.Journal) bool { return j.Complete >= 250 })
		r.stop()
		s.set(func() { s.asked = nil })
		s.make(5)
		r = start(t, cfg)
		await(t, came, 5)
		r.stop()
		s.set(func() {
			if len(s.asked) == 0 || !strings.HasPrefix(s.asked[0], "after=250&") || !strings.Contains(s.asked[0], "epoch=e1") {
				t.Errorf("asked %v", s.asked)
			}
		})
	})
}

func TestWhatTheServerKeepsNoMoreIsToldToBeLost(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSender(t)
		s.make(2)
		cfg, came := journals(t, e, s)
		r := start(t, cfg)
		await(t, came, 2)
		s.make(5)
		s.set(func() { s.kept = 6 })
		r.beat("e1", 7, 7, 7)
		if diff := cmp.Diff([]string{"evt_6", "evt_7"}, await(t, came, 2)); diff != "" {
			t.Error(diff)
		}
		want := []callback.Expired{{Epoch: "e1", First: 3, Last: 5}}
		for range 2 {
			if j := r.journal(); j.Lost != 3 || j.Missing != 0 || !slices.Equal(j.Expired, want) {
				t.Errorf("%+v", j)
			}
			if got := r.metric("parley_monitor_lost_total"); got != "3" {
				t.Errorf("metric %s", got)
			}
			r.stop()
			r = start(t, cfg)
		}
	})
}

// A restored server goes on in a new epoch. What is in both journals is not
// stored again, what is new is.
func TestNewEpochIsFollowed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSender(t)
		s.make(6)
		cfg, came := journals(t, e, s)
		var log bytes.Buffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r := start(t, cfg)
		await(t, came, 6)
		r.until(func(j monitor.Journal) bool { return j.Complete >= 6 })
		s.set(func() { s.events, s.epoch, s.first = s.events[:4], "e2", 1000005 })
		fresh := s.make(3)
		r.mustSend(settled(fresh[2], 1000007)) // the first two are lost
		if diff := cmp.Diff([]string{"evt_1000005", "evt_1000006", "evt_1000007"}, await(t, came, 3)); diff != "" {
			t.Error(diff)
		}
		r.until(func(j monitor.Journal) bool { return j.Complete >= 1000007 })
		if j := r.journal(); j.Epoch != "e2" || j.Missing != 0 || j.Lost != 0 {
			t.Errorf("%+v", j)
		}
		if n := len(r.list("").Exceptions); n != 9 {
			t.Errorf("%d are stored", n)
		}
		r.stop()
		if !strings.Contains(log.String(), "journal.moved") {
			t.Error("the log does not tell")
		}
	})
}

// Without a server the monitor tells what is missing and cannot fetch it.
func TestMissingIsToldWithoutAServer(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSender(t)
		list := s.make(20)
		cfg := e.config(t)
		r := start(t, cfg)
		if s := r.summary(); len(s.Journals) != 0 {
			t.Errorf("before anything arrived: %+v", s.Journals)
		}
		r.mustSend(list[10], settled(list[14], 12))
		if j := r.journal(); j.Missing != 0 || j.LastSequence != 15 || j.Complete != 11 {
			t.Errorf("on their way: %+v", j)
		}
		r.mustSend(settled(list[15], 16))
		want := []callback.Gap{{First: 12, Last: 14, Certain: true}}
		for range 2 { // also after a restart
			if j := r.journal(); j.Missing != 3 || !slices.Equal(j.Gaps, want) || j.Server != "" {
				t.Errorf("settled: %+v", j)
			}
			if got := r.metric("parley_monitor_missing"); got != "3" {
				t.Errorf("metric %s", got)
			}
			r.stop()
			r = start(t, cfg)
		}
		r.mustSend(list[12], list[11], list[13]) // they are replayed
		if j := r.journal(); j.Missing != 0 || j.Complete != 16 {
			t.Errorf("replayed: %+v", j)
		}
		if n := len(r.list("").Exceptions); n != 6 {
			t.Errorf("%d are stored", n)
		}
	})
}

func TestSamplesAndHeartbeatsAreNotStored(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		r.mustSend(event{code: 10017, group: "g", delivery: callback.Delivery{ID: "test_1", Epoch: "e", Sequence: 7, Test: true}},
			event{code: 10017, group: "g", delivery: callback.Delivery{ID: "test_2", Test: true}})
		r.beat("e", 7, 0, 0)
		if n := len(r.list("").Exceptions); n != 0 {
			t.Errorf("%d are stored", n)
		}
		if j := r.journal(); j.Tests != 2 || j.LastSequence != 0 || r.metric("parley_monitor_tests_total") != "2" {
			t.Errorf("%+v", j)
		}
		r.mustSend(event{code: 10017, group: "g", delivery: callback.Delivery{ID: "evt_7", Epoch: "e", Sequence: 7, Replay: true}})
		if n := len(r.list("").Exceptions); n != 1 {
			t.Errorf("a replay of what was never seen: %d are stored", n)
		}
	})
}

func TestHeartbeatThatStaysAwayIsLate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	forward := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	cfg := defaults(t)
	cfg.Apps[0].CallbackTokens = nil
	cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	r := start(t, cfg)
	r.beat("e", 7, 7, 7)
	for _, step := range []struct {
		by   time.Duration
		late bool
	}{{time.Minute, false}, {time.Minute, false}, {time.Minute, true}, {24 * time.Hour, true}, {7 * 24 * time.Hour, false}} {
		forward(step.by)
		if j := r.journal(); j.Heartbeat.Late != step.late {
			t.Errorf("%v later: %+v", step.by, j.Heartbeat)
		}
	}
	r.stop()
	r = start(t, cfg) // it was not there to hear one
	if j := r.journal(); j.Heartbeat == nil || j.Heartbeat.Late {
		t.Errorf("just started: %+v", j.Heartbeat)
	}
	r.beat("e", 7, 7, 7)
	forward(time.Hour)
	if j := r.journal(); !j.Heartbeat.Late {
		t.Errorf("an hour later: %+v", j.Heartbeat)
	}
	status, _ := r.post(unsigned(appid, callback.CmdGroupSendMsgException), "{}", callback.Delivery{ID: "evt_8", Epoch: "e", Sequence: 8, Previous: 7})
	if j := r.journal(); status != 200 || j.Heartbeat.Late {
		t.Errorf("an event came: %+v", j.Heartbeat)
	}
}

// Callbacks do not need the server, and its fault is told until it answers.
func TestServerThatFailsIsTold(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	s.status = 503
	list := s.make(2)
	cfg, came := journals(t, engines[0], s)
	r := start(t, cfg)
	r.mustSend(list[1])
	await(t, came, 1)
	r.until(func(j monitor.Journal) bool { return j.Fault != "" })
	if j := r.journal(); !strings.Contains(j.Fault, "503") || strings.Contains(j.Fault, readToken) || j.AnsweredAt != 0 {
		t.Errorf("%+v", j)
	}
	s.set(func() { s.status = 0 })
	if diff := cmp.Diff([]string{"evt_1"}, await(t, came, 1)); diff != "" {
		t.Error(diff)
	}
	if j := r.journal(); j.Fault != "" || j.AnsweredAt == 0 {
		t.Errorf("%+v", j)
	}
}

// A stop does not wait for a server that keeps a request.
func TestStopEndsARequestToTheServer(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	cfg := defaults(t)
	cfg.Apps[0].Server = monitor.Server{URL: server.URL, Token: "t"}
	r := start(t, cfg)
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.m.Stop(ctx); err != nil || ctx.Err() != nil {
		t.Errorf("stop: %v", errors.Join(err, ctx.Err()))
	}
}

func TestWebhookKeysAreDemanded(t *testing.T) {
	t.Parallel()
	public, err := callback.ParseWebhookKey("whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	if err != nil {
		t.Fatal(err)
	}
	private, err := callback.ParseWebhookKey("whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults(t)
	cfg.Apps[0].WebhookKeys = []callback.WebhookKey{public}
	r := start(t, cfg)
	e := event{code: 10017, group: "g", delivery: callback.Delivery{ID: "evt_1", Epoch: "e", Sequence: 1, Timestamp: time.Now().Unix()}}
	if status, answer := r.send(e); status != 401 || !strings.Contains(answer, "missing webhook-signature") {
		t.Errorf("without one: %d %s", status, answer)
	}
	req, err := http.NewRequest("POST", r.base+query(callback.CmdGroupSendMsgException), strings.NewReader(e.body()))
	if err != nil {
		t.Fatal(err)
	}
	e.delivery.SetHeaders(req.Header)
	req.Header.Set(callback.HeaderSignature, callback.SignWebhook("evt_1", e.delivery.Timestamp, []byte(e.body()), private))
	if status, answer := r.do(req); status != 200 {
		t.Errorf("with one: %d %s", status, answer)
	}
	s := r.summary()
	if len(s.Refused) != 1 || s.Refused[0].Reason != callback.ReasonSignatureMissing || len(s.Unsigned) != 0 {
		t.Errorf("summary %+v", s)
	}
}
