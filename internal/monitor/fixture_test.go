package monitor_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
)

// update makes the fixtures of the version it names, for example v0.2; see
// testdata/README.md.
var update = flag.String("update", "", "write the fixtures of this `version` instead of comparing")

// fixed is what every fixture was made with: no signature and a clock that
// stands still.
func fixed(cfg monitor.Config) monitor.Config {
	cfg.Apps = []monitor.App{{SdkAppid: appid}, {SdkAppid: 7}}
	cfg.Now = func() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) }
	return cfg
}

// unsigned is the address of a callback without a signature.
func unsigned(app int, command callback.Command) string {
	return fmt.Sprintf("/callback?SdkAppid=%d&CallbackCommand=%s", app, command)
}

// fill sends what a fixture holds: every column at its bounds, and bodies that
// no text column would take.
func (r *running) fill() {
	r.t.Helper()
	const exception = callback.CmdGroupSendMsgException
	send := func(app int, command callback.Command, body string, d callback.Delivery) {
		r.t.Helper()
		if status, answer := r.post(unsigned(app, command), body, d); status != 200 {
			r.t.Fatalf("%s: answered %d %s", body, status, answer)
		}
	}
	plain := event{code: 10023, group: "@TGS#2J4SZEAEL", from: "jared", random: 4294967295}.body()
	send(appid, exception, plain, callback.Delivery{ID: "evt_1", Epoch: "e", Sequence: 7})
	send(appid, exception, plain, callback.Delivery{ID: "evt_2", Epoch: "e", Sequence: 1<<64 - 1, Count: 41, Truncated: 1 << 30})
	send(appid, exception, plain, callback.Delivery{ID: "evt_1", Epoch: "another", Sequence: 7})
	send(appid, exception, plain, callback.Delivery{})
	send(7, exception, plain, callback.Delivery{})
	send(appid, exception, event{code: 80001, group: "红包 & co", from: "王"}.body(), callback.Delivery{})
	for _, body := range []string{
		"{\"GroupId\":\"odd\",\"Random\":1,\"ErrorInfo\":\"\xff\xfe\"}",
		`{"GroupId":"odd\u0000","From_Account":"a\u0000b","ErrorInfo":"\u0000","CloudCustomData":"\u0000"}`,
		`{"GroupId":"odd","Random":2,"ErrorInfo":"\ud800"}`,
		`{"GroupId":"odd","Random":"x","EventTime":{},"ErrorCode":[]}`,
		"{\n\"GroupId\" : \"odd\",\r\n \"MsgBody\" : [ ] }",
		`{"GroupId":"odd","Random":123456789012345678901234567890}`,
		`{"GroupId":"` + strings.Repeat("long", 1000) + `","From_Account":"` + strings.Repeat("longer", 1000) + `"}`,
		`{"ErrorCode":-9223372036854775808,"EventTime":9223372036854775807}`,
		`{}`,
	} {
		send(appid, exception, body, callback.Delivery{})
	}
	send(appid, callback.CmdGroupAfterSendMsg, `{"GroupId":"g"}`, callback.Delivery{ID: "evt_3", Epoch: "e", Sequence: 8})
	send(appid, callback.CmdGroupAfterSendMsg, `{"GroupId":"g"}`, callback.Delivery{})
}

// answers is everything that can be read of the store: a page of exceptions and
// the totals.
func (r *running) answers() string {
	r.t.Helper()
	_, list := r.get("/api/exceptions?limit=1000")
	text := strings.ReplaceAll(list, `},{`, "},\n{")
	for _, reason := range r.summary().Reasons {
		text += fmt.Sprintf("code %d: %d refusals, %d records, the last at %d\n", reason.Code, reason.Count, reason.Records, reason.Last)
	}
	return text
}

// A database of every version that was released is read, recognises what it has,
// and takes more.
func TestDatabaseOfAnEarlierVersionIsReadAndWrittenOn(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		if *update != "" {
			writeFixture(t, e, filepath.Join("testdata", *update))
		}
		versions, err := filepath.Glob("testdata/v*")
		if err != nil || len(versions) == 0 {
			t.Fatal(versions, err)
		}
		for _, dir := range versions {
			t.Run(filepath.Base(dir), func(t *testing.T) {
				t.Parallel()
				cfg := fixed(e.config(t))
				e.restore(t, cfg, filepath.Join(dir, e.fixture))
				r := start(t, cfg)
				want, err := os.ReadFile(filepath.Join(dir, "answers.txt"))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), r.answers()); diff != "" {
					t.Error(diff)
				}
				r.fill() // repeats
				if diff := cmp.Diff(string(want), r.answers()); diff != "" {
					t.Errorf("after repeats: %s", diff)
				}
				before := r.list("limit=1000").Exceptions
				if status, _ := r.post(unsigned(appid, callback.CmdGroupSendMsgException), event{random: 4711}.body(), callback.Delivery{}); status != 200 {
					t.Errorf("a new one was answered %d", status)
				}
				after := r.list("limit=1000").Exceptions
				if len(after) != len(before)+1 || string(after[len(before)]["Random"]) != "4711" {
					t.Errorf("then there are %d, before %d", len(after), len(before))
				}
				r.stop()
				start(t, cfg)
			})
		}
	})
}

// writeFixture makes a database with today's program and keeps it in dir.
func writeFixture(t *testing.T, e engine, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := fixed(e.config(t))
	r := start(t, cfg)
	r.fill()
	if err := os.WriteFile(filepath.Join(dir, "answers.txt"), []byte(r.answers()), 0o644); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := os.WriteFile(filepath.Join(dir, e.fixture), e.dump(t, cfg), 0o644); err != nil {
		t.Fatal(err)
	}
}
