package monitor

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
)

const (
	maxStreams   = 64               // open at once
	streamBuffer = 256              // exceptions a stream may lie behind before it is closed
	backlog      = 100              // exceptions a new stream begins with
	heartbeat    = 15 * time.Second // between signs of life
	streamWrite  = 10 * time.Second // for one write to a reader
)

// hub gives new exceptions to the open streams. A stream that reads too slowly
// is closed and never waited for; its reader comes back with the last id.
type hub struct {
	mu      sync.Mutex
	streams map[chan Stored]bool
	closed  bool
	metrics *metrics
}

// join returns a channel of what is published from now on; false if there are
// too many or the hub is closed. The hub closes the channel.
func (h *hub) join() (chan Stored, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.streams) >= maxStreams {
		return nil, false
	}
	if h.streams == nil {
		h.streams = map[chan Stored]bool{}
	}
	ch := make(chan Stored, streamBuffer)
	h.streams[ch] = true
	h.metrics.streams.Inc()
	return ch, true
}

func (h *hub) leave(ch chan Stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(ch)
}

// drop ends a stream; h.mu is held.
func (h *hub) drop(ch chan Stored) {
	if h.streams[ch] {
		delete(h.streams, ch)
		close(ch)
		h.metrics.streams.Dec()
	}
}

func (h *hub) publish(e Stored) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.streams {
		select {
		case ch <- e:
		default:
			h.metrics.slow.Inc()
			h.drop(ch)
		}
	}
}

// close ends all streams and lets none begin.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for ch := range h.streams {
		h.drop(ch)
	}
}

// stream answers GET /api/stream: server-sent events named exception, first the
// latest, then each as it is stored. An event's id is a cursor; a reader that
// comes back with it as Last-Event-ID gets what is newer, the latest 100 of it.
func (m *Monitor) stream(w http.ResponseWriter, r *http.Request) {
	after, err := parseCursor(r.Header.Get("Last-Event-ID"))
	if err != nil {
		refuse(w, http.StatusBadRequest, api.CodeInvalidParameter, "Last-Event-ID "+err.Error())
		return
	}
	ch, ok := m.streams.join()
	if !ok {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, api.CodeServiceTimeout, "too many open streams")
		return
	}
	defer m.streams.leave(ch)
	rows, err := m.store.latest(r.Context(), after, backlog)
	if err != nil {
		m.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(streamWrite)) // not every server can
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 2000\n\n") {
		return
	}
	for _, e := range rows {
		if !send(frame(e)) {
			return
		}
		after = e.Position
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if !send(":\n\n") {
				return
			}
		case e, open := <-ch:
			if !open {
				return
			}
			if e.Position <= after {
				continue // it was among the latest
			}
			if !send(frame(e)) {
				return
			}
		}
	}
}

func frame(e Stored) string {
	return fmt.Sprintf("event: exception\nid: %s\ndata: %s\n\n", cursorText(e.Position), line(e))
}
