package delivery

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

func longest(d time.Duration) time.Duration  { return d }
func shortest(d time.Duration) time.Duration { return 0 }

func TestTheScheduleKeepsItsBounds(t *testing.T) {
	t.Parallel()
	const old = chat.DefaultMaxAge
	s := schedule{chat.DefaultRetry, old}
	for _, c := range []struct {
		name    string
		fate    fate
		after   time.Duration
		attempt int
		age     time.Duration
		random  func(time.Duration) time.Duration
		atLeast time.Duration
		atMost  time.Duration
		oneMore bool
	}{
		{name: "first retry within 5 s, with room to write its row", fate: broken, attempt: 1, random: longest, atMost: 4500 * time.Millisecond, oneMore: true},
		{name: "second retry within 30 s", fate: failed, attempt: 2, random: longest, atMost: 29 * time.Second, oneMore: true},
		{name: "later ones are further apart", fate: failed, attempt: 6, random: longest, atLeast: 30 * time.Minute, atMost: time.Hour, oneMore: true},
		{name: "the last pause repeats", fate: failed, attempt: 1000, random: longest, atLeast: 12 * time.Hour, atMost: 12 * time.Hour, oneMore: true},
		{name: "Retry-After is the least", fate: failed, attempt: 1, after: time.Hour, random: shortest, atLeast: time.Hour, atMost: time.Hour, oneMore: true},
		{name: "Retry-After shortens nothing", fate: failed, attempt: 6, after: time.Second, random: longest, atLeast: time.Hour, atMost: time.Hour, oneMore: true},
		{name: "a second attempt after an objection", fate: objected, attempt: 1, random: longest, atMost: 5 * time.Second, oneMore: true},
		{name: "a third attempt after an objection", fate: objected, attempt: 2, random: longest, atMost: 30 * time.Second, oneMore: true},
		{name: "no fourth", fate: objected, attempt: 3, random: longest},
		{name: "too large: none", fate: dead, attempt: 1, random: longest},
		{name: "gone: when it is back", fate: gone, attempt: 1, random: longest, atMost: 5 * time.Second, oneMore: true},
		{name: "just below three days", fate: failed, attempt: 20, age: old - time.Second, random: shortest, oneMore: true},
		{name: "three days old", fate: failed, attempt: 20, age: old, random: longest},
		{name: "three days old, but tried only a few times", fate: failed, attempt: minAttempts - 1, age: 10 * old, random: shortest, oneMore: true},
		{name: "three days old, tried often enough", fate: broken, attempt: minAttempts, age: old, random: longest},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pause, again := s.next(judgement{fate: c.fate, after: c.after}, c.attempt, c.age, c.random)
			if again != c.oneMore || again && (pause < c.atLeast || pause > c.atMost) {
				t.Errorf("pause %s, again %t; want %s to %s, again %t", pause, again, c.atLeast, c.atMost, c.oneMore)
			}
		})
	}
}

func TestAFailingEndpointIsProbedOftenEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100_000).Draw(t, "n")
		down := time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "down"))
		pause, most := probePause(n, down), 15*time.Second
		if down > time.Hour {
			most = time.Minute
		}
		if pause < minProbePause || pause > most {
			t.Fatalf("%s", pause)
		}
	})
	if first := probePause(0, 0); first > time.Second {
		t.Errorf("the first probe comes after %s", first)
	}
}

func TestJitterStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "most"))
		if d := jitter(most); d < 0 || d >= most {
			t.Fatalf("%s of %s", d, most)
		}
	})
}
