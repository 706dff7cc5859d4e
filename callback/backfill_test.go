package callback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/callback"
)

// take reads n things of the journal after a sequence: "event 3", or an error's
// text.
func take(t testing.TB, b *callback.Backfill, after uint64, n int) (got []string) {
	t.Helper()
	for ev, err := range b.Events(t.Context(), after) {
		if err != nil {
			got = append(got, err.Error())
		} else {
			got = append(got, fmt.Sprintf("event %d", ev.Delivery.Sequence))
		}
		if len(got) == n {
			break
		}
	}
	return got
}

func TestEventsOverHTTP(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for i := range 450 {
		j.add(i%3 > 0)
	}
	server := httptest.NewServer(j)
	defer server.Close()
	b := &callback.Backfill{BaseURL: server.URL + "/", App: appid, Token: readToken, Endpoint: endpoint, HTTP: server.Client()}
	var events []*callback.Event
	for ev, err := range b.Events(t.Context(), 100) {
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, ev); ev.Delivery.Sequence == 450 {
			break
		}
	}
	if len(events) != 234 || events[0].Delivery.Sequence != 101 {
		t.Fatalf("%d events from %d on", len(events), events[0].Delivery.Sequence)
	}
	last := events[233]
	failed, ok := last.Body.(*callback.SendMsgException)
	if !ok || failed.GroupID != "g" || failed.Random != 450 || !last.Backfilled || last.SdkAppid != appid || last.BodyErr != nil ||
		last.Delivery != (callback.Delivery{Present: true, ID: "evt_epoch-1_450", Sequence: 450, Epoch: "epoch-1", Attempt: 1, Count: 1}) {
		t.Errorf("the last is %+v", last)
	}
	want := []string{"after=100&limit=200&wait=60&endpoint=primary", "after=399&limit=200&wait=60&epoch=epoch-1&endpoint=primary"}
	if got := j.queries(); !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}
}

func TestEventsWaitForNewOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		time.AfterFunc(270*time.Second, func() { j.add(true) })
		began := time.Now()
		if got := take(t, backfill(j), 0, 1); got[0] != "event 1" || time.Since(began) != 270*time.Second || len(j.queries()) != 5 {
			t.Errorf("%v after %v and %d requests", got, time.Since(began), len(j.queries()))
		}
	})
}

