package app

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/chat"
)

// readTime bounds what a look at the metrics reads of the store.
const readTime = time.Second

// metrics are the server's own. What a caller can invent is never a label.
type metrics struct {
	backend atomic.Pointer[chat.Backend]
	removed *prometheus.CounterVec

	sends, outcomes, exceptions, unanswered, unrecorded, unannounced, first, load *prometheus.Desc
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_journal_removed_total", Help: "Events that this process deleted from the old end of an app's journal.",
		}, []string{"app"}),
		sends:       prometheus.NewDesc("parley_send_attempts_total", "Attempts to send, counted at the door.", []string{"app"}, nil),
		outcomes:    prometheus.NewDesc("parley_sends_total", "Sends by outcome, counted after the commit.", []string{"app", "outcome"}, nil),
		exceptions:  prometheus.NewDesc("parley_exceptions_total", "Recorded exceptions, by code; the app's own codes count as 10100.", []string{"app", "code"}, nil),
		unanswered:  prometheus.NewDesc("parley_unanswered_sends", "Sends of this process whose caller was gone or whose outcome is unknown.", []string{"app"}, nil),
		unrecorded:  prometheus.NewDesc("parley_unrecorded_refusals", "Refusals with 10002 that wait for the store.", nil, nil),
		unannounced: prometheus.NewDesc("parley_unannounced_events_total", "Events of no send that were dropped: too many waited, or the store took none.", nil, nil),
		first:       prometheus.NewDesc("parley_journal_first", "The oldest event of an app's journal that is kept; without any, the next one's sequence.", []string{"app"}, nil),
		load:        prometheus.NewDesc("parley_journal_load", "How much of the last ten seconds the busiest writer wrote, 0 to 1.", nil, nil),
	}
	r.MustRegister(m.removed)
	r.MustRegister(m)
	return m
}

// watch says whose counts are collected.
func (m *metrics) watch(b *chat.Backend) { m.backend.Store(b) }

func (m *metrics) removedEvents(app chat.AppID, events int) {
	m.removed.WithLabelValues(app.String()).Add(float64(events))
}

// Describe and Collect make metrics a prometheus.Collector of the backend's counts.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.sends, m.outcomes, m.exceptions, m.unanswered, m.unrecorded, m.unannounced, m.first, m.load} {
		ch <- d
	}
}

func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	b := m.backend.Load()
	if b == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	for _, id := range b.AppIDs() {
		c, ok := b.Counts(id)
		if !ok {
			continue
		}
		app := id.String()
		counter(m.sends, c.Attempts, app)
		counter(m.outcomes, c.Accepted, app, "accepted")
		counter(m.outcomes, c.Refused, app, "refused")
		counter(m.outcomes, c.Dropped, app, "dropped")
		counter(m.outcomes, c.Repeated, app, "repeated")
		for code, n := range b.Exceptions(id) {
			counter(m.exceptions, n, app, strconv.Itoa(int(code)))
		}
		ch <- prometheus.MustNewConstMetric(m.unanswered, prometheus.GaugeValue, float64(c.Unanswered), app)
		if first, err := b.Reader().First(ctx, id); err == nil && first > 0 { // else it is left out this time
			ch <- prometheus.MustNewConstMetric(m.first, prometheus.GaugeValue, float64(first), app)
		}
	}
	ch <- prometheus.MustNewConstMetric(m.unrecorded, prometheus.GaugeValue, float64(b.UnrecordedRefusals()))
	counter(m.unannounced, b.Unannounced())
	ch <- prometheus.MustNewConstMetric(m.load, prometheus.GaugeValue, b.Load())
}
