// Package promise tells what the settings of a database promise to everything
// that is stored in it, in the log and as a metric, alike for every engine and
// for server and monitor.
package promise

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// The promises there are.
const (
	// Crash: what was committed outlives a crash of the database's processes and
	// of the machine.
	Crash = "crash"
	// TornPages: a page that was half written when the power failed is mended.
	TornPages = "torn_pages"
	// Failover: what was committed is on a second machine as well.
	Failover = "failover"
)

// Promise is one of them, kept or not.
type Promise struct {
	Name  string // one word, for logs and metrics
	Holds bool
	Why   string // the settings that decide it, as they are
}

// Board shows promises. Make it with New.
type Board struct {
	log   *slog.Logger
	gauge *prometheus.GaugeVec

	mu   sync.Mutex
	told map[string]Promise
}

// New returns a board that logs to log and whose gauge,
// parley_store_promise{promise}, is in registry: 1 holds, 0 does not.
func New(log *slog.Logger, registry prometheus.Registerer) (*Board, error) {
	b := &Board{log: log, told: map[string]Promise{}, gauge: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "parley", Name: "store_promise",
		Help: "1 if the settings of the database promise it: crash, torn_pages, failover."}, []string{"promise"})}
	if err := registry.Register(b.gauge); err != nil {
		return nil, err
	}
	return b, nil
}

// Show sets the gauge, and logs each promise that was not shown before or has
// changed since: as a warning when something committed may be lost on one
// machine, else for information.
func (b *Board) Show(promises []Promise) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range promises {
		value := 0.0
		if p.Holds {
			value = 1
		}
		b.gauge.WithLabelValues(p.Name).Set(value)
		if before, shown := b.told[p.Name]; shown && before == p {
			continue
		}
		b.told[p.Name] = p
		if p.Holds || p.Name == Failover {
			b.log.Info("store.promise", "promise", p.Name, "holds", p.Holds, "why", p.Why)
		} else {
			b.log.Warn("store.promise", "promise", p.Name, "holds", p.Holds, "why", p.Why)
		}
	}
}
