package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to make a database of a newer program

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/usersig"
)

func TestFaultsOfTheConfigurationAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	key := write(t, "key", appKey+"\n")
	junk := write(t, "junk.pem", "no certificate\n")
	bad := write(t, "bad.yaml", "listen: nonsense\nbogus: 1\nanother: 2\n")
	apps := write(t, "apps.yaml", "apps:\n  - app: 5\n    app-kye: k\n  - app: 7\n    app-key: k\n    group-rate: -3\n")
	broken := write(t, "broken.yaml", "apps: [\n")
	for name, c := range map[string]struct {
		env, args, faults []string // a fault is how its line goes on after "parley: "
	}{
		"many flags": {nil, []string{"serve", "--listen", "nonsense", "--admin-listen", "127.0.0.1:x", "--app", "abc", "--app-key", "a b",
			"--callback-url", "ftp://example.com", "--event-time", "maybe", "--group-rate=-1", "--tls-cert", "/nowhere/cert.pem",
			"--admin-password", "short", "--on-frequency", "never", "--callback-ca", junk, "--callback-commands", "Group.Nothing", "--trusted-proxy", "10.0.0.0/99"},
			[]string{"--listen: ", "--admin-listen: ", "--admin-password: ", "--tls-cert: give ", "--tls-cert: open /nowhere/cert.pem", "--trusted-proxy: ",
				"--app: ", "--app-key: ", "--callback-url: ", "--callback-ca: ", "--callback-commands: ", "--event-time: ", "--on-frequency: ", "--group-rate: "}},
		"environment": {[]string{"PARLEY_LISTEN=nonsense", "PARLEY_STORM_LIMIT=many"}, []string{"serve", "--app", "3", "--app-key", "k"},
			[]string{"--listen: ", "--storm-limit: "}},
		"unknown flag": {nil, []string{"serve", "--bogus"}, []string{"unknown flag --bogus"}},
		"unknown keys of the file beside bad values": {nil, []string{"serve", "--config", bad, "--group-rate", "x"},
			[]string{`--config: ` + bad + `: unknown key "another"`, `--config: ` + bad + `: unknown key "bogus"`, "--listen: ", "--app: ", "--app-key: ", "--group-rate: "}},
		"unknown key of another command's file": {nil, []string{"version", "--config", bad},
			[]string{`--config: ` + bad + `: unknown key "another"`, `--config: ` + bad + `: unknown key "bogus"`}},
		"apps of the file": {nil, []string{"serve", "--config", apps, "--app", "7", "--app-key", "k", "--max-message", "0"},
			[]string{"--config: " + apps + ": apps, entry at line 2: ", "--max-message: ", `apps, app "7": group-rate: `, "--app: app 7 is given twice"}},
		"file that is no YAML":        {nil, []string{"serve", "--config", broken}, []string{"--config: " + broken + ": "}},
		"file that cannot be read":    {nil, []string{"serve", "--config", "/nowhere/parley.yaml"}, []string{"--config: open /nowhere/parley.yaml"}},
		"secret and file, both given": {nil, []string{"serve", "--app", "3", "--app-key", "k", "--app-key-file", key, "--callback-token", "t", "--callback-token-file", key}, []string{"--app-key: ", "--callback-token: "}},
		"secret files unreadable":     {nil, []string{"serve", "--app", "3", "--app-key-file", "/nowhere/key", "--admin-password-file", "/nowhere/password"}, []string{"--admin-password-file: open /nowhere/password", "--app-key-file: open /nowhere/key"}},
		"key of the app missing":      {nil, []string{"serve", "--app", "3"}, []string{"--app-key: "}},
		"certificate that is none":    {nil, []string{"serve", "--tls-cert", junk, "--tls-key", junk, "--listen", "nonsense", "--data", t.TempDir()}, []string{"--listen: ", "--tls-cert: "}},
		"bad user, key and expiry":    {nil, []string{"usersig", "--app", "x", "--app-key", "", "--user", "", "--expire", "5y"}, []string{"--app: ", "--app-key: ", "--user: ", "--expire: "}},
		"bad server of apps":          {nil, []string{"apps", "list", "--server", "nowhere", "--app", "0", "--app-key", ""}, []string{"--app: ", "--app-key: ", "--server: "}},
		"unknown command":             {nil, []string{"converse"}, []string{"unexpected argument converse"}},
		"database that is none beside bad values": {nil, []string{"serve", "--database", "mysql://u:" + appKey + "@h/d", "--data", "somewhere", "--listen", "nonsense"},
			[]string{"--listen: ", "--database: ", "--data: give it or --database, not both"}},
		"database's URL with a bad setting": {[]string{"PARLEY_DATABASE=postgres://u:" + appKey + "@h/d?sslmode=perhaps"}, []string{"serve", "--group-rate", "x"},
			[]string{"--database: ", "--app: ", "--app-key: ", "--group-rate: "}},
		"database and file, both given": {nil, []string{"serve", "--database", "postgres://h/d", "--database-file", "/nowhere/url"}, []string{"--database: give it or --database-file, not both"}},
		"monitor without app or token":  {nil, []string{"monitor", "--listen", "nonsense"}, []string{"--listen: ", "--app: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parley(t, c.env, c.args...)
			if p.code != 2 {
				t.Errorf("ended with code %d, want 2", p.code)
			}
			lines := p.stderr.lines()
			if len(lines) != len(c.faults) {
				t.Errorf("%d lines, want %d:\n%s", len(lines), len(c.faults), &p.stderr)
			}
			for _, f := range c.faults {
				n := 0
				for _, line := range lines {
					if strings.HasPrefix(line, "parley: "+f) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d lines begin with %q:\n%s", n, f, &p.stderr)
				}
			}
			if strings.Contains(p.stderr.String()+p.stdout.String(), appKey) {
				t.Error("a secret was printed")
			}
		})
	}
}

