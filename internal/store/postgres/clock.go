package postgres

import (
	"sync/atomic"
	"time"
)

// clock knows how far the database's time of day is from this machine's.
type clock struct {
	ahead atomic.Int64 // nanoseconds
	best  atomic.Int64 // how long the quickest question took, nanoseconds; 0 before the first
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// see takes an answer into account: the server's time was at while a question
// was under way that began at asked and took took. A slow answer counts only
// if it tells of a difference larger than itself.
func (c *clock) see(asked time.Time, took time.Duration, at time.Time) {
	ahead := at.Sub(asked.Add(took / 2))
	best := time.Duration(c.best.Load())
	off := (ahead - time.Duration(c.ahead.Load())).Abs()
	if best == 0 || took <= best*3/2 || off > took {
		c.ahead.Store(int64(ahead))
	}
	if best == 0 || took < best {
		c.best.Store(int64(took))
	}
}
