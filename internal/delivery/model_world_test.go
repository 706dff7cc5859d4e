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
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// model is an app with several endpoints: a journal, a writer and the endpoints'
// answers, in memory, and beside them the little that is promised of each event
// at each endpoint. It says for each arrival whether it was allowed, and in the
// end for each event whether what became of it was.
type model struct {
	mu        sync.Mutex
	app       *chat.App
	events    []chat.Event // events[i].Seq == i+1
	list      []*chat.Endpoint
	ends      map[string]*end // those there are
	removed   []*end
	readFault error
	saveFault error
	lastID    int64
	crashed   bool // the life of now has crashed: nothing of it is written any more
	lives     int
	faults    []string
	d         *Deliverer
}

// end is one life of an endpoint.
type end struct {
	m        *model
	stored   chat.Endpoint
	rows     map[chat.Sequence]chat.Pending
	failed   map[chat.Sequence][]chat.Attempted
	done     map[chat.Sequence][]chat.Attempted
	ranges   []chat.DeadRange
	replays  []chat.Replay
	away     bool
	bad      [][]int // what it does with each event's first arrivals
	gone     time.Time
	pausedAt time.Time

	// What is promised.
	wants     map[chat.Sequence]chat.Sequence // events for it, and their Previous
	last      chat.Sequence                   // the newest of the chain
	visits    map[chat.Sequence][]*visit
	count     int
	fate      map[chat.Sequence]fate // of the newest answer
	ok        map[chat.Sequence]bool // delivered at least once
	begun     map[chat.Sequence]time.Time
	shortest  time.Duration // of the holds there were
	changedAt time.Time     // when the order was changed last
	ordered   chat.Sequence // events after it were committed under the order of now
	flying    map[chat.GroupID]chat.Sequence
	inFlight  int
	level     float64 // of the rate
	leftAt    time.Time
	asked     []asked
}

type visit struct {
	at      time.Time
	attempt int
	replay  bool
	life    int
}

// asked is a request to send events again, and those that must come because of it.
type asked struct {
	at   time.Time
	seqs []chat.Sequence
}

func newModel() *model {
	return &model{app: &chat.App{ID: testApp, Epoch: "epoch"}, ends: make(map[string]*end)}
}

func (m *model) fault(format string, args ...any) {
	if len(m.faults) < 10 {
		m.faults = append(m.faults, fmt.Sprintf(format, args...))
	}
}

