package delivery

import (
	"math/rand/v2"
	"time"
)

// The contract bounds the pauses before the second and the third attempt, to 5
// and 30 seconds; these leave room for the row to be written before the attempt
// leaves.
var tightest = [...]time.Duration{4 * time.Second, 25 * time.Second}

// An event that fails by itself becomes a dead letter when it is older than its
// endpoint lets it be, but not before it had minAttempts: it may have waited
// long for its first. maxObjections is how often an event is sent to a receiver
// that got it and objects.
const (
	minAttempts   = 5
	maxObjections = 3
)

// Pauses between the probes of an endpoint that fails as a whole: they double
// up to the longest, which keeps the promise of one every 15 seconds.
const (
	minProbePause  = 500 * time.Millisecond
	maxProbePause  = 14 * time.Second
	lateProbePause = time.Minute // after an hour
)

// spread is the time over which what waited for an endpoint comes back to it.
const spread = 10 * time.Second

// schedule is when events that fail are sent again.
type schedule struct {
	pauses []time.Duration // longest pauses before the second, third, … attempt; the last repeats
	maxAge time.Duration
}

// next decides what follows an attempt that was not delivered, the nth of its
// round: the pause until the next one, or none at all. The pause is drawn
// between zero and the stated length, so that what failed together does not come
// back together.
func (s *schedule) next(j judgement, nth int, age time.Duration, random func(time.Duration) time.Duration) (pause time.Duration, again bool) {
	switch {
	case j.fate == dead, j.fate == objected && nth >= maxObjections, age >= s.maxAge && nth >= minAttempts:
		return 0, false
	}
	return max(random(s.longest(nth)), j.after), true
}

// longest is the longest pause after the nth attempt of a round; of none: after
// the first.
func (s *schedule) longest(nth int) time.Duration {
	nth = max(nth, 1)
	most := s.pauses[min(nth-1, len(s.pauses)-1)]
	if nth-1 < len(tightest) {
		most = min(most, tightest[nth-1])
	}
	return most
}

// jitter draws a pause between zero and most.
func jitter(most time.Duration) time.Duration { return rand.N(most) }

// probePause is the pause from one probe of a failing endpoint to the next: n
// probes have failed, and it has been failing for as long as down.
func probePause(n int, down time.Duration) time.Duration {
	if down > time.Hour {
		return lateProbePause
	}
	return min(minProbePause<<min(n, 6), maxProbePause)
}
