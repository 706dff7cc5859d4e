package e2e

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// stage is a server with a receiver, an app with groups, and the record of all
// that its senders were told.
type stage struct {
	*server
	rc     *receiver
	api    *api.Client
	random uint32
	apart  time.Duration // how far the store's clock may be from the test's
	sent   ledger        // what the metrics must say at the end
	told   []refusal
}

// refusal is an exception that a sender was told of.
type refusal struct {
	name, id string
	want     exception
	from, to time.Time // when the send was under way
	count    int       // refusals that share the record
	platform string    // OptPlatform; empty: RESTAPI
	cut      bool      // the record does not keep the whole message
}

// newStage starts a server with two groups and some users.
func newStage(t *testing.T, e engine, trust *authority, flags ...string) *stage {
	t.Helper()
	rc := ofApp(t, trust)
	s := &stage{server: serve(t, trust, append(oneApp(e.place(t), rc, "--group-rate", "0"), flags...)...), rc: rc, random: 1000}
	if e == inPostgres { // whose clock is asked over a connection
		s.apart = 100 * time.Millisecond
	}
	s.api = s.client()
	accounts(t, s.api, "alice", "bob", "gagged", "muted", "hasty", "brief")
	group(t, s.api, api.TypePublic, "lobby", "alice", "bob", "gagged", "muted", "brief")
	group(t, s.api, api.TypeAVChatRoom, "live")
	if _, err := s.api.AddDirtyWords(t.Context(), api.AddDirtyWordsRequest{DirtyWordsList: []string{"casino"}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) next() uint32 { s.random++; return s.random }

func (s *stage) set(t *testing.T, change *api.AppChange) {
	t.Helper()
	if _, err := s.api.UpdateApp(t.Context(), appID, *change); err != nil {
		t.Fatal(err)
	}
}

// good is the exception of the good message, had it been refused.
func good(random uint32) exception {
	return exception{From: "alice", Group: "lobby", MsgBody: helloKept, Caller: appAdmin, Random: random, Type: "Public"}
}

// refuse makes one send and checks that it was refused as the row says.
func (s *stage) refuse(t *testing.T, r reason) {
	t.Helper()
	defer s.ready(t, &r)()
	s.refuseByREST(t, r)
}

// ready prepares what a row needs and completes it; undo takes back what the row
// changed of the app.
func (s *stage) ready(t *testing.T, r *reason) (undo func()) {
	t.Helper()
	undo = func() {}
	if r.prepare != nil {
		r.prepare(t, s)
	}
	if r.change != nil {
		before := shown(t, s.api).Settings
		s.set(t, r.change)
		undo = func() { s.set(t, &api.AppChange{MissingGroup: &before.MissingGroup}) }
	}
	if r.random == 0 {
		r.random = s.next()
	}
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.body == "" {
		r.body = with()
	}
	r.body = strings.ReplaceAll(r.body, "$R", strconv.FormatUint(uint64(r.random), 10))
	return undo
}

// want is the exception that a row leaves.
func (r *reason) want() exception {
	want := good(r.random)
	want.Code, want.Info = r.code, r.info
	if r.saw != nil {
		r.saw(&want)
	}
	return want
}

func (s *stage) refuseByREST(t *testing.T, r reason) {
	t.Helper()
	var in io.Reader
	if r.method == http.MethodPost {
		in = strings.NewReader(r.body)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if r.expect {
		header.Set("Expect", "100-continue")
	}
	from := time.Now()
	s.note(t, r.name, s.post(t, r.method, in, header), r.want(), from)
}

// note checks the answer of a refused send and remembers what its callback must
// be; it waits for it and checks it at once.
func (s *stage) note(t *testing.T, name string, a answer, want exception, from time.Time) {
	t.Helper()
	s.sent.Attempts++
	s.sent.Refused++
	wantText := fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorInfo":"%s","ErrorCode":%d}`, want.Info, want.Code)
	if a.status != http.StatusOK || a.text != wantText {
		t.Errorf("%s: answered %d %s, want 200 %s", name, a.status, a.text, wantText)
	}
	if a.event() == "" {
		t.Errorf("%s: the answer names no event", name)
		return
	}
	r := refusal{name: name, id: a.event(), want: want, from: from, to: time.Now(), count: 1}
	s.told = append(s.told, r)
	s.checkBody(t, r, s.rc.event(t, r.id))
}

var target = regexp.MustCompile(`^/imcallback\?SdkAppid=1400000001&CallbackCommand=Group\.CallbackSendMsgException` +
	`&contenttype=json&ClientIP=127\.0\.0\.1&OptPlatform=([A-Za-z]+)&Sign=[0-9a-f]{64}&RequestTime=[0-9]{10}$`)

// checkBody compares what arrived with what the sender was told: all fields,
// to the byte, and the request line.
func (s *stage) checkBody(t *testing.T, r refusal, e received) {
	t.Helper()
	got, ok := e.Body.(*callback.SendMsgException)
	if !ok || e.BodyErr != nil {
		t.Errorf("%s: body %T, %v: %s", r.name, e.Body, e.BodyErr, e.Raw)
		return
	}
	if at := got.EventTime.Time(); at.Before(r.from.Truncate(time.Millisecond).Add(-s.apart)) || at.After(r.to.Add(s.apart)) {
		t.Errorf("%s: EventTime %v is outside of %v and %v", r.name, at, r.from, r.to)
	}
	if !r.cut {
		if want := r.want.text(strconv.FormatInt(int64(got.EventTime), 10)); string(e.Raw) != want {
			t.Errorf("%s:\n got %s\nwant %s", r.name, e.Raw, want)
		}
	}
	if m := target.FindStringSubmatch(e.target); m == nil || m[1] != cmp.Or(r.platform, "RESTAPI") {
		t.Errorf("%s: called as %s", r.name, e.target)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Webhook-Id": r.id, "Parley-Attempt": "1", "Parley-Replay": "",
	} {
		if got := e.header.Get(name); got != want {
			t.Errorf("%s: header %s is %q, want %q", r.name, name, got, want)
		}
	}
	if (e.header.Get("Parley-Truncated") != "") != r.cut {
		t.Errorf("%s: header Parley-Truncated is %q", r.name, e.header.Get("Parley-Truncated"))
	}
	if r.count == 1 && e.header.Get("Parley-Count") != "" {
		t.Errorf("%s: header Parley-Count is %q", r.name, e.header.Get("Parley-Count"))
	}
}

// close checks the whole: the totals, and after the end of the server that each
// refusal told has exactly one callback, in one unbroken chain.
func (s *stage) close(t *testing.T) {
	t.Helper()
	sum := s.sent.Accepted + s.sent.Refused + s.sent.Dropped + s.sent.Repeated
	if got := s.ledger(t, appID); got != s.sent || got.Attempts != sum {
		t.Errorf("metrics say %+v, senders were told %+v", got, s.sent)
	}
	if n := s.metrics(t)["parley_unrecorded_refusals"]; n != 0 {
		t.Errorf("parley_unrecorded_refusals is %v", n)
	}
	var app api.App
	totals := api.AppTotals{Accepted: uint64(s.sent.Accepted), Refused: uint64(s.sent.Refused), Dropped: uint64(s.sent.Dropped), Repeated: uint64(s.sent.Repeated)}
	eventually(t, "the app's totals are those that senders were told", func() bool { // what stores nothing is added a little later
		app = shown(t, s.api)
		return app.Totals == totals
	})
	s.stop(t) // whatever was under way has ended

	s.rc.noneRefused(t)
	list := s.rc.all()
	if len(list) != len(s.told) {
		t.Errorf("%d callbacks for %d exceptions", len(list), len(s.told))
	}
	slices.SortFunc(list, func(a, b received) int { return int(a.Delivery.Sequence) - int(b.Delivery.Sequence) })
	ids := make(map[string]int)
	for i, e := range list {
		ids[e.Delivery.ID]++
		d := e.Delivery
		if d.Sequence != uint64(i+1) || d.Previous != uint64(i) || d.Settled > uint64(len(list)) || d.Epoch != app.Epoch || d.Epoch == "" || d.Attempt != 1 {
			t.Errorf("callback %d: %+v, epoch of the app %s", i+1, d, app.Epoch)
		}
	}
	for _, r := range s.told {
		if n := ids[r.id]; n != 1 {
			t.Errorf("%s: %d callbacks", r.name, n)
		}
	}
	if app.Head != uint64(len(s.told)) {
		t.Errorf("the journal ends at %d, want %d", app.Head, len(s.told))
	}
}
