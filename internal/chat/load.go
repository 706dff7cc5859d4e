package chat

import (
	"math"
	"sync/atomic"
	"time"
)

// The load of the journal is how much of the last loadTime its busiest writer
// spent writing. Above loadHigh there is an alarm, until it is below loadCalm.
const (
	loadEvery = time.Second
	loadTime  = 10 * time.Second
	loadHigh  = 0.8
	loadCalm  = 0.6
)

// stopwatch adds up how long a writer was at work. One goroutine starts and stops
// it, others read.
type stopwatch struct {
	total atomic.Int64 // nanoseconds, without what is under way
	since atomic.Int64 // unix nanoseconds; 0 while it stands
}

func (s *stopwatch) start() { s.since.Store(time.Now().UnixNano()) }

func (s *stopwatch) stop() {
	worked := time.Now().UnixNano() - s.since.Swap(0)
	s.total.Add(max(0, worked))
}

func (s *stopwatch) read() time.Duration {
	total := s.total.Load()
	if since := s.since.Load(); since != 0 {
		total += max(0, time.Now().UnixNano()-since)
	}
	return time.Duration(total)
}

// work is what one writer had worked at each of the last looks, the newest last.
type work struct {
	at     []time.Time
	worked []time.Duration
}

// see adds a look and gives the share of the time since the oldest one.
func (w *work) see(now time.Time, worked time.Duration) float64 {
	w.at, w.worked = append(w.at, now), append(w.worked, worked)
	for len(w.at) > 2 && now.Sub(w.at[1]) >= loadTime {
		w.at, w.worked = w.at[1:], w.worked[1:]
	}
	// A writer that was not there for so long has rested before.
	passed := max(now.Sub(w.at[0]), loadTime)
	return min(1, max(0, float64(worked-w.worked[0])/float64(passed)))
}

// Load is how much of the last ten seconds the busiest writer was at work, 0 to
// 1. Near 1 the journal takes no more.
func (b *Backend) Load() float64 { return math.Float64frombits(b.load.Load()) }

// watchLoad measures the load until the backend stops, and tells when it rises
// and falls.
func (b *Backend) watchLoad() {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	known, high := make(map[*writer]*work), false
	for {
		select {
		case <-tick.C:
		case <-b.stopping:
			return
		}
		now, load, there := time.Now(), 0.0, make(map[*writer]*work)
		for _, w := range b.writers.list() {
			seen := known[w]
			if seen == nil {
				seen = &work{at: []time.Time{now}, worked: []time.Duration{0}}
			}
			there[w] = seen
			load = max(load, seen.see(now, w.busy.read()))
		}
		known = there
		b.load.Store(math.Float64bits(load))
		switch {
		case !high && load >= loadHigh:
			high = true
			b.log.Warn("journal.busy", "load", math.Round(load*100)/100,
				"meaning", "the journal is near what it can take; sends will wait, and be refused with 60008 after 2 s")
		case high && load <= loadCalm:
			high = false
			b.log.Info("journal.calm", "load", math.Round(load*100)/100)
		}
	}
}
