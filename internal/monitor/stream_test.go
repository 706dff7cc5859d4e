package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// stream is an open /api/stream.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

func (r *running) stream(t *testing.T, lastID string) stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", r.base+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("answered %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 2<<20)
	s := stream{t, lines, func() { cancel(); resp.Body.Close() }}
	t.Cleanup(s.close)
	return s
}

// next returns the id and the data of the next event; false at the end.
func (s stream) next() (id string, data map[string]any, ok bool) {
	for s.lines.Scan() {
		if text, found := strings.CutPrefix(s.lines.Text(), "id: "); found {
			id = text
		}
		if text, found := strings.CutPrefix(s.lines.Text(), "data: "); found {
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				s.t.Fatal(err)
			}
			return id, data, true
		}
	}
	return "", nil, false
}

func (s stream) want(random int) string {
	s.t.Helper()
	id, data, ok := s.next()
	if !ok || data["Random"] != float64(random) {
		s.t.Fatalf("got %v, want Random %d", data, random)
	}
	return id
}

func TestStreamBeginsWithTheLatestAndGoesOnLive(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		r.mustSend(event{code: 10023, group: "g", random: 1}, event{code: 10023, group: "g", random: 2})
		s := r.stream(t, "")
		first := s.want(1)
		s.want(2)
		r.mustSend(event{code: 10017, group: "g\n\ndata: forged", random: 3})
		_, data, _ := s.next()
		if data["Random"] != 3.0 || data["Class"] != "muted" || data["SdkAppid"] != float64(appid) || data["GroupId"] != "g\n\ndata: forged" {
			t.Errorf("live: %v", data)
		}
		resumed := r.stream(t, first)
		resumed.want(2)
		resumed.want(3)
	})
}

func TestStreamBeginsWithAtMostAHundred(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		for i := range 105 {
			r.mustSend(event{group: "g", random: i})
		}
		s := r.stream(t, "")
		for i := 5; i < 105; i++ {
			s.want(i)
		}
	})
}

func TestStreamRefusesWhatIsNoCursor(t *testing.T) {
	t.Parallel()
	r := start(t, defaults(t))
	req, _ := http.NewRequest("GET", r.base+"/api/stream", nil)
	req.Header.Set("Last-Event-ID", "x")
	if status, body := r.do(req); status != 400 || !strings.Contains(body, "10004") {
		t.Errorf("answered %d %s", status, body)
	}
}

func TestOnlySoManyStreamsAreOpen(t *testing.T) {
	t.Parallel()
	r := start(t, defaults(t))
	for range 64 {
		r.stream(t, "")
	}
	if status, _ := r.get("/api/stream"); status != 503 {
		t.Errorf("the 65th was answered %d", status)
	}
}

func TestStopEndsStreams(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		s := r.stream(t, "")
		r.mustSend(event{group: "g", random: 1})
		s.want(1)
		r.stop()
		if _, data, ok := s.next(); ok {
			t.Errorf("got %v after the end", data)
		}
	})
}