func TestEventsTellWhatExpiredAndWhereAnEpochBegins(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for range 5 {
		j.add(true)
	}
	j.expire(4)
	b := backfill(j)
	got := []string{}
	for ev, err := range b.Events(t.Context(), 1) {
		var expired *callback.Expired
		var moved *callback.EpochMoved
		switch {
		case errors.As(err, &expired):
			got = append(got, fmt.Sprintf("%+v", *expired))
		case errors.As(err, &moved):
			got = append(got, fmt.Sprintf("%+v", *moved))
			j.add(true)
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, ev.Delivery.ID)
		}
		if len(got) == 3 {
			j.restore(4, 1000)
		}
		if len(got) == 5 {
			break
		}
	}
	want := []string{"{Epoch:epoch-1 First:2 Last:3}", "evt_epoch-1_4", "evt_epoch-1_5", "{Old:epoch-1 New:epoch-2 First:1005}", "evt_epoch-2_1005"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// What the server answers instead of a page, and what follows.
func TestEventsWhenTheServerFails(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	times := func(n int, h http.HandlerFunc) []http.HandlerFunc { return slices.Repeat([]http.HandlerFunc{h}, n) }
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		want    string
		least   time.Duration
		most    time.Duration
	}{
		"500":                             {times(3, answer(500, "")), "event 1", 1500 * time.Millisecond, 4 * time.Second},
		"503 for long":                    {times(20, answer(503, "")), "event 1", 2 * time.Minute, 10 * time.Minute},
		"503 with Retry-After":            {times(2, answer(503, "", "Retry-After", "100")), "event 1", 200 * time.Second, 201 * time.Second},
		"429 with a date":                 {times(1, answer(429, "", "Retry-After", "Sat, 01 Jan 2000 00:01:40 GMT")), "event 1", 100 * time.Second, 101 * time.Second},
		"Retry-After of a year":           {times(1, answer(503, "", "Retry-After", "31536000")), "event 1", time.Hour, time.Hour},
		"Retry-After that makes no sense": {times(1, answer(503, "", "Retry-After", "-5")), "event 1", 0, time.Second},
		"no JSON":                         {times(1, answer(200, "<html>")), "event 1", 0, time.Second},
		"no epoch":                        {times(1, answer(200, `{"Next":5}`)), "event 1", 0, time.Second},
		"a page that does not move on":    {times(1, answer(200, `{"Epoch":"e","Next":0,"More":true}`)), "event 1", 0, time.Second},
		"a page that goes back":           {times(1, answer(200, `{"Epoch":"e","Next":3,"Events":[{"Sequence":2},{"Sequence":2}]}`)), "event 1", 0, time.Second},
		"events behind its end":           {times(1, answer(200, `{"Epoch":"e","Next":3,"Events":[{"Sequence":4}]}`)), "event 1", 0, time.Second},
		"409 that names no epoch":         {times(1, answer(409, `{}`)), "event 1", 0, time.Second},
		"401":                             {times(1, answer(401, `{"ErrorCode":70003,"ErrorInfo":"no such token"}`)), "the server answers 401: no such token", 0, 0},
		"400":                             {times(1, answer(400, `{"ErrorCode":10004,"ErrorInfo":"endpoint is not known"}`)), "the server answers 400: endpoint is not known", 0, 0},
		"404 of another program":          {times(1, answer(404, "not found")), "the server answers 404 Not Found", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newJournal()
				j.add(true)
				j.answers = c.answers
				b := backfill(j)
				retries := 0
				b.OnRetry = func(err error, _ time.Duration) {
					if retries++; strings.Contains(err.Error(), readToken) {
						t.Errorf("the token is told: %v", err)
					}
				}
				began := time.Now()
				got := take(t, b, 0, 1)
				if took := time.Since(began); got[0] != c.want || took < c.least || took > c.most || c.most > 0 && retries != len(c.answers) {
					t.Errorf("%v after %v and %d retries", got, took, retries)
				}
			})
		})
	}
}

// A server or a proxy that does not wait is not asked without a pause.
func TestEventsOfAServerThatDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		asked := 0
		b := &callback.Backfill{BaseURL: "http://server.test", HTTP: client(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			_, _ = w.Write([]byte(`{"Epoch":"e","Next":0,"Events":[]}`))
		}))}
		for range b.Events(ctx, 0) {
		}
		if asked < 30 || asked > 130 {
			t.Errorf("asked %d times in a minute", asked)
		}
	})
}

func TestEventsEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range backfill(newJournal()).Events(ctx, 0) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
	})
}

// Whatever is answered, sequences rise.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		`{"Epoch":"e","Head":9,"FirstSequence":1,"Expired":0,"Next":9,"More":false,"Events":[{"Sequence":3,"EventId":"a","Command":"x","Body":{}}]}`,
		`{"Epoch":"e","Next":18446744073709551615}`, `{"Epoch":"e","Expired":3,"FirstSequence":4,"Next":4,"Events":[{"Sequence":4,"Body":[1]}]}`, `[]`, ``,
	} {
		f.Add(200, seed)
		f.Add(409, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		asked := 0
		b := &callback.Backfill{BaseURL: "http://server.test", HTTP: client(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked > 3 {
				cancel()
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})), OnRetry: func(error, time.Duration) { cancel() }}
		last := uint64(0)
		for ev, err := range b.Events(ctx, 0) {
			var moved *callback.EpochMoved
			switch {
			case errors.As(err, &moved):
				last = 0
			case err == nil:
				if ev.Delivery.Sequence <= last || len(ev.Raw) == 0 {
					t.Fatalf("%d after %d", ev.Delivery.Sequence, last)
				}
				last = ev.Delivery.Sequence
			}
		}
	})
}
