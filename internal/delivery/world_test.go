package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/alert"
	"github.com/parley-im/parley/internal/chat"
)

const testApp chat.AppID = 1400000001

// world is a journal, a writer and an endpoint in memory, so that a bubble of
// testing/synctest can hold all of them and days pass in no time. It checks, at
// each save and each arrival, what a lane promises about both.
type world struct {
	t *testing.T

	mu       sync.Mutex
	app      *chat.App
	endpoint *chat.Endpoint // as published; nil: removed
	stored   chat.Endpoint  // as in the store
	events   []chat.Event   // events[i].Seq == i+1
	first    chat.Sequence  // what is older has gone from the journal
	rows     map[chat.Sequence]chat.Pending
	failures map[chat.Sequence][]chat.Attempted
	done     map[chat.Sequence][]chat.Attempted // deliveries
	ranges   []chat.DeadRange
	replays  []chat.Replay
	alerts   []alert.Alert
	saves    int
	replaced bool // lanes are replaced: what one broke off, the next begins again

	readFault, saveFault error
	eventFault           error // of reading one event alone
	reads                int

	answer   func(a arrival) step // how the endpoint answers
	arrivals []arrival
	order    []chat.Sequence             // of deliveries
	observe  func(n int)                 // requests under way, more or fewer
	newest   map[chat.Sequence]arrival   // of each event
	begun    map[chat.Sequence]time.Time // when each arrived first
	clear    chat.Sequence               // all up to it are over
	fates    map[chat.Sequence]fate      // of the newest attempt that was answered
	faults   []string                    // what was promised and not kept

	d *Deliverer
}

// arrival is one request as the endpoint sees it.
type arrival struct {
	seq, previous, settled chat.Sequence
	attempt                int
	nth                    int // how often this event arrived, from 1
	replay                 bool
	at                     time.Time
	life                   *Deliverer
}

// step is one answer.
type step struct {
	after      time.Duration
	status     int // 0: the connection is refused
	body       string
	retryAfter string
	hang       bool // until the lane gives up
}

var (
	ok       = step{status: 200, body: okAnswer}
	objects  = step{status: 200, body: `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no"}`}
	internal = step{status: 500}
	refused  = step{}
	hangs    = step{hang: true}
	missing  = step{status: 404}
	tooLarge = step{status: 413}
	goneAway = step{status: 410}
)

func always(s step) func(arrival) step { return func(arrival) step { return s } }

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, app: &chat.App{ID: testApp, Epoch: "epoch"},
		endpoint: &chat.Endpoint{ID: chat.PrimaryEndpoint, App: testApp, URL: "http://endpoint", Commands: []string{chat.CommandSendMsgException}},
		rows:     make(map[chat.Sequence]chat.Pending), failures: make(map[chat.Sequence][]chat.Attempted), done: make(map[chat.Sequence][]chat.Attempted),
		answer: always(ok), fates: make(map[chat.Sequence]fate), newest: make(map[chat.Sequence]arrival), begun: make(map[chat.Sequence]time.Time),
	}
	w.stored = *w.endpoint
	return w
}

// start begins a life of the deliverer; stop ends it.
func (w *world) start() {
	d := New(Options{Reader: journal{w}, AlarmAfter: 5 * time.Minute, Alert: func(a alert.Alert) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.alerts = append(w.alerts, a)
	}})
	d.connect = func(*chat.Endpoint) (*client, error) { return &client{transport: w, timeout: 5 * time.Second}, nil }
	w.mu.Lock()
	w.d = d
	w.mu.Unlock()
	d.Start(w)
}

func (w *world) stop() {
	w.mu.Lock()
	d := w.d
	w.d = nil
	w.mu.Unlock()
	if d != nil {
		d.Stop()
	}
}