func (m *model) with(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// create makes an endpoint, as the heart does.
func (m *model) create(id string, bad [][]int, change func(*chat.Endpoint)) {
	m.mu.Lock()
	head := chat.Sequence(len(m.events))
	e := &end{
		m: m, rows: make(map[chat.Sequence]chat.Pending), failed: make(map[chat.Sequence][]chat.Attempted),
		done: make(map[chat.Sequence][]chat.Attempted), bad: bad, wants: make(map[chat.Sequence]chat.Sequence),
		visits: make(map[chat.Sequence][]*visit), fate: make(map[chat.Sequence]fate), ok: make(map[chat.Sequence]bool),
		begun: make(map[chat.Sequence]time.Time), flying: make(map[chat.GroupID]chat.Sequence),
	}
	m.lastID++
	e.stored = chat.Endpoint{ID: id, App: testApp, URL: "http://" + id, Commands: []string{chat.CommandSendMsgException}, Cursor: head}
	e.stored.Since, e.stored.Life = head, strconv.FormatInt(m.lastID, 10)
	change(&e.stored)
	e.shortest = e.stored.HoldTime()
	m.ends[id] = e
	m.publish()
	m.mu.Unlock()
	m.tell()
}

func (m *model) remove(id string) {
	m.with(func() {
		if e := m.ends[id]; e != nil {
			e.gone = time.Now()
			m.removed = append(m.removed, e)
			delete(m.ends, id)
			m.publish()
		}
	})
	m.tell()
}

// publish shows the endpoints as stored. The caller holds the lock.
func (m *model) publish() {
	m.list = nil
	for _, e := range m.ends {
		shown := e.stored
		m.list = append(m.list, &shown)
	}
}

func (m *model) tell() {
	m.mu.Lock()
	d := m.d
	m.mu.Unlock()
	if d != nil {
		d.Changed(testApp)
	}
}

// set changes an endpoint, as the heart does.
func (m *model) set(id string, change func(*chat.Endpoint)) {
	m.mu.Lock()
	e := m.ends[id]
	if e != nil {
		had, next, head := e.stored, e.stored, chat.Sequence(len(m.events))
		next.Commands = slices.Clone(next.Commands)
		change(&next)
		if next.URL != had.URL && had.Paused == chat.PausedGone {
			next.Paused = ""
		}
		if !next.SameSwitches(&had) {
			next.Past = slices.Clone(had.Past)
			if head > had.Cursor {
				next.Past = append(next.Past, chat.PastSwitches{UpTo: head, Switches: chat.Switches{Commands: had.Commands, Codes: had.Codes, Groups: had.Groups}})
			}
			next.Since = head
			e.last, e.asked = 0, nil // what is sent again is what the switches let through by then
		}
		e.shortest = min(e.shortest, had.HoldTime())
		if next.InOrder != had.InOrder {
			e.ordered, e.changedAt = head, time.Now()
		}
		if next.Rate != had.Rate {
			e.level = 0
		}
		if next.Paused != "" && had.Paused == "" {
			e.pausedAt = time.Now()
		}
		e.stored = next
		m.publish()
	}
	m.mu.Unlock()
	m.tell()
}

// commit adds events of groups to the journal and offers them.
func (m *model) commit(command string, code int, groups ...chat.GroupID) {
	m.mu.Lock()
	var added []chat.Event
	for _, g := range groups {
		seq := chat.Sequence(len(m.events) + 1)
		ev := chat.Event{App: testApp, Seq: seq, ID: chat.AttemptID{byte(seq), byte(seq >> 8)}, Command: command, Code: code, Group: g,
			Time: time.Now().UnixMilli(), Count: 1, Body: []byte(`{}`)}
		m.events, added = append(m.events, ev), append(added, ev)
		for _, e := range m.ends {
			s := &e.stored
			if slices.Contains(s.Commands, command) && (len(s.Codes) == 0 || command != chat.CommandSendMsgException || slices.Contains(s.Codes, code)) &&
				(len(s.Groups) == 0 || slices.Contains(s.Groups, g)) {
				e.wants[seq], e.last = e.last, seq
			}
		}
	}
	d := m.d
	m.mu.Unlock()
	if d != nil {
		d.Offer(testApp, added)
	}
}

// replay asks to send events again, as the heart does.
func (m *model) replay(id string, isDead bool, first, last chat.Sequence) {
	m.with(func() {
		e, head := m.ends[id], chat.Sequence(len(m.events))
		if first, last = max(first, 1), min(last, head); e == nil || last < first {
			return
		}
		m.lastID++
		e.replays = append(e.replays, chat.Replay{ID: m.lastID, Endpoint: id, First: first, Last: last, Next: first, Dead: isDead})
		a, now := asked{at: time.Now()}, chat.Switches{Commands: e.stored.Commands, Codes: e.stored.Codes, Groups: e.stored.Groups}
		for seq := first; seq <= min(last, e.stored.Cursor); seq++ {
			if _, wanted := e.wants[seq]; wanted && now.Let(&m.events[seq-1]) && (first != last || isDead) && (!isDead || e.isDead(seq)) {
				a.seqs = append(a.seqs, seq)
			}
		}
		e.asked = append(e.asked, a)
		m.publish()
	})
	m.tell()
}

// start begins a life of the deliverer.
func (m *model) start() {
	d := New(Options{Reader: shelf{m}})
	m.mu.Lock()
	m.crashed = false
	m.lives++
	m.d = d
	life := m.lives
	for _, e := range m.ends {
		e.flying, e.inFlight, e.level = make(map[chat.GroupID]chat.Sequence), 0, 0
	}
	m.mu.Unlock()
	d.connect = func(e *chat.Endpoint) (*client, error) {
		return &client{transport: door{m, e.ID, e.Life, life}, timeout: e.AttemptTime()}, nil
	}
	d.Start(m)
}

// stop ends it; after a crash nothing of it is written.
func (m *model) stop(crash bool) {
	m.mu.Lock()
	d := m.d
	m.d, m.crashed = nil, crash
	m.mu.Unlock()
	if d != nil {
		d.Stop()
	}
}

// setBack sets the clock back while nothing runs: what is stored lies that far
// in the future.
func (m *model) setBack(by time.Duration) {
	m.with(func() {
		ms := by.Milliseconds()
		for _, e := range m.ends {
			for seq, row := range e.rows {
				row.NextAt += ms
				row.Since += ms
				e.rows[seq] = row
			}
			if e.stored.Lane.FailingAt > 0 {
				e.stored.Lane.FailingAt += ms
			}
		}
		m.publish()
	})
}

// isDead says whether an event is a dead letter on disk.
func (e *end) isDead(seq chat.Sequence) bool {
	if row, there := e.rows[seq]; there {
		return row.Dead
	}
	return slices.ContainsFunc(e.ranges, func(d chat.DeadRange) bool { return d.First <= seq && seq <= d.Last })
}

// over says whether an event is settled: delivered, or a dead letter on disk.
func (e *end) over(seq chat.Sequence) bool {
	_, wanted := e.wants[seq]
	return !wanted || e.ok[seq] || e.isDead(seq) || e.rows[seq].Replay // which it was before, and stays
}

// arrive judges one request. The caller holds the lock.
func (e *end) arrive(seq, previous, settled chat.Sequence, v *visit) {
	m, now := e.m, v.at
	say := func(format string, args ...any) {
		m.fault("%s, event %d, attempt %d: %s", e.stored.ID, seq, v.attempt, fmt.Sprintf(format, args...))
	}
	row, apart := e.rows[seq]
	want, wanted := e.wants[seq]
	switch {
	case int(seq) > len(m.events):
		say("is not in the journal")
		return
	case !wanted && !v.replay:
		say("is not for the endpoint")
	case wanted && previous != want:
		say("Previous is %d, want %d", previous, want)
	case !e.gone.IsZero() && now.After(e.gone):
		say("the endpoint is removed")
	case e.stored.Paused != "" && now.After(e.pausedAt):
		say("the endpoint is paused: %s", e.stored.Paused)
	case v.replay != (apart && row.Replay):
		say("Parley-Replay %t, its row is %+v", v.replay, row)
	case v.attempt > 1 && (!apart || row.Attempt != v.attempt || row.Dead):
		say("its row is %+v", row)
	}
	for _, before := range e.visits[seq] {
		if before.life == v.life && v.attempt <= before.attempt {
			say("after attempt %d", before.attempt)
		}
	}
	for s := chat.Sequence(1); s <= settled; s++ {
		if int(s) > len(m.events) || !e.over(s) {
			say("says that all up to %d is settled, but %d is not", settled, s)
			break
		}
	}
	e.inFlight++
	if most := e.stored.InFlightLimit(); e.inFlight > most {
		say("%d requests at once", e.inFlight)
	}
	if r := float64(e.stored.Rate); r > 0 {
		e.level = max(0, e.level-now.Sub(e.leftAt).Seconds()*r) + 1
		if e.leftAt = now; e.level > r/10+2 {
			say("faster than %v a second", r)
		}
	}
	group := m.events[seq-1].Group
	if !e.stored.InOrder || group == "" || v.replay || seq <= e.ordered {
		return
	}
	if other, there := e.flying[group]; there {
		say("while event %d of its group is under way", other)
	}
	e.flying[group] = seq
	for s := e.ordered + 1; s < seq; s++ {
		if m.events[s-1].Group == group && !e.over(s) {
			say("before event %d of its group, which is not settled", s)
			break
		}
	}
}

func (e *end) leave(seq chat.Sequence, replay bool) {
	e.inFlight--
	if group := e.m.events[seq-1].Group; !replay && e.flying[group] == seq {
		delete(e.flying, group)
	}
}

// door is the way to one life of an endpoint, from one life of the deliverer.
type door struct {
	m        *model
	id, life string
	from     int
}

func (d door) RoundTrip(r *http.Request) (*http.Response, error) {
	m := d.m
	number := func(name string) chat.Sequence {
		n, err := strconv.ParseUint(r.Header.Get(name), 10, 64)
		if err != nil {
			m.with(func() { m.fault("%s: %v", name, err) })
		}
		return chat.Sequence(n)
	}
	seq := number("Parley-Sequence")
	v := &visit{at: time.Now(), attempt: int(number("Parley-Attempt")), replay: r.Header.Get("Parley-Replay") != "", life: d.from}
	m.mu.Lock()
	e := m.ends[d.id]
	if e == nil || e.stored.Life != d.life {
		e = nil
		for _, old := range m.removed {
			if old.stored.Life == d.life {
				e = old
			}
		}
	}
	mine := d.from == m.lives
	if mine && m.d != nil { // else it is being broken off
		e.arrive(seq, number("Parley-Previous"), number("Parley-Settled"), v)
	} else {
		e.inFlight++
	}
	nth := len(e.visits[seq])
	e.visits[seq] = append(e.visits[seq], v)
	e.count++
	s := ok
	switch {
	case e.away:
		s = refused
	case int(seq)-1 < len(e.bad) && nth < len(e.bad[seq-1]):
		s = modelSteps[e.bad[seq-1][nth]]
	}
	m.mu.Unlock()
	res, err := answerOf(r, s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if d.from == m.lives {
		e.leave(seq, v.replay)
	}
	if err != nil {
		e.fate[seq] = broken
	} else if e.fate[seq] = judge(s.status, res.Header, []byte(s.body), nil, time.Now()).fate; e.fate[seq] == delivered {
		e.ok[seq] = true
	}
	if _, before := e.begun[seq]; !before && e.fate[seq] != delivered {
		e.begun[seq] = time.Now()
	}
	return res, err
}

// answerOf makes the answer of a step.
func answerOf(r *http.Request, s step) (*http.Response, error) {
	switch {
	case s.hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case !pause(r.Context(), s.after):
		return nil, r.Context().Err()
	case s.status == 0:
		return nil, errors.New("nobody listens")
	}
	res := &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body))}
	if s.retryAfter != "" {
		res.Header.Set("Retry-After", s.retryAfter)
	}
	return res, nil
}

