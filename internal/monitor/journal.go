package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/callback"
)

const (
	journalSave  = 10 * time.Second   // between two saves while something changes
	journalRetry = time.Minute        // after the server refused
	maxExpired   = 20                 // ranges that are remembered
	maxShown     = 20                 // gaps that are shown
	lateBeats    = 2.5                // intervals without a sign of life until the heartbeat is late
	lateAtMost   = 7 * 24 * time.Hour // after that it is taken to be switched off
)

// journal knows which events of an app were made for this monitor, from the
// headers of what is called back, and fetches what did not come, if it has a
// server to ask. Of a sender that sets no headers it knows nothing.
//
// What it knows is saved behind the callbacks it speaks of, so a crash lets it
// know less than is stored, never more: then it fetches again, and what is
// stored is recognised.
type journal struct {
	app     App
	store   *store
	config  *Config
	metrics *metrics
	fill    *callback.Fill // its tracker is used without a server, too
	http    *http.Transport

	stopping context.Context // that of follow: what is not saved when it ends, leave saves

	mu       sync.Mutex
	state    journalState // without Tracker, which fill has
	dirty    bool
	fault    string // what is wrong with the server, "" for nothing
	answered time.Time
}

// journalState is what outlives a restart.
type journalState struct {
	Tracker    callback.TrackerState
	Backfilled int64              // events that were fetched and were new
	Tests      int64              // samples that came
	Lost       uint64             // sequences in all ranges that expired
	Expired    []callback.Expired // the latest of them
	Arrived    int64              `json:",omitempty"` // ms: when the last event or heartbeat came
	Heartbeat  *heartbeatState    `json:",omitempty"`
}

type heartbeatState struct {
	At       int64 // ms, our clock
	Interval int   // s
	Head     uint64
}

// openJournal goes on from what was saved.
func openJournal(ctx context.Context, app App, s *store, config *Config, m *metrics) (*journal, error) {
	j := &journal{app: app, store: s, config: config, metrics: m}
	text, err := s.journal(ctx, app.SdkAppid)
	if err != nil {
		return nil, err
	}
	if text != nil {
		if err := json.Unmarshal(text, &j.state); err != nil {
			config.Logger.Error("journal.unreadable", "app", app.SdkAppid, "error", err)
			j.state = journalState{} // everything is fetched again, and recognised
		}
	}
	j.http = http.DefaultTransport.(*http.Transport).Clone()
	j.fill = &callback.Fill{
		Tracker: callback.NewTracker(j.state.Tracker),
		Backfill: &callback.Backfill{BaseURL: app.Server.URL, App: app.SdkAppid, Token: app.Server.Token, Endpoint: app.Server.Endpoint,
			HTTP: &http.Client{Transport: heard{j}}, OnRetry: j.retries},
		OnEvent: j.fetched, Save: j.save, OnExpired: j.expired, OnMoved: j.moved,
		Parallel: maxBatch / 4, // so that they share commits
	}
	return j, nil
}

// follow runs until ctx ends.
func (j *journal) follow(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if j.app.Server.URL != "" {
		wg.Go(func() { j.backfill(ctx) })
	}
	for wait(ctx, journalSave) {
		if err := j.save(ctx, j.fill.Tracker.State()); err != nil {
			j.config.Logger.Warn("journal.not_saved", "app", j.app.SdkAppid, "error", err) // it will be, later
		}
	}
}

func (j *journal) backfill(ctx context.Context) {
	defer j.http.CloseIdleConnections()
	for {
		err := j.fill.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		j.retries(err, journalRetry)
		if !wait(ctx, journalRetry) {
			return
		}
	}
}

