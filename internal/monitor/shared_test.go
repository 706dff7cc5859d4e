package monitor_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
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
