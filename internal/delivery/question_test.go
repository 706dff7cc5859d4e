package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// panel is the app backend of a bubble: it answers questions by script.
type panel struct {
	mu       sync.Mutex
	answer   func(n int) step // the nth question that arrives, from 1
	asked    int
	inFlight int
	most     int // in flight at once
	senders  []string
}

func (p *panel) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, from, _ := strings.Cut(string(body), `"From_Account":"`)
	from, _, _ = strings.Cut(from, `"`)
	p.mu.Lock()
	p.asked++
	p.inFlight++
	p.most = max(p.most, p.inFlight)
	p.senders = append(p.senders, from)
	s := p.answer(p.asked)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.inFlight--
		p.mu.Unlock()
	}()
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
	return &http.Response{StatusCode: s.status, Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

func (p *panel) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *panel) from(user string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.senders {
		if s == user {
			n++
		}
	}
	return n
}

func (p *panel) set(s step) {
	p.mu.Lock()
	p.answer = func(int) step { return s }
	p.mu.Unlock()
}

// asking is an asker whose apps have panels for backends.
type asking struct {
	*Asker
	panels map[chat.AppID]*panel
}

func newAsking(apps ...chat.AppID) *asking {
	a := &asking{Asker: NewAsker(Network{}, nil), panels: make(map[chat.AppID]*panel)}
	for _, id := range apps {
		a.panels[id] = &panel{answer: func(int) step { return ok }}
	}
	a.dial = func(e *chat.Endpoint) (*client, error) {
		return &client{transport: a.panels[e.App], timeout: questionTime}, nil
	}
	return a
}

func (a *asking) put(app chat.AppID, user string) (chat.Verdict, time.Duration) {
	began := time.Now()
	v := a.Ask(context.Background(), question(app, user, fmt.Sprintf("http://app-%d", app)))
	return v, time.Since(began)
}

func question(app chat.AppID, user, url string) *chat.Question {
	return &chat.Question{
		App:      &chat.App{ID: app},
		Endpoint: &chat.Endpoint{ID: chat.PrimaryEndpoint, App: app, URL: url},
		Send:     &chat.Send{App: app, From: chat.UserID(user), Group: "g", Platform: "RESTAPI", ClientIP: "203.0.113.9", Content: chat.Content{Body: []byte(`[]`)}},
		Group:    &chat.Group{ID: "g", Type: chat.Public},
	}
}

func TestAQuestionIsAnsweredByItsVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer step
		want   chat.Answer
		reason string
	}{
		{"allow", ok, chat.AnswerAllow, ""},
		{"refuse", step{status: 200, body: `{"ActionStatus":"OK","ErrorCode":1}`}, chat.AnswerRefuse, ""},
		{"drop", step{status: 200, body: `{"ActionStatus":"OK","ErrorCode":2}`}, chat.AnswerDrop, ""},
		{"a code of its own", step{status: 200, body: `{"ActionStatus":"OK","ErrorCode":10150,"ErrorInfo":"x"}`}, chat.AnswerRefuse, ""},
		{"not JSON", step{status: 200, body: `yes`}, chat.AnswerNone, "not a JSON object"},
		{"500", step{status: 500}, chat.AnswerNone, "500 Internal Server Error"},
		{"a status without a name", step{status: 599}, chat.AnswerNone, "599"},
		{"302", step{status: 302}, chat.AnswerNone, "302 Found"},
		{"nobody listens", step{}, chat.AnswerNone, "nobody listens"},
		{"too late", step{status: 200, body: okAnswer, after: questionTime + time.Millisecond}, chat.AnswerNone, "time-out"},
		{"never", hangs, chat.AnswerNone, "time-out"},
		{"just in time", step{status: 200, body: okAnswer, after: questionTime - time.Millisecond}, chat.AnswerAllow, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAsking(1)
				a.panels[1].set(c.answer)
				v, took := a.put(1, "jared")
				if v.Answer != c.want || !strings.Contains(v.Reason, c.reason) || (v.Reason == "") != (c.want != chat.AnswerNone) {
					t.Errorf("verdict %+v", v)
				}
				if took > questionTime {
					t.Errorf("took %s", took)
				}
				if n := a.panels[1].count(); n != 1 {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

func TestAtMost256QuestionsAreInFlightAndWaitingCountsIntoTheTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsking(1)
		a.panels[1].set(step{status: 200, body: okAnswer, after: 1500 * time.Millisecond})
		var all sync.WaitGroup
		var mu sync.Mutex
		answers := make(map[chat.Answer]int)
		for i := range 400 {
			all.Go(func() {
				v, took := a.put(1, fmt.Sprint(i))
				if took > questionTime {
					t.Errorf("took %s", took)
				}
				mu.Lock()
				answers[v.Answer]++
				mu.Unlock()
			})
		}
		all.Wait()
		if p := a.panels[1]; p.most != maxQuestions {
			t.Errorf("%d in flight at once", p.most)
		}
		// The first places come free after 1.5 s; half a second is too little for those who waited.
		if answers[chat.AnswerAllow] != maxQuestions || answers[chat.AnswerNone] != 400-maxQuestions {
			t.Errorf("answers: %v", answers)
		}
	})
}

