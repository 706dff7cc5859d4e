package chat

import (
	"testing"
	"testing/synctest"
	"time"
)

// gathered says how long gather waited in a queue that gets items as told.
func gathered(t *testing.T, n int, limit time.Duration, first []any, later map[time.Duration]any) time.Duration {
	t.Helper()
	q := newQueue()
	for _, item := range first {
		q.put(item)
	}
	for after, item := range later {
		time.AfterFunc(after, func() { q.put(item) })
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	began := time.Now()
	q.gather(n, limit, timer)
	return time.Since(began)
}

func TestBatchWaitsForTheCompanyItHadBeforeAndNoLonger(t *testing.T) {
	t.Parallel()
	send, change := any(&entry{}), any(&alteration{})
	const limit = time.Millisecond
	for name, c := range map[string]struct {
		n     int
		first []any
		later map[time.Duration]any
		want  time.Duration
	}{
		"an empty queue is not waited for":       {n: 5, want: 0},
		"a lone sender does not wait":            {n: 0, first: []any{send}, want: 0},
		"enough are here":                        {n: 2, first: []any{send, send}, want: 0},
		"a change is not kept waiting":           {n: 5, first: []any{send, change}, want: 0},
		"the company comes":                      {n: 3, first: []any{send}, later: map[time.Duration]any{100 * time.Microsecond: send, 300 * time.Microsecond: send}, want: 300 * time.Microsecond},
		"the company does not come":              {n: 3, first: []any{send}, later: map[time.Duration]any{100 * time.Microsecond: send}, want: limit},
		"a change that comes is not kept either": {n: 9, first: []any{send}, later: map[time.Duration]any{200 * time.Microsecond: change}, want: 200 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := gathered(t, c.n, limit, c.first, c.later); got != c.want {
					t.Errorf("waited %v, want %v", got, c.want)
				}
			})
		})
	}
}
