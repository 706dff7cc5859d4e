package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/live"
	"github.com/parley-im/parley/usersig"
)

// What clients measures.
const (
	bareLibrary = "the bare library"
	adminWord   = "perf-perf-perf"

	messages     = 60 // of a turn, each to all connections
	outstanding  = 3  // messages that are on their way at once
	groupsOfMany = 100
	said         = "hello there, this is a message of normal size for a chat"
)

// rival is a server that holds connections: the program, or the bare library.
type rival struct {
	name    string
	pid     int
	socket  string // host:port
	used    func() (int64, error)
	hello   func(i int) any           // the connect data of a connection
	message func(n int) (string, any) // the method and body of a call that all hear
	stop    func()
}

// clients compares the program with the library it is built on, in turns: what a
// connection takes, and how many deliveries a second both make to a group of all
// connections.
func clients(parley string, connections, rounds, turns int) error {
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%s, %s, %d cores, %d connections, %d rounds of %d turns of %d messages, medians\n\n",
		time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), connections, rounds, turns, messages)
	fmt.Println("| groups of each | what | library | parley | ratio (min, median, max) |")
	fmt.Println("|---|---|---|---|---|")
	for _, groups := range []int{1, groupsOfMany} {
		var quiet, spoken, speed, cpu [2][]float64
		for round := range rounds {
			for i, open := range []func(string, int, int) (*rival, error){openBare, openParley} {
				r, err := open(parley, connections, groups)
				if err != nil {
					return fmt.Errorf("round %d: %w", round, err)
				}
				m, err := r.measure(connections, turns)
				r.stop()
				if err != nil {
					return fmt.Errorf("round %d of %s: %w", round, r.name, err)
				}
				quiet[i], spoken[i] = append(quiet[i], m.quiet), append(spoken[i], m.spoken)
				speed[i], cpu[i] = append(speed[i], m.perSecond...), append(cpu[i], m.busy...)
				fmt.Fprintf(os.Stderr, "%d groups, round %d, %s: %.1f, then %.1f KB a connection, %.0f deliveries/s, %.2f us of CPU each\n",
					groups, round, r.name, m.quiet/1024, m.spoken/1024, median(m.perSecond), median(m.busy))
			}
		}
		row := func(what string, v [2][]float64, format string, unit float64) {
			var ratios []float64
			for i := range v[0] {
				ratios = append(ratios, v[1][i]/v[0][i])
			}
			slices.Sort(ratios)
			fmt.Printf("| %d | %s | "+format+" | "+format+" | %.2f, %.2f, %.2f |\n", groups, what, median(v[0])/unit, median(v[1])/unit,
				ratios[0], median(ratios), ratios[len(ratios)-1])
		}
		row("KB a connection that has heard nothing yet", quiet, "%.1f", 1024)
		row("KB a connection that has heard messages", spoken, "%.1f", 1024)
		row("deliveries/s", speed, "%.0f", 1)
		row("µs of the server's CPU a delivery", cpu, "%.2f", 1)
	}
	return nil
}

// cpuOf is the time that a process has used, in microseconds.
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) * 10_000, err // ticks of 10 ms
}

// measured is what one server did.
type measured struct {
	quiet, spoken   float64 // bytes of a connection, before its first message and after the last
	perSecond, busy []float64
}

// measure connects, looks at the memory, sends, and looks again.
func (r *rival) measure(connections, turns int) (m measured, err error) {
	before, err := r.used()
	if err != nil {
		return m, err
	}
	s, err := connect(r.socket, connections, r.hello)
	if err != nil {
		return m, err
	}
	defer s.close()
	after, err := r.used()
	if err != nil {
		return m, err
	}
	m.quiet = float64(after-before) / float64(connections)
	for range turns {
		began, err := cpuOf(r.pid)
		if err != nil {
			return m, err
		}
		took, err := s.turn(messages, r.message)
		if err != nil {
			return m, err
		}
		ended, err := cpuOf(r.pid)
		if err != nil {
			return m, err
		}
		m.perSecond = append(m.perSecond, float64(messages*connections)/took.Seconds())
		m.busy = append(m.busy, (ended-began)/float64(messages*connections))
	}
	if after, err = r.used(); err == nil {
		m.spoken = float64(after-before) / float64(connections)
	}
	return m, err
}

