// Command perf makes the figures of docs/performance.md, each mode its own:
//
// ratio measures the server beside a handler that only decodes and answers, and
// beside a relay that calls back and stores nothing, all in one run on the same
// machine. The load comes from wrk, in turns: baseline, server, baseline, server,
// … Each figure is the median of its turns, and what counts is the ratio of the
// two.
//
// isolation measures the time from an event's commit to its arrival at a healthy
// endpoint, while others hang.
//
// backlog lets events pile up for an endpoint that is away, and drains them when
// it comes back.
//
// retention measures sends while events are removed.
//
// clients holds 10 000 connections and sends to a group of all of them, beside
// the bare library that the client door is built on.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/pgtest"
)

const (
	sdkAppID = 1400000000
	appKey   = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	admin    = "administrator"
)

func main() {
	parley := flag.String("parley", "bin/parley", "the program")
	turns := flag.Int("turns", 5, "turns of each measurement")
	seconds := flag.Int("seconds", 4, "length of a turn")
	engine := flag.String("store", "sqlite", "sqlite, or postgres: a server of its own, synced")
	mode := flag.String("mode", "ratio", "ratio, isolation, backlog, retention or clients")
	events := flag.Int("events", 1_000_000, "of the backlog")
	rounds := flag.Int("rounds", 3, "of clients, each with servers of their own")
	connections := flag.Int("connections", 10_000, "of clients")
	flag.Parse()
	var err error
	switch *mode {
	case "ratio":
		err = run(*parley, *engine, *turns, *seconds)
	case "retention":
		err = retention(*parley, *engine, *turns, *seconds)
	case "clients":
		err = clients(*parley, *connections, *rounds, *turns)
	case "isolation":
		err = isolation(*parley, *engine, *turns, *seconds)
	case "backlog":
		err = backlog(*parley, *engine, *events)
	default:
		err = fmt.Errorf("there is no mode %q", *mode)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "perf:", err)
		os.Exit(1)
	}
}

// baseline runs in a process of its own, like the server.
const baselineEnv = "PARLEY_PERF_BASELINE"

func init() {
	if os.Getenv(baselineEnv) == "" {
		return
	}
	if os.Getenv(baselineEnv) == bareLibrary {
		serveBareLibrary()
	}
	serveBaselines()
}

func run(parley, engine string, turns, seconds int) error {
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var received atomic.Int64
	receiver, err := listen(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		received.Add(1)
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
	})
	if err != nil {
		return err
	}
	base, stopBase, err := start(exec.Command(os.Args[0]), baselineEnv+"=http://"+receiver, regexp.MustCompile(`baseline on (\S+)`))
	if err != nil {
		return err
	}
	defer stopBase()
	server, client, stopServer, err := serve(parley, engine, dir, "--callback-url", "http://"+receiver)
	if err != nil {
		return err
	}
	defer stopServer()
	for i := range 10 {
		if _, err := client.CreateGroup(context.Background(), api.CreateGroupRequest{Type: "Public", Name: "perf", GroupId: fmt.Sprintf("g%d", i)}); err != nil {
			return err
		}
	}
	path, err := sendPath(sdkAppID)
	if err != nil {
		return err
	}
	script := filepath.Join(dir, "send.lua")
	if err := os.WriteFile(script, []byte(lua), 0o600); err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d cores; %d turns of %d s each, medians\n\n", time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), turns, seconds)
	fmt.Println("| what | connections | baseline /s | parley /s | ratio (min, median, max) | p99 |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, m := range []struct {
		what, baseline, group string
		conns                 int
	}{
		{"accepted", "/bare", "g", 32}, {"accepted", "/bare", "g", 256},
		{"refused and called back", "/relay", "missing", 32}, {"refused and called back", "/relay", "missing", 256},
	} {
		var bs, ps, ratios []float64
		var p99 string
		for range turns {
			b, _, err := wrk(m.conns, seconds, script, m.group, base+m.baseline)
			if err != nil {
				return err
			}
			before, began := received.Load(), time.Now()
			p, late, err := wrk(m.conns, seconds, script, m.group, server.url+path)
			if err != nil {
				return err
			}
			if m.group == "missing" { // what counts is what came back within the turn, backlog included
				drained, err := drain(&received, before+int64(p*float64(seconds)*0.99))
				if err != nil {
					return err
				}
				p = float64(received.Load()-before) / drained.Sub(began).Seconds()
			}
			bs, ps, ratios, p99 = append(bs, b), append(ps, p), append(ratios, p/b), late
		}
		slices.Sort(ratios)
		fmt.Printf("| %s | %d | %.0f | %.0f | %.2f, %.2f, %.2f | %s |\n", m.what, m.conns, median(bs), median(ps), ratios[0], median(ratios), ratios[len(ratios)-1], p99)
	}
	return nil
}

