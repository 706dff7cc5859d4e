package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/delivery"
)

// deliveries are the metrics of the lanes of this process.
type deliveries struct {
	attempts *prometheus.CounterVec
	delay    *prometheus.HistogramVec
	lanes    func() *delivery.Deliverer // nil while another process delivers

	backlog, waiting, oldest, limit, inFlight, failing, paused *prometheus.Desc
}

// scrapeTime bounds what a scrape may read of the store.
const scrapeTime = 2 * time.Second

func newDeliveries(r prometheus.Registerer, lanes func() *delivery.Deliverer) *deliveries {
	labels := []string{"app", "endpoint"}
	gauge := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, labels, nil) }
	d := &deliveries{
		lanes: lanes,
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_delivery_attempts_total", Help: "Callback attempts, by result: delivered, failed, or replayed for a replay that was delivered.",
		}, append(labels, "result")),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_delivery_seconds", Help: "Time from an event's commit to its delivery, replays left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200},
		}, labels),
		backlog:  gauge("parley_delivery_backlog", "Events after the endpoint's cursor."),
		waiting:  gauge("parley_delivery_waiting", "Events that failed, or wait behind their group, and are due later."),
		oldest:   gauge("parley_delivery_oldest_seconds", "Age of the oldest event that is neither delivered nor a dead letter; 0 if there is none."),
		limit:    gauge("parley_delivery_limit", "Attempts that may be under way at once now."),
		inFlight: gauge("parley_delivery_in_flight", "Attempts that are under way."),
		failing:  gauge("parley_endpoint_failing", "1 while the endpoint fails as a whole and is probed."),
		paused:   gauge("parley_endpoint_paused", "1 while nothing is sent to the endpoint."),
	}
	r.MustRegister(d.attempts, d.delay, d)
	return d
}

// Describe and Collect make deliveries a prometheus.Collector of the lanes.
func (d *deliveries) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.backlog, d.waiting, d.oldest, d.limit, d.inFlight, d.failing, d.paused} {
		ch <- desc
	}
}

func (d *deliveries) Collect(ch chan<- prometheus.Metric) {
	lanes := d.lanes()
	if lanes == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	now := time.Now()
	for _, s := range lanes.All(ctx) {
		app := s.App.String()
		gauge := func(desc *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, app, s.Endpoint)
		}
		flag := func(desc *prometheus.Desc, on bool) {
			v := 0.0
			if on {
				v = 1
			}
			gauge(desc, v)
		}
		gauge(d.backlog, float64(s.Backlog))
		gauge(d.waiting, float64(s.Waiting))
		age := 0.0
		if s.OldestAt > 0 {
			age = max(0, now.Sub(time.UnixMilli(s.OldestAt)).Seconds())
		}
		gauge(d.oldest, age)
		gauge(d.limit, float64(s.Limit))
		gauge(d.inFlight, float64(s.InFlight))
		flag(d.failing, s.Lane.FailingAt > 0)
		flag(d.paused, s.Paused != "")
	}
}

// Attempt counts a delivery attempt.
func (d *deliveries) Attempt(r delivery.Report) {
	app := r.App.String()
	switch {
	case !r.Delivered:
		d.attempts.WithLabelValues(app, r.Endpoint, "failed").Inc()
	case r.Replay:
		d.attempts.WithLabelValues(app, r.Endpoint, "replayed").Inc()
	default:
		d.attempts.WithLabelValues(app, r.Endpoint, "delivered").Inc()
		d.delay.WithLabelValues(app, r.Endpoint).Observe(r.At.Sub(time.UnixMilli(r.Event.Time)).Seconds())
	}
}

// observers tell each of several; nil ones are passed over.
type observers []delivery.Observer

func (list observers) Attempt(r delivery.Report) {
	for _, o := range list {
		if o != nil {
			o.Attempt(r)
		}
	}
}
