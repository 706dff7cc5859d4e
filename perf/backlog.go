package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const okAnswer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// backlog lets events pile up for an endpoint that is away, and measures how
// they drain when it comes back: time, rate, and the most memory that the server
// had in either part. None may be missing.
func backlog(parley, engine string, events int) error {
	dir, err := os.MkdirTemp("", "parley-perf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := away.Addr().String()
	_ = away.Close()
	s, client, stop, err := serve(parley, engine, dir, "--callback-url", "http://"+address)
	if err != nil {
		return err
	}
	defer stop()
	path, err := sendPath(sdkAppID)
	if err != nil {
		return err
	}
	script := filepath.Join(dir, "send.lua")
	if err := os.WriteFile(script, []byte(lua), 0o600); err != nil {
		return err
	}
	began, head := time.Now(), uint64(0)
	for head < uint64(events) {
		if _, _, err := wrk(128, 5, script, "missing", s.url+path); err != nil {
			return err
		}
		apps, err := client.ListApps(context.Background())
		if err != nil {
			return err
		}
		head = apps[0].Head
	}
	filled := time.Since(began)
	fillPeak, err := s.peak()
	if err != nil {
		return err
	}

	got := &seen{all: make([]bool, head+1), done: make(chan struct{})}
	back, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	began = time.Now()
	go func() { _ = http.Serve(back, http.HandlerFunc(got.take)) }()
	select {
	case <-got.done:
	case <-time.After(30 * time.Minute):
		return fmt.Errorf("%d of %d events have come in half an hour", got.distinct, head)
	}
	drained := got.last.Sub(got.first)
	drainPeak, err := s.peak()
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d cores, %s\n\n", time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), engine)
	fmt.Println("| events | filled in | most memory | first came after | drained in | rate | most memory | came twice | missing |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	fmt.Printf("| %d | %.0f s | %d MB | %.1f s | %.0f s | %.0f/s | %d MB | %d | %d |\n", head, filled.Seconds(), fillPeak, got.first.Sub(began).Seconds(),
		drained.Seconds(), float64(head)/drained.Seconds(), drainPeak, got.twice, int(head)-got.distinct)
	return nil
}

// seen is an endpoint that notes which sequences have come.
type seen struct {
	mu              sync.Mutex
	all             []bool
	distinct, twice int
	first, last     time.Time
	done            chan struct{}
}

func (s *seen) take(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	seq, err := strconv.Atoi(r.Header.Get("Parley-Sequence"))
	if err != nil || seq < 1 || seq >= len(s.all) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.last = time.Now()
	if s.distinct == 0 {
		s.first = s.last
	}
	if s.all[seq] {
		s.twice++
	} else {
		s.all[seq] = true
		if s.distinct++; s.distinct == len(s.all)-1 {
			close(s.done)
		}
	}
	s.mu.Unlock()
	_, _ = io.WriteString(w, okAnswer)
}

// peak is the most memory in megabytes that the server has had in RAM since it
// was asked last.
func (s server) peak() (int, error) {
	folder := "/proc/" + strconv.Itoa(s.pid) + "/"
	text, err := os.ReadFile(folder + "status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")))
			if err != nil {
				return 0, err
			}
			return n / 1024, os.WriteFile(folder+"clear_refs", []byte("5"), 0)
		}
	}
	return 0, errors.New("the system does not tell how much memory a process had")
}
