package delivery_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	signing "github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
)

func TestACallbackIsAsTheProtocolSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL, func(_ *chat.App, e *chat.Endpoint) { e.Token = "token" })
	s.refuse(appA, 1)
	r.wait(t, 1)
	c, e := r.callbacks()[0], s.journal(appA)[0]
	app, _ := s.backend.App(appA)

	path, rest, ok := strings.Cut(c.uri, "&Sign=")
	if want := "/?SdkAppid=1400000001&CallbackCommand=Group.CallbackSendMsgException&contenttype=json&ClientIP=203.0.113.9&OptPlatform=RESTAPI"; path != want || !ok {
		t.Errorf("called as %s", c.uri)
	}
	sign, at, _ := strings.Cut(rest, "&RequestTime=")
	var seconds int64
	if err := json.Unmarshal([]byte(at), &seconds); err != nil || !signing.Verify(sign, seconds, "token") || !signing.Fresh(seconds, time.Now(), time.Minute) {
		t.Errorf("signed with %s at %s", sign, at)
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Content-Length": c.header["Content-Length"], "User-Agent": {"Parley"},
		"Webhook-Id": {e.ID.String()}, "Parley-Sequence": {"1"}, "Parley-Epoch": {app.Epoch}, "Parley-Previous": {"0"},
		"Parley-Settled": {"0"}, "Parley-Attempt": {"1"}, "Webhook-Timestamp": {strconv.FormatInt(seconds, 10)},
	}
	if diff := cmp.Diff(want, c.header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if c.body != string(e.Body) || !strings.HasPrefix(c.body, `{"CallbackCommand":"Group.CallbackSendMsgException","ErrorCode":10010,`) {
		t.Errorf("body %s, in the journal %s", c.body, e.Body)
	}
}

func TestAnotherAttemptKeepsItsIDAndCountsOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	r.answers(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Parley-Attempt") == "1" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, `{}`)
	})
	s.start()
	s.app(appA, r.URL+"/im/cb?k=v")
	s.refuse(appA, 1)
	r.wait(t, 2)
	got := r.callbacks()
	if first, second := got[0], got[1]; first.header.Get("webhook-id") != second.header.Get("webhook-id") ||
		second.header.Get("Parley-Attempt") != "2" || first.body != second.body || !strings.HasPrefix(second.uri, "/im/cb?k=v&SdkAppid=") {
		t.Errorf("%+v\n%+v", first, second)
	}
}

func TestSharedAndCutRecordsSaySo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL, func(a *chat.App, _ *chat.Endpoint) { a.Settings.APIRate = 1 })
	s.refuse(appA, 21) // all but some are refused with 60007 and share records
	told := 0
	r.until(t, "21 refusals", func(got []callback) bool {
		told = 0
		for _, c := range got {
			n := 1
			if v := c.header.Get("Parley-Count"); v != "" {
				if err := json.Unmarshal([]byte(v), &n); err != nil || n < 2 {
					t.Errorf("Parley-Count %q", v)
				}
			}
			told += n
		}
		return told >= 21
	})
	if told != 21 || len(r.callbacks()) >= 21 {
		t.Errorf("%d callbacks tell of %d refusals", len(r.callbacks()), told)
	}
}

func TestEventsReadFromTheJournalEqualThoseOffered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	s.app(appA, "")
	s.refuse(appA, 300)
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(s.offered, s.journal(appA)); diff != "" {
		t.Errorf("offered and read (-offered +read):\n%s", diff)
	}
}

func TestEveryEventArrivesThoughTheServerStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	var n atomic.Int64
	r.answers(func(w http.ResponseWriter, q *http.Request) {
		switch n.Add(1) % 7 {
		case 0:
			w.WriteHeader(http.StatusBadRequest)
		case 1:
			_, _ = io.Copy(io.Discard, q.Body)
			<-q.Context().Done() // until it is broken off
		}
		_, _ = io.WriteString(w, `{}`)
	})
	s.start()
	s.app(appA, r.URL)
	for life := range 4 {
		s.refuse(appA, 100)
		r.wait(t, 100*life+50)
		s.stop()
		s.start()
	}
	r.answers(nil)
	r.all(t, 1, 400)
	last := make(map[chat.Sequence]string)
	for _, c := range r.callbacks() {
		if id, known := last[c.seq]; known && id != c.header.Get("webhook-id") {
			t.Errorf("event %d has two ids", c.seq)
		}
		last[c.seq] = c.header.Get("webhook-id")
		if want := strconv.FormatUint(uint64(c.seq)-1, 10); c.header.Get("Parley-Previous") != want {
			t.Errorf("event %d: Parley-Previous is %s", c.seq, c.header.Get("Parley-Previous"))
		}
	}
}

