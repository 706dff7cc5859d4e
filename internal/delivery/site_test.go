package delivery_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/delivery"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

const (
	appA chat.AppID = 1400000001
	appB chat.AppID = 1400000002
)

// site is the server's heart with real lanes over a real store, in a folder
// that outlives it.
type site struct {
	t       *testing.T
	dir     string
	timeout time.Duration // of an attempt; 0 is the default
	network delivery.Network

	store   *sqlite.Store
	lanes   *delivery.Deliverer
	asker   *delivery.Asker
	backend *chat.Backend

	mu      sync.Mutex
	offered []chat.Event
}

func newSite(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir(), timeout: time.Second}
	t.Cleanup(s.stop)
	return s
}

// Offer and Changed pass on what the writer says, and keep the events.
func (s *site) Offer(app chat.AppID, events []chat.Event) {
	s.mu.Lock()
	s.offered = append(s.offered, events...)
	s.mu.Unlock()
	s.lanes.Offer(app, events)
}

func (s *site) Changed(app chat.AppID) { s.lanes.Changed(app) }

func (s *site) Behind(app chat.AppID, head chat.Sequence) { s.lanes.Behind(app, head) }

func (s *site) start() {
	s.t.Helper()
	store, err := sqlite.Open(s.dir, sqlite.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.store = store
	s.lanes = delivery.New(delivery.Options{Reader: store, Network: s.network})
	s.asker = delivery.NewAsker(s.network, nil)
	s.backend = chat.New(chat.Options{Store: store, Render: wire.Bodies{}, Offers: s, Asker: s.asker})
	if err := s.backend.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.lanes.Start(s.backend)
}

// stop ends it in the order in which the server does.
func (s *site) stop() {
	if s.store == nil {
		return
	}
	s.lanes.Stop()
	s.backend.Stop()
	s.asker.Close()
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
	s.store = nil
}

func (s *site) app(id chat.AppID, url string, change ...func(*chat.App, *chat.Endpoint)) {
	s.t.Helper()
	a := chat.App{ID: id, Key: "key", Admins: []chat.UserID{"administrator"}, Settings: chat.DefaultSettings()}
	e := chat.Endpoint{URL: url, Commands: []string{chat.CommandSendMsgException}}
	e.Timeout = int(s.timeout / time.Second)
	for _, c := range change {
		c(&a, &e)
	}
	if err := s.backend.CreateApp(s.t.Context(), a, e); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) update(id chat.AppID, change func(*chat.Endpoint)) {
	s.t.Helper()
	if err := s.backend.UpdateApp(s.t.Context(), id, func(_ *chat.App, e *chat.Endpoint) error {
		change(e)
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// refuse makes n refused sends, several at once, to a group that does not exist.
func (s *site) refuse(app chat.AppID, n int) {
	s.t.Helper()
	var all sync.WaitGroup
	next := make(chan int)
	for range min(n, 256) {
		all.Go(func() {
			for i := range next {
				send := &chat.Send{App: app, Caller: "administrator", Platform: "RESTAPI", ClientIP: "203.0.113.9"}
				wire.ReadSend(fmt.Appendf(nil, `{"GroupId":"nowhere","From_Account":"jared","Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}]}`, i), send)
				if o, err := s.backend.Send(s.t.Context(), send); err != nil || o.Kind != chat.Refused {
					s.t.Errorf("outcome %+v, %v", o, err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// journal is all events of an app.
func (s *site) journal(app chat.AppID) (list []chat.Event) {
	s.t.Helper()
	for after := chat.Sequence(0); ; after = list[len(list)-1].Seq {
		page, err := s.store.Events(s.t.Context(), app, after, 1000, 1<<30)
		if err != nil {
			s.t.Fatal(err)
		}
		if list = append(list, page...); len(page) == 0 {
			return list
		}
	}
}

// callback is one request as a receiver saw it.
type callback struct {
	seq    chat.Sequence
	uri    string
	header http.Header
	body   string
}

// receiver is an app backend over real HTTP.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []callback
	change chan struct{} // closed and replaced at each callback
	answer http.HandlerFunc
}

// receiver starts an app backend that outlives the site: what hangs there ends
// when the site stops.
func (s *site) receiver() *receiver {
	r := &receiver{change: make(chan struct{})}
	r.Server = httptest.NewServer(r)
	s.t.Cleanup(r.Close)
	s.t.Cleanup(s.stop)
	return r
}

// answers replaces the receiver's answer; nil is the fixed one of the protocol.
func (r *receiver) answers(h http.HandlerFunc) {
	r.mu.Lock()
	r.answer = h
	r.mu.Unlock()
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // broken off
	}
	seq, _ := strconv.ParseUint(q.Header.Get("Parley-Sequence"), 10, 64)
	r.mu.Lock()
	answer := r.answer
	r.got = append(r.got, callback{chat.Sequence(seq), q.URL.RequestURI(), q.Header, string(body)})
	close(r.change)
	r.change = make(chan struct{})
	r.mu.Unlock()
	if answer != nil {
		answer(w, q)
		return
	}
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
}

// until waits for what is so after some callback.
func (r *receiver) until(t *testing.T, what string, so func(got []callback) bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		if so(r.got) {
			r.mu.Unlock()
			return
		}
		n, change := len(r.got), r.change
		r.mu.Unlock()
		select {
		case <-change:
		case <-late:
			t.Fatalf("%s: not so after %d callbacks", what, n)
		}
	}
}

func (r *receiver) wait(t *testing.T, n int) {
	t.Helper()
	r.until(t, fmt.Sprintf("%d callbacks", n), func(got []callback) bool { return len(got) >= n })
}

// all waits until each of the sequences has come at least once.
func (r *receiver) all(t *testing.T, from, to chat.Sequence) {
	t.Helper()
	missing := make(map[chat.Sequence]bool)
	for seq := from; seq <= to; seq++ {
		missing[seq] = true
	}
	looked := 0
	r.until(t, fmt.Sprintf("events %d to %d", from, to), func(got []callback) bool {
		for _, c := range got[looked:] {
			delete(missing, c.seq)
		}
		looked = len(got)
		return len(missing) == 0
	})
}

// sequences are those that came, each once, in order.
func (r *receiver) sequences() []chat.Sequence {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := make(map[chat.Sequence]bool)
	for _, c := range r.got {
		set[c.seq] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func (r *receiver) callbacks() []callback {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// cursor waits until the endpoint's cursor has reached a sequence on disk: it
// asks after each of the writer's batches.
func (s *site) cursor(app chat.AppID, want chat.Sequence) {
	s.t.Helper()
	late := time.Now().Add(30 * time.Second)
	for {
		list, err := s.store.Endpoints(s.t.Context(), app)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(list) > 0 && list[0].Cursor >= want {
			return
		}
		if time.Now().After(late) {
			s.t.Fatalf("the cursor does not reach %d: %+v", want, list)
		}
		// A change of nothing ends when all before it is written.
		if err := s.backend.Change(s.t.Context(), app, func(chat.Records) error { return nil }); err != nil {
			s.t.Fatal(err)
		}
	}
}
