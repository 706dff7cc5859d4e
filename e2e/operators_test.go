package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
)

// operator types commands against a running server, as an admin of the app of
// most tests, whose key is in a file.
type operator struct {
	*server
	keyFile string
}

func (s *server) operator(t testing.TB) operator {
	return operator{s, write(t, "key", appKey+"\n")}
}

// types runs a command that is to succeed and returns what it printed.
func (o operator) types(t testing.TB, args ...string) string {
	t.Helper()
	p := parley(t, nil, append(args, "--server", o.url, "--app", strconv.Itoa(appID), "--app-key-file", o.keyFile)...)
	if p.code != 0 {
		t.Fatalf("%q ended with code %d", args, p.code)
	}
	return p.stdout.String()
}

// reads runs a command with a token alone.
func (o operator) reads(t testing.TB, tokenFile string, args ...string) string {
	t.Helper()
	p := parley(t, nil, append(args, "--server", o.url, "--token-file", tokenFile)...)
	if p.code != 0 {
		t.Fatalf("%q ended with code %d", args, p.code)
	}
	return p.stdout.String()
}

func has(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is not in:\n%s", what, part, text)
		}
	}
}

// "A user says his message did not arrive": from there to the reason, and to the
// message being told again, by commands alone.
func TestOperatorFindsOutWhyAMessageDidNotArrive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		rc := ofApp(t, nil)
		s := serve(t, nil, oneApp(e.place(t), rc)...)
		lobby(t, s.client())
		body, err := json.Marshal(say("lobby", "gagged", 7, "did it arrive?"))
		if err != nil {
			t.Fatal(err)
		}
		event := s.post(t, "POST", strings.NewReader(string(body)), nil).event()
		rc.event(t, event)
		o := s.operator(t)

		secret := strings.TrimSpace(o.types(t, "apps", "token", "--name", "support"))
		if !strings.HasPrefix(secret, "prt_") || strings.ContainsAny(secret, " \n") {
			t.Fatalf("token %q", secret)
		}
		token := write(t, "token", secret+"\n")
		has(t, "events list", o.reads(t, token, "events", "list", "--from", "gagged", "--since", "1h"),
			"SEQUENCE", event, "10017", "member_mute", "lobby", "gagged")

		var text string
		eventually(t, "the delivery is written down", func() bool {
			text = o.reads(t, token, "explain", "--group", "lobby", "--from", "gagged", "--random", "7", "--after", "1h")
			return strings.Contains(text, "Delivered to primary at the 1st attempt")
		})
		has(t, "explain", text, "a message from gagged to group lobby was refused with code 10017", "gagged was muted in this group for good", event)
		has(t, "explain of the event", o.reads(t, token, "explain", event), "muted in this group for good", "attempt 1", "HTTP 200")
		has(t, "events show", o.reads(t, token, "events", "show", "1"), event, "member_mute", `{"mute_until":"forever"}`,
			"endpoint primary", "delivered", "attempt 1", "HTTP 200", `"GroupId":"lobby"`)
		has(t, "explain of nothing", o.reads(t, token, "explain", "--group", "lobby", "--from", "nobody"), "never reached this server")

		var d api.EventDetail
		if err := json.Unmarshal([]byte(o.reads(t, token, "events", "show", event, "--json")), &d); err != nil || d.EventId != event || d.Sequence != 1 {
			t.Errorf("as JSON: %+v, %v", d, err)
		}

		has(t, "replay", o.types(t, "events", "replay", event), "event 1 to endpoint primary")
		rc.await(t, "the event comes again", func() bool {
			return slices.ContainsFunc(rc.list, func(e received) bool { return e.Delivery.ID == event && e.header.Get("Parley-Replay") == "1" })
		})

		has(t, "token list", o.types(t, "apps", "token", "list"), "support")
		id := regexp.MustCompile(`(?m)^([0-9a-f]+) +support`).FindStringSubmatch(o.types(t, "apps", "token", "list"))
		if id == nil {
			t.Fatal("no token is listed")
		}
		has(t, "token revoke", o.types(t, "apps", "token", "revoke", id[1]), id[1]+" is revoked")
		p := parley(t, nil, "events", "list", "--server", s.url, "--token", secret)
		if p.code != 1 || !strings.Contains(p.stderr.String(), "revoked") || strings.Contains(p.stderr.String(), secret) {
			t.Errorf("a revoked token: code %d, %s", p.code, &p.stderr)
		}
		if log := s.stderr.String(); strings.Contains(log, secret) || strings.Contains(log, "usersig") {
			t.Error("the server's log tells who proved himself how")
		}
		s.stop(t)
	})
}

