package callback_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

const (
	readToken = "read-only"
	endpoint  = "primary"
)

// journal is a server's GET /v1/events over a slice, in the form of package api,
// and what it would call back.
type journal struct {
	mu      sync.Mutex
	grown   chan struct{} // closed when something changes
	epoch   string
	first   uint64 // of the epoch
	head    uint64
	kept    uint64 // the oldest sequence that is kept
	events  []entry
	limit   int // events of a page, whatever is asked; 0 is as asked
	asked   []string
	answers []http.HandlerFunc // given first, instead
}

type entry struct {
	api.Event
	mine     bool // is for the endpoint
	previous uint64
	epoch    string // in which it was made
}

func newJournal() *journal {
	return &journal{epoch: "epoch-1", first: 1, kept: 1, grown: make(chan struct{})}
}

// add makes an event and returns how it is called back.
func (j *journal) add(mine bool) callback.Delivery {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.head++
	body := fmt.Sprintf(`{"CallbackCommand":"Group.CallbackSendMsgException","ErrorCode":10017,"GroupId":"g","Random":%d}`, j.head%1000)
	e := entry{mine: mine, previous: j.last(), epoch: j.epoch, Event: api.Event{Sequence: j.head, EventId: fmt.Sprintf("evt_%s_%d", j.epoch, j.head),
		Command: string(callback.CmdGroupSendMsgException), ErrorCode: 10017, GroupId: "g", Count: 1, Body: json.RawMessage(body)}}
	j.events = append(j.events, e)
	j.change()
	return j.delivery(e, 0)
}

// last is the newest sequence that is for the endpoint; j.mu is held.
func (j *journal) last() uint64 {
	for i := len(j.events) - 1; i >= 0; i-- {
		if j.events[i].mine {
			return j.events[i].Sequence
		}
	}
	return 0
}

func (j *journal) change() {
	close(j.grown)
	j.grown = make(chan struct{})
}

func (j *journal) delivery(e entry, settled uint64) callback.Delivery {
	return callback.Delivery{Present: true, ID: e.EventId, Sequence: e.Sequence, Epoch: j.epoch, Previous: e.previous, Settled: settled, Attempt: 1, Count: 1}
}

// restore begins a new epoch with the events up to a sequence, as a backup does
// that was made then.
func (j *journal) restore(upTo, skip uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.events) > 0 && j.events[len(j.events)-1].Sequence > upTo {
		j.events = j.events[:len(j.events)-1]
	}
	j.head = min(j.head, upTo) + skip
	j.first = j.head + 1
	n, _ := strconv.Atoi(j.epoch[len("epoch-"):])
	j.epoch = fmt.Sprintf("epoch-%d", n+1)
	j.change()
}

// expire keeps nothing below a sequence.
func (j *journal) expire(below uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = max(j.kept, min(below, j.head+1))
	for len(j.events) > 0 && j.events[0].Sequence < j.kept {
		j.events = j.events[1:]
	}
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j.mu.Lock()
	j.asked = append(j.asked, r.URL.RawQuery)
	if len(j.answers) > 0 {
		first := j.answers[0]
		j.answers = j.answers[1:]
		j.mu.Unlock()
		first(w, r)
		return
	}
	defer j.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	fault := func(status int, info string) {
		answer(status, map[string]any{"ErrorCode": 10004, "ErrorInfo": info})
	}
	query := r.URL.Query()
	number := func(name string) (n uint64) {
		n, err := strconv.ParseUint(query.Get(name), 10, 63)
		if err != nil {
			fault(400, name+" is no number")
			panic(http.ErrAbortHandler)
		}
		return n
	}
	for name := range query {
		switch name {
		case "after", "limit", "wait", "epoch", "endpoint":
		default:
			fault(400, "unknown parameter "+name)
			return
		}
	}
	switch {
	case r.URL.Path != "/v1/events" || r.Method != http.MethodGet:
		fault(404, "no such address")
		return
	case r.Header.Get("Authorization") != "Bearer "+readToken:
		fault(401, "wrong token")
		return
	case query.Has("epoch") && query.Get("epoch") != j.epoch:
		answer(409, api.EpochMoved{ErrorCode: 10004, ErrorInfo: "the epoch is another", Epoch: j.epoch, FirstSequence: j.first})
		return
	case query.Get("endpoint") != "" && query.Get("endpoint") != endpoint:
		fault(400, "no such endpoint")
		return
	}
	after, limit, wait := number("after"), number("limit"), number("wait")
	if limit < 1 || limit > api.MaxEventsLimit || wait > api.MaxEventsWait {
		fault(400, "limit or wait")
		return
	}
	if j.limit > 0 {
		limit = min(limit, uint64(j.limit))
	}
	deadline := time.NewTimer(time.Duration(wait) * time.Second)
	defer deadline.Stop()
	epoch := j.epoch
	for {
		page := j.page(after, int(limit), query.Has("endpoint"))
		if len(page.Events) > 0 || wait == 0 || j.epoch != epoch {
			if j.epoch != epoch && query.Has("epoch") {
				answer(409, api.EpochMoved{ErrorCode: 10004, ErrorInfo: "the epoch is another", Epoch: j.epoch, FirstSequence: j.first})
				return
			}
			answer(200, page)
			return
		}
		grown := j.grown
		j.mu.Unlock()
		select {
		case <-grown:
		case <-deadline.C:
			wait = 0
		case <-r.Context().Done():
			wait = 0
		}
		j.mu.Lock()
	}
}

func (j *journal) page(after uint64, limit int, mine bool) api.EventsPage {
	p := api.EventsPage{Epoch: j.epoch, Head: j.head, FirstSequence: j.kept, Events: []api.Event{}, Next: max(after, j.head)}
	if len(j.events) == 0 {
		p.FirstSequence = j.head + 1
	}
	if after+1 < p.FirstSequence {
		p.Expired = p.FirstSequence - 1 - after
	}
	for _, e := range j.events {
		if e.Sequence <= after || mine && !e.mine {
			continue
		}
		if len(p.Events) == limit {
			p.More, p.Next = true, p.Events[limit-1].Sequence
			break
		}
		p.Events = append(p.Events, e.Event)
	}
	return p
}

// queries returns what was asked.
func (j *journal) queries() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.asked...)
}

// client reaches h without a network, so that it also works in a bubble of
// testing/synctest.
func client(h http.Handler) *http.Client { return &http.Client{Transport: direct{h}} }

type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
				panic(fault)
			}
		}()
		d.handler.ServeHTTP(w, r)
	}()
	<-done
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func backfill(j *journal) *callback.Backfill {
	return &callback.Backfill{BaseURL: "http://server.test", App: appid, Token: readToken, Endpoint: endpoint, HTTP: client(j)}
}
