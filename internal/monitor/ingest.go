package monitor

import (
	"context"
	"math/bits"

	"github.com/parley-im/parley/callback"
)

// receiver returns the door for callbacks.
func (m *Monitor) receiver() *callback.Receiver {
	apps, keys := make(map[int64][]string, len(m.cfg.Apps)), make(map[int64][]callback.WebhookKey, len(m.cfg.Apps))
	for _, app := range m.cfg.Apps {
		apps[app.SdkAppid] = append([]string(nil), app.CallbackTokens...)
		keys[app.SdkAppid] = append([]callback.WebhookKey(nil), app.WebhookKeys...)
	}
	return &callback.Receiver{Apps: apps, Keys: keys, Now: m.cfg.Now, OnEvent: m.keep, OnRefused: m.refused}
}

// keep stores ev before it is acknowledged. A question is not kept waiting: its
// sender holds a message back for the answer. Heartbeats and samples are noted
// only.
func (m *Monitor) keep(_ context.Context, ev *callback.Event) error {
	m.metrics.receive(ev.Command)
	if ev.BodyErr != nil {
		m.cfg.Logger.Warn("callback.odd_body", "command", string(ev.Command), "app", ev.SdkAppid, "error", ev.BodyErr)
	}
	j := m.journals[ev.SdkAppid]
	switch _, beat := ev.Body.(*callback.Heartbeat); {
	case ev.Delivery.Test:
		j.tested()
		return nil
	case beat:
		j.arrived(ev)
		return nil
	case ev.Command.Question():
		if !m.store.offer(newRecord(ev)) {
			m.metrics.skipped.Inc()
		}
		return nil
	}
	if j.outlived(ev) {
		m.metrics.duplicates.Inc()
		return nil
	}
	fresh, err := m.store.put(newRecord(ev))
	if err != nil {
		return err
	}
	if !fresh {
		m.metrics.duplicates.Inc()
	}
	j.arrived(ev)
	return nil
}

// refused counts a refused callback. The log tells of the 1st, 2nd, 4th, 8th …
// of each reason, so that nobody can fill it.
func (m *Monitor) refused(r callback.Refused) {
	m.metrics.refused.WithLabelValues(string(r.Reason)).Inc()
	n := m.refusals.add(r.Reason, m.cfg.Now())
	if bits.OnesCount64(uint64(n)) > 1 {
		return
	}
	args := []any{"reason", r.Reason.Text(), "status", r.Status, "count", n, "peer", r.RemoteAddr, "app", cut(r.SdkAppid), "command", cut(r.Command)}
	if r.Err != nil {
		args = append(args, "error", r.Err)
	}
	m.cfg.Logger.Warn("callback.refused", args...)
}

// cut bounds what a caller can put into the log.
func cut(text string) string { return text[:min(len(text), 64)] }

// tell is called by the writer with what a commit added.
func (m *Monitor) tell(added []Stored) {
	m.metrics.exceptions.Add(float64(len(added)))
	for _, e := range added {
		m.minute.add(m.cfg.Now(), int64(e.Refusals))
		m.streams.publish(e)
		m.cfg.OnException(e)
	}
}
