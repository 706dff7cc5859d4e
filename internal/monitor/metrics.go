package monitor

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/parley-im/parley/callback"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// otherCommand stands for every command without a name of its own, so that a
// sender cannot invent label values.
const otherCommand = "other"

// metrics counts since the start. Label values come from closed lists only.
type metrics struct {
	received   *prometheus.CounterVec
	refused    *prometheus.CounterVec
	duplicates prometheus.Counter
	exceptions prometheus.Counter
	skipped    prometheus.Counter
	commit     prometheus.Histogram
	streams    prometheus.Gauge
	slow       prometheus.Counter
	tests      prometheus.Counter
	aged       prometheus.Counter
	journals   *journalMetrics
}

// newRegistry returns a registry that tells of the process and its memory.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func newMetrics(r *prometheus.Registry) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "parley_monitor", Name: name, Help: help})
	}
	m := &metrics{
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "parley_monitor", Name: "callbacks_received_total",
			Help: "Callbacks that passed all checks, by command."}, []string{"command"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "parley_monitor", Name: "callbacks_refused_total",
			Help: "Callbacks that were refused, by reason."}, []string{"reason"}),
		duplicates: counter("duplicates_total", "Callbacks whose event was stored already."),
		exceptions: counter("exceptions_total", "Group messages that were not delivered, as newly stored."),
		skipped:    counter("questions_skipped_total", "Questions answered but not kept, because the store was busy."),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "parley_monitor", Name: "store_commit_seconds",
			Help:    "Time of one synced transaction, however many callbacks it holds.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley_monitor", Name: "streams", Help: "Open event streams."}),
		tests:   counter("tests_total", "Samples that somebody had sent; they are not stored."),
		aged:    counter("removed_total", "Callbacks that were removed because of their age."),
		slow:    counter("streams_dropped_total", "Event streams that were closed because they read too slowly."),
	}
	for _, reason := range callback.Reasons() {
		m.refused.WithLabelValues(string(reason))
	}
	m.journals = newJournalMetrics()
	m.received.WithLabelValues(string(callback.CmdGroupSendMsgException))
	for _, c := range []prometheus.Collector{m.received, m.refused, m.duplicates, m.exceptions, m.skipped, m.commit, m.streams, m.slow, m.tests, m.aged, m.journals} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) receive(c callback.Command) {
	if !c.Known() {
		c = otherCommand
	}
	m.received.WithLabelValues(string(c)).Inc()
}

// journalMetrics tell how the journals stand, read when they are asked for. The
// label app has the values of the configuration.
type journalMetrics struct {
	missing, backfilled, lost, heartbeat *prometheus.Desc

	mu       sync.Mutex
	standing func() []Journal // nil until there is something to read
	now      func() time.Time
}

func newJournalMetrics() *journalMetrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("parley_monitor_"+name, help, []string{"app"}, nil)
	}
	return &journalMetrics{
		missing:    desc("missing", "Events that were sent or given up and did not arrive, at most."),
		backfilled: desc("backfilled_total", "Events that did not arrive and were fetched, ever."),
		lost:       desc("lost_total", "Events that did not arrive and are kept no more, at most, ever."),
		heartbeat:  desc("heartbeat_age_seconds", "Since the last heartbeat; absent if none ever came."),
	}
}

// watch sets what is read.
func (m *metrics) watch(standing func() []Journal, now func() time.Time) {
	m.journals.mu.Lock()
	defer m.journals.mu.Unlock()
	m.journals.standing, m.journals.now = standing, now
}

// Describe and Collect are for prometheus.
func (m *journalMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.missing, m.backfilled, m.lost, m.heartbeat} {
		ch <- d
	}
}

func (m *journalMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	standing, now := m.standing, m.now
	m.mu.Unlock()
	if standing == nil {
		return
	}
	for _, j := range standing() {
		app := strconv.FormatInt(j.SdkAppid, 10)
		ch <- prometheus.MustNewConstMetric(m.missing, prometheus.GaugeValue, float64(j.Missing), app)
		ch <- prometheus.MustNewConstMetric(m.backfilled, prometheus.CounterValue, float64(j.Backfilled), app)
		ch <- prometheus.MustNewConstMetric(m.lost, prometheus.CounterValue, float64(j.Lost), app)
		if j.Heartbeat != nil {
			age := now().Sub(time.UnixMilli(j.Heartbeat.At)).Seconds()
			ch <- prometheus.MustNewConstMetric(m.heartbeat, prometheus.GaugeValue, max(0, age), app)
		}
	}
}

// refusals counts refused callbacks for the page, since the start.
type refusals struct {
	mu sync.Mutex
	by map[callback.Reason]refusal
}

type refusal struct {
	count int64
	last  time.Time
}

// add counts one and returns how many there have been of its reason.
func (r *refusals) add(reason callback.Reason, now time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[callback.Reason]refusal{}
	}
	r.by[reason] = refusal{r.by[reason].count + 1, now}
	return r.by[reason].count
}

func (r *refusals) of(reason callback.Reason) refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by[reason]
}