// ------ the writer

func (m *model) App(chat.AppID) (*chat.App, bool) { return m.app, true }

func (m *model) AppIDs() []chat.AppID { return []chat.AppID{testApp} }

func (m *model) Endpoints(chat.AppID) []*chat.Endpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list
}

func (m *model) PauseEndpoint(_ context.Context, _ chat.AppID, id, reason string) error {
	m.set(id, func(e *chat.Endpoint) { e.Paused = reason })
	return nil
}

// SaveProgress writes a little later, and all of it or nothing.
func (m *model) SaveProgress(_ chat.AppID, p chat.Progress, done func(error)) {
	m.mu.Lock()
	life := m.lives
	m.mu.Unlock()
	time.AfterFunc(100*time.Millisecond, func() {
		m.mu.Lock()
		err := m.saveFault
		if m.crashed || life != m.lives {
			err = errors.New("the program is gone")
		}
		if e := m.ends[p.Endpoint]; err == nil && e != nil && e.stored.Life == p.Life {
			e.write(&p)
			m.publish()
		}
		m.mu.Unlock()
		done(err)
	})
}

func (e *end) write(p *chat.Progress) {
	for _, row := range p.Put {
		if row.Dead && !e.mayDie(&row) {
			e.m.fault("%s, event %d: a dead letter too soon: %+v, %d visits, begun %v", e.stored.ID, row.Seq, row, len(e.visits[row.Seq]), e.begun[row.Seq])
		}
		e.rows[row.Seq] = row
	}
	for _, seq := range p.Delete {
		delete(e.rows, seq)
	}
	for _, f := range p.Failed {
		e.failed[f.Seq] = append(e.failed[f.Seq], f)
	}
	for _, f := range p.Delivered {
		e.done[f.Seq] = append(e.done[f.Seq], f)
	}
	for _, d := range p.Dead {
		e.ranges = slices.DeleteFunc(e.ranges, func(have chat.DeadRange) bool { return have.First == d.First })
		e.ranges = append(e.ranges, d)
	}
	for _, r := range p.Replays {
		e.replays = slices.DeleteFunc(e.replays, func(have chat.Replay) bool { return have.ID == r.ID && r.Next > r.Last })
		for i := range e.replays {
			if e.replays[i].ID == r.ID {
				e.replays[i] = r
			}
		}
	}
	if p.Cursor < e.stored.Cursor {
		e.m.fault("%s: the cursor falls from %d to %d", e.stored.ID, e.stored.Cursor, p.Cursor)
	}
	for seq := e.stored.Cursor + 1; seq <= p.Cursor; seq++ {
		if _, apart := e.rows[seq]; !apart && !e.over(seq) {
			e.m.fault("%s: the cursor passes %d, which is not settled and has no row", e.stored.ID, seq)
		}
	}
	e.stored.Cursor, e.stored.CursorPrevious = p.Cursor, p.CursorPrevious
	if p.Lane != nil {
		e.stored.Lane = *p.Lane
	}
}

