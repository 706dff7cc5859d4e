// Package alert posts what an operator should know at once to a URL of theirs.
package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Kind is what an alert is about.
type Kind string

// The kinds.
const (
	EndpointFailing   Kind = "endpoint.failing"   // it took nothing for as long as is set
	EndpointRecovered Kind = "endpoint.recovered" // after an alert that it fails
	EndpointPaused    Kind = "endpoint.paused"    // by its own answer 410
	EndpointFull      Kind = "endpoint.full"      // so many events failed one by one that no new ones are sent
	DiskLow           Kind = "disk.low"
	DiskWell          Kind = "disk.well"
)

// Alert is the body of a post.
type Alert struct {
	Kind     Kind   `json:"Alert"`
	App      int64  `json:"SDKAppID,omitempty"`
	Endpoint string `json:",omitempty"`
	Host     string `json:",omitempty"` // of the endpoint's URL
	Since    int64  // unix milliseconds
	At       int64  // unix milliseconds
	Reason   string `json:",omitempty"` // of the last failure
	Backlog  uint64 `json:",omitempty"` // events that wait for their first attempt
	Waiting  int    `json:",omitempty"` // and for another one
}

const (
	maxWaiting = 1000
	tries      = 5
	timeout    = 5 * time.Second
)

// Poster posts alerts, one after the other. The zero value is not ready; see [New].
type Poster struct {
	url    string
	log    *slog.Logger
	client *http.Client
	queue  chan Alert
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// New makes a poster; an empty URL posts nothing. Close ends it.
func New(to string, log *slog.Logger) *Poster {
	p := &Poster{url: to, log: log, queue: make(chan Alert, maxWaiting), client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if to != "" {
		p.done.Go(p.run)
	}
	return p
}

// Raise posts an alert soon; it never blocks. When a thousand wait, it is only
// in the log.
func (p *Poster) Raise(a Alert) {
	if p.url == "" {
		return
	}
	select {
	case p.queue <- a:
	default:
		p.log.Error("an alert is not posted: too many wait", "alert", a.Kind, "app", a.App, "endpoint", a.Endpoint)
	}
}

// Close gives up what waits and ends within the time of one post.
func (p *Poster) Close() {
	p.cancel()
	p.done.Wait()
	p.client.CloseIdleConnections()
}

func (p *Poster) run() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case a := <-p.queue:
			p.deliver(a)
		}
	}
}

// deliver tries a few times, then gives up: the alert is in the log as well.
func (p *Poster) deliver(a Alert) {
	var err error
	for n := range tries {
		if err = p.post(a); err == nil || p.ctx.Err() != nil {
			return
		}
		select {
		case <-time.After(time.Second << n):
		case <-p.ctx.Done():
			return
		}
	}
	p.log.Error("an alert could not be posted", "alert", a.Kind, "app", a.App, "endpoint", a.Endpoint, "error", err)
}

func (p *Poster) post(a Alert) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Parley")
	res, err := p.client.Do(r)
	if err != nil {
		return fmt.Errorf("post: %s", cause(err))
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is the connection, which nothing ends
		return errors.New("the alert URL answered 101")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the alert URL answered %s", res.Status)
	}
	return nil
}

// cause leaves the URL out of an error: it may hold a secret.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
