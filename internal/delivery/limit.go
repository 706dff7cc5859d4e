package delivery

import "time"

// limit is how many attempts may be under way at once. It grows by one for
// each round of deliveries (additive increase), at first by one for each
// delivery, and falls by half, at most once a round, when an attempt fails as it
// would if the endpoint were overloaded (multiplicative decrease).
type limit struct {
	most  float64 // set by people
	now   float64
	known float64 // where it fell last: below it grows quickly
	fell  time.Time
}

const firstLimit = 8

func newLimit(most, saved int) limit {
	l := limit{most: float64(most), now: firstLimit}
	if saved > 0 {
		l.now = float64(saved)
	}
	l.known = l.most
	l.set(most)
	return l
}

// set changes the maximum.
func (l *limit) set(most int) {
	if l.known >= l.most {
		l.known = float64(most)
	}
	l.most = float64(most)
	l.now = min(max(l.now, 1), l.most)
}

// allows is how many attempts may be under way.
func (l *limit) allows() int { return int(l.now) }

// delivered notes a delivery while inFlight others are under way: a limit that
// is not used says nothing and does not grow.
func (l *limit) delivered(inFlight int) {
	if float64(inFlight+1) < l.now-1 {
		return
	}
	if l.now < l.known {
		l.now++
	} else {
		l.now += 1 / l.now
	}
	l.now = min(l.now, l.most)
}

// overloaded notes an attempt that failed. One that began before the limit fell
// last does not let it fall again.
func (l *limit) overloaded(began, now time.Time) {
	if began.Before(l.fell) {
		return
	}
	l.now = max(1, l.now/2)
	l.known, l.fell = l.now, now
}

// restart has the limit grow from one, as after an outage.
func (l *limit) restart() { l.now, l.known = 1, l.most }

// pace spaces requests: at most rate a second, a tenth of a second's worth at
// once after a pause.
type pace struct {
	rate int       // 0: no bound
	free time.Time // when the next may leave, if none had left before
}

// ready is when the next request may leave; zero or past: now.
func (p *pace) ready() time.Time {
	if p.rate <= 0 {
		return time.Time{}
	}
	return p.free.Add(-p.burst())
}

func (p *pace) burst() time.Duration {
	return max(100*time.Millisecond-p.step(), 0)
}

func (p *pace) step() time.Duration { return time.Second / time.Duration(p.rate) }

// took notes that a request leaves.
func (p *pace) took(now time.Time) {
	if p.rate <= 0 {
		return
	}
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(p.step())
}