func TestOperatorManagesEndpoints(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		rc, audit := ofApp(t, nil), newReceiver(t, nil, "/audit", map[int64][]string{appID: {"audit token"}})
		s := serve(t, nil, oneApp(e.place(t), rc)...)
		lobby(t, s.client())
		o := s.operator(t)
		refuse := func(random uint32) {
			t.Helper()
			if _, err := s.client().SendGroupMsg(t.Context(), say("lobby", "gagged", random, "x")); err == nil {
				t.Fatal("a muted member's message was accepted")
			}
		}
		refuse(1)
		text := o.types(t, "endpoints", "add", "audit", "--url", audit.url, "--callback-token-file", write(t, "callback-token", "audit token"),
			"--codes", "10017", "--add-key", "v1", "--rate", "50")
		has(t, "add", text, `"Id": "audit"`, `"Rate": 50`, `10017`, "shown this once: whsec_")
		has(t, "test", o.types(t, "endpoints", "test", "audit"), "called", "/audit", "HTTP 200", "delivered")
		has(t, "pause", o.types(t, "endpoints", "pause", "audit"), "endpoint audit is paused")
		refuse(2)
		rc.waitHead(t, appID, 2)
		has(t, "list", o.types(t, "endpoints", "list"), "ID", "audit", "paused", "primary", "active")
		if list := audit.all(); len(list) != 1 || list[0].header.Get("Parley-Test") != "1" {
			t.Errorf("a paused endpoint was sent %d callbacks", len(list))
		}
		has(t, "events of the endpoint", o.types(t, "events", "list", "--endpoint", "audit", "--state", "waiting"), "lobby")
		has(t, "resume", o.types(t, "endpoints", "resume", "audit"), "endpoint audit is active")
		audit.await(t, "what it has kept", func() bool {
			return slices.ContainsFunc(audit.list, func(e received) bool { return e.Delivery.Sequence == 2 && e.header.Get("Webhook-Signature") != "" })
		})
		has(t, "set", o.types(t, "endpoints", "set", "audit", "--url", "http://127.0.0.1:1/", "--max-in-flight", "3", "--codes", ""), `"MaxInFlight": 3`, `"ErrorCodes": []`)
		p := parley(t, nil, "endpoints", "test", "audit", "--server", s.url, "--app", strconv.Itoa(appID), "--app-key", appKey)
		if p.code != 1 || !strings.Contains(p.stderr.String(), "would not be delivered") || !strings.Contains(p.stdout.String(), "no answer") {
			t.Errorf("test of an endpoint that is away: code %d, %s%s", p.code, &p.stdout, &p.stderr)
		}
		has(t, "remove", o.types(t, "endpoints", "remove", "audit"), "endpoint audit is removed")
		if text := o.types(t, "endpoints", "list", "--json"); strings.Contains(text, `"audit"`) || strings.Contains(text, appToken) {
			t.Errorf("list %s", text)
		}
		s.stop(t)
	})
}

// Two processes of one database tell those who wait for events the same, each
// event once and in order, while both are sent to.
func TestEventsAreFollowedAtBothProcesses(t *testing.T) {
	t.Parallel()
	_, two := pair(t, nil)
	lobby(t, two[0].client())
	var secret api.NewToken
	secret, err := two[0].client().AddToken(t.Context(), "follower")
	if err != nil {
		t.Fatal(err)
	}
	const senders, each = 8, 20
	total := uint64(2 * senders * each)
	var all sync.WaitGroup
	for i, s := range two {
		all.Go(func() {
			c := &api.Client{BaseURL: s.url, SDKAppID: appID, Token: secret.Secret, HTTP: s.http}
			r := api.EventsRequest{Wait: 10, Limit: 50, NoBody: true}
			for last := uint64(0); last < total; {
				page, err := c.Events(t.Context(), r)
				if err != nil {
					t.Errorf("process %d: %v", i, err)
					return
				}
				for _, e := range page.Events {
					if e.Sequence != last+1 {
						t.Errorf("process %d: %d after %d", i, e.Sequence, last)
						return
					}
					last = e.Sequence
				}
				r.After, r.Epoch = page.Next, page.Epoch
			}
		})
		for n := range senders {
			c := s.client()
			all.Go(func() {
				for j := range each {
					random := uint32(i*1_000_000 + n*1000 + j)
					if _, err := c.SendGroupMsg(t.Context(), say("lobby", "gagged", random, fmt.Sprint(random))); err == nil {
						t.Error("a muted member's message was accepted")
					}
				}
			})
		}
	}
	all.Wait()
	for _, s := range two {
		s.stop(t)
	}
}

