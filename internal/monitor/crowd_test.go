package monitor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
)

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