func TestWhatWasDeliveredIsNotSentAgainAfterARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL)
	s.refuse(appA, 50)
	r.all(t, 1, 50)
	s.cursor(appA, 50) // the last answers have come back
	s.stop()
	s.start()
	s.refuse(appA, 1)
	r.all(t, 51, 51)
	got := r.callbacks()
	if last := got[len(got)-1]; len(got) != 51 || last.header.Get("Parley-Previous") != "50" || last.header.Get("Parley-Settled") != "50" {
		t.Errorf("%d callbacks, the last: %+v", len(got), last)
	}
}

func TestTheSwitchWorksWithoutARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	s.start()
	s.app(appA, r.URL)
	s.refuse(appA, 1)
	r.all(t, 1, 1)
	s.update(appA, func(e *chat.Endpoint) { e.Commands = nil })
	s.cursor(appA, 1) // the lane has been replaced
	s.refuse(appA, 3)
	s.cursor(appA, 4)
	s.update(appA, func(e *chat.Endpoint) { e.Commands = []string{chat.CommandSendMsgException} })
	s.refuse(appA, 1)
	r.all(t, 5, 5)
	if got := r.sequences(); !slices.Equal(got, []chat.Sequence{1, 5}) {
		t.Errorf("came: %v", got)
	}
	if n := len(s.journal(appA)); n != 5 {
		t.Errorf("%d records", n)
	}
}

func TestTheURLCanBeChangedRemovedAndGivenAgainWhileRunning(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, second := s.receiver(), s.receiver()
	first.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	s.start()
	s.app(appA, first.URL)
	s.refuse(appA, 3)
	first.wait(t, 3)
	s.update(appA, func(e *chat.Endpoint) { e.URL = second.URL })
	second.all(t, 1, 3) // it goes on where the other was
	s.update(appA, func(e *chat.Endpoint) { e.URL = "" })
	s.refuse(appA, 2) // 4 and 5: whether they come later depends on when the lane saw it
	s.update(appA, func(e *chat.Endpoint) { e.URL = second.URL })
	s.refuse(appA, 1)
	second.all(t, 6, 6)
	s.cursor(appA, 6)
	if got := first.sequences(); !slices.Equal(got, []chat.Sequence{1, 2, 3}) {
		t.Errorf("the URL that was replaced got %v", got)
	}
}

func TestAHangingReceiverOfOneAppCostsAnotherNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	good, hanging := s.receiver(), s.receiver()
	hanging.answers(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	s.timeout = 30 * time.Second
	s.start()
	s.app(appA, hanging.URL)
	s.app(appB, good.URL)
	s.refuse(appA, 500)
	hanging.wait(t, 8) // all that may be under way at first
	s.refuse(appB, 500)
	good.all(t, 1, 500) // none of the hanging ones has ended
	if n := len(hanging.callbacks()); n != 8 {
		t.Errorf("%d requests hang", n)
	}
}

func TestABacklogLargerThanTheBufferArrivesWhenTheReceiverIsBack(t *testing.T) {
	t.Parallel()
	const n = 3000 // more than the tape holds
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := newSite(t)
	s.start()
	s.app(appA, "http://"+address)
	s.refuse(appA, n)
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	r := &receiver{change: make(chan struct{})}
	r.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: r}}
	r.Start()
	t.Cleanup(r.Close)
	t.Cleanup(s.stop)
	r.all(t, 1, n)
	s.cursor(appA, n)
	s.refuse(appA, 1) // and it follows the offers again
	r.all(t, n+1, n+1)
}

func TestAnAppThatIsRemovedIsCalledNoMore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.receiver()
	r.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	s.start()
	s.app(appA, r.URL)
	s.app(appB, r.URL)
	s.refuse(appA, 5)
	r.wait(t, 5)
	if err := s.backend.DeleteApp(t.Context(), appA); err != nil {
		t.Fatal(err)
	}
	r.answers(nil)
	before := len(r.callbacks())
	s.refuse(appB, 1)
	r.until(t, "the other app's event", func(got []callback) bool {
		return slices.ContainsFunc(got[before:], func(c callback) bool { return strings.Contains(c.uri, "SdkAppid=1400000002&") })
	})
	s.stop() // with nothing left behind
}
