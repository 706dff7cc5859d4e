package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/rest"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
	"github.com/parley-im/parley/usersig"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The two apps of every test server. They have admins of the same name.
const (
	first  chat.AppID = 1400000001 // the operator app
	second chat.AppID = 1400000002

	start = 1_800_000_000 // what the clock of a test server shows first

	// readTimeout is the time in which a request must have come. No waiting for
	// events may be cut short by it.
	readTimeout = 500 * time.Millisecond
)

var keys = map[chat.AppID]string{first: "first-key", second: "second-key"}

// server is the door over a real store and real HTTP.
type server struct {
	*httptest.Server
	console  *httptest.Server // for who has logged in there
	backend  *chat.Backend
	dir      string       // of the store
	seconds  atomic.Int64 // the clock
	registry *prometheus.Registry
	feed     *manage.Feed // what is told of commits
	log      bytes.Buffer // to be read after the server was closed
	sigs     map[chat.AppID]string
}

func newServer(t testing.TB, change ...func(*rest.Config)) *server {
	t.Helper()
	return newServerOver(t, func(store chat.Store) chat.Store { return store }, change...)
}

// newServerOver is newServer with something between heart and store.
func newServerOver(t testing.TB, wrap func(chat.Store) chat.Store, change ...func(*rest.Config)) *server {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(dir, sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir, registry: prometheus.NewRegistry(), feed: manage.NewFeed(), sigs: make(map[chat.AppID]string)}
	s.seconds.Store(start)
	s.backend = chat.New(chat.Options{
		Store: wrap(store), Render: wire.Bodies{}, Offers: s.feed,
		Now: func() time.Time { return time.Unix(s.seconds.Load(), 0) },
	})
	if err := s.backend.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.backend.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, key := range keys {
		app := chat.App{ID: id, Key: key, Admins: []chat.UserID{"admin"}, Settings: chat.DefaultSettings()}
		if err := s.backend.CreateApp(context.Background(), app, chat.Endpoint{}); err != nil {
			t.Fatal(err)
		}
		s.sigs[id] = sign(t, id, "admin", key, start)
	}
	config := rest.Config{
		Backend: s.backend, Rejected: caller.NewRejected(s.registry), Operator: first, Feed: s.feed,
		Logger: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	for _, c := range change {
		c(&config)
	}
	s.Server = httptest.NewUnstartedServer(rest.New(config))
	s.Config.ReadTimeout = readTimeout
	s.Start()
	t.Cleanup(s.Close)
	s.console = httptest.NewServer(rest.NewConsole(config))
	t.Cleanup(s.console.Close)
	return s
}

func sign(t testing.TB, app chat.AppID, user, key string, issued int64) string {
	t.Helper()
	sig, err := usersig.Sign(usersig.Claims{SDKAppID: int64(app), UserID: user, IssuedAt: issued, Expire: 1_000_000}, key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// query is the parameters of a call by the app's admin.
func (s *server) query(app chat.AppID) url.Values {
	return url.Values{
		"sdkappid": {app.String()}, "identifier": {"admin"}, "usersig": {s.sigs[app]},
		"random": {"1"}, "contenttype": {"json"},
	}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
	api.Answer
}

// do makes one HTTP request.
func (s *server) do(t testing.TB, method, target, body string, header ...string) reply {
	t.Helper()
	request, err := http.NewRequest(method, s.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t testing.TB, response *http.Response) reply {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &r.Answer); err != nil {
			t.Fatalf("answer %q: %v", text, err)
		}
	}
	return r
}

// call calls a command as the app's admin and insists on the envelope.
func (s *server) call(t testing.TB, app chat.AppID, command, body string) reply {
	t.Helper()
	r := s.do(t, http.MethodPost, "/v4/"+command+"?"+s.query(app).Encode(), body)
	checkEnvelope(t, command, r)
	return r
}

// checkEnvelope holds for every answer to a command.
func checkEnvelope(t testing.TB, command string, r reply) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("%s: HTTP status %d: %s", command, r.status, r.text)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: header %s is %q, want %q", command, name, got, want)
		}
	}
	switch {
	case r.ActionStatus == api.StatusOK && r.ErrorCode == 0 && r.ErrorInfo == "":
	case r.ActionStatus == api.StatusFail && r.ErrorCode != 0 && r.ErrorInfo != "":
	default:
		t.Fatalf("%s: no envelope: %s", command, r.text)
	}
}

// step is one call of a scenario, made in the order of the table.
type step struct {
	does    string
	wait    int64 // seconds that pass before
	app     chat.AppID
	command string
	body    string
	code    api.Code
	has     []string // parts of the answer
	lacks   []string
}

const (
	svc     = "group_open_http_svc/"
	accnt   = "im_open_login_svc/"
	mute    = "openconfigsvr/"
	dirty   = "openim_dirty_words/"
	imports = `{"Accounts":["ann","bob","cid","dan"]}`
)

// play runs a scenario against a server of its own, whose first app knows the
// accounts ann, bob, cid and dan.
func play(t *testing.T, steps []step) {
	t.Helper()
	s := newServer(t)
	s.play(t, append([]step{{does: "accounts", command: accnt + "multiaccount_import", body: imports}}, steps...))
}

func (s *server) play(t *testing.T, steps []step) {
	t.Helper()
	for i, step := range steps {
		if step.app == 0 {
			step.app = first
		}
		s.seconds.Add(step.wait)
		r := s.call(t, step.app, step.command, step.body)
		at := fmt.Sprintf("step %d, %s: %s %.1000s", i, step.does, step.command, step.body)
		if r.ErrorCode != step.code {
			t.Fatalf("%s:\n answered %.1000s\n want code %d", at, r.text, step.code)
		}
		for _, part := range step.has {
			if !strings.Contains(r.text, part) {
				t.Errorf("%s:\n answered %.1000s\n without %s", at, r.text, part)
			}
		}
		for _, part := range step.lacks {
			if strings.Contains(r.text, part) {
				t.Errorf("%s:\n answered %.1000s\n with %s", at, r.text, part)
			}
		}
	}
}

// rejected are the calls that failed before their caller was known, by code.
func (s *server) rejected(t testing.TB) map[string]int {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for _, family := range families {
		if family.GetName() != "parley_rejected_requests_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			counts[metric.GetLabel()[0].GetValue()] = int(metric.GetCounter().GetValue())
		}
	}
	return counts
}

// exceptions are the events of the app's journal.
func (s *server) exceptions(t testing.TB, app chat.AppID) []chat.Event {
	t.Helper()
	events, err := s.backend.Reader().Events(context.Background(), app, 0, 1000, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func list(format string, from, to int) string {
	items := make([]string, 0, to-from+1)
	for i := from; i <= to; i++ {
		items = append(items, fmt.Sprintf(format, i))
	}
	return "[" + strings.Join(items, ",") + "]"
}
