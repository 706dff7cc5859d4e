package chat

// Tend has the store given a turn for housekeeping soon, though nothing is
// written: there is something new for [Store.Maintain] to do. It never blocks
// for long. A store that lets transactions run side by side is tended by itself.
func (b *Backend) Tend() {
	if b.store.Concurrent() {
		return
	}
	b.writers.with(0, func(w *writer) bool {
		w.queue.signal()
		return true
	})
}
