package chat

// Waiting is how many entries wait for the writer.
func (b *Backend) Waiting() int {
	b.writer.queue.mu.Lock()
	defer b.writer.queue.mu.Unlock()
	return len(b.writer.queue.items)
}
