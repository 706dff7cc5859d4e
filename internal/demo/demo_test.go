package demo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/internal/demo"
)

// No test of this package may leave a goroutine behind. The library of the
// client door ends some of its own a second after the last connection went.
func TestMain(m *testing.M) {
	code := m.Run()
	var err error
	for range 4 {
		if err = goleak.Find(); err == nil {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// output collects what is written and waits for lines.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // has room for one
}

func newOutput() *output { return &output{news: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns when each of the patterns was written, or when ended is closed.
func (o *output) await(ended <-chan struct{}, patterns ...string) {
	for {
		text, all := o.String(), true
		for _, p := range patterns {
			all = all && regexp.MustCompile(p).MatchString(text)
		}
		if all {
			return
		}
		select {
		case <-o.news:
		case <-ended:
			return
		}
	}
}

// demonstrate runs a demonstration until each of the patterns was written, in a
// temporary folder of its own, and returns what it wrote.
func demonstrate(t *testing.T, c demo.Config, patterns ...string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	out := newOutput()
	if c.Out == nil {
		c.Out = out
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	go func() {
		out.await(ctx.Done(), patterns...)
		if len(patterns) > 0 {
			cancel()
		}
	}()
	err := demo.Run(ctx, c)
	left, readErr := os.ReadDir(folder)
	if readErr != nil {
		t.Fatal(readErr)
	}
	for _, entry := range left {
		t.Errorf("%s is left in the temporary folder", entry.Name())
	}
	return out.String(), err
}

// The four reasons that the callback's document names, and the others.
var documented = []string{
	`refused 10010 group does not exist .*: callback after`,
	`refused 10023 too frequent .*: callback after`,
	`refused 80001 forbidden word .*: callback after`,
	`refused 10017 sender is muted \(in this group\).*: callback after`,
}

var others = []string{
	`refused 10017 sender is muted \(whole group\).*: callback after`,
	`refused 10017 sender is muted \(everywhere\).*: callback after`,
	`refused 80002 message too long.*: callback after`,
	`refused 10019 sender has no account.*: callback after`,
	`refused 10053 too many people mentioned.*: callback after`,
	`refused 60003 body is not JSON.*: callback after`,
	`refused 10004 bad parameter \(no Random\).*: callback after`,
	`refused 10010 group does not exist \(dissolved\).*: callback after`,
	`refused 10007 not allowed here.*: callback after`,
	`refused 10015 malformed group id.*: callback after`,
}

func TestEveryReasonIsRefusedAndCalledBackAndTheBooksAgree(t *testing.T) {
	text, err := demonstrate(t, demo.Config{}, append(documented, others...)...)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	for _, want := range append(append([]string{
		`(?m)^monitor page: http://127\.0\.0\.1:\d+/$`,
		`(?m)^chat page: http://127\.0\.0\.1:\d+/ \(app 1400000002\)$`,
		`(?m)^server console: http://127\.0\.0\.1:\d+/admin/ \(token \S+\)$`,
		`(?m)^parley demo ended after `,
		`(?m)^  callbacks +\d+ arrived, 0 missing$`,
		`(?m)^  monitor +\d+ exceptions, missing now: 0`,
		`(?m)^  data +was in \S+ and is removed$`,
	}, documented...), others...) {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("nothing matches %s", want)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("control sequences without a terminal")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestDurationEndsIt(t *testing.T) {
	text, err := demonstrate(t, demo.Config{Duration: 3 * time.Second})
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(text, "parley demo ended after 0:0") || !strings.Contains(text, ": callback after ") {
		t.Errorf("it wrote:\n%s", text)
	}
}

func TestMonitorPageAndAPIAnswerWhileTheCrowdTalks(t *testing.T) {
	out := newOutput()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) string {
		response, err := client.Get(url)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s answered %s, %v", url, response.Status, err)
		}
		return string(body)
	}
	var page, exceptions, summary string
	go func() {
		defer cancel()
		out.await(ctx.Done(), documented[0])
		if m := regexp.MustCompile(`monitor page: (\S+)`).FindStringSubmatch(out.String()); m != nil {
			page, exceptions, summary = get(m[1]), get(m[1]+"api/exceptions?code=10010"), get(m[1]+"api/summary")
		}
	}()
	t.Setenv("TMPDIR", t.TempDir())
	if err := demo.Run(ctx, demo.Config{Out: out}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(page, "<!doctype html>") || !strings.Contains(exceptions, `"Has anybody finished chapter four?"`) {
		t.Errorf("page %q, exceptions %q", page, exceptions)
	}
	if !strings.Contains(summary, `"Server":"http://127.0.0.1:`) || strings.Contains(summary, `"Fault"`) {
		t.Errorf("the monitor does not read the journal: %s", summary)
	}
}

func TestScreenKeepsTheMonitorsAddressAndTakesTheBlockAwayAtTheEnd(t *testing.T) {
	text, err := demonstrate(t, demo.Config{Screen: &demo.Screen{Size: func() (int, int) { return 80, 24 }, Colours: true}},
		"\x1b\\[36m10017\x1b\\[0m", `sends · \d+ delivered`)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	if strings.Count(text, "monitor http://127.0.0.1:") < 2 || !strings.Contains(text, "\x1b[J") {
		t.Errorf("no block was kept:\n%q", text)
	}
	after := text[strings.LastIndex(text, "\x1b[J"):]
	if !strings.Contains(after, "parley demo ended") || strings.Contains(after, "Ctrl-C") {
		t.Errorf("the end is %q", after)
	}
}

func TestNothingIsLeftWhenAnAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]demo.Config{
		"server":  {Listen: taken.Addr().String()},
		"console": {AdminListen: taken.Addr().String()},
		"monitor": {MonitorListen: taken.Addr().String()},
		"chat":    {ChatListen: taken.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := demonstrate(t, c)
			var faults demo.Faults
			if err == nil || errors.As(err, &faults) || !strings.Contains(err.Error(), taken.Addr().String()) {
				t.Errorf("ended with %v, want an error that names the address", err)
			}
		})
	}
}

func TestNothingIsLeftWhenNobodyReadsTheOutput(t *testing.T) {
	_, err := demonstrate(t, demo.Config{Out: closed{}})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("ended with %v", err)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLogsGoToTheLogAlone(t *testing.T) {
	log := newOutput()
	text, err := demonstrate(t, demo.Config{Log: log}, documented[0])
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(log.String(), "monitor.started") || strings.Contains(text, "monitor.started") {
		t.Errorf("log:\n%s\noutput:\n%s", log, text)
	}
}

func TestNothingIsLeftWhenItIsEndedBeforeItBegan(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := newOutput()
	if err := demo.Run(ctx, demo.Config{Out: out}); err != nil {
		t.Errorf("ended with %v", err)
	}
	if want := "parley demo ended before it began\n"; out.String() != want {
		t.Errorf("it wrote %q, want %q", out, want)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}
