package delivery

import (
	"math/rand/v2"
	"time"
)

// pauses are the longest pauses before the second, third, … attempt; after the
// last one they repeat. Each is drawn between zero and the stated length, so
// that what failed together does not come back together.
var pauses = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
}

// maxAge is when a failing event becomes a dead letter; maxObjections is how
// often an event is sent to a receiver that got it and objects.
const (
	maxAge        = 3 * 24 * time.Hour
	maxObjections = 3
)

// next decides what follows an attempt that was not delivered: the pause until
// the next one, or none at all.
func next(j judgement, attempt int, age time.Duration, random func(time.Duration) time.Duration) (pause time.Duration, again bool) {
	switch {
	case j.fate == dead, j.fate == objected && attempt >= maxObjections, age >= maxAge:
		return 0, false
	}
	pause = random(pauses[min(attempt-1, len(pauses)-1)])
	return max(pause, j.after), true
}

// jitter draws a pause between zero and most.
func jitter(most time.Duration) time.Duration { return rand.N(most) + time.Millisecond }

// probePause is how long a failing endpoint is left alone before the nth probe.
func probePause(n int, down time.Duration) time.Duration {
	if down > time.Hour {
		return time.Minute
	}
	return min(500*time.Millisecond<<min(n, 6), 15*time.Second)
}
