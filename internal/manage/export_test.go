package manage

// Bound has pages look at fewer rows, so that a test reaches the bounds.
func (m *Manager) Bound(rows, batch int) { m.bounds = bounds{rows, batch} }

// Waiting is how many wait for events.
func (f *Feed) Waiting() int { return int(f.waiters.Load()) }

// MaxWaiters is how many may.
const MaxWaiters = maxWaiters

// Crowd lets n more wait, who never leave.
func (f *Feed) Crowd(n int64) { f.waiters.Add(n) }
