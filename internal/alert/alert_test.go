package alert

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnAlertIsPostedUntilItIsTaken(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	var n atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if n.Add(1) == 1 {
			http.Redirect(w, r, "/elsewhere", http.StatusFound) // not followed
			return
		}
		got <- r.Method + " " + r.URL.Path + " " + string(body)
	}))
	defer receiver.Close()
	p := New(receiver.URL+"/alerts", slog.New(slog.DiscardHandler))
	defer p.Close()
	want := Alert{Kind: EndpointFailing, App: 1400000001, Endpoint: "primary", Host: "example.com", Since: 1, At: 2, Reason: "500", Backlog: 3, Waiting: 4}
	p.Raise(want)
	text := <-got
	body, ok := strings.CutPrefix(text, "POST /alerts ")
	var a Alert
	if err := json.Unmarshal([]byte(body), &a); !ok || err != nil || a != want {
		t.Errorf("%s: %v", text, err)
	}
	if !strings.Contains(body, `"Alert":"endpoint.failing","SDKAppID":1400000001`) {
		t.Error(body)
	}
}

// What cannot be posted is in the log, without the URL, which may hold a secret;
// raising never blocks, and Close waits for nobody.
func TestAnAlertThatNobodyTakesHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the caller goes
		hangs <- struct{}{}
		<-r.Context().Done()
	}))
	defer receiver.Close()
	var log bytes.Buffer
	p := New(receiver.URL+"/?key=secret", slog.New(slog.NewTextHandler(&log, nil)))
	for range maxWaiting + 10 {
		p.Raise(Alert{Kind: EndpointFailing})
	}
	<-hangs
	began := time.Now()
	p.Close()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Close took %s", took)
	}
	if text := log.String(); !strings.Contains(text, "too many wait") || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestWithoutAURLNothingIsPosted(t *testing.T) {
	t.Parallel()
	p := New("", slog.New(slog.DiscardHandler))
	p.Raise(Alert{})
	p.Close()
}
