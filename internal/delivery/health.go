package delivery

import (
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// health is what the lane thinks of the endpoint as a whole.
type health struct {
	inARow    int       // attempts in a row that failed as a failing endpoint's do
	down      time.Time // since when it counts as failing; zero: it does not
	probes    int
	next      time.Time // of the next probe
	soon      time.Time // of a probe with a new event, when the last one had failed before
	probing   bool
	retry     bool      // an event that failed has its turn, not a new one
	throttled int       // attempts in a row that were answered 429
	until     time.Time // nothing is sent before, as the endpoint asked
	ticked    time.Time // up to when the time in which it was tried is counted
}

// healthOf goes on where the last life of the lane was: a failing endpoint is
// probed at once.
func healthOf(s *chat.LaneState, now time.Time) health {
	h := health{}
	if s.FailingAt > 0 {
		h.down, h.probes, h.inARow = now.Add(min(time.UnixMilli(s.FailingAt).Sub(now), 0)), s.Probes, brokenInARow
		h.next, h.soon, h.ticked = now, now, now
	}
	return h
}

// again has a failing endpoint probed at once, whatever it asked for: it was
// changed.
func (h *health) again(now time.Time) {
	h.probe(now)
	h.until = time.Time{}
}

// probe has a failing endpoint probed at once.
func (h *health) probe(now time.Time) {
	if !h.down.IsZero() {
		h.probes, h.next, h.soon = 0, now, now
	}
}

// allowed is how many attempts may be under way now.
func (l *lane) allowed(now time.Time) int {
	switch h := &l.health; {
	case l.whyPaused() != "", now.Before(h.until):
		return 0
	case h.down.IsZero():
		return l.limit.allows()
	case h.probing:
		return 0
	case !now.Before(h.next):
		return 1
	case !h.retry && !now.Before(h.soon) && (l.behind() || len(l.turn) > 0):
		// What failed so far may have failed by itself: a new event finds out.
		return 1
	}
	return 0
}

// untilDue is how long nothing will be due by the clock.
func (l *lane) untilDue(now time.Time) time.Duration {
	const forever = time.Hour // something else wakes the lane
	wait := forever
	until := func(t time.Time) {
		if !t.IsZero() {
			wait = min(wait, t.Sub(now))
		}
	}
	until(l.saveAt)
	until(l.beat.next)
	until(l.alarmAt())
	if at := l.stateAt.Add(stateEvery); l.changed && !l.saving && at.After(l.saveAt) { // else saveAt, or the writer's answer, wakes it
		until(at)
	}
	if l.replays.stale && !l.replays.failed.IsZero() {
		until(l.replays.failed.Add(readAgain))
	}
	h := &l.health
	switch {
	case l.whyPaused() != "":
		return max(wait, time.Millisecond)
	case now.Before(h.until):
		until(h.until)
	case !h.down.IsZero() && l.inFlight > 0: // its result decides
	case !h.down.IsZero() && now.Before(h.next):
		until(h.next)
		if !h.retry && now.Before(h.soon) && l.behind() {
			until(h.soon)
		}
		until(l.expireAgain)
	case l.inFlight < l.allowed(now):
		if r := l.pace.ready(); now.Before(r) && (l.behind() || len(l.turn)+len(l.apart.due) > 0) {
			until(r)
		} else if len(l.apart.due) > 0 {
			until(l.apart.due[0].next)
		}
	}
	if l.reread {
		wait = min(wait, readAgain)
	}
	return max(wait, time.Millisecond)
}

// judgeHealth notices when the endpoint fails as a whole, and when it is back.
func (l *lane) judgeHealth(r result, now time.Time) {
	h := &l.health
	asked := min(r.after, maxProbePause) // a failing endpoint is probed whatever it asks for
	switch r.fate {
	case delivered:
		l.recovered(now)
	case failed, broken, gone:
		l.trouble(r.reason, now)
	default: // about the event: the endpoint got it
		l.state.LastError, l.state.LastErrorAt, l.changed = r.reason, now.UnixMilli(), true
	}
	if r.status == 429 {
		l.throttle(r, now)
	} else {
		h.throttled = 0
	}
	switch {
	case r.fate == gone:
		if !l.gone {
			l.gone = true
			l.log.Error("an endpoint answered 410 and is paused until it is resumed or changed", "app", l.app.ID, "endpoint", l.id)
			l.pause(chat.PausedGone)
			l.forget()
		}
	case r.fate == broken && h.down.IsZero():
		l.limit.overloaded(r.started, now)
		if h.inARow++; h.inARow >= brokenInARow {
			l.fallDown(r, now, asked)
		}
	case r.fate == broken && r.probe:
		l.state.TriedFor += now.Sub(h.ticked).Milliseconds()
		h.ticked = now
		h.probes++
		h.soon = now.Add(max(minProbePause, asked))
		h.next = h.soon
		// Probes are counted from their starts, so that a time-out does not add to the pause.
		if at := r.started.Add(probePause(h.probes, now.Sub(h.down))); at.After(h.next) {
			h.next = at
		}
		l.state.Probes, l.changed = h.probes, true
		l.expireAgain = now
	case r.fate == broken: // sent before it was known
	default:
		if !h.down.IsZero() {
			l.getUp(now)
		}
		h.inARow = 0
		if r.fate == delivered {
			l.limit.delivered(l.inFlight)
		}
	}
}

// fallDown begins to treat the endpoint as failing as a whole.
func (l *lane) fallDown(r result, now time.Time, asked time.Duration) {
	at := now.Add(max(minProbePause, asked))
	l.health = health{inARow: l.health.inARow, down: now, next: at, soon: at, until: l.health.until, ticked: now}
	l.state.FailingAt, l.state.Probes, l.state.TriedFor = now.UnixMilli(), 0, 0
	l.stateAt, l.changed = time.Time{}, true
	l.forget()
	l.shrink()
	l.log.Warn("an endpoint fails; it is probed until it answers", "app", l.app.ID, "endpoint", l.id, "reason", r.reason)
}

// getUp treats the endpoint as well again: what failed because of it comes soon,
// a few at first.
func (l *lane) getUp(now time.Time) {
	l.log.Info("an endpoint answers again", "app", l.app.ID, "endpoint", l.id, "after", now.Sub(l.health.down).Round(time.Millisecond))
	l.health = health{until: l.health.until}
	l.state.FailingAt, l.state.Probes, l.state.TriedFor = 0, 0, 0
	l.stateAt, l.changed = time.Time{}, true
	l.limit.restart()
	l.apart.hasten(func() time.Time { return now.Add(jitter(spread)) })
	for _, ln := range l.lines.of { // no group was at fault
		if it := ln.items[0]; it.apart {
			it.since = now
		}
	}
}

// throttledInARow is how many attempts in a row must be answered 429 until the
// whole lane waits: a few may be about their own events. It waits as long as it
// is asked to, but tries again after a minute; the events wait for all of it.
const (
	throttledInARow = 3
	maxThrottle     = time.Minute
)

func (l *lane) throttle(r result, now time.Time) {
	l.limit.overloaded(r.started, now)
	if l.health.throttled++; l.health.throttled >= throttledInARow && r.after > 0 {
		if at := now.Add(min(r.after, maxThrottle)); at.After(l.health.until) {
			l.health.until = at
		}
	}
}
