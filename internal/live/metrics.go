package live

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the door's own; those of the library are named parley_clients_….
type metrics struct {
	deliveries prometheus.Counter
	lost       prometheus.Counter
	crowded    prometheus.Counter
	shed       prometheus.Counter
	waiting    prometheus.Gauge
	calls      *prometheus.HistogramVec

	frames, bytes atomic.Int64 // deliveries since the last tick, and what they took
	usual         int64        // of the tick: bytes of a push
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		deliveries: counter("parley_pushes_total", "Messages and notices given to connections, each connection counted."),
		lost:       counter("parley_online_only_lost_total", "Messages to those online alone that were given up because too many waited to be pushed."),
		crowded:    counter("parley_client_calls_refused_total", "Calls of clients that did not begin because too many of the connection waited."),
		shed:       counter("parley_connections_shed_total", "Connections ended because what waited for all of them took too much memory."),
		waiting:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_push_waiting_bytes", Help: "About how much waits for connections to read it."}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_client_call_seconds", Help: "Time of calls of clients, from their turn to the answer.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2, 10},
		}, []string{"method"}),
	}
}

func (m *metrics) register(r prometheus.Registerer, d *Door) {
	r.MustRegister(m.deliveries, m.lost, m.crowded, m.shed, m.waiting, m.calls,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_connections", Help: "Connections of clients."}, func() float64 {
			return float64(d.node.Hub().NumClients())
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_followed_groups", Help: "Groups that have connections here."}, func() float64 {
			n := 0
			for _, s := range d.shards {
				n += len(s.list(0))
			}
			return float64(n)
		}))
}

func (m *metrics) pushed(connections, size int) {
	m.deliveries.Add(float64(connections))
	m.bytes.Add(int64(size) * int64(connections))
	m.frames.Add(int64(connections))
}

// usualFrame is about the size of the pushes that wait, with what the library holds
// for each: the average of the last second, or that of seconds before while it is
// remembered as larger, since what waits may be of then. It is asked once a tick.
func (m *metrics) usualFrame() int64 {
	const held = 96 // one place in a queue
	m.usual -= m.usual / 16
	if n := m.frames.Swap(0); n > 0 {
		m.usual = max(m.usual, m.bytes.Swap(0)/n)
	}
	return m.usual + held
}

// called notes the time of a call. A method that is none counts as one.
func (m *metrics) called(method string, began time.Time) {
	if _, ok := methods[method]; !ok && method != sendMethod {
		method = "unknown"
	}
	m.calls.WithLabelValues(method).Observe(time.Since(began).Seconds())
}
