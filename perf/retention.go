package main

import (
	"bufio"
	"bytes"
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
	"sync"
	"time"

	"github.com/parley-im/parley/usersig"
)

// keepFor is how long the server with retention keeps events: everything beyond
// is due, all the time.
const keepFor = 2 * time.Second

// kept is a server with an admin address.
type kept struct{ url, admin string }

// retention measures refused sends, each of which leaves an event, beside each
// other: of a server that keeps every event, and of one that removes them after
// two seconds. There are no endpoints, so nothing else uses the disk. How many
// events the second one has is looked at all the while.
func retention(parley, engine string, turns, seconds int) error {
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sig, err := usersig.Make(sdkAppID, appKey, admin, time.Hour)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/v4/group_open_http_svc/send_group_msg?sdkappid=%d&identifier=%s&usersig=%s&random=1&contenttype=json", sdkAppID, admin, sig)
	var servers [2]kept
	for i, keep := range []time.Duration{0, keepFor} {
		where, stop, err := home(engine, filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		defer stop()
		if servers[i].admin, err = freeAddress(); err != nil {
			return err
		}
		url, stopServer, err := start(exec.Command(parley, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", servers[i].admin, "--admin-password", "not secret here",
			"--app", strconv.Itoa(sdkAppID), "--app-key", appKey, "--admin", admin, "--keep-events", keep.String(), "--log-level", "error"}, where...)...),
			"", regexp.MustCompile(`serves on (\S+)`))
		if err != nil {
			return err
		}
		defer stopServer()
		servers[i].url = url + path
	}
	fmt.Printf("%s, %s, %d cores, %s; %d turns of %d s each\n\n", time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), engine, turns, seconds)
	fmt.Println("| senders | events/s kept, removed | p99 kept | p99 removed | longest kept, removed | most events at once |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, m := range []struct {
		what         string
		conns, every int // sends a second in all; 0 is as fast as they can
	}{{"8 connections, 200/s", 8, 200}, {"32 connections, 2000/s", 32, 2000}, {"32 connections", 32, 0}, {"256 connections", 256, 0}} {
		var rates, p99s, longest [2][]float64
		most := 0.0
		for range turns {
			for i, s := range servers {
				done := make(chan struct{})
				var all sync.WaitGroup
				if i == 1 {
					all.Go(func() { most = max(most, s.most(done)) })
				}
				rate, p99, late, err := pace(m.conns, m.every, seconds, s.url)
				close(done)
				all.Wait()
				if err != nil {
					return err
				}
				rates[i], p99s[i], longest[i] = append(rates[i], rate), append(p99s[i], p99), append(longest[i], late)
			}
		}
		fmt.Printf("| %s | %.0f, %.0f | %s ms | %s ms | %.0f, %.0f ms | %.0f |\n", m.what, median(rates[0]), median(rates[1]),
			list(p99s[0]), list(p99s[1]), slices.Max(longest[0]), slices.Max(longest[1]), most)
	}
	return nil
}

func list(v []float64) string {
	var words []string
	for _, f := range v {
		words = append(words, strconv.FormatFloat(f, 'f', 1, 64))
	}
	return strings.Join(words, ", ")
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// most looks at how many events there are until done.
func (s kept) most(done chan struct{}) (most float64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-done:
			return most
		}
		res, err := http.Get("http://" + s.admin + "/metrics")
		if err != nil {
			continue
		}
		var first, refused float64
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, number, _ := strings.Cut(lines.Text(), " ")
			n, _ := strconv.ParseFloat(number, 64)
			switch {
			case strings.HasPrefix(name, "parley_journal_first{"):
				first = n
			case strings.HasPrefix(name, "parley_sends_total{") && strings.Contains(name, `"refused"`):
				refused = n
			}
		}
		_ = res.Body.Close()
		if first > 0 {
			most = max(most, refused-(first-1))
		}
	}
}

// pace sends from so many connections, every of them a second in all, and gives
// the answers a second, and in milliseconds the time that 99 in 100 of them took
// at most, and the longest.
func pace(conns, every, seconds int, url string) (rate, p99, longest float64, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	began := time.Now()
	end := began.Add(time.Duration(seconds) * time.Second)
	for c := range conns {
		all.Go(func() {
			var mine []time.Duration
			for k := 0; ; k++ {
				due := time.Now()
				if every > 0 { // measured from when it was due, late or not
					due = began.Add(time.Duration(k*conns+c) * time.Second / time.Duration(every))
					time.Sleep(time.Until(due))
				}
				if due.After(end) {
					break
				}
				body := fmt.Sprintf(`{"GroupId":"missing","Random":%d,"From_Account":"administrator","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello there, this is a message of normal size for a chat"}}]}`, k*conns+c)
				res, perr := client.Post(url, "application/json", bytes.NewReader([]byte(body)))
				if perr == nil {
					_, perr = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				if perr != nil {
					mu.Lock()
					err = perr
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(due))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	all.Wait()
	if err != nil || len(took) == 0 {
		return 0, 0, 0, fmt.Errorf("send: %w", err)
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return float64(len(took)) / time.Since(began).Seconds(), ms(took[len(took)*99/100]), ms(took[len(took)-1]), nil
}
