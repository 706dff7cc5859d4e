package caller

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/api"
)

// Rejected counts calls and connections that were refused before their caller
// was known.
type Rejected struct{ calls *prometheus.CounterVec }

// NewRejected makes the counter and registers it; nil is nowhere.
func NewRejected(registry prometheus.Registerer) *Rejected {
	r := &Rejected{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_rejected_requests_total",
		Help: "Calls that were refused before their caller was known, by code.",
	}, []string{"code"})}
	if registry != nil {
		registry.MustRegister(r.calls)
	}
	return r
}

// Count counts one.
func (r *Rejected) Count(code api.Code) { r.calls.WithLabelValues(strconv.Itoa(int(code))).Inc() }
