package monitor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appid = 1400000001
	token = "secret"
)

// running is a started monitor and a client of its own.
type running struct {
	t    testing.TB
	m    *monitor.Monitor
	base string
	http *http.Client
}

func defaults(t testing.TB) monitor.Config {
	return monitor.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Apps: []monitor.App{{SdkAppid: appid, CallbackTokens: []string{token}}}}
}

func start(t testing.TB, cfg monitor.Config) *running {
	t.Helper()
	m, err := monitor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, m: m, base: "http://" + m.Addr(), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	t.Cleanup(r.stop)
	return r
}

func (r *running) stop() {
	r.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.m.Stop(ctx); err != nil {
		r.t.Error(err)
	}
}

// event is an exception to send.
type event struct {
	code        int
	group, from string
	random      int
	delivery    callback.Delivery
}

func (e event) body() string {
	body, err := callback.Encode(callback.SendMsgException{
		CallbackCommand: callback.CmdGroupSendMsgException, ErrorCode: e.code, ErrorInfo: "no", EventTime: 1670574414123,
		FromAccount: e.from, OperatorAccount: e.from, GroupID: e.group, Type: "Public", Random: int64(e.random),
		MsgBody: []callback.Element{callback.TextElement("hi")},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func query(command callback.Command) string {
	now := time.Now().Unix()
	return fmt.Sprintf("/callback?SdkAppid=%d&CallbackCommand=%s&Sign=%s&RequestTime=%d", appid, command, callback.Sign(token, now), now)
}

// send posts an exception and returns the status and text of the answer.
func (r *running) send(e event) (int, string) {
	r.t.Helper()
	return r.post(query(callback.CmdGroupSendMsgException), e.body(), e.delivery)
}

func (r *running) post(target, body string, d callback.Delivery) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.base+target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	d.SetHeaders(req.Header)
	return r.do(req)
}

func (r *running) get(target string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest("GET", r.base+target, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req)
}

func (r *running) do(req *http.Request) (int, string) {
	r.t.Helper()
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (r *running) mustSend(events ...event) {
	r.t.Helper()
	for _, e := range events {
		if status, body := r.send(e); status != 200 {
			r.t.Fatalf("%+v: answered %d %s", e, status, body)
		}
	}
}

type page struct {
	Exceptions []map[string]json.RawMessage
	Next       string
}

func (r *running) list(parameters string) page {
	r.t.Helper()
	status, body := r.get("/api/exceptions?" + parameters)
	var p page
	if err := json.Unmarshal([]byte(body), &p); status != 200 || err != nil {
		r.t.Fatalf("list %s: %d %s", parameters, status, body)
	}
	return p
}

func (r *running) summary() monitor.Summary {
	r.t.Helper()
	status, body := r.get("/api/summary")
	var s monitor.Summary
	if err := json.Unmarshal([]byte(body), &s); status != 200 || err != nil {
		r.t.Fatalf("summary: %d %s", status, body)
	}
	return s
}
