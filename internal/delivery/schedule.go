package delivery

import (
	"math/rand/v2"
	"time"
)

// pauses are the longest pauses before the second, third, … attempt; after the
// last one they repeat. Each is drawn between zero and the stated length, so
// that what failed together does not come back together. The first two leave
// room for the row to be written within the promised 5 and 30 seconds.
var pauses = [...]time.Duration{
	4 * time.Second, 25 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
}

// An event that fails by itself becomes a dead letter when it is older than
// maxAge, but not before it had minAttempts: it may have waited long for its
// first. maxObjections is how often an event is sent to a receiver that got it
// and objects.
const (
	maxAge        = 3 * 24 * time.Hour
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

// next decides what follows an attempt that was not delivered: the pause until
// the next one, or none at all.
func next(j judgement, attempt int, age time.Duration, random func(time.Duration) time.Duration) (pause time.Duration, again bool) {
	switch {
	case j.fate == dead, j.fate == objected && attempt >= maxObjections, age >= maxAge && attempt >= minAttempts:
		return 0, false
	}
	pause = random(pauses[min(attempt-1, len(pauses)-1)])
	return max(pause, j.after), true
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
