package monitor_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
	"github.com/parley-im/parley/internal/pgtest"
)

// shared starts n monitors on one new PostgreSQL database.
func shared(t *testing.T, n int) (all []*running, cfg monitor.Config) {
	t.Helper()
	cfg = engines[1].config(t)
	for range n {
		all = append(all, start(t, cfg))
	}
	return all, cfg
}

// crowd sends events to monitors as a backend does: again until each is
// acknowledged. It counts the acknowledged ones.
type crowd struct {
	name  string // begins the ids of its events
	pause func() // is called before an event is sent again

	acknowledged, refused atomic.Int64
	wg                    sync.WaitGroup
}

// ids is what the crowd has sent: workers for each monitor, each with events.
func (c *crowd) ids(monitors, workers, events int) (list []string) {
	for m := range monitors {
		for w := range workers {
			for i := range events {
				list = append(list, c.id(m, w, i))
			}
		}
	}
	slices.Sort(list)
	return list
}

func (c *crowd) id(m, w, i int) string { return fmt.Sprintf("%s-%d-%d-%d", c.name, m, w, i) }

// send begins to send; after is called with the number of events acknowledged
// so far.
func (c *crowd) send(monitors []*running, workers, events int, after func(acknowledged int64)) {
	for m, r := range monitors {
		for w := range workers {
			c.wg.Go(func() {
				for i := range events {
					e := event{code: 10023, group: "g", from: "u", delivery: callback.Delivery{ID: c.id(m, w, i), Epoch: "e"}}
					for {
						status, body := r.send(e)
						if status == http.StatusOK {
							break
						}
						if status != http.StatusServiceUnavailable {
							r.t.Errorf("answered %d %s", status, body)
							return
						}
						c.refused.Add(1)
						if c.pause != nil {
							c.pause()
						}
					}
					after(c.acknowledged.Add(1))
				}
			})
		}
	}
}

// follow reads exceptions as a program does that polls, until ended is closed
// and nothing more comes, and returns the event ids in the order it saw them.
func (r *running) follow(ended <-chan struct{}) (seen []string) {
	cursor, last := "", false
	for {
		select {
		case <-ended:
			last = true
		default:
		}
		resp, err := r.http.Get(r.base + "/api/exceptions?limit=1000&after=" + cursor)
		if err != nil {
			r.t.Error(err)
			return nil
		}
		var p page
		err = json.NewDecoder(resp.Body).Decode(&p)
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			continue // its session was lost
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			r.t.Errorf("list: %d, %v", resp.StatusCode, err)
			return nil
		}
		cursor = resp.Header.Get(monitor.HeaderCursor)
		for _, e := range p.Exceptions {
			seen = append(seen, strings.Trim(string(e["EventId"]), `"`))
		}
		if last && len(p.Exceptions) == 0 {
			return seen
		}
	}
}

// check compares what a reader saw while monitors wrote with what there is: a
// position that appeared late is missing, or comes in another order.
func check(t *testing.T, seen, all, want []string) {
	t.Helper()
	if diff := cmp.Diff(all, seen); diff != "" {
		t.Errorf("the reader saw it otherwise: %s", diff)
	}
	slices.Sort(all)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("stored is not what was acknowledged: %s", diff)
	}
}

var already = func() <-chan struct{} { ch := make(chan struct{}); close(ch); return ch }()

func TestNoPositionAppearsLateWhileTwoMonitorsWrite(t *testing.T) {
	t.Parallel()
	monitors, _ := shared(t, 2)
	const workers, events = 8, 150
	var c crowd
	ended, seen := make(chan struct{}), make([][]string, 2)
	var readers sync.WaitGroup
	for i, r := range monitors {
		readers.Go(func() { seen[i] = r.follow(ended) })
	}
	c.send(monitors, workers, events, func(int64) {})
	c.wg.Wait()
	close(ended)
	readers.Wait()
	for i, r := range monitors {
		check(t, seen[i], r.follow(already), c.ids(2, workers, events))
	}
	if s := monitors[0].summary(); s.Records != 2*workers*events {
		t.Errorf("the totals say %d", s.Records)
	}
}

func TestKilledSessionsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	monitors, cfg := shared(t, 2)
	const workers, events, every = 4, 150, 25
	operator := engines[1].beside(t, cfg)
	kill := make(chan struct{}, workers*events)
	var c crowd
	var rest sync.WaitGroup
	killed := 0
	rest.Go(func() {
		for range kill {
			killed += terminate(t, operator)
		}
	})
	ended := make(chan struct{})
	var seen []string
	rest.Go(func() { seen = monitors[rand.N(2)].follow(ended) })
	c.send(monitors, workers, events, func(n int64) {
		if n%every == 0 {
			kill <- struct{}{}
		}
	})
	c.wg.Wait()
	close(kill)
	close(ended)
	rest.Wait()
	check(t, seen, monitors[0].follow(already), c.ids(2, workers, events))
	if s := monitors[1].summary(); s.Records != 2*workers*events {
		t.Errorf("the totals say %d", s.Records)
	}
	t.Logf("%d sessions were killed, %d callbacks answered 503", killed, c.refused.Load())
	if killed < 10 {
		t.Error("too few for a test")
	}
}

// terminate kills one session of the monitors, whichever.
func terminate(t *testing.T, operator *sql.DB) (killed int) {
	t.Helper()
	err := operator.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
		WHERE application_name = 'parley monitor' AND datname = current_database() ORDER BY random() LIMIT 1) one`).Scan(&killed)
	if err != nil {
		t.Error(err)
	}
	return killed
}

func TestKilledServerLosesNothingAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	cfg := defaults(t)
	cfg.Data, cfg.Database = "", server.URL("postgres")
	r := start(t, cfg)
	const workers, events = 4, 400
	var want []string
	for name, end := range map[string]func() error{"crash": server.Immediate, "SIGKILL": server.Kill} {
		t.Run(name, func(t *testing.T) {
			up, half := make(chan struct{}), make(chan struct{})
			c := crowd{name: name, pause: func() { <-up }}
			c.send([]*running{r}, workers, events, func(n int64) {
				if n == workers*events/2 {
					close(half)
				}
			})
			<-half
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if status, body := r.send(event{group: "h"}); status != 503 {
				t.Errorf("without a server answered %d %s", status, body)
			}
			if status, _ := r.get("/readyz"); status != 503 {
				t.Errorf("readyz answered %d", status)
			}
			if status, _ := r.get("/healthz"); status != 200 {
				t.Errorf("healthz answered %d", status)
			}
			if err := server.Up(); err != nil {
				t.Fatal(err)
			}
			close(up)
			c.wg.Wait() // each is acknowledged in the end
			want = append(want, c.ids(1, workers, events)...)
			slices.Sort(want)
			all := r.follow(already)
			slices.Sort(all)
			if diff := cmp.Diff(want, all); diff != "" {
				t.Error(diff)
			}
			if s := r.summary(); s.Records != int64(len(want)) || !s.Writable {
				t.Errorf("%d records, writable %v", s.Records, s.Writable)
			}
			t.Logf("%d callbacks were answered 503", c.refused.Load())
		})
	}
}

func TestMonitorsOnOneDatabaseShareWhatIsStored(t *testing.T) {
	t.Parallel()
	monitors, _ := shared(t, 2)
	streams := []stream{monitors[0].stream(t, ""), monitors[1].stream(t, "")}
	monitors[0].mustSend(event{group: "g", random: 1})
	monitors[1].mustSend(event{group: "g", random: 1}, event{group: "g", random: 2}) // the first is known
	streams[0].want(1)
	id := streams[1].want(2)
	for _, r := range monitors {
		var got []string
		for _, e := range r.list("").Exceptions {
			got = append(got, string(e["Random"]))
		}
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("got %v", got)
		}
		if s := r.summary(); s.Total != 2 || s.Records != 2 {
			t.Errorf("totals %+v", s)
		}
	}
	// A cursor of one is a cursor of the other.
	monitors[1].mustSend(event{group: "g", random: 3})
	resumed := monitors[0].stream(t, id)
	resumed.want(3)
}

func TestMonitorsStartTogetherOnANewDatabase(t *testing.T) {
	t.Parallel()
	cfg := engines[1].config(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m, err := monitor.New(cfg)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(m.Start(t.Context()), m.Stop(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestStopLetsGoOfAServerThatIsSilent(t *testing.T) {
	t.Parallel()
	monitors, cfg := shared(t, 1)
	r := monitors[0]
	rows, err := engines[1].beside(t, cfg).Query("SELECT pid FROM pg_stat_activity WHERE application_name = 'parley monitor' AND datname = current_database()")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Skip("needs a PostgreSQL on this machine whose processes it may stop: ", err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		resp, err := r.http.Post(r.base+query(callback.CmdGroupSendMsgException), "application/json", strings.NewReader(`{"GroupId":"g"}`))
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // the callback may be anywhere
	defer cancel()
	began := time.Now()
	if err := r.m.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if status := <-answered; status == http.StatusOK {
		t.Error("a callback was acknowledged without a commit")
	}
}