func TestStartFailsWithCodeOneWhereTheMachineRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	busy := taken.Addr().String()
	notAFolder := write(t, "file", "")
	inUse := t.TempDir()
	serve(t, nil, oneApp(folder(inUse), nil)...)
	newer := t.TempDir()
	s := serve(t, nil, oneApp(folder(newer), nil)...)
	s.stop(t)
	makeNewer(t, filepath.Join(newer, "parley.db"))

	for name, c := range map[string]struct {
		flags []string
		says  string
	}{
		"public address in use":   {[]string{"--listen", busy, "--data", t.TempDir()}, busy},
		"admin address in use":    {[]string{"--admin-listen", busy, "--data", t.TempDir()}, busy},
		"data folder is a file":   {[]string{"--data", notAFolder}, notAFolder},
		"data folder in use":      {[]string{"--data", inUse}, "used by another process"},
		"database of a newer one": {[]string{"--data", newer}, "newer than this program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, c.flags...)
			p := parley(t, nil, args...)
			if last := p.stderr.lines(); p.code != 1 || !strings.Contains(last[len(last)-1], c.says) {
				t.Errorf("code %d, want 1; %q does not say %q", p.code, &p.stderr, c.says)
			}
			if p.stdout.String() != "" {
				t.Errorf("printed %q", &p.stdout)
			}
		})
	}
}

// makeNewer lets a database say that a newer program wrote it.
func makeNewer(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
}

func TestKillLeavesNoLockOnTheDataFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	serve(t, nil, oneApp(folder(data), nil)...).kill(t)
	serve(t, nil, oneApp(folder(data), nil)...).stop(t)
}

func TestFirstStartWithoutAnAppPrintsAKeyOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, firstStart)
}

func firstStart(t *testing.T, e engine) {
	where := e.place(t)
	s := serve(t, nil, where.args()...)
	made := s.printed(t, `first app made: --app (\d+) --app-key (\S+) --admin (\S+)\n`)
	id, err := strconv.ParseInt(made[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.clientOf(id, made[2], made[3]).ListApps(t.Context()); err != nil {
		t.Errorf("the key that was printed: %v", err)
	}
	s.stop(t)
	again := serve(t, nil, where.args()...)
	if _, err := again.clientOf(id, made[2], made[3]).ListApps(t.Context()); err != nil {
		t.Errorf("the key after the second start: %v", err)
	}
	again.stop(t) // everything is printed now
	if text := again.stdout.String() + again.stderr.String(); strings.Contains(text, made[2]) || strings.Contains(text, "first app") {
		t.Errorf("the second start printed %s", text)
	}
	if e != inSQLite {
		return
	}
	info, err := os.Stat(filepath.Join(where.value, "first-app.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the key: %v, %v", info, err)
	}
}

func TestFlagComesBeforeEnvironmentBeforeFile(t *testing.T) {
	t.Parallel()
	file := write(t, "parley.yaml", fmt.Sprintf(`
listen: 127.0.0.1:0
admin-listen: 127.0.0.1:0
data: %s
app: %d
app-key: %s
admin: %s
group-rate: 11
sender-rate: 12
api-rate: 13
`, t.TempDir(), appID, appKey, appAdmin))
	p := launch(t, []string{"PARLEY_CONFIG=" + file, "PARLEY_SENDER_RATE=22", "PARLEY_API_RATE=23"}, "serve", "--api-rate", "33")
	s := &server{process: p, url: p.printed(t, `parley serves on (\S+)\n`)[1], http: newHTTP(t, nil)}
	got := shown(t, s.client()).Settings
	if got.GroupRate != 11 || got.SenderRate != 22 || got.APIRate != 33 {
		t.Errorf("group-rate of the file %d, sender-rate of the environment %d, api-rate of the flag %d", got.GroupRate, got.SenderRate, got.APIRate)
	}
	s.stop(t)
}

func TestSecretsAreTakenFromFiles(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	s := serve(t, nil, "--data", t.TempDir(), "--app", strconv.Itoa(appID), "--app-key-file", write(t, "key", appKey+"\n"),
		"--callback-url", rc.url, "--callback-token-file", write(t, "token", appToken+"\n"))
	_, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, 1, "hello"))
	rc.event(t, eventOf(err)) // its Sign was made with the token
	rc.noneRefused(t)
}

