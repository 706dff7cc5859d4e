package monitor_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/callback/callbacktest"
	"github.com/parley-im/parley/internal/monitor"
)

func TestMonitorPassesEverySampleOfTheReceiverCheck(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		for _, s := range callbacktest.Samples(callbacktest.Config{SdkAppid: appid, Token: token}) {
			for range max(1, s.Times) {
				got, err := s.Send(t.Context(), r.http, r.base+"/callback")
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Check(got); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestEventIsKeptOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		base := event{code: 10017, group: "g", from: "u", random: 1}
		with := func(change func(*event)) event { e := base; change(&e); return e }
		id := func(epoch, id string, attempt int) event {
			return with(func(e *event) { e.delivery = callback.Delivery{ID: id, Epoch: epoch, Attempt: attempt} })
		}
		for name, c := range map[string]struct {
			first, second event
			want          int
		}{
			"same event id":                       {id("e", "1", 1), id("e", "1", 2), 1},
			"another event id, same fields":       {id("e", "1", 1), id("e", "2", 1), 2},
			"same event id of another epoch":      {id("e", "1", 1), id("f", "1", 1), 2},
			"epoch and id are not joined":         {id("ab", "c", 1), id("a", "bc", 1), 2},
			"no event id, same fields":            {base, base, 1},
			"no event id, another group":          {base, with(func(e *event) { e.group = "h" }), 2},
			"no event id, another sender":         {base, with(func(e *event) { e.from = "v" }), 2},
			"no event id, another Random":         {base, with(func(e *event) { e.random = 2 }), 2},
			"no event id, another code":           {base, with(func(e *event) { e.code = 10023 }), 2},
			"no event id, group and sender shift": {with(func(e *event) { e.group = "gu"; e.from = "x" }), with(func(e *event) { e.group = "g"; e.from = "ux" }), 2},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var told []string
				cfg := e.config(t)
				cfg.OnException = func(e monitor.Stored) { told = append(told, e.EventID) }
				r := start(t, cfg)
				r.mustSend(c.first, c.second)
				if got := r.list(""); len(got.Exceptions) != c.want {
					t.Errorf("%d are kept, want %d", len(got.Exceptions), c.want)
				}
				if s := r.summary(); s.Records != int64(c.want) || s.Total != int64(c.want) {
					t.Errorf("summary counts %d and %d", s.Records, s.Total)
				}
				r.stop()
				if len(told) != c.want {
					t.Errorf("told %d times, want %d", len(told), c.want)
				}
			})
		}
	})
}

func TestSameEventOfTwoAppsIsKeptTwice(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		cfg.Apps = append(cfg.Apps, monitor.App{SdkAppid: 7})
		r := start(t, cfg)
		sent := event{code: 10017, group: "g", from: "u"}
		r.mustSend(sent)
		if status, _ := r.post("/callback?SdkAppid=7&CallbackCommand=Group.CallbackSendMsgException", sent.body(), callback.Delivery{}); status != 200 {
			t.Fatalf("answered %d", status)
		}
		if got := len(r.list("").Exceptions); got != 2 {
			t.Errorf("%d are kept", got)
		}
	})
}

func TestRestartKeepsWhatWasAcknowledged(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		sent := event{code: 10023, group: "g", from: "u", delivery: callback.Delivery{ID: "1", Epoch: "e", Sequence: 1<<64 - 1, Count: 41}}
		r := start(t, cfg)
		r.mustSend(sent)
		before := r.list("")
		r.stop()
		r = start(t, cfg)
		r.mustSend(sent)
		after := r.list("")
		if len(after.Exceptions) != 1 || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("before %v\nafter %v", before, after)
		}
		if got := string(after.Exceptions[0]["Sequence"]); got != "18446744073709551615" {
			t.Errorf("Sequence %s", got)
		}
		if s := r.summary(); s.Total != 41 || s.Records != 1 {
			t.Errorf("totals %d of %d", s.Total, s.Records)
		}
	})
}