func TestAtMost64QuestionsOfASenderWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsking(1)
		a.panels[1].set(step{status: 200, body: okAnswer, after: 900 * time.Millisecond})
		var all sync.WaitGroup
		for range maxQuestions + maxWaiting {
			all.Go(func() {
				if v, _ := a.put(1, "flood"); v.Answer != chat.AnswerAllow {
					t.Errorf("verdict %+v", v)
				}
			})
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for range 10 {
			if v, took := a.put(1, "flood"); took != 0 || !strings.Contains(v.Reason, "too many questions of this sender") {
				t.Errorf("verdict %+v after %s", v, took)
			}
		}
		all.Wait()
		if v, _ := a.put(1, "flood"); v.Answer != chat.AnswerAllow {
			t.Errorf("afterwards: %+v", v)
		}
	})
}

func TestAFloodOfOneSenderDoesNotStarveAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsking(1)
		a.panels[1].answer = func(n int) step { // places come free one by one
			return step{status: 200, body: okAnswer, after: 100*time.Millisecond + time.Duration(n)*time.Millisecond}
		}
		var all sync.WaitGroup
		for range maxQuestions + maxWaiting {
			all.Go(func() { a.put(1, "flood") })
		}
		synctest.Wait()
		const others = 5
		for i := range others {
			all.Go(func() {
				if v, _ := a.put(1, fmt.Sprintf("other%d", i)); v.Answer != chat.AnswerAllow {
					t.Errorf("verdict %+v", v)
				}
			})
		}
		synctest.Wait()
		// After a few places more than there are other senders, each of them has had a turn.
		time.Sleep(110 * time.Millisecond)
		synctest.Wait()
		for i := range others {
			if n := a.panels[1].from(fmt.Sprintf("other%d", i)); n != 1 {
				t.Errorf("other%d was asked %d times while 64 of the flood wait", i, n)
			}
		}
		if n := a.panels[1].from("flood"); n > maxQuestions+others {
			t.Errorf("%d of the flood were asked first", n-maxQuestions)
		}
		all.Wait()
	})
}

