package demo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"

	"github.com/parley-im/parley/internal/demo"
	"github.com/parley-im/parley/usersig"
)

// stage is a demonstration that goes on until its test ends, which then looks
// at how it ended.
type stage struct {
	page, console string
	token         string // of the console
	out           *output
	end           func() // ends it and returns when it has ended
}

func openStage(t *testing.T) *stage {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	out := newOutput()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var err error
	go func() {
		defer close(ended)
		err = demo.Run(ctx, demo.Config{Out: out})
	}()
	end := func() {
		cancel()
		<-ended
	}
	t.Cleanup(func() {
		end()
		if err != nil {
			t.Errorf("the demonstration ended with %v:\n%s", err, out)
		}
	})
	out.await(ended, `chat page: \S+`, `server console: \S+ \(token \S+\)`)
	found := regexp.MustCompile(`(?s)chat page: (\S+).*server console: (\S+) \(token (\S+)\)`).FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("no chat page in\n%s", out)
	}
	return &stage{page: found[1], console: found[2], token: found[3], out: out, end: end}
}

// rate changes how many messages a second each group of the page's app takes.
func (s *stage) rate(t *testing.T, most int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.console+"api/apps/1400000002", strings.NewReader(fmt.Sprintf(`{"GroupRate":%d}`, most)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("X-Parley-Console", "1")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the rate is not changed: %s", response.Status)
	}
}

// ask is one GET of the page's address with headers; "Host" among them is the
// host.
func (s *stage) ask(t *testing.T, path string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.page+strings.TrimPrefix(path, "/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if host := headers["Host"]; host != "" {
		request.Host = host
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// call has a user call a command over a connection of his own.
func (s *stage) call(t *testing.T, user, method, body string) string {
	t.Helper()
	var hello struct {
		Server   string
		SDKAppID int64
	}
	var own struct{ UserSig string }
	for path, into := range map[string]any{"/api/hello": &hello, "/api/usersig?user=" + user: &own} {
		if _, text := s.ask(t, path, nil); json.Unmarshal([]byte(text), into) != nil {
			t.Fatalf("%s answered %s", path, text)
		}
	}
	client := centrifuge.NewJsonClient(strings.Replace(hello.Server, "http", "ws", 1)+"/connection/websocket", centrifuge.Config{
		Token: own.UserSig, Data: fmt.Appendf(nil, `{"SDKAppID": %d, "UserID": %q}`, hello.SDKAppID, user),
	})
	defer client.Close()
	if err := client.Connect(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	result, err := client.RPC(ctx, method, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(result.Data)
}

func TestChatPageAnswersItselfAloneAndLetsAnybodyIn(t *testing.T) {
	s := openStage(t)
	own := strings.TrimSuffix(s.page, "/")
	for name, c := range map[string]struct {
		path    string
		headers map[string]string
		status  int
	}{
		"the page":                       {"/", nil, 200},
		"its script":                     {"/chat.js", nil, 200},
		"what is not there":              {"/nothing", nil, 404},
		"hello":                          {"/api/hello", nil, 200},
		"hello of the page":              {"/api/hello", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": own}, 200},
		"by the name localhost":          {"/api/hello", map[string]string{"Host": "localhost:1"}, 200},
		"a name that points here":        {"/api/hello", map[string]string{"Host": "evil.example"}, 403},
		"an address of another machine":  {"/", map[string]string{"Host": "192.0.2.1"}, 403},
		"a foreign page":                 {"/api/usersig?user=alice", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a page of another port":         {"/api/usersig?user=alice", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"a foreign origin":               {"/api/usersig?user=alice", map[string]string{"Origin": "http://evil.example"}, 403},
		"an own user":                    {"/api/usersig?user=alice", nil, 200},
		"a new user":                     {"/api/usersig?user=guest7", nil, 200},
		"the app's admin":                {"/api/usersig?user=administrator", nil, 400},
		"a name with a capital":          {"/api/usersig?user=Alice", nil, 400},
		"nobody":                         {"/api/usersig", nil, 400},
		"exceptions":                     {"/api/exceptions?limit=5", nil, 200},
		"exceptions after a bad cursor":  {"/api/exceptions?after=x", nil, 400},
		"what else the monitor answers":  {"/api/summary", nil, 404},
		"a callback through the address": {"/callback", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := s.ask(t, c.path, c.headers)
			if response.StatusCode != c.status {
				t.Errorf("%s answered %s: %.200s", c.path, response.Status, body)
			}
			policy := response.Header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
		})
	}
}

func TestChatPageTellsWhereEverythingIs(t *testing.T) {
	s := openStage(t)
	var hello struct {
		Server, Monitor, Console string
		SDKAppID                 int64
		Users, Groups            []map[string]string
	}
	response, body := s.ask(t, "/api/hello", nil)
	if err := json.Unmarshal([]byte(body), &hello); err != nil {
		t.Fatal(err)
	}
	if hello.Console != s.console || hello.SDKAppID != 1400000002 || len(hello.Users) < 4 || len(hello.Groups) != 3 {
		t.Errorf("hello is %s", body)
	}
	policy := response.Header.Get("Content-Security-Policy")
	if socket := "ws" + strings.TrimPrefix(hello.Server, "http"); !strings.Contains(policy, " "+hello.Server+" "+socket+";") {
		t.Errorf("the policy %q does not allow %s", policy, hello.Server)
	}
	_, body = s.ask(t, "/api/usersig?user=bob", nil)
	var sig struct{ UserSig string }
	if err := json.Unmarshal([]byte(body), &sig); err != nil {
		t.Fatal(err)
	}
	claims, err := usersig.Parse(sig.UserSig)
	if err != nil || claims.UserID != "bob" || claims.SDKAppID != hello.SDKAppID || claims.Expire > 3600 {
		t.Errorf("UserSig of bob: %+v, %v", claims, err)
	}
}