// commit adds n events of a command to the journal and offers them.
func (w *world) commit(n int, command string) {
	w.mu.Lock()
	var added []chat.Event
	for range n {
		seq := chat.Sequence(len(w.events) + 1)
		e := chat.Event{App: testApp, Seq: seq, ID: chat.AttemptID{byte(seq)}, Command: command, Time: time.Now().UnixMilli(), Count: 1, Body: []byte(`{}`)}
		w.events, added = append(w.events, e), append(added, e)
	}
	d := w.d
	w.mu.Unlock()
	if d != nil {
		d.Offer(testApp, added)
	}
}

func (w *world) refuse(n int) { w.commit(n, chat.CommandSendMsgException) }

func (w *world) fault(format string, args ...any) {
	if len(w.faults) < 10 {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// check reports what was not kept.
func (w *world) check() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		w.t.Error(f)
	}
}

func (w *world) wanted(seq chat.Sequence) bool {
	return w.endpoint != nil && w.stored.IsFor(&w.events[seq-1])
}

// over says whether an event was delivered or given up, as far as the endpoint
// can know. The caller holds the lock.
func (w *world) over(seq chat.Sequence) bool {
	f, tried := w.fates[seq]
	return !w.wanted(seq) || seq <= w.first || tried && f == delivered || w.rows[seq].Dead || tried && f == dead || w.gaveUp(seq) || w.tooOld(seq)
}

// tooOld: it held its group for as long as it may, or waited for a failing
// endpoint for longer than an event lives.
func (w *world) tooOld(seq chat.Sequence) bool {
	first, tried := w.begun[seq]
	held := tried && w.stored.InOrder && time.Since(first) >= w.stored.HoldTime()
	return held || time.Since(time.UnixMilli(w.events[seq-1].Time)) >= w.stored.Lifetime()
}

// gaveUp: the last objection was one too many.
func (w *world) gaveUp(seq chat.Sequence) bool {
	return w.fates[seq] == objected && w.newest[seq].attempt >= maxObjections
}

// open is the first event up to end that is not over; 0 if all are.
func (w *world) open(end chat.Sequence, but func(chat.Sequence) bool) chat.Sequence {
	for w.clear < end && int(w.clear) < len(w.events) && w.over(w.clear+1) {
		w.clear++
	}
	for seq := w.clear + 1; seq <= end && int(seq) <= len(w.events); seq++ {
		if !w.over(seq) && !but(seq) {
			return seq
		}
	}
	return 0
}

func (w *world) hasRow(seq chat.Sequence) bool {
	_, apart := w.rows[seq]
	return apart
}

// RoundTrip makes the world an endpoint.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != `{}` {
		return nil, errors.New("a body that is not the event's")
	}
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(r.Header.Get(name), 10, 64)
		if err != nil {
			w.mu.Lock()
			w.fault("%s: %v", name, err)
			w.mu.Unlock()
		}
		return n
	}
	a := arrival{
		seq: chat.Sequence(number("Parley-Sequence")), previous: chat.Sequence(number("Parley-Previous")),
		settled: chat.Sequence(number("Parley-Settled")), attempt: int(number("Parley-Attempt")), at: time.Now(), nth: 1,
		replay: r.Header.Get("Parley-Replay") == "1",
	}
	w.mu.Lock()
	a.life = w.d
	if before, again := w.newest[a.seq]; again {
		a.nth = before.nth + 1
		if !w.replaced && before.life == a.life && a.attempt <= before.attempt {
			w.fault("event %d: attempt %d after attempt %d", a.seq, a.attempt, before.attempt)
		}
	}
	w.arrivals = append(w.arrivals, a)
	if seq := w.open(a.settled, func(chat.Sequence) bool { return false }); seq > 0 {
		w.fault("event %d says that all up to %d is settled, but %d is not", a.seq, a.settled, seq)
	}
	if a.nth == 1 {
		w.begun[a.seq] = a.at
	}
	w.newest[a.seq] = a
	if a.attempt > 1 { // number and time are on disk before it leaves
		if row, ok := w.rows[a.seq]; !ok || row.Attempt != a.attempt || row.Previous != a.previous {
			w.fault("event %d: attempt %d, but its row is %+v", a.seq, a.attempt, row)
		}
	}
	if w.observe != nil {
		w.observe(1)
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.observe(-1)
		}()
	}
	s := w.answer(a)
	w.mu.Unlock()

	if s.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if !pause(r.Context(), s.after) {
		return nil, r.Context().Err()
	}
	if s.status == 0 {
		return nil, errors.New("nobody listens")
	}
	res := &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body))}
	if s.retryAfter != "" {
		res.Header.Set("Retry-After", s.retryAfter)
	}
	w.mu.Lock()
	w.fates[a.seq] = judge(s.status, res.Header, []byte(s.body), nil, time.Now()).fate
	if w.fates[a.seq] == delivered {
		w.order = append(w.order, a.seq)
	}
	w.mu.Unlock()
	return res, nil
}

