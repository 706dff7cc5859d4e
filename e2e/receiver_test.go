package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
)

// received is a callback that passed all of the receiver's checks.
type received struct {
	*callback.Event
	target string // of the request, as it stood in the request line
	header http.Header
}

// receiver is an app backend, built on package callback as a user would.
type receiver struct {
	t       testing.TB
	url     string
	address string
	trust   *authority
	handler http.Handler
	server  *http.Server // nil while it is away
	served  chan struct{}

	watched
	list    []received         // in the order of arrival, repeats included
	refused []callback.Refused // what did not pass
	verdict map[int64]question // by Random, for before-send questions
	asked   map[int64]int      // how often each question came
}

// question answers one before-send question; ctx ends when the server no longer
// waits.
type question func(ctx context.Context, m *callback.BeforeSendMsg) callback.Verdict

type requestKey struct{}

// newReceiver takes the callbacks of apps, whose tokens are given by SDKAppID;
// path is added to its URL.
func newReceiver(t testing.TB, trust *authority, path string, apps map[int64][]string) *receiver {
	t.Helper()
	r := &receiver{t: t, trust: trust, verdict: make(map[int64]question), asked: make(map[int64]int)}
	checked := &callback.Receiver{
		Apps: apps,
		OnEvent: func(ctx context.Context, e *callback.Event) error {
			request := ctx.Value(requestKey{}).(*http.Request)
			r.change(func() { r.list = append(r.list, received{e, request.RequestURI, request.Header.Clone()}) })
			return nil
		},
		OnBeforeSendMsg: func(ctx context.Context, m *callback.BeforeSendMsg) callback.Verdict {
			var answer question
			r.change(func() { answer = r.verdict[m.Random]; r.asked[m.Random]++ })
			if answer == nil {
				return callback.Allow()
			}
			return answer(ctx, m)
		},
		OnRefused: func(f callback.Refused) { r.change(func() { r.refused = append(r.refused, f) }) },
	}
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		checked.ServeHTTP(w, request.WithContext(context.WithValue(request.Context(), requestKey{}, request)))
	})
	r.open("127.0.0.1:0")
	scheme := "http"
	if trust != nil {
		scheme = "https"
	}
	r.url = scheme + "://" + r.address + path
	t.Cleanup(r.close)
	return r
}

// ofApp is a receiver for the app of most tests.
func ofApp(t testing.TB, trust *authority) *receiver {
	return newReceiver(t, trust, "/imcallback", map[int64][]string{appID: {appToken}})
}

// open begins to listen.
func (r *receiver) open(address string) {
	r.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.serve(listener)
}

func (r *receiver) serve(listener net.Listener) {
	r.address = listener.Addr().String()
	if r.trust != nil {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{r.trust.pair}, MinVersion: tls.VersionTLS12})
	}
	quiet := log.New(io.Discard, "", 0) // connections that break are what tests are about
	s, served := &http.Server{Handler: r.handler, ReadHeaderTimeout: time.Minute, ErrorLog: quiet}, make(chan struct{})
	r.server, r.served = s, served
	go func() {
		defer close(served)
		_ = s.Serve(listener)
	}()
}

// close goes away: connections are broken off in the middle of requests.
func (r *receiver) close() {
	if r.server != nil {
		_ = r.server.Close()
		<-r.served
		r.server = nil
	}
}

// comeBack listens at the old address again. A connection of somebody else may
// have the port for a moment.
func (r *receiver) comeBack() {
	r.t.Helper()
	eventually(r.t, "the receiver's port is free", func() bool {
		listener, err := net.Listen("tcp", r.address)
		if err != nil {
			return false
		}
		r.serve(listener)
		return true
	})
}

// answer sets what is answered to the question about the send with this Random.
func (r *receiver) answer(random int64, q question) { r.change(func() { r.verdict[random] = q }) }

// event waits for the event with this id.
func (r *receiver) event(t testing.TB, id string) (e received) {
	t.Helper()
	r.await(t, "callback of event "+id, func() bool {
		i := slices.IndexFunc(r.list, func(e received) bool { return e.Delivery.ID == id })
		if i >= 0 {
			e = r.list[i]
		}
		return i >= 0
	})
	return e
}

// all are the callbacks that have arrived so far.
func (r *receiver) all() (list []received) {
	r.look(func() { list = slices.Clone(r.list) })
	return list
}

// events are the distinct events of the app by sequence. It is a fault if one
// event came with different contents, or two with one sequence.
func (r *receiver) events(t testing.TB, app int64) []received {
	t.Helper()
	bySeq := make(map[uint64]received)
	for _, e := range r.all() {
		if e.SdkAppid != app {
			continue
		}
		first, seen := bySeq[e.Delivery.Sequence]
		if seen && (first.Delivery.ID != e.Delivery.ID || string(first.Raw) != string(e.Raw) || first.Delivery.Epoch != e.Delivery.Epoch) {
			t.Errorf("sequence %d is two events: %s %s and %s %s", e.Delivery.Sequence, first.Delivery.ID, first.Raw, e.Delivery.ID, e.Raw)
		}
		if !seen {
			bySeq[e.Delivery.Sequence] = e
		}
	}
	seqs := slices.Sorted(maps.Keys(bySeq))
	list := make([]received, len(seqs))
	for i, seq := range seqs {
		list[i] = bySeq[seq]
	}
	return list
}

// waitHead waits until every event up to head has come.
func (r *receiver) waitHead(t testing.TB, app int64, head uint64) {
	t.Helper()
	seen, looked := make(map[uint64]bool), 0
	r.await(t, fmt.Sprintf("all events of app %d up to %d", app, head), func() bool {
		for _, e := range r.list[looked:] {
			if e.SdkAppid == app {
				seen[e.Delivery.Sequence] = true
			}
		}
		looked = len(r.list)
		return uint64(len(seen)) >= head
	})
}

// noneRefused checks that the receiver had no reason to refuse a request.
func (r *receiver) noneRefused(t testing.TB) {
	t.Helper()
	r.look(func() {
		for _, f := range r.refused {
			t.Errorf("the receiver refused a callback: %+v", f)
		}
	})
}
