package e2e

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// The app of most tests.
const (
	appID    = 1400000001
	appKey   = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	appAdmin = "administrator"
	appToken = "a token of the app"
)

// server is `parley serve`, running.
type server struct {
	*process
	address string // host:port of REST
	admin   string // host:port of console and metrics
	url     string // of REST
	trust   *authority
	http    *http.Client
}

// serve starts a server on free ports; of flags given twice the last counts. A
// nil authority means plain HTTP.
func serve(t testing.TB, trust *authority, flags ...string) *server {
	t.Helper()
	return serveBy(t, nil, trust, flags...)
}

// serveBy is serve by another command, which must become the program.
func serveBy(t testing.TB, by []string, trust *authority, flags ...string) *server {
	t.Helper()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	if trust != nil {
		args = append(args, "--tls-cert", trust.certFile, "--tls-key", trust.keyFile)
	}
	s := &server{process: launchBy(t, by, nil, append(args, flags...)...), trust: trust}
	where := s.printed(t, `parley serves on (https?://(\S+))\n`)
	s.url, s.address = where[1], where[2]
	s.admin = s.printed(t, `console: http://([^/]+)/admin/\n`)[1]
	s.http = newHTTP(t, trust)
	return s
}

// oneApp are the flags of the app of most tests.
func oneApp(p place, rc *receiver, more ...string) []string {
	flags := append(p.args(), "--app", strconv.Itoa(appID), "--app-key", appKey, "--admin", appAdmin)
	if rc != nil {
		flags = append(flags, "--callback-url", rc.url, "--callback-token", appToken)
		if rc.trust != nil {
			flags = append(flags, "--callback-ca", rc.trust.caFile)
		}
	}
	return append(flags, more...)
}

func newHTTP(t testing.TB, trust *authority) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 128, ExpectContinueTimeout: 5 * time.Second}
	if trust != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: trust.pool, MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// client calls the server as an admin of the app of most tests.
func (s *server) client() *api.Client { return s.clientOf(appID, appKey, appAdmin) }

func (s *server) clientOf(app int64, key, admin string) *api.Client {
	sig := sync.OnceValues(func() (string, error) { return usersig.Make(app, key, admin, time.Hour) })
	return &api.Client{
		BaseURL: s.url, SDKAppID: app, Identifier: admin, HTTP: s.http,
		UserSig: func(string) (string, error) { return sig() },
	}
}

// stop ends the server as an operator does, and checks that it ended well.
func (s *server) stop(t testing.TB) {
	t.Helper()
	s.http.CloseIdleConnections()
	s.signal(t, syscall.SIGTERM)
	if code := s.end(t); code != 0 {
		t.Fatalf("the server ended with code %d", code)
	}
}

// health asks one of the health addresses and returns the status.
func (s *server) health(t testing.TB, path string) int {
	t.Helper()
	res, err := s.http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// metrics reads the numbers at the admin address, by name with labels.
func (s *server) metrics(t testing.TB) map[string]float64 {
	t.Helper()
	res, err := s.http.Get("http://" + s.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all := make(map[string]float64)
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, number, ok := strings.Cut(lines.Text(), " ")
		if ok && !strings.HasPrefix(name, "#") {
			if n, err := strconv.ParseFloat(number, 64); err == nil {
				all[name] = n
			}
		}
	}
	if res.StatusCode != http.StatusOK || len(all) == 0 {
		t.Fatalf("/metrics: status %d, %d numbers", res.StatusCode, len(all))
	}
	return all
}

// ledger is what the metrics say of an app's sends.
type ledger struct{ Attempts, Accepted, Refused, Dropped, Repeated int }

func (s *server) ledger(t testing.TB, app int64) ledger {
	t.Helper()
	m := s.metrics(t)
	of := func(outcome string) int {
		return int(m[`parley_sends_total{app="`+strconv.FormatInt(app, 10)+`",outcome="`+outcome+`"}`])
	}
	return ledger{
		int(m[`parley_send_attempts_total{app="`+strconv.FormatInt(app, 10)+`"}`]),
		of("accepted"), of("refused"), of("dropped"), of("repeated"),
	}
}

// shown is the app as the control shows it.
func shown(t testing.TB, c *api.Client) api.App {
	t.Helper()
	list, err := c.ListApps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.SDKAppID == c.SDKAppID {
			return a
		}
	}
	t.Fatalf("app %d is not listed: %+v", c.SDKAppID, list)
	return api.App{}
}

// write makes a file in a folder of its own and returns its name.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ptr[T any](v T) *T { return &v }
