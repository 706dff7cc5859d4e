package delivery

import (
	"time"

	"github.com/parley-im/parley/internal/alert"
)

// alarms say when an endpoint has failed for too long, and when it is well again.
type alarms struct {
	after time.Duration // 0: never
	raise func(alert.Alert)
}

// recovered notes that the endpoint took something.
func (l *lane) recovered(now time.Time) {
	if l.state.TroubleAt > 0 {
		since := time.UnixMilli(l.state.TroubleAt)
		l.state.TroubleAt = 0
		l.changed = true
		if l.state.Alarmed {
			l.state.Alarmed, l.stateAt = false, time.Time{}
			l.tell(alert.EndpointRecovered, since, now)
		}
	}
	l.state.DeliveredAt = now.UnixMilli()
	l.changed = true
}

// trouble notes that the endpoint did not take something.
func (l *lane) trouble(reason string, now time.Time) {
	if l.state.TroubleAt == 0 {
		l.state.TroubleAt = now.UnixMilli()
	}
	l.state.LastError, l.state.LastErrorAt, l.changed = reason, now.UnixMilli(), true
}

// alarmAt is when the alarm is due; zero: it is not.
func (l *lane) alarmAt() time.Time {
	nothing := l.health.down.IsZero() && len(l.apart.seqs) == 0 && len(l.window) == 0 // waits for it
	if l.alarm.after == 0 || l.state.TroubleAt == 0 || l.state.Alarmed || l.whyPaused() != "" || nothing {
		return time.Time{}
	}
	return time.UnixMilli(l.state.TroubleAt).Add(l.alarm.after)
}

// tend raises the alarm and sends heartbeats, when it is time.
func (l *lane) tend(now time.Time) {
	if at := l.alarmAt(); !at.IsZero() && !now.Before(at) {
		l.state.Alarmed, l.changed, l.stateAt = true, true, time.Time{}
		l.tell(alert.EndpointFailing, time.UnixMilli(l.state.TroubleAt), now)
	}
	l.heartbeat(now)
}

// tell says it in the log and to whoever is to be alerted.
func (l *lane) tell(what alert.Kind, since, now time.Time) {
	a := alert.Alert{
		Kind: what, App: int64(l.app.ID), Endpoint: l.id, Since: since.UnixMilli(), At: now.UnixMilli(), Reason: l.state.LastError,
		Backlog: uint64(max(l.tape.newest(), l.cursor) - l.cursor), Waiting: len(l.apart.seqs),
	}
	if l.route != nil {
		a.Host = l.route.target.base.Host
	}
	long := now.Sub(since).Round(time.Second)
	if what == alert.EndpointFailing {
		l.log.Error("an endpoint has been failing for long", "app", l.app.ID, "endpoint", l.id, "for", long, "reason", a.Reason, "backlog", a.Backlog, "waiting", a.Waiting)
	} else {
		a.Reason = ""
		l.log.Info("an endpoint that was failing for long has recovered", "app", l.app.ID, "endpoint", l.id, "after", long)
	}
	l.alarm.raise(a)
}
