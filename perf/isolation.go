package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
)

// The steady load of isolation, refused sends a second: of the app whose endpoint
// is looked at, and of a hundred others together.
const (
	isolationRate  = 500
	isolationOther = 100
	neighbours     = 100
)

// isolation measures from commit to arrival at a healthy endpoint, in turns with
// no, one and a hundred hanging neighbours: endpoints of the same app, and of
// others.
func isolation(parley, engine string, turns, seconds int) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	healthy := newDelays()
	address, err := listen(healthy.take)
	if err != nil {
		return err
	}
	hanging, err := listen(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	if err != nil {
		return err
	}
	s, client, stop, err := serve(parley, engine, dir, "--callback-url", "http://"+address)
	if err != nil {
		return err
	}
	defer stop()
	paths := make([]string, neighbours)
	for i := range paths {
		other := int64(sdkAppID + 1 + i)
		if _, err := client.AddApp(ctx, api.NewApp{SDKAppID: other, Key: appKey, AppChange: api.AppChange{Admins: []string{admin}}}); err != nil {
			return err
		}
		if paths[i], err = sendPath(other); err != nil {
			return err
		}
	}
	path, err := sendPath(sdkAppID)
	if err != nil {
		return err
	}
	loadCtx, endLoad := context.WithCancel(ctx)
	var load sync.WaitGroup
	load.Go(func() { steady(loadCtx, isolationRate, func(int) string { return s.url + path }) })
	load.Go(func() { steady(loadCtx, isolationOther, func(n int) string { return s.url + paths[n%neighbours] }) })
	defer load.Wait()
	defer endLoad()

	sameApp := func(n int) (undo func() error, err error) {
		for i := range n {
			e := api.NewEndpoint{Id: "n" + strconv.Itoa(i)}
			url := "http://" + hanging
			e.URL = &url
			if _, err := client.AddEndpoint(ctx, e); err != nil {
				return nil, err
			}
		}
		return func() error {
			for i := range n {
				if err := client.RemoveEndpoint(ctx, "n"+strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	otherApps := func(n int) (undo func() error, err error) {
		set := func(url string) error {
			for i := range n {
				if _, err := client.UpdateApp(ctx, int64(sdkAppID+1+i), api.AppChange{CallbackURL: &url}); err != nil {
					return err
				}
			}
			return nil
		}
		return func() error { return set("") }, set("http://" + hanging)
	}
	kinds := []struct {
		what string
		n    int
		with func(n int) (func() error, error)
	}{
		{"none", 0, sameApp}, {"1 endpoint of the same app", 1, sameApp}, {"100 endpoints of the same app", neighbours, sameApp},
		{"none", 0, otherApps}, {"1 other app's", 1, otherApps}, {"100 other apps'", neighbours, otherApps},
	}
	delays := make([][]time.Duration, len(kinds))
	for turn := range turns + 1 { // the first warms up
		for i, k := range kinds {
			undo, err := k.with(k.n)
			if err != nil {
				return err
			}
			healthy.begin()
			time.Sleep(time.Duration(seconds) * time.Second)
			if got := healthy.end(); turn > 0 {
				delays[i] = append(delays[i], got...)
			}
			if err := undo(); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%s, %s, %d cores; %d turns of %d s each; %d refused sends/s of the app, %d/s of others\n\n",
		time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), turns, seconds, isolationRate, isolationOther)
	fmt.Println("| hanging neighbours | events | p50 | p99 | p99 to none |")
	fmt.Println("|---|---|---|---|---|")
	none := 0.0
	for i, k := range kinds {
		slices.Sort(delays[i])
		p99 := quantile(delays[i], 0.99)
		if k.n == 0 {
			none = p99
		}
		fmt.Printf("| %s | %d | %.1f ms | %.1f ms | %.2f |\n", k.what, len(delays[i]), quantile(delays[i], 0.5), p99, p99/none)
	}
	return nil
}

// quantile of sorted delays, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Microseconds()) / 1000
}

// delays is a healthy endpoint: it notes how long each event took from its
// commit to here. EventTime has whole milliseconds.
type delays struct {
	mu   sync.Mutex
	on   bool
	list []time.Duration
}

func newDelays() *delays { return &delays{} }

func (d *delays) take(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var body struct{ EventTime int64 }
	if json.NewDecoder(r.Body).Decode(&body) == nil {
		d.mu.Lock()
		if d.on {
			d.list = append(d.list, now.Sub(time.UnixMilli(body.EventTime)))
		}
		d.mu.Unlock()
	}
	_, _ = io.WriteString(w, okAnswer)
}

func (d *delays) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on, d.list = true, nil
}

func (d *delays) end() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = false
	return d.list
}

// steady makes so many refused sends a second until ctx ends; what would be too
// late is left out.
func steady(ctx context.Context, rate int, url func(n int) string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	turns := make(chan int)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for n := range turns {
				body := fmt.Appendf(nil, `{"GroupId":"missing","Random":%d,"From_Account":%q,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hello there, this is a message of normal size for a chat"}}]}`, n, admin)
				res, err := client.Post(url(n), "application/json", bytes.NewReader(body))
				if err != nil {
					continue // at the end
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		select {
		case <-tick.C:
			select {
			case turns <- n:
			default:
			}
		case <-ctx.Done():
		}
	}
	close(turns)
	all.Wait()
}
