package delivery

import (
	"time"
)

// health is what the lane thinks of the endpoint as a whole.
type health struct {
	inARow  int       // attempts in a row that failed as a failing endpoint's do
	down    time.Time // since when it counts as failing; zero: it does not
	probes  int
	next    time.Time // of the next probe
	soon    time.Time // of a probe with a new event, when the last one had failed before
	probing bool
	retry   bool // an event that failed has its turn, not a new one
	ramp    int  // requests allowed at once while it recovers; 0 is no bound
}

// limit is how many attempts may be under way now.
func (l *lane) limit(now time.Time) int {
	switch h := &l.health; {
	case l.paused:
		return 0
	case h.down.IsZero() && h.ramp > 0:
		return min(h.ramp, maxInFlight)
	case h.down.IsZero():
		return maxInFlight
	case h.probing:
		return 0
	case !now.Before(h.next):
		return 1
	case !h.retry && !now.Before(h.soon) && l.behind():
		// What failed so far may have failed by itself: a new event finds out.
		return 1
	}
	return 0
}

// untilDue is how long nothing will be due by the clock.
func (l *lane) untilDue(now time.Time) time.Duration {
	const forever = time.Hour // something else wakes the lane
	wait := forever
	until := func(t time.Time) { wait = min(wait, t.Sub(now)) }
	if !l.saveAt.IsZero() {
		until(l.saveAt)
	}
	h := &l.health
	switch {
	case l.paused:
		return max(wait, time.Millisecond)
	case !h.down.IsZero() && l.inFlight > 0: // its result decides
	case !h.down.IsZero() && now.Before(h.next):
		until(h.next)
		if !h.retry && now.Before(h.soon) && l.behind() {
			until(h.soon)
		}
	case len(l.apart.due) > 0 && l.inFlight < l.limit(now):
		until(l.apart.due[0].next)
	}
	if l.stuck {
		wait = min(wait, readAgain)
	}
	return max(wait, time.Millisecond)
}

// judgeHealth notices when the endpoint fails as a whole, and when it is back.
func (l *lane) judgeHealth(r result) {
	h, now := &l.health, time.Now()
	asked := min(r.after, maxProbePause) // a failing endpoint is probed whatever it asks for
	switch {
	case r.fate == gone:
		if !l.paused {
			l.log.Error("an endpoint answered 410 and is paused until it is changed", "app", l.app.ID, "endpoint", l.endpoint.ID)
		}
		l.paused = true
	case r.fate == broken && h.down.IsZero():
		if h.inARow++; h.inARow >= brokenInARow {
			at := now.Add(max(minProbePause, asked))
			*h = health{inARow: h.inARow, down: now, next: at, soon: at}
			l.log.Warn("an endpoint fails; it is probed until it answers", "app", l.app.ID, "endpoint", l.endpoint.ID, "reason", r.reason)
		}
	case r.fate == broken && r.probe:
		h.probes++
		h.soon = now.Add(max(minProbePause, asked))
		h.next = h.soon
		// Probes are counted from their starts, so that a time-out does not add to the pause.
		if at := r.started.Add(probePause(h.probes, now.Sub(h.down))); at.After(h.next) {
			h.next = at
		}
	case r.fate == broken: // sent before it was known
	default:
		if !h.down.IsZero() {
			l.log.Info("an endpoint answers again", "app", l.app.ID, "endpoint", l.endpoint.ID, "after", now.Sub(h.down).Round(time.Millisecond))
			*h = health{ramp: 1}
			l.apart.hasten(func() time.Time { return now.Add(jitter(spread)) })
		}
		h.inARow = 0
		if h.ramp > 0 {
			if h.ramp *= 2; h.ramp >= maxInFlight {
				h.ramp = 0
			}
		}
	}
}
