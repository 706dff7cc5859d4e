package app

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/chat"
)

// metrics are the server's own. What a caller can invent is never a label.
type metrics struct {
	backend *chat.Backend

	sends, outcomes, exceptions, unanswered, unrecorded *prometheus.Desc
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sends:      prometheus.NewDesc("parley_send_attempts_total", "Attempts to send, counted at the door.", []string{"app"}, nil),
		outcomes:   prometheus.NewDesc("parley_sends_total", "Sends by outcome, counted after the commit.", []string{"app", "outcome"}, nil),
		exceptions: prometheus.NewDesc("parley_exceptions_total", "Recorded exceptions, by code; the app's own codes count as 10100.", []string{"app", "code"}, nil),
		unanswered: prometheus.NewDesc("parley_unanswered_sends", "Sends of this process whose caller was gone or whose outcome is unknown.", []string{"app"}, nil),
		unrecorded: prometheus.NewDesc("parley_unrecorded_refusals", "Refusals with 10002 that wait for the store.", nil, nil),
	}
	r.MustRegister(m)
	return m
}

// watch says whose counts are collected.
func (m *metrics) watch(b *chat.Backend) { m.backend = b }

// Describe and Collect make metrics a prometheus.Collector of the backend's counts.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.sends, m.outcomes, m.exceptions, m.unanswered, m.unrecorded} {
		ch <- d
	}
}

func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for _, id := range m.backend.AppIDs() {
		c, ok := m.backend.Counts(id)
		if !ok {
			continue
		}
		app := id.String()
		counter(m.sends, c.Attempts, app)
		counter(m.outcomes, c.Accepted, app, "accepted")
		counter(m.outcomes, c.Refused, app, "refused")
		counter(m.outcomes, c.Dropped, app, "dropped")
		counter(m.outcomes, c.Repeated, app, "repeated")
		for code, n := range m.backend.Exceptions(id) {
			counter(m.exceptions, n, app, strconv.Itoa(int(code)))
		}
		ch <- prometheus.MustNewConstMetric(m.unanswered, prometheus.GaugeValue, float64(c.Unanswered), app)
	}
	ch <- prometheus.MustNewConstMetric(m.unrecorded, prometheus.GaugeValue, float64(m.backend.UnrecordedRefusals()))
}
