package chat

// Waiting is how many entries wait for the writers.
func (b *Backend) Waiting() (n int) {
	b.writers.mu.RLock()
	defer b.writers.mu.RUnlock()
	for _, w := range b.writers.all {
		n += w.queue.length()
	}
	return n
}

// Beside is how many read positions and announcements wait for the writers.
func (b *Backend) Beside() int { return int(b.marking.Load() + b.announcing.Load()) }

// MaxBeside is how many of either may.
const MaxBeside = maxBeside