// Who waits for events does not hold up the end of a server, which gives requests
// under way 5 s.
func TestServerEndsWhileSomebodyWaits(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, oneApp(folder(t.TempDir()), nil)...)
	c := s.client()
	c.HTTP = newHTTP(t, nil) // stop closes the idle connections of the other
	called, done := make(chan struct{}), make(chan error, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(called) }})
	go func() {
		_, err := c.Events(ctx, api.EventsRequest{Wait: 60})
		done <- err
	}()
	<-called
	began := time.Now()
	s.stop(t)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	<-done // answered, or cut off before it began
}

// console calls the API of the console's pages.
func (s *server) console(t testing.TB, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.admin+"/admin/api"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.printed(t, `console token: (\S+)\n`)[1])
	r.Header.Set("X-Parley-Console", "1")
	res, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %d %s, %v", method, path, res.StatusCode, text, err)
	}
	return string(text)
}

// The pages of the console have their API.
func TestConsoleAsksTheServer(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, oneApp(folder(t.TempDir()), nil)...)
	ask := func(method, path, body string, parts ...string) {
		t.Helper()
		has(t, method+" "+path, s.console(t, method, path, body), parts...)
	}
	app := "/apps/" + strconv.Itoa(appID)
	ask("GET", "/status", "", `"Ready":true`, `"Trouble":""`)
	ask("GET", "/apps", "", strconv.Itoa(appID))
	ask("POST", app+"/v4/"+api.CommandAccountImport, `{"UserID":"ann"}`, `"ActionStatus":"OK"`)
	ask("POST", app+"/v4/"+api.CommandCreateGroup, `{"Type":"Public","Name":"n","GroupId":"g"}`, `"GroupId":"g"`)
	ask("POST", app+"/v1/endpoints", `{"Id":"e","URL":"http://127.0.0.1:1/"}`, `"Id":"e"`)
	ask("GET", app+"/v1/events?newest=1&nobody=1&limit=8", "", `"Events":[]`)
	ask("GET", app+"/v1/events?wait=1&limit=1&nobody=1", "", `"Events":[]`)
	s.stop(t)
}

func TestOperatorIsToldAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, faults []string }{
		"events list": {[]string{"events", "list", "--server", "nowhere", "--limit", "1001", "--after", "x", "--before", "2", "--state", "odd", "--since", "yesterday"},
			[]string{"--app: ", "--app-key: ", "--server: ", "--limit: ", "--after: \"x\"", "--after: give it", "--state: \"odd\"", "--state: it goes", "--since: "}},
		"token and file":  {[]string{"events", "list", "--token", "a", "--token-file", "/nowhere/token"}, []string{"--token: give it or --token-file"}},
		"no token file":   {[]string{"explain", "--token-file", "/nowhere/token", "--random", "x"}, []string{"--token-file: open", "--random: ", "--group: name a send"}},
		"replay":          {[]string{"events", "replay", "--app", "3", "--app-key", "k"}, []string{"--dead: say what"}},
		"replay too much": {[]string{"events", "replay", "1", "--code", "2", "--first", "x"}, []string{"--app: ", "--app-key: ", "--first: \"x\"", "--first: an event is named"}},
		"endpoints add": {[]string{"endpoints", "add", "e", "--app", "3", "--app-key", "k", "--rate", "x", "--client-cert", "/nowhere/cert", "--order", "odd", "--retry", "1,x", "--add-key", "v3"},
			[]string{"--url: ", "--rate: ", "--client-cert: open", "--client-cert: give", "--order: ", "--retry: ", "--add-key: "}},
		"follow": {[]string{"events", "list", "--token", "t", "--follow", "--before", "3"}, []string{"--follow: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parley(t, nil, c.args...)
			lines := p.stderr.lines()
			if p.code != 2 || len(lines) != len(c.faults) {
				t.Errorf("ended with code %d and %d lines, want %d:\n%s", p.code, len(lines), len(c.faults), &p.stderr)
			}
			for _, f := range c.faults {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "parley: "+f) }) {
					t.Errorf("no line begins with %q:\n%s", f, &p.stderr)
				}
			}
		})
	}
}

// Whoever follows the events from a command sees those that come.
func TestOperatorFollowsTheEvents(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, oneApp(folder(t.TempDir()), nil)...)
	lobby(t, s.client())
	send := func(random uint32) {
		t.Helper()
		if _, err := s.client().SendGroupMsg(t.Context(), say("lobby", "gagged", random, "x")); err == nil {
			t.Fatal("a muted member's message was accepted")
		}
	}
	send(1)
	o := s.operator(t)
	p := launch(t, nil, "events", "list", "--follow", "--json", "--after", "0", "--server", o.url, "--app", strconv.Itoa(appID), "--app-key-file", o.keyFile)
	p.printed(t, `"Sequence":1,`)
	send(2)
	p.printed(t, `"Sequence":2,`)
	p.signal(t, os.Interrupt)
	if code := p.end(t); code != 0 {
		t.Errorf("ended with code %d", code)
	}
	s.stop(t)
}