func TestVersionAndUserSigArePrinted(t *testing.T) {
	t.Parallel()
	p := parley(t, nil, "version")
	if !regexp.MustCompile(`^parley \d+\.\d+\.\d+( \([0-9a-f]{12}\))? go\S+ \S+/\S+\n$`).MatchString(p.stdout.String()) || p.code != 0 {
		t.Errorf("version: code %d, %q", p.code, &p.stdout)
	}
	before := time.Now()
	p = parley(t, []string{"PARLEY_APP_KEY=" + appKey}, "usersig", "--app", strconv.Itoa(appID), "--user", "jared", "--expire", "2d")
	claims, err := usersig.Verify(strings.TrimSuffix(p.stdout.String(), "\n"), appID, "jared", appKey, time.Now())
	if err != nil || p.code != 0 {
		t.Fatalf("usersig: code %d, %v", p.code, err)
	}
	if end := claims.ExpiresAt(); end.Before(before.Add(48*time.Hour-time.Second)) || end.After(time.Now().Add(48*time.Hour+time.Second)) {
		t.Errorf("it expires at %v", end)
	}
}

// silent is an app backend that takes callbacks and questions and never answers.
type silent struct {
	*receiver
	watched
	hanging int
}

// serveSilent starts a server whose app backend is silent, with a group lobby.
func serveSilent(t *testing.T, e engine) (*server, *silent) {
	t.Helper()
	b := &silent{}
	b.receiver = &receiver{t: t, handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.watched.change(func() { b.hanging++ })
		<-r.Context().Done()
	})}
	b.open("127.0.0.1:0")
	t.Cleanup(b.close)
	s := serve(t, nil, oneApp(e.place(t), nil, "--callback-url", "http://"+b.address,
		"--callback-commands", "Group.CallbackSendMsgException,"+string(callback.CmdGroupBeforeSendMsg))...)
	group(t, s.client(), api.TypePublic, "lobby")
	return s, b
}

// ask begins a send that waits for the answer to its question, for 2 s at most.
func (b *silent) ask(t *testing.T, s *server) {
	t.Helper()
	before := 0
	b.watched.look(func() { before = b.hanging })
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan struct{})
	c := s.client()
	go func() {
		defer close(sent)
		_, _ = c.SendGroupMsg(ctx, say("lobby", appAdmin, 100, "hello"))
	}()
	t.Cleanup(func() { cancel(); <-sent })
	b.watched.await(t, "the question hangs", func() bool { return b.hanging > before })
}

func TestTerminateEndsWithinTenSecondsWhateverIsUnderWay(t *testing.T) {
	t.Parallel()
	onBoth(t, terminate)
}

func terminate(t *testing.T, e engine) {
	s, b := serveSilent(t, e)
	for i := range uint32(8) { // callbacks that hang; after some the endpoint is left alone
		if _, err := s.client().SendGroupMsg(t.Context(), say("nowhere", appAdmin, i, "hello")); eventOf(err) == "" {
			t.Fatal(err)
		}
	}
	b.watched.await(t, "callbacks hang", func() bool { return b.hanging >= 3 })
	half, err := net.Dial("tcp", s.address) // a request that never becomes whole
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	fmt.Fprintf(half, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\n{", strings.TrimPrefix(s.target(t), s.url), s.address)
	b.ask(t, s)

	began := time.Now()
	s.signal(t, syscall.SIGTERM)
	if code := s.end(t); code != 0 {
		t.Errorf("ended with code %d", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s, b := serveSilent(t, inSQLite)
	b.ask(t, s) // what the first signal waits for
	s.signal(t, syscall.SIGTERM)
	s.stderr.await(t, "the first signal is noticed", func() bool { return strings.Contains(s.stderr.text.String(), "stopping") })
	s.signal(t, syscall.SIGINT)
	if code := s.end(t); code != 1 {
		t.Errorf("ended with code %d, want 1", code)
	}
}
