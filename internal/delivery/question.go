package delivery

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// Bounds of the before-send question (document 1047/34374 for the 2 s).
const (
	questionTime    = 2 * time.Second
	maxQuestions    = 256 // in flight per app
	maxWaiting      = 64  // per sender
	timeoutsInARow  = 20  // until the policy answers at once
	questionProbing = time.Second
)

// notAsked is the reason of the breaker.
const notAsked = "not asked: the last questions were not answered"

// Asker puts before-send questions. Each app has its own connections, its own
// places and its own breaker, so that other apps notice nothing. A question is
// never repeated.
//
// When all places of an app are taken, senders wait in turn: the next free
// place goes to the next sender, not to the next question, and the waiting
// counts into the two seconds.
type Asker struct {
	log  *slog.Logger
	mu   sync.Mutex
	apps map[chat.AppID]*questions

	// dial makes the client for an endpoint; tests put an endpoint of their own in.
	dial func(*chat.Endpoint) (*client, error)
}

// NewAsker makes an asker.
func NewAsker(n Network, log *slog.Logger) *Asker {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Asker{log: log, apps: make(map[chat.AppID]*questions), dial: func(e *chat.Endpoint) (*client, error) {
		return newClient(e, maxQuestions, n, questionTime)
	}}
}

// Close closes idle connections. Questions in flight end within their bound.
func (a *Asker) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range a.apps {
		q.close()
	}
}

// Ask puts the question to the app backend and returns its verdict.
func (a *Asker) Ask(ctx context.Context, q *chat.Question) chat.Verdict {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	app := a.app(q.App.ID)
	if reason := app.enter(ctx, q.Send.From); reason != "" {
		return chat.Verdict{Reason: reason}
	}
	v, answered := a.put(ctx, app, q)
	if changed, open := app.leave(answered); changed && open {
		a.log.Warn("the before-send question is not answered; the policy decides", "app", q.App.ID, "policy", q.App.Settings.BeforeSendFailure, "reason", v.Reason)
	} else if changed {
		a.log.Info("the before-send question is answered again", "app", q.App.ID)
	}
	return v
}

// put makes the one attempt. answered is false when nothing came back.
func (a *Asker) put(ctx context.Context, app *questions, q *chat.Question) (v chat.Verdict, answered bool) {
	to, c, err := app.connect(q.Endpoint, a.dial)
	if err != nil {
		return chat.Verdict{Reason: err.Error()}, false
	}
	now := time.Now()
	u := to.url(q.App.ID, chat.CommandBeforeSendMsg, q.Send.ClientIP, q.Send.Platform, now)
	h := http.Header{"Content-Type": contentType, "User-Agent": userAgent}
	to.authorize(h)
	status, _, answer, err := c.post(ctx, u, wire.Question(q, now.UnixMilli()), h)
	switch {
	case err != nil:
		return chat.Verdict{Reason: reasonOf(err)}, false
	case status != http.StatusOK:
		return chat.Verdict{Reason: strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))}, true
	}
	return wire.ReadVerdict(answer, q.Send), true
}

func (a *Asker) app(id chat.AppID) *questions {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.apps[id]
	if q == nil {
		q = &questions{senders: make(map[chat.UserID]*waiters)}
		a.apps[id] = q
	}
	return q
}

// questions are one app's places, queue and breaker.
type questions struct {
	mu       sync.Mutex
	inFlight int
	senders  map[chat.UserID]*waiters // who waits
	turn     []*waiters               // in the order of their turns
	timeouts int
	probe    time.Time // when the next question may be put while the breaker is open

	key    [32]byte // of the settings that to and client were made with
	to     *target
	client *client
}

// waiters are one sender's questions that wait for a place.
type waiters struct {
	user  chat.UserID
	queue []chan bool // each is told once: true is a place, false that none will come
}

// enter takes a place, waiting for one if it must. A reason is returned when
// the question is not put.
func (q *questions) enter(ctx context.Context, user chat.UserID) (reason string) {
	q.mu.Lock()
	if q.timeouts >= timeoutsInARow {
		now := time.Now()
		if now.Before(q.probe) {
			q.mu.Unlock()
			return notAsked
		}
		q.probe = now.Add(questionProbing)
	}
	if q.inFlight < maxQuestions {
		q.inFlight++
		q.mu.Unlock()
		return ""
	}
	w := q.senders[user]
	if w == nil {
		w = &waiters{user: user}
		q.senders[user] = w
		q.turn = append(q.turn, w)
	}
	if len(w.queue) >= maxWaiting {
		q.mu.Unlock()
		return "not asked: too many questions of this sender are waiting"
	}
	place := make(chan bool, 1)
	w.queue = append(w.queue, place)
	q.mu.Unlock()
	select {
	case given := <-place:
		if !given {
			return notAsked
		}
		return ""
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, p := range w.queue {
		if p == place {
			w.queue = append(w.queue[:i], w.queue[i+1:]...)
			return "not asked: no place became free in time"
		}
	}
	if <-place { // it came at the same moment; somebody else can use it
		q.pass()
	}
	return "not asked: no place became free in time"
}

// leave gives the place back and counts for the breaker. It says whether the
// breaker changed, and whether it is open now.
func (q *questions) leave(answered bool) (changed, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.timeouts >= timeoutsInARow
	if answered {
		q.timeouts = 0
	} else {
		q.timeouts++
	}
	open = q.timeouts >= timeoutsInARow
	if open && !before {
		q.probe = time.Now().Add(questionProbing)
		q.sendAway()
	}
	q.pass()
	return open != before, open
}

// pass hands a free place to the sender whose turn it is.
func (q *questions) pass() {
	for len(q.turn) > 0 {
		w := q.turn[0]
		q.turn = q.turn[1:]
		if len(w.queue) == 0 { // gave up waiting
			delete(q.senders, w.user)
			continue
		}
		place := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		if len(w.queue) > 0 {
			q.turn = append(q.turn, w)
		} else {
			delete(q.senders, w.user)
		}
		place <- true
		return
	}
	q.inFlight--
}

// sendAway lets nobody wait any longer: the policy answers at once now.
func (q *questions) sendAway() {
	for _, w := range q.turn {
		for _, place := range w.queue {
			place <- false
		}
		w.queue = nil
	}
	q.turn = nil
	clear(q.senders)
}

// connect gives the target and the client for the endpoint as it is set now.
func (q *questions) connect(e *chat.Endpoint, dial func(*chat.Endpoint) (*client, error)) (*target, *client, error) {
	key := fingerprint(e.URL, e.Token, e.CA, e.MinTLS, e.ClientCert, e.ClientKey)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.client != nil && q.key == key {
		return q.to, q.client, nil
	}
	to, err := newTarget(e.URL, e.Token)
	if err != nil {
		return nil, nil, err
	}
	c, err := dial(e)
	if err != nil {
		return nil, nil, err
	}
	if q.client != nil {
		q.client.close()
	}
	q.key, q.to, q.client = key, to, c
	return to, c, nil
}

func (q *questions) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.client != nil {
		q.client.close()
	}
}
