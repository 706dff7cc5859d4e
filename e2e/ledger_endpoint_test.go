package e2e

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
)

// mood is how an endpoint answers for a while.
type mood string

const (
	well     mood = "well"
	hangs    mood = "hangs"             // until the server gives up
	lies     mood = "200 with FAIL"     // it got it and objects
	resets   mood = "reset"             // of the connection, without an answer
	moves    mood = "302"               // to where it is well
	late     mood = "just in time"      // shortly before the time-out
	tooLate  mood = "too late"          // shortly after it
	garbage  mood = "no HTTP"           // bytes
	noJSON   mood = "200 without JSON"  // a page of HTML
	half     mood = "half an answer"    // then the end of the connection
	endless  mood = "an endless answer" // without a length
	throttle mood = "429"               // with Retry-After
	overload mood = "503"               // with Retry-After
	missing  mood = "404"
	tooLarge mood = "413"
	fails    mood = "500"
	gone     mood = "410" // it is paused then, until it is resumed
	away     mood = "away"
	mixed    mood = "a bit of everything"
)

// anything is what a mixed mood draws from.
var anything = []mood{well, well, well, well, well, well, lies, resets, moves, garbage, noJSON, half, endless, missing, tooLarge, fails, throttle}

// moody is an endpoint whose mood changes, and what it has seen.
type moody struct {
	*receiver
	account
	clock   *atomic.Int64 // of the run
	timeout time.Duration // of an attempt
	moods   []mood        // that it may have

	mood  mood
	count int // of requests
}

// newMoody starts an endpoint. Its clock is shared with the others of the run.
func newMoody(t *testing.T, trust *authority, clock *atomic.Int64, id string, timeout time.Duration, moods ...mood) *moody {
	m := &moody{
		receiver: &receiver{t: t, trust: trust}, clock: clock, timeout: timeout, moods: moods, mood: well,
		account: account{id: id, commands: []string{exceptionCommand}},
	}
	m.handler = m
	m.open("127.0.0.1:0")
	scheme := "http"
	if trust != nil {
		scheme = "https"
	}
	m.url = scheme + "://" + m.address + "/" + id
	t.Cleanup(m.close)
	return m
}

// be changes the mood.
func (m *moody) be(next mood) {
	var before mood
	m.change(func() { before, m.mood = m.mood, next })
	switch {
	case next == away && before != away:
		m.close()
	case next != away && before == away:
		m.comeBack()
	}
}

func hash(body []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(body) // never fails
	return h.Sum64()
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		if r.URL.Path == "/elsewhere" {
			m.change(func() { m.told("a redirect was followed") })
		}
		return // broken off
	}
	var fields struct{ CallbackCommand, GroupId string }
	if err := json.Unmarshal(body, &fields); err != nil {
		m.change(func() { m.told("a body that is not JSON: " + string(body)) })
		return
	}
	number := func(name string) uint64 {
		n, _ := strconv.ParseUint(r.Header.Get(name), 10, 64) // 0 differs from every true one
		return n
	}
	a := arrival{
		seq: number("Parley-Sequence"), previous: number("Parley-Previous"), settled: number("Parley-Settled"),
		id: r.Header.Get("webhook-id"), epoch: r.Header.Get("Parley-Epoch"), attempt: int(number("Parley-Attempt")),
		count: max(1, int(number("Parley-Count"))), replay: r.Header.Get("Parley-Replay") != "",
		command: fields.CallbackCommand, group: fields.GroupId, body: hash(body),
	}
	var at int
	var mood mood
	m.change(func() {
		m.count++
		mood = m.mood
		if mood == mixed {
			mood = anything[int(a.seq*7+uint64(m.count))%len(anything)]
		}
		a.began, a.mood = m.clock.Add(1), string(mood)
		at = len(m.arrivals)
		m.arrivals = append(m.arrivals, a)
	})
	takes := func() {
		m.change(func() { m.arrivals[at].took = m.clock.Add(1) })
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
	}
	after := func(d time.Duration) bool {
		late := time.NewTimer(d)
		defer late.Stop()
		select {
		case <-late.C:
			return true
		case <-r.Context().Done():
			return false
		}
	}
	switch mood {
	case well, away: // away: the listener is about to close
		takes()
	case hangs:
		<-r.Context().Done()
	case lies:
		_, _ = io.WriteString(w, `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"I do not like it"}`)
	case resets:
		connection(w).Close()
	case moves:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case late:
		if after(m.timeout - m.timeout/4) {
			takes()
		}
	case tooLate:
		if after(m.timeout + m.timeout/4) {
			takes()
		}
	case garbage:
		c := connection(w)
		_, _ = io.WriteString(c, "\x16\x03\x01 this is no HTTP\r\n\r\n")
		c.Close()
	case noJSON:
		_, _ = io.WriteString(w, "<html>It works!</html>")
	case half:
		c := connection(w)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"ActionStatus\":\"OK\"")
		c.Close()
	case endless:
		for block := make([]byte, 64<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	case throttle, overload:
		w.Header().Set("Retry-After", "1")
		status, _ := strconv.Atoi(string(mood))
		w.WriteHeader(status)
	default:
		status, err := strconv.Atoi(string(mood))
		if err != nil {
			panic("no such mood: " + mood)
		}
		w.WriteHeader(status)
	}
}

// told keeps what no request should have been.
func (m *moody) told(fault string) { m.faults = append(m.faults, fault) }

// connection takes a request's connection; closing it resets it where it can be.
func connection(w http.ResponseWriter) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return c
}

// add makes the endpoint one of the app.
func (m *moody) add(t *testing.T, c *api.Client, change api.EndpointChange) {
	t.Helper()
	change.URL, change.Token = &m.url, ptr(appToken)
	change.Commands, change.ErrorCodes, change.GroupIds = m.commands, m.codes, m.groups
	change.Timeout = ptr(int(m.timeout / time.Second))
	if m.inOrder {
		change.Order = ptr(api.OrderGroup)
	}
	if m.trust != nil {
		ca, err := os.ReadFile(m.trust.caFile)
		if err != nil {
			t.Fatal(err)
		}
		change.CA = ptr(string(ca))
	}
	if _, err := c.AddEndpoint(t.Context(), api.NewEndpoint{Id: m.id, EndpointChange: change}); err != nil {
		t.Fatalf("endpoint %s: %v", m.id, err)
	}
}