func TestManyAtOnceAreAllKept(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for i := range 25 {
					r.mustSend(event{code: 10023, group: "g", from: fmt.Sprint("u", worker), random: i})
				}
			})
		}
		wg.Wait()
		if got := len(r.list("limit=1000").Exceptions); got != 400 {
			t.Errorf("%d are kept, want 400", got)
		}
	})
}

func TestStoreThatTakesNoWritesAnswers503(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		r := start(t, cfg)
		other, err := e.beside(t, cfg).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, other, e.block...)
		refused := event{code: 10017, group: "g", from: "u"}
		if status, body := r.send(refused); status != 503 || body != `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"event could not be stored"}` {
			t.Errorf("answered %d %s", status, body)
		}
		if status, _ := r.get("/readyz"); status != 503 {
			t.Errorf("readyz answered %d", status)
		}
		if status, _ := r.get("/healthz"); status != 200 {
			t.Errorf("healthz answered %d", status)
		}
		if s := r.summary(); s.Writable || len(s.Refused) != 1 || s.Refused[0].Reason != callback.ReasonStore {
			t.Errorf("summary %+v", s)
		}
		if status, _ := r.post(query(callback.CmdGroupBeforeSendMsg), `{}`, callback.Delivery{}); status != 200 {
			t.Errorf("a question was answered %d", status)
		}
		exec(t, other, "ROLLBACK")
		r.mustSend(refused)
		if status, _ := r.get("/readyz"); status != 200 {
			t.Errorf("readyz answered %d after the repair", status)
		}
		if got := len(r.list("").Exceptions); got != 1 {
			t.Errorf("%d are kept", got)
		}
	})
}

func TestPoisonRecordCostsOnlyItself(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		r := start(t, cfg)
		exec(t, e.beside(t, cfg), e.poison...)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				sent, want := event{code: 10017, group: "good", from: "u", random: i}, 200
				if i%8 == 0 {
					sent.group, want = "poison", 503
				}
				if status, _ := r.send(sent); status != want {
					t.Errorf("%s was answered %d", sent.group, status)
				}
			})
		}
		wg.Wait()
		if got := len(r.list("").Exceptions); got != 56 {
			t.Errorf("%d are kept, want 56", got)
		}
	})
}

func TestRefusedCallbacksAreCountedByReason(t *testing.T) {
	t.Parallel()
	r := start(t, defaults(t))
	for range 41 {
		r.post(strings.Replace(query(callback.CmdGroupSendMsgException), "Sign=", "Sign=0", 1), `{}`, callback.Delivery{})
	}
	r.get(query(callback.CmdGroupSendMsgException))
	r.post(query("Group.CallbackInventedByACaller"), `{}`, callback.Delivery{})
	s := r.summary()
	if len(s.Refused) != 2 || s.Refused[0].Text != "wrong method" || s.Refused[0].Count != 1 ||
		s.Refused[1].Text != "wrong Sign" || s.Refused[1].Count != 41 {
		t.Errorf("summary %+v", s.Refused)
	}
	_, metrics := r.get("/metrics")
	for _, want := range []string{`parley_monitor_callbacks_refused_total{reason="sign_wrong"} 41`,
		`parley_monitor_callbacks_received_total{command="other"} 1`, "parley_monitor_store_commit_seconds_count 1"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(metrics, "Invented") {
		t.Error("a caller invented a label")
	}
}

func TestStopWaitsForCallbacksUnderWay(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		release, entered := make(chan struct{}), make(chan struct{})
		var r *running
		cfg.OnException = func(monitor.Stored) {
			close(entered)
			<-release
			if r.m.Addr() == "" { // must not wait for Stop, which waits for us
				t.Error("no address while callbacks are under way")
			}
		}
		r = start(t, cfg)
		answered := make(chan int, 1)
		go func() {
			req, _ := http.NewRequestWithContext(context.Background(), "POST", r.base+query(callback.CmdGroupSendMsgException), strings.NewReader(`{"GroupId":"g"}`))
			resp, err := r.http.Do(req)
			if err != nil {
				answered <- 0
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
		<-entered
		stopped := make(chan struct{})
		go func() { r.stop(); close(stopped) }()
		close(release)
		<-stopped
		if status := <-answered; status != 200 {
			t.Errorf("answered %d", status)
		}
	})
}