// serveBareLibrary is the process with nothing but the library: who connects says
// how many channels he wants, and a call is given to all of the first.
func serveBareLibrary() {
	node, err := centrifuge.New(live.LibraryConfig(prometheus.NewRegistry()))
	if err != nil {
		panic(err)
	}
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (reply centrifuge.ConnectReply, err error) {
		var hello struct {
			UserID   string
			Channels int
		}
		if err := json.Unmarshal(e.Data, &hello); err != nil {
			return reply, centrifuge.ErrorBadRequest
		}
		reply.Credentials = &centrifuge.Credentials{UserID: hello.UserID, ExpireAt: time.Now().Add(time.Hour).Unix()}
		reply.ClientSideRefresh, reply.ReplyWithoutQueue = true, true
		reply.Subscriptions = make(map[string]centrifuge.SubscribeOptions, hello.Channels)
		for i := range hello.Channels {
			reply.Subscriptions[bareChannel(i)] = centrifuge.SubscribeOptions{}
		}
		return reply, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnRPC(func(e centrifuge.RPCEvent, answer centrifuge.RPCCallback) {
			data := slices.Clone(e.Data)
			go func() {
				_, err := node.Publish(bareChannel(0), data)
				answer(centrifuge.RPCReply{Data: []byte(`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1700000000,"MsgSeq":1}`)}, err)
			}()
		})
		c.OnRefresh(func(_ centrifuge.RefreshEvent, answer centrifuge.RefreshCallback) {
			answer(centrifuge.RefreshReply{ExpireAt: time.Now().Add(time.Hour).Unix()}, nil)
		})
		c.OnDisconnect(func(centrifuge.DisconnectEvent) {})
	})
	if err := node.Run(); err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, live.WebSocketConfig()))
	mux.HandleFunc("/used", func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprint(w, m.HeapAlloc+m.StackInuse)
	})
	address, err := listen(mux.ServeHTTP)
	if err != nil {
		panic(err)
	}
	fmt.Printf("library on http://%s\n", address)
	select {}
}

func bareChannel(i int) string { return "1400000000:" + strconv.Itoa(i+1) }

func openBare(_ string, _, groups int) (*rival, error) {
	c := exec.Command(os.Args[0])
	base, stop, err := start(c, baselineEnv+"="+bareLibrary, regexp.MustCompile(`library on (\S+)`))
	if err != nil {
		return nil, err
	}
	return &rival{
		name: "library", pid: c.Process.Pid, socket: strings.TrimPrefix(base, "http://"), stop: stop,
		used: func() (int64, error) { return readNumber(http.DefaultClient, base+"/used") },
		hello: func(i int) any {
			return map[string]any{"UserID": member(i), "Channels": groups}
		},
		message: func(n int) (string, any) { // as much as the program pushes
			return "publish", map[string]any{"Event": "Message", "GroupId": group(0), "Type": "Community", "From_Account": member(0), "MsgSeq": n, "MsgTime": 1700000000,
				"Random": n, "MsgPriority": "Normal", "MsgBody": body(), "OnlineOnlyFlag": 0}
		},
	}, nil
}

func member(i int) string { return fmt.Sprintf("user%05d", i) }
func group(i int) string  { return fmt.Sprintf("@TGS#_g%d", i) }

func body() []api.Element {
	return []api.Element{{MsgType: "TIMTextElem", MsgContent: json.RawMessage(`{"Text":"` + said + `"}`)}}
}