// wait is false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// arrived notes what was called back, once it is stored.
func (j *journal) arrived(ev *callback.Event) {
	beat, ok := ev.Body.(*callback.Heartbeat)
	if !ok && (ev.Delivery.Epoch == "" || ev.Delivery.Sequence == 0) {
		return
	}
	if j.app.Server.URL != "" {
		j.fill.Note(ev.Delivery, beat)
	} else if ok {
		j.fill.Tracker.Heartbeat(ev.Delivery, beat)
	} else {
		j.fill.Tracker.Delivered(ev.Delivery)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dirty = true
	if j.state.Arrived = ev.ReceivedAt.UnixMilli(); ok {
		j.state.Heartbeat = &heartbeatState{ev.ReceivedAt.UnixMilli(), beat.Interval, beat.HeadSequence}
	}
}

// outlived reports whether ev was stored and may have been removed since because
// of its age: a replay must not bring it back.
func (j *journal) outlived(ev *callback.Event) bool {
	failed, ok := ev.Body.(*callback.SendMsgException)
	return ok && j.config.Keep > 0 && failed.EventTime.Time().Before(j.config.Now().Add(-j.config.Keep)) && j.fill.Tracker.Seen(ev.Delivery)
}

// tested counts a sample.
func (j *journal) tested() {
	j.metrics.tests.Inc()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Tests++
	j.dirty = true
}

// fetched stores an event of the server's journal. One that the store will never
// take is passed over, so that it does not hold up those behind it.
func (j *journal) fetched(_ context.Context, ev *callback.Event) error {
	fresh, err := j.store.put(newRecord(ev))
	var ofStore *storeError
	switch {
	case errors.As(err, &ofStore) || errors.Is(err, errBusy) || errors.Is(err, errStopped):
		return err
	case err != nil:
		j.config.Logger.Error("journal.event_refused", "app", j.app.SdkAppid, "event", ev.Delivery.ID, "error", err)
		return nil
	case !fresh:
		j.metrics.duplicates.Inc()
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Backfilled++
	j.dirty = true
	return nil
}

// expired notes events that are lost for good.
func (j *journal) expired(e callback.Expired) {
	j.config.Logger.Error("journal.expired", "app", j.app.SdkAppid, "first", e.First, "last", e.Last)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Lost += e.Last - e.First + 1
	j.state.Expired = append(j.state.Expired, e)
	j.state.Expired = slices.Delete(j.state.Expired, 0, max(0, len(j.state.Expired)-maxExpired))
	j.dirty = true
}

func (j *journal) moved(m callback.EpochMoved) {
	j.config.Logger.Warn("journal.moved", "app", j.app.SdkAppid, "from", m.Old, "to", m.New, "first", m.First)
}

// retries notes what is wrong; the log tells of it once until it is another.
func (j *journal) retries(err error, pause time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fault != err.Error() {
		j.config.Logger.Warn("journal.not_read", "app", j.app.SdkAppid, "error", err, "again_in", pause)
	}
	j.fault = err.Error()
}

// heard notes that the server answers.
type heard struct{ j *journal }

func (h heard) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := h.j.http.RoundTrip(r)
	if err == nil && (answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusConflict) {
		h.j.mu.Lock()
		h.j.fault, h.j.answered = "", h.j.config.Now()
		h.j.mu.Unlock()
	}
	return answer, err
}

// record returns the state as a record, nil if it is saved.
func (j *journal) record(s callback.TrackerState) *record {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dirty && s.Epoch == j.state.Tracker.Epoch && s.Top == j.state.Tracker.Top && s.Begun == j.state.Tracker.Begun &&
		s.Settled == j.state.Tracker.Settled && slices.Equal(s.Gaps, j.state.Tracker.Gaps) {
		return nil
	}
	j.state.Tracker = s
	body, err := json.Marshal(j.state)
	if err != nil {
		return nil // numbers and texts always encode
	}
	j.dirty = false
	return &record{kind: kindJournal, Stored: Stored{SdkAppid: j.app.SdkAppid, Body: body}}
}

func (j *journal) save(_ context.Context, s callback.TrackerState) error {
	if j.stopping.Err() != nil {
		return j.stopping.Err()
	}
	rec := j.record(s)
	if rec == nil {
		return nil
	}
	_, err := j.store.put(*rec)
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.dirty = true
	}
	return err
}

// leave hands the last state to the writer, which commits it before it ends.
func (j *journal) leave() {
	if rec := j.record(j.fill.Tracker.State()); rec != nil {
		j.store.offer(*rec)
	}
}

// Journal is how what arrived of an app compares with what was made. It is known
// of senders that say so in headers.
type Journal struct {
	SdkAppid     int64
	Epoch        string             // of the sender's journal; "" as long as nothing is known
	LastSequence uint64             // the newest event that is known
	Complete     uint64             // everything up to here arrived, or was of no concern
	Missing      uint64             // at most so many events are missing now
	Gaps         []callback.Gap     // where, the first 20
	Tests        int64              // samples that somebody had sent
	Heartbeat    *Heartbeat         `json:",omitempty"` // the last one; absent if none came
	Server       string             `json:",omitempty"` // where missing events are fetched
	Fault        string             `json:",omitempty"` // why they cannot be, now
	AnsweredAt   int64              `json:",omitempty"` // ms: when the server answered last
	Backfilled   int64              // events that were fetched, ever
	Lost         uint64             // at most so many events are lost for good: the server keeps them no more
	Expired      []callback.Expired // where, the latest 20
}

// Heartbeat is the last sign of life of a sender.
type Heartbeat struct {
	At           int64 // ms
	Interval     int   // s: when the next one was to come
	HeadSequence uint64
	Late         bool // neither it nor an event came: callbacks are broken
}

// status tells how the journal stands. since is when the monitor started: it has
// heard nothing before.
func (j *journal) status(now, since time.Time) Journal {
	t := j.fill.Tracker
	s := t.State()
	j.mu.Lock()
	defer j.mu.Unlock()
	out := Journal{SdkAppid: j.app.SdkAppid, Epoch: s.Epoch, LastSequence: s.Top, Complete: t.Position(), Gaps: []callback.Gap{},
		Tests: j.state.Tests, Server: j.app.Server.URL, Fault: j.fault, Backfilled: j.state.Backfilled,
		Lost: j.state.Lost, Expired: append([]callback.Expired{}, j.state.Expired...)}
	for _, g := range t.Missing() {
		if !g.Certain && j.app.Server.URL == "" {
			continue // nobody can tell
		}
		out.Missing += g.Last - g.First + 1
		if len(out.Gaps) < maxShown {
			out.Gaps = append(out.Gaps, g)
		}
	}
	if !j.answered.IsZero() {
		out.AnsweredAt = j.answered.UnixMilli()
	}
	if beat := j.state.Heartbeat; beat != nil {
		heard := time.UnixMilli(max(j.state.Arrived, since.UnixMilli()))
		out.Heartbeat = &Heartbeat{At: beat.At, Interval: beat.Interval, HeadSequence: beat.Head,
			Late: now.Sub(heard).Seconds() > lateBeats*float64(max(1, beat.Interval)) && now.Sub(time.UnixMilli(beat.At)) < lateAtMost}
	}
	return out
}

// known says that there is something to tell.
func (j Journal) known() bool {
	return j.Epoch != "" || j.Server != "" || j.Heartbeat != nil || j.Tests > 0
}