func TestTheBreakerOpensAfter20AndOneProbeASecondClosesIt(t *testing.T) {
	t.Parallel()
	for name, dead := range map[string]step{"hanging": hangs, "refused": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAsking(1, 2)
				p := a.panels[1]
				p.set(dead)
				for range timeoutsInARow - 1 {
					a.put(1, "jared")
				}
				p.set(ok)
				a.put(1, "jared") // one answer, and the count begins anew
				p.set(dead)
				for i := range timeoutsInARow {
					if v, _ := a.put(1, "jared"); v.Reason == notAsked {
						t.Fatalf("open after %d", i)
					}
				}
				asked, began := p.count(), time.Now()
				for range 100 {
					if v, took := a.put(1, "jared"); took != 0 || v.Answer != chat.AnswerNone || v.Reason != notAsked {
						t.Fatalf("verdict %+v after %s", v, took)
					}
				}
				if p.count() != asked {
					t.Error("asked while it is open")
				}
				// A crowd goes on sending for ten seconds.
				var all sync.WaitGroup
				for time.Since(began) < 10*time.Second {
					time.Sleep(50 * time.Millisecond)
					all.Go(func() { a.put(1, "jared") })
					if v, took := a.put(2, "mia"); took != 0 || v.Answer != chat.AnswerAllow {
						t.Fatalf("another app notices: %+v after %s", v, took)
					}
				}
				all.Wait()
				if probes := p.count() - asked; probes < 9 || probes > 10 {
					t.Errorf("%d probes in 10 seconds", probes)
				}
				p.set(ok)
				time.Sleep(questionProbing)
				if v, _ := a.put(1, "jared"); v.Answer != chat.AnswerAllow {
					t.Errorf("the probe: %+v", v)
				}
				for range 100 {
					if v, took := a.put(1, "jared"); took != 0 || v.Answer != chat.AnswerAllow {
						t.Fatalf("it is not closed: %+v", v)
					}
				}
			})
		})
	}
}

func TestWhoWaitsWhenTheBreakerOpensIsSentAwayAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsking(1)
		a.panels[1].set(hangs)
		var all sync.WaitGroup
		for range maxQuestions {
			all.Go(func() { a.put(1, "first") })
		}
		time.Sleep(time.Second)
		for i := range 100 {
			all.Go(func() {
				v, took := a.put(1, fmt.Sprint(i%10))
				// The first time out a second from now. Only a few get one of their places before the breaker opens.
				if v.Reason == notAsked && took != time.Second {
					t.Errorf("sent away after %s", took)
				}
				if took > questionTime {
					t.Errorf("took %s", took)
				}
			})
		}
		all.Wait()
		if n := a.panels[1].count(); n > maxQuestions+timeoutsInARow {
			t.Errorf("%d were asked, of those who waited too", n)
		}
		a.panels[1].set(ok)
		time.Sleep(questionProbing)
		if v, _ := a.put(1, "0"); v.Answer != chat.AnswerAllow {
			t.Errorf("no place is left: %+v", v)
		}
		if q := a.app(1); q.inFlight != 0 || len(q.turn) != 0 || len(q.senders) != 0 {
			t.Errorf("left behind: %d in flight, %d turns, %d senders", q.inFlight, len(q.turn), len(q.senders))
		}
	})
}

func TestNoPlaceIsLostHoweverQuestionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsking(1)
		// Places come free in the very moment in which others give up waiting.
		a.panels[1].answer = func(n int) step {
			if n%7 == 0 {
				return step{status: 200, body: okAnswer, after: questionTime - 1}
			}
			return step{status: 200, body: okAnswer, after: time.Duration(n%5) * 500 * time.Millisecond}
		}
		var all sync.WaitGroup
		for i := range 3000 {
			if i%100 == 0 {
				time.Sleep(100 * time.Millisecond)
			}
			all.Go(func() {
				if _, took := a.put(1, fmt.Sprint(i%50)); took > questionTime {
					t.Errorf("took %s", took)
				}
			})
		}
		all.Wait()
		if q := a.app(1); q.inFlight != 0 {
			t.Errorf("%d places are taken by nobody", q.inFlight)
		}
		if n := a.panels[1].most; n > maxQuestions {
			t.Errorf("%d in flight at once", n)
		}
	})
}

func TestAnEndpointThatCannotBeUsedIsNoAnswer(t *testing.T) {
	t.Parallel()
	a := NewAsker(Network{}, nil)
	defer a.Close()
	for name, e := range map[string]chat.Endpoint{
		"no URL": {URL: "nonsense"}, "no certificate": {URL: "https://127.0.0.1:1", CA: "nonsense"},
	} {
		q := question(1, "jared", e.URL)
		q.Endpoint.CA = e.CA
		if v := a.Ask(t.Context(), q); v.Answer != chat.AnswerNone || v.Reason == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