// openParley starts the program with all users in all groups.
func openParley(parley string, connections, groups int) (*rival, error) {
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return nil, err
	}
	c := exec.Command(parley, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--admin-password", adminWord,
		"--app", strconv.Itoa(sdkAppID), "--app-key", appKey, "--admin", admin, "--group-rate", "0", "--log-level", "warn", "--data", filepath.Join(dir, "data"))
	var adminURL string
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
		_ = os.RemoveAll(dir)
	}
	s := server{pid: c.Process.Pid}
	if s.url, adminURL, err = addresses(out); err != nil {
		stop()
		return nil, err
	}
	if err := s.fill(connections, groups); err != nil {
		stop()
		return nil, err
	}
	console, err := login(adminURL)
	if err != nil {
		stop()
		return nil, err
	}
	return &rival{
		name: "parley", pid: s.pid, socket: strings.TrimPrefix(s.url, "http://"), stop: stop,
		used: func() (int64, error) { return heapOf(console, adminURL) },
		hello: func(i int) any {
			sig, err := usersig.Make(sdkAppID, appKey, member(i), time.Hour)
			if err != nil {
				panic(err)
			}
			return map[string]any{"SDKAppID": sdkAppID, "UserID": member(i), "UserSig": sig, "Platform": "Web"}
		},
		message: func(n int) (string, any) {
			return "send_group_msg", map[string]any{"GroupId": group(0), "Random": n, "MsgBody": body()}
		},
	}, nil
}

// addresses reads the two addresses that the program prints.
func addresses(out io.Reader) (public, console string, err error) {
	buf := make([]byte, 0, 4096)
	publicly, privately := regexp.MustCompile(`serves on (http://[^\s]+)`), regexp.MustCompile(`(http://[^\s]+)/admin`)
	for {
		n, err := out.Read(buf[len(buf):cap(buf)])
		if err != nil || len(buf)+n == cap(buf) {
			return "", "", fmt.Errorf("the program did not start: %s %w", buf, err)
		}
		buf = buf[:len(buf)+n]
		p, c := publicly.FindSubmatch(buf), privately.FindSubmatch(buf)
		if p != nil && c != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return string(p[1]), string(c[1]), nil
		}
	}
}

// fill makes all users members of all groups.
func (s server) fill(connections, groups int) error {
	client, ctx := s.client(sdkAppID), context.Background()
	for from := 0; from < connections; from += 100 {
		var some []string
		for i := from; i < min(from+100, connections); i++ {
			some = append(some, member(i))
		}
		if _, err := client.MultiaccountImport(ctx, api.MultiaccountImportRequest{Accounts: some}); err != nil {
			return err
		}
	}
	for g := range groups {
		if _, err := client.CreateGroup(ctx, api.CreateGroupRequest{Type: "Community", Name: "perf", GroupId: group(g)}); err != nil {
			return err
		}
		for from := 0; from < connections; from += 300 {
			var some []api.MemberItem
			for i := from; i < min(from+300, connections); i++ {
				some = append(some, api.MemberItem{Member_Account: member(i)})
			}
			if _, err := client.AddGroupMember(ctx, api.AddGroupMemberRequest{GroupId: group(g), MemberList: some}); err != nil {
				return err
			}
		}
	}
	return nil
}

func login(base string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequest(http.MethodPost, base+"/admin/login", strings.NewReader(url.Values{"password": {adminWord}}.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base)
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("the console answered the login with %s", res.Status)
	}
	return c, nil
}

// heapOf is what the program has in use after a collection.
func heapOf(c *http.Client, base string) (total int64, err error) {
	var text []byte
	for range 2 { // the second one frees what finalisers held
		res, err := c.Get(base + "/debug/pprof/heap?gc=1&debug=1")
		if err != nil {
			return 0, err
		}
		text, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return 0, err
		}
	}
	for _, name := range []string{"HeapAlloc", "Stack"} {
		m := regexp.MustCompile(`(?m)^# ` + name + ` = (\d+)`).FindSubmatch(text)
		if m == nil {
			return 0, errors.New("the heap profile does not tell " + name)
		}
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func readNumber(c *http.Client, url string) (int64, error) {
	res, err := c.Get(url)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}
