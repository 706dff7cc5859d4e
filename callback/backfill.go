package callback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	pageEvents = 200              // events of one page
	maxWait    = 60               // seconds that a page may wait for its first event
	maxPage    = 64 << 20         // bytes of one answer
	pageTime   = 30 * time.Second // for one answer, beside what it waits
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	maxAsked   = time.Hour // the longest Retry-After that is obeyed
)

// Backfill reads an app's journal from a Parley server: the events that were or
// are to be called back, for as long as the server keeps them. Its fields are
// not to be changed after the first use. It may be used by several goroutines.
type Backfill struct {
	BaseURL  string // public address of the server, for example https://chat.example.com
	App      int64  // the SdkAppid that the token is of
	Token    string // read-only token of the app
	Endpoint string // only what this endpoint is to get, for example "primary"; empty is everything
	// HTTP makes the connections; nil is http.DefaultClient. A time-out of its
	// own must be longer than a minute.
	HTTP *http.Client
	// OnRetry is told of each fault that is tried again, and when. May be nil.
	OnRetry func(err error, pause time.Duration)
}

// EpochMoved tells that the journal goes on in another epoch: the server was
// restored from a backup, for example. Sequences from First on are new; those
// below are of the old journal, as far as it was not lost.
type EpochMoved struct {
	Old, New string
	First    uint64
}

func (e *EpochMoved) Error() string {
	return fmt.Sprintf("the journal goes on in epoch %s with sequence %d", e.New, e.First)
}

// Expired tells that events are kept no more: they are lost for good. Some of
// the range may never have been of this endpoint.
type Expired struct {
	Epoch       string
	First, Last uint64
}

func (e *Expired) Error() string {
	return fmt.Sprintf("events %d to %d of epoch %s are kept no more", e.First, e.Last, e.Epoch)
}

// BackfillRefused is an answer that trying again will not change.
type BackfillRefused struct {
	Status int // HTTP status: 401 for a wrong token
	Code   int // ErrorCode, 0 if there is none
	Info   string
}

func (e *BackfillRefused) Error() string {
	if e.Info == "" {
		return fmt.Sprintf("the server answers %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("the server answers %d: %s", e.Status, e.Info)
}

// journalPage is one answer of GET /v1/events.
type journalPage struct {
	Epoch         string
	FirstSequence uint64
	Expired       uint64
	Next          uint64
	More          bool
	Events        []journalEvent
}

type journalEvent struct {
	Sequence    uint64
	EventId     string
	Command     Command
	ClientIP    string
	OptPlatform Platform
	Count       int
	Truncated   int
	Body        json.RawMessage
}

// Events yields the events of the journal after a sequence, in order, waits for
// new ones, and ends only with ctx, which it yields the error of, or with a
// *[BackfillRefused]. Events look as if they had been called back, as far as
// the journal knows: Previous and Settled are 0.
//
// Two errors come between events, and it goes on after them: *[Expired] and
// *[EpochMoved]. After the latter it goes on with what is not older than the
// event before it, or with First.
//
// A server that is away, busy or broken is asked again, at most half a minute
// later or when its Retry-After says.
func (b *Backfill) Events(ctx context.Context, after uint64) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		epoch := ""
		for {
			began := time.Now()
			page, err := b.page(ctx, after, pageEvents, maxWait, epoch)
			var moved *EpochMoved
			switch {
			case errors.As(err, &moved):
				epoch, after = moved.New, min(after, max(moved.First, 1)-1)
				if !yield(nil, moved) {
					return
				}
				continue
			case err != nil:
				yield(nil, err)
				return
			}
			epoch = page.Epoch
			if last := page.lost(after); last > 0 {
				if !yield(nil, &Expired{epoch, after + 1, last}) {
					return
				}
			}
			for _, e := range page.Events {
				if !yield(b.event(page.Epoch, e), nil) {
					return
				}
			}
			if page.Next == after && time.Since(began) < firstPause { // it was to wait
				if err := sleep(ctx, firstPause); err != nil {
					yield(nil, err)
					return
				}
			}
			after = page.Next
		}
	}
}

// lost returns up to where nothing after a sequence is kept; 0 if all is.
func (p *journalPage) lost(after uint64) uint64 {
	if p.Expired == 0 || p.FirstSequence <= after+1 {
		return 0
	}
	return p.FirstSequence - 1
}