// mayDie says whether an event may be given up now.
func (e *end) mayDie(row *chat.Pending) bool {
	seq, now := row.Seq, time.Now()
	age := now.Sub(time.UnixMilli(e.m.events[seq-1].Time))
	first, tried := e.begun[seq]
	switch {
	case e.fate[seq] == dead || e.rows[seq].Replay:
		return true // a letter that was dead before may die again
	case e.fate[seq] == objected && len(e.visits[seq]) >= maxObjections:
		return true
	case tried && (e.stored.InOrder || now.Sub(e.changedAt) < time.Minute) && now.Sub(first) >= min(e.stored.HoldTime(), e.shortest):
		return true // an attempt that was under way may not know of a change
	}
	return age >= e.stored.Lifetime()
}

// ------ the journal

// shelf is what a lane reads.
type shelf struct{ *model }

// of runs f for an endpoint's books, or fails as reads do.
func (s shelf) of(id string, f func(e *end)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readFault != nil {
		return s.readFault
	}
	if e := s.ends[id]; e != nil {
		f(e)
	}
	return nil
}

func (s shelf) Endpoints(context.Context, chat.AppID) (list []chat.Endpoint, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.ends {
		list = append(list, e.stored)
	}
	return list, s.readFault
}

func (s shelf) Head(context.Context, chat.AppID) (chat.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return chat.Head{Next: chat.Sequence(len(s.events) + 1)}, s.readFault
}

