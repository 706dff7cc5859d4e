package chat

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestWindowLetsItsLimitThroughAndOpensAgainAfterASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w windows[string]
		take := func(key string) usage { return w.take(key, 3, time.Now()) }
		want := func(got usage, count int, left time.Duration) {
			t.Helper()
			if got != (usage{Limit: 3, Count: count, Left: left}) || got.over() != (count > 3) {
				t.Errorf("got %+v, want count %d, left %v", got, count, left)
			}
		}
		want(take("a"), 1, time.Second)
		time.Sleep(400 * time.Millisecond)
		want(take("a"), 2, 600*time.Millisecond)
		want(take("b"), 1, time.Second) // each key has a window of its own
		want(take("a"), 3, 600*time.Millisecond)
		time.Sleep(599 * time.Millisecond)
		want(take("a"), 4, time.Millisecond)
		want(take("a"), 4, time.Millisecond) // what is refused does not count
		time.Sleep(time.Millisecond)
		want(take("a"), 1, time.Second)
		want(take("b"), 2, 400*time.Millisecond)
	})
}

func TestHammeringDoesNotLengthenTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w windows[string]
		through := 0
		for range 10_000 { // ten seconds, a send each millisecond
			if !w.take("a", 40, time.Now()).over() {
				through++
			}
			time.Sleep(time.Millisecond)
		}
		if through != 400 {
			t.Errorf("%d sends went through, want 400", through)
		}
	})
}

func TestNoLimitCountsNothing(t *testing.T) {
	t.Parallel()
	var w windows[string]
	for _, limit := range []int{0, -1} {
		if u := w.take("a", limit, time.Now()); u != (usage{}) || u.over() {
			t.Errorf("limit %d: %+v", limit, u)
		}
	}
	if w.open != nil {
		t.Error("windows were opened")
	}
}

func TestChangedLimitHoldsWithinTheWindow(t *testing.T) {
	t.Parallel()
	var w windows[string]
	now := time.Now()
	for range 5 {
		w.take("a", 10, now)
	}
	if u := w.take("a", 3, now); !u.over() || u.Count != 6 {
		t.Errorf("lowered: %+v", u)
	}
	if u := w.take("a", 6, now); u.over() || u.Count != 6 {
		t.Errorf("raised: %+v", u)
	}
}

func TestMemoryOfWindowsFollowsTheKeysOfOneSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w windows[int]
		largest := 0
		for key := range 200_000 { // 1000 new keys a second
			w.take(key, 1, time.Now())
			largest = max(largest, len(w.open))
			time.Sleep(time.Millisecond)
		}
		if largest > 4096 {
			t.Errorf("%d windows were kept", largest)
		}
	})
}

func TestSweepKeepsOpenWindows(t *testing.T) {
	t.Parallel()
	var w windows[int]
	now := time.Now()
	for key := range 10_000 {
		w.take(key, 1, now)
	}
	for key := range 10_000 {
		if !w.take(key, 1, now.Add(999*time.Millisecond)).over() {
			t.Fatalf("the window of %d was forgotten", key)
		}
	}
}

// A plain model: for each key a list of the times that went through.
func TestPropertyWindowsAgreeWithAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w windows[int]
		type model struct {
			start time.Time
			count int
		}
		open := map[int]model{}
		now, limit := time.Unix(1000, 0), rapid.IntRange(1, 4).Draw(t, "limit")
		for range rapid.IntRange(1, 60).Draw(t, "sends") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "pause")) * time.Millisecond)
			key := rapid.IntRange(0, 2).Draw(t, "key")
			m, ok := open[key]
			if !ok || now.Sub(m.start) >= time.Second {
				m = model{start: now}
			}
			want := m.count >= limit
			if !want {
				m.count++
			}
			open[key] = m
			u := w.take(key, limit, now)
			if u.over() != want || u.Left <= 0 || u.Left > time.Second || !now.Add(u.Left).Equal(m.start.Add(time.Second)) {
				t.Fatalf("%+v at %v in the window of %v, want over %v", u, now, m, want)
			}
		}
	})
}

func TestConcurrentSendsShareOneLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w windows[string]
		var mu sync.Mutex
		through := 0
		for range 20 {
			go func() {
				for range 50 {
					if !w.take("a", 40, time.Now()).over() {
						mu.Lock()
						through++
						mu.Unlock()
					}
				}
			}()
		}
		synctest.Wait()
		if through != 40 {
			t.Errorf("%d sends went through, want 40", through)
		}
	})
}