// pause waits; false is that the caller has given up. No wait makes no timer: in
// a bubble, timers that are due at once and looked at by several goroutines
// crash the race detector of Go 1.26.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// times are the moments at which an event arrived, or any for 0.
func (w *world) times(seq chat.Sequence) (list []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.arrivals {
		if seq == 0 || a.seq == seq {
			list = append(list, a.at)
		}
	}
	return list
}

// undelivered are the wanted events that were not answered well.
func (w *world) undelivered() (list []chat.Sequence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.events {
		seq := chat.Sequence(i + 1)
		if f, tried := w.fates[seq]; w.wanted(seq) && (!tried || f != delivered) {
			list = append(list, seq)
		}
	}
	return list
}

// ------ the writer

func (w *world) App(chat.AppID) (*chat.App, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.app, true
}

func (w *world) PauseEndpoint(_ context.Context, _ chat.AppID, _, reason string) error {
	w.set(func(e *chat.Endpoint) { e.Paused = reason })
	return nil
}

func (w *world) AppIDs() []chat.AppID { return []chat.AppID{testApp} }

func (w *world) Endpoints(chat.AppID) []*chat.Endpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []*chat.Endpoint{w.endpoint}
}

// SaveProgress writes as the real writer does: a little later, and all of it
// or nothing.
func (w *world) SaveProgress(_ chat.AppID, p chat.Progress, done func(error)) {
	time.AfterFunc(100*time.Millisecond, func() {
		w.mu.Lock()
		w.saves++
		err := w.saveFault
		if err == nil && w.endpoint != nil {
			w.write(p)
		}
		w.mu.Unlock()
		done(err)
		done(err) // once more, as when a batch is written again in halves
	})
}

func (w *world) write(p chat.Progress) {
	for _, row := range p.Put {
		w.rows[row.Seq] = row
	}
	for _, seq := range p.Delete {
		delete(w.rows, seq)
	}
	for _, f := range p.Failed {
		w.failures[f.Seq] = append(w.failures[f.Seq], f)
	}
	for _, f := range p.Delivered {
		w.done[f.Seq] = append(w.done[f.Seq], f)
	}
	for _, d := range p.Dead {
		w.ranges = slices.DeleteFunc(w.ranges, func(have chat.DeadRange) bool { return have.First == d.First })
		w.ranges = append(w.ranges, d)
	}
	for _, r := range p.Replays {
		w.replays = slices.DeleteFunc(w.replays, func(have chat.Replay) bool { return have.ID == r.ID && r.Next > r.Last })
		for i := range w.replays {
			if w.replays[i].ID == r.ID {
				w.replays[i] = r
			}
		}
	}
	if p.Cursor < w.stored.Cursor {
		w.fault("the cursor falls from %d to %d", w.stored.Cursor, p.Cursor)
	}
	if seq := w.open(p.Cursor, w.hasRow); seq > 0 {
		w.fault("the cursor passes %d, which is not settled and has no row", seq)
	}
	e := w.stored
	e.Cursor, e.CursorPrevious = p.Cursor, p.CursorPrevious
	if p.Lane != nil {
		e.Lane = *p.Lane
	}
	w.stored = e
}