func (s shelf) Events(_ context.Context, _ chat.AppID, after chat.Sequence, limit, _ int) ([]chat.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := s.events[min(int(after), len(s.events)):]
	return slices.Clone(page[:min(len(page), limit)]), s.readFault
}

func (s shelf) EventsBefore(_ context.Context, _ chat.AppID, before chat.Sequence, limit, _ int) ([]chat.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := slices.Clone(s.events[:min(int(before)-1, len(s.events))])
	slices.Reverse(page)
	return page[:min(len(page), limit)], s.readFault
}

func (s shelf) Event(_ context.Context, _ chat.AppID, seq chat.Sequence) (chat.Event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[seq-1], true, s.readFault
}

func (s shelf) Pending(_ context.Context, _ chat.AppID, id string, isDead bool, after chat.Sequence, limit int) (list []chat.Pending, err error) {
	err = s.of(id, func(e *end) {
		for seq, row := range e.rows {
			if seq > after && row.Dead == isDead {
				list = append(list, row)
			}
		}
	})
	slices.SortFunc(list, func(a, b chat.Pending) int { return int(a.Seq) - int(b.Seq) })
	return list[:min(len(list), limit)], err
}

func (s shelf) PendingOf(_ context.Context, _ chat.AppID, id string, seq chat.Sequence) (p chat.Pending, found bool, err error) {
	err = s.of(id, func(e *end) { p, found = e.rows[seq] })
	return p, found, err
}

func (s shelf) DeadRanges(_ context.Context, _ chat.AppID, id string) (list []chat.DeadRange, err error) {
	err = s.of(id, func(e *end) { list = slices.Clone(e.ranges) })
	return list, err
}

func (s shelf) Attempts(_ context.Context, _ chat.AppID, id string, seq chat.Sequence) (list []chat.Attempted, err error) {
	err = s.of(id, func(e *end) { list = append(slices.Clone(e.failed[seq]), e.done[seq]...) })
	chat.SortAttempts(list)
	return list, err
}

func (s shelf) Delivered(_ context.Context, _ chat.AppID, id string, first, last chat.Sequence) (map[chat.Sequence]bool, error) {
	there := make(map[chat.Sequence]bool)
	err := s.of(id, func(e *end) {
		for seq := range e.done {
			if seq >= first && seq <= last {
				there[seq] = true
			}
		}
	})
	return there, err
}

func (s shelf) Replays(_ context.Context, _ chat.AppID, id string) (list []chat.Replay, err error) {
	err = s.of(id, func(e *end) { list = slices.Clone(e.replays) })
	return list, err
}

func (m *model) Sync(context.Context, chat.AppID) error { return nil }
