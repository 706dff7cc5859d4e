package delivery

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// CommandHeartbeat is the callback command of heartbeats, which are this
// server's own: no receiver made for the vendor's callbacks knows it.
const CommandHeartbeat = "Parley.CallbackHeartbeat"

// heartbeat tells a receiver now and then how far the events go, so that it can
// tell silence from callbacks that do not arrive.
type heartbeat struct {
	pause   time.Duration // 0: none
	next    time.Time
	running sync.WaitGroup
}

func (b *heartbeat) every(pause time.Duration) {
	if pause == b.pause {
		return
	}
	b.pause, b.next = pause, time.Time{}
	if pause > 0 {
		b.next = time.Now().Add(jitter(min(pause, time.Second)))
	}
}

func (b *heartbeat) wait() { b.running.Wait() }

// beatBody has its keys in alphabetical order, as every callback.
type beatBody struct {
	CallbackCommand string
	EventTime       int64
	HeadSequence    chat.Sequence // the newest of the app
	Interval        int           // seconds
	LastSequence    chat.Sequence // the newest for this endpoint that was looked at
}

// heartbeat sends one when it is time. A paused or failing endpoint gets none:
// its probes tell when it is back.
func (l *lane) heartbeat(now time.Time) {
	b := &l.beat
	if b.next.IsZero() || now.Before(b.next) {
		return
	}
	b.next = now.Add(b.pause)
	if l.whyPaused() != "" || !l.health.down.IsZero() {
		return
	}
	body, err := json.Marshal(beatBody{CommandHeartbeat, now.UnixMilli(), l.tape.newest(), int(b.pause / time.Second), l.lastFor})
	if err != nil {
		l.log.Error("a heartbeat could not be made", "app", l.app.ID, "endpoint", l.id, "error", err)
		return
	}
	r := l.route
	settled := l.settled.Load()
	b.running.Go(func() { l.sendBeat(r, body, settled, now) })
}

// sendBeat sends a heartbeat. Whether it arrives changes nothing: the next one
// says more.
func (l *lane) sendBeat(r *route, body []byte, settled uint64, now time.Time) {
	id := chat.NewAttemptID(now).String()
	h := http.Header{
		"Content-Type": contentType, "User-Agent": userAgent, "webhook-id": {id},
		"Parley-Epoch": {l.app.Epoch}, "Parley-Settled": {strconv.FormatUint(settled, 10)},
	}
	r.signer.sign(h, id, body, now)
	r.target.authorize(h)
	status, header, answer, err := r.client.post(l.ctx, r.target.url(l.app.ID, CommandHeartbeat, "127.0.0.1", "RESTAPI", now), body, h)
	if j := judge(status, header, answer, err, now); j.fate != delivered && l.ctx.Err() == nil {
		l.log.Warn("a heartbeat was not taken", "app", l.app.ID, "endpoint", l.id, "reason", j.reason)
	}
}