// home is where a server keeps everything: a folder, or a database of its own.
func home(engine, dir string) (flags []string, stop func(), err error) {
	if engine != "postgres" {
		return []string{"--data", dir}, func() {}, nil
	}
	db, err := pgtest.New()
	if err != nil {
		return nil, nil, err
	}
	return []string{"--database", db.URL("postgres")}, func() { _ = db.Close() }, nil
}

// drain waits until want callbacks have come and says when.
func drain(received *atomic.Int64, want int64) (time.Time, error) {
	deadline := time.Now().Add(60 * time.Second)
	for received.Load() < want {
		if time.Now().After(deadline) {
			return time.Time{}, errors.New("callbacks are missing")
		}
		time.Sleep(time.Millisecond)
	}
	return time.Now(), nil
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

const lua = `
math.randomseed(os.time())
local n, group = 0, os.getenv("GROUP")
local text = "hello there, this is a message of normal size for a chat"
request = function()
  n = n + 1
  local g = group == "g" and ("g" .. (n % 10)) or group
  local body = '{"GroupId":"' .. g .. '","Random":' .. string.format("%d", math.random(0, 4294967295)) ..
    ',"From_Account":"administrator","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"' .. text .. '"}}]}'
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
`

var rate, late = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`), regexp.MustCompile(`99%\s+(\S+)`)

func wrk(conns, seconds int, script, group, url string) (perSecond float64, p99 string, err error) {
	c := exec.Command("wrk", "-t1", "-c"+strconv.Itoa(conns), "-d"+strconv.Itoa(seconds)+"s", "--latency", "-s", script, url)
	c.Env = append(os.Environ(), "GROUP="+group)
	out, err := c.CombinedOutput()
	if err != nil {
		return 0, "", fmt.Errorf("wrk: %w: %s", err, out)
	}
	if bytes.Contains(out, []byte("Non-2xx")) {
		return 0, "", fmt.Errorf("wrk met errors: %s", out)
	}
	m, l := rate.FindSubmatch(out), late.FindSubmatch(out)
	if m == nil || l == nil {
		return 0, "", fmt.Errorf("wrk said: %s", out)
	}
	perSecond, err = strconv.ParseFloat(string(m[1]), 64)
	return perSecond, string(l[1]), err
}

// start runs a process until its output names its address.
func start(c *exec.Cmd, env string, address *regexp.Regexp) (url string, stop func(), err error) {
	if env != "" {
		c.Env = append(os.Environ(), env)
	}
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return strings.TrimSuffix(m[1], "/"), stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%s did not start", c.Path)
}

func listen(h http.HandlerFunc) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(l, h) }()
	return l.Addr().String(), nil
}

// serveBaselines is the process that the server is compared with: /bare decodes
// and answers, /relay decodes, posts to the receiver and answers.
func serveBaselines() {
	receiver := os.Getenv(baselineEnv)
	type send struct {
		GroupId, From_Account string
		Random                uint32
		MsgBody               []struct {
			MsgType    string
			MsgContent json.RawMessage
		}
	}
	transport := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
	mux := http.NewServeMux()
	mux.HandleFunc("/bare", func(w http.ResponseWriter, r *http.Request) {
		var s send
		if json.NewDecoder(r.Body).Decode(&s) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(api.SendGroupMsgResponse{Answer: api.NewAnswer(api.CodeOK, ""), MsgTime: 1700000000, MsgSeq: 1})
	})
	mux.HandleFunc("/relay", func(w http.ResponseWriter, r *http.Request) {
		var s send
		if json.NewDecoder(r.Body).Decode(&s) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body, _ := json.Marshal(s)
		res, err := transport.Post(receiver+"/?SdkAppid=1400000000&CallbackCommand=Group.CallbackSendMsgException&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI", "application/json", bytes.NewReader(body))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(api.NewAnswer(api.CodeGroupNotFound, ""))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "perf:", err)
		os.Exit(1)
	}
	fmt.Printf("baseline on http://%s\n", l.Addr())
	_ = http.Serve(l, mux)
	os.Exit(0)
}
