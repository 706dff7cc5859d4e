package chat

import (
	"log/slog"
	"sync"
	"time"
)

// Keep says how much of an app's journal is kept. What goes is always its oldest
// contiguous range, so that what is kept has no hole.
type Keep struct {
	// Age is how long an event stays; 0 is for ever.
	Age time.Duration
	// Bytes is how large the journal of an app may be, by [Event.Size]; 0 is no
	// bound.
	Bytes int64
	// Undelivered is the age after which an event may go that an endpoint has
	// neither been given nor given up; 0 is never.
	Undelivered time.Duration
}

// Forever says that nothing ever goes.
func (k *Keep) Forever() bool { return k.Age <= 0 && k.Bytes <= 0 }

// eventOverhead is about what a row of the journal takes beside what varies.
const eventOverhead = 160

// Size is how many bytes an event counts for in the size of the journal.
func (e *Event) Size() int64 {
	return EventSize(len(e.Body), len(e.Detail))
}

// EventSize is the size of an event whose body and detail are that long.
func EventSize(body, detail int) int64 { return int64(body+detail) + eventOverhead }

// Kept is what is known of one event at the old end of a journal.
type Kept struct {
	Seq  Sequence
	Time int64 // EventTime, unix milliseconds
	Size int64 // by [Event.Size]
}

// Removable says how many of the oldest events of a journal are to go now, given
// in order from the oldest kept one on. total is the size of the journal, and
// stop the first event that an endpoint has neither been given nor given up; 0 is
// none.
func (k *Keep) Removable(now time.Time, total int64, stop Sequence, oldest []Kept) int {
	for i, e := range oldest {
		old := k.Age > 0 && e.Time < now.Add(-k.Age).UnixMilli()
		large := k.Bytes > 0 && total > k.Bytes
		if !old && !large {
			return i
		}
		if stop > 0 && e.Seq >= stop && (k.Undelivered <= 0 || e.Time >= now.Add(-k.Undelivered).UnixMilli()) {
			return i
		}
		total -= e.Size
	}
	return len(oldest)
}

const (
	// stepTolerated is how far the time of day may move against a clock that only
	// runs, and stepFreeze how long nothing is removed after it moved further.
	stepTolerated = 5 * time.Minute
	stepFreeze    = 24 * time.Hour
)

// ClockGuard notices when the time of day is set. What was written a moment ago
// may look a month old then, and must not be removed for it before somebody had
// a day to look. The zero value is ready; it may be used from any goroutine.
type ClockGuard struct {
	Log *slog.Logger // nil discards

	mu     sync.Mutex
	day    time.Time // the time of day at the last look
	ran    time.Time // the clock that only runs, then
	frozen time.Time // by that clock: until when nothing is removed
}

// Trusted says whether ages may be judged by the time of day. day is the store's
// time, ran a reading of a clock that is never set (a time.Now of this process).
// A machine that slept looks the same as a clock that was set.
func (g *ClockGuard) Trusted(day, ran time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ran.IsZero() {
		if step := day.Round(0).Sub(g.day) - ran.Sub(g.ran); step.Abs() > stepTolerated {
			g.frozen = ran.Add(stepFreeze)
			if g.Log != nil {
				g.Log.Warn("retention.frozen", "step", step.Round(time.Second), "time", day.UTC(), "for", stepFreeze,
					"meaning", "the time of day was set, or the machine slept; nothing is removed from the journals for a day")
			}
		}
	}
	g.day, g.ran = day.Round(0), ran
	return g.frozen.IsZero() || !ran.Before(g.frozen)
}