// set changes the endpoint; the deliverer is told.
func (w *world) set(change func(*chat.Endpoint)) {
	w.mu.Lock()
	had := w.stored
	e := had
	e.Commands = slices.Clone(e.Commands)
	change(&e)
	if e.URL != had.URL && had.Paused == chat.PausedGone {
		e.Paused = ""
	}
	if !e.SameSwitches(&had) { // as the heart does
		head := chat.Sequence(len(w.events))
		if head > had.Cursor {
			e.Past = append(slices.Clone(had.Past), chat.PastSwitches{UpTo: head, Switches: chat.Switches{Commands: had.Commands, Codes: had.Codes, Groups: had.Groups}})
		}
		e.Since = head
	}
	w.stored = e
	published := e
	w.endpoint = &published
	d := w.d
	w.mu.Unlock()
	if d != nil {
		d.Changed(testApp)
	}
}

// with changes the world while nobody looks.
func (w *world) with(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// ------ the journal

// journal is the world as a store.
type journal struct{ *world }

func (w *world) read() error {
	w.reads++
	return w.readFault
}

func (j journal) Endpoints(context.Context, chat.AppID) ([]chat.Endpoint, error) {
	w := j.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.endpoint == nil {
		return nil, w.read()
	}
	return []chat.Endpoint{w.stored}, w.read()
}

func (w *world) Head(context.Context, chat.AppID) (chat.Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return chat.Head{Next: chat.Sequence(len(w.events) + 1)}, w.read()
}

func (w *world) Events(_ context.Context, _ chat.AppID, after chat.Sequence, limit, maxBytes int) ([]chat.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(); err != nil {
		return nil, err
	}
	after = max(after, w.first)
	page := w.events[min(int(after), len(w.events)):]
	return slices.Clone(page[:min(len(page), limit)]), nil
}

func (w *world) EventsBefore(_ context.Context, _ chat.AppID, before chat.Sequence, limit, _ int) ([]chat.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	page := slices.Clone(w.events[:min(int(before)-1, len(w.events))])
	slices.Reverse(page)
	return page[:min(len(page), limit)], w.read()
}

func (w *world) Event(_ context.Context, _ chat.AppID, seq chat.Sequence) (chat.Event, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(w.read(), w.eventFault); err != nil {
		return chat.Event{}, false, err
	}
	if seq <= w.first || int(seq) > len(w.events) {
		return chat.Event{}, false, nil
	}
	return w.events[seq-1], true, nil
}

func (w *world) Pending(_ context.Context, _ chat.AppID, _ string, dead bool, after chat.Sequence, limit int) (list []chat.Pending, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(); err != nil {
		return nil, err
	}
	for seq, row := range w.rows {
		if seq > after && row.Dead == dead {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b chat.Pending) int { return int(a.Seq) - int(b.Seq) })
	return list[:min(len(list), limit)], nil
}

func (w *world) PendingOf(_ context.Context, _ chat.AppID, _ string, seq chat.Sequence) (chat.Pending, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.rows[seq]
	return p, ok, w.read()
}

func (w *world) DeadRanges(context.Context, chat.AppID, string) ([]chat.DeadRange, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ranges), w.read()
}

func (w *world) Attempts(_ context.Context, _ chat.AppID, _ string, seq chat.Sequence) ([]chat.Attempted, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := append(slices.Clone(w.failures[seq]), w.done[seq]...)
	chat.SortAttempts(list)
	return list, w.read()
}

func (w *world) Delivered(_ context.Context, _ chat.AppID, _ string, first, last chat.Sequence) (map[chat.Sequence]bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := make(map[chat.Sequence]bool)
	for seq := range w.done {
		if seq >= first && seq <= last {
			there[seq] = true
		}
	}
	return there, w.read()
}

func (w *world) Replays(context.Context, chat.AppID, string) ([]chat.Replay, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.replays), w.read()
}

func (w *world) Sync(context.Context, chat.AppID) error { return nil }