// event makes a callback of an event.
func (b *Backfill) event(epoch string, e journalEvent) *Event {
	ev := &Event{
		Command: e.Command, SdkAppid: b.App, ClientIP: e.ClientIP, OptPlatform: e.OptPlatform,
		Delivery: Delivery{Present: true, ID: e.EventId, Sequence: e.Sequence, Epoch: epoch, Attempt: 1,
			Count: max(1, e.Count), Truncated: max(0, e.Truncated)},
		ReceivedAt: time.Now(), Backfilled: true, Raw: e.Body,
	}
	if len(ev.Raw) == 0 {
		ev.Raw = []byte("{}")
	}
	ev.Body, ev.BodyErr = Decode(ev.Command, ev.Raw)
	return ev
}

// page reads one page, again and again until there is an answer.
func (b *Backfill) page(ctx context.Context, after uint64, limit, wait int, epoch string) (*journalPage, error) {
	pause := firstPause
	for {
		page, asked, err := b.ask(ctx, after, limit, wait, epoch)
		if err == nil {
			return page, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if asked < 0 {
			return nil, err
		}
		// Spread, so that many receivers do not come back at once.
		wait := max(asked, pause/2+rand.N(pause/2))
		if b.OnRetry != nil {
			b.OnRetry(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		pause = min(2*pause, maxPause)
	}
}

// ask makes one request. With an error, asked is how long the server wants to
// be left alone, and below 0 if it need not be asked again.
func (b *Backfill) ask(ctx context.Context, after uint64, limit, wait int, epoch string) (_ *journalPage, asked time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(wait)*time.Second+pageTime)
	defer cancel()
	query := fmt.Sprintf("after=%d&limit=%d&wait=%d", after, limit, wait)
	if epoch != "" {
		query += "&epoch=" + url.QueryEscape(epoch)
	}
	if b.Endpoint != "" {
		query += "&endpoint=" + url.QueryEscape(b.Endpoint)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.BaseURL, "/")+"/v1/events?"+query, nil)
	if err != nil {
		return nil, -1, fmt.Errorf("read events: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+b.Token)
	client := b.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, 0, fmt.Errorf("read events: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read events: %w", err)
	case len(text) > maxPage:
		return nil, 0, errors.New("read events: the answer is larger than 64 MB")
	case answer.StatusCode == http.StatusConflict:
		return b.moved(text, epoch)
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return nil, min(retryAfter(answer.Header, time.Now()), maxAsked), fmt.Errorf("read events: HTTP status %s", answer.Status)
	case answer.StatusCode != http.StatusOK:
		refused := &BackfillRefused{Status: answer.StatusCode}
		var body struct {
			ErrorCode int
			ErrorInfo string
		}
		if json.Unmarshal(text, &body) == nil {
			refused.Code, refused.Info = body.ErrorCode, body.ErrorInfo
		}
		return nil, -1, refused
	}
	page := new(journalPage)
	if err := json.Unmarshal(text, page); err != nil {
		return nil, 0, fmt.Errorf("read events: decode: %w", err)
	}
	if err := page.check(after); err != nil {
		return nil, 0, fmt.Errorf("read events: %w", err)
	}
	return page, 0, nil
}

func (b *Backfill) moved(text []byte, epoch string) (*journalPage, time.Duration, error) {
	var body struct {
		Epoch         string
		FirstSequence uint64
	}
	if err := json.Unmarshal(text, &body); err != nil || body.Epoch == "" || body.Epoch == epoch {
		return nil, 0, errors.New("read events: the server tells of another epoch but does not name it")
	}
	return nil, -1, &EpochMoved{Old: epoch, New: body.Epoch, First: body.FirstSequence}
}

// check makes sure of what a program relies on: a page moves on, in order.
func (p *journalPage) check(after uint64) error {
	last := after
	for _, e := range p.Events {
		if e.Sequence <= last || e.Sequence > p.Next {
			return fmt.Errorf("event %d is out of order", e.Sequence)
		}
		last = e.Sequence
	}
	switch {
	case p.Epoch == "":
		return errors.New("the page names no epoch")
	case p.Next < after || p.More && p.Next == after || p.Next > maxSequence:
		return fmt.Errorf("the page after %d ends at %d", after, p.Next)
	}
	return nil
}

// retryAfter reads the header in either of its forms (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// sleep returns early with the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
