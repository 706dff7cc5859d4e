package live

import "github.com/parley-im/parley/internal/chat"

// Hearing is what each connection of a user is subscribed to: by the library, and
// as the shards know it. Both are the same at a quiet moment.
func (d *Door) Hearing(app chat.AppID, user chat.UserID) (library, halls []map[chat.GroupKey]bool) {
	for _, c := range d.of(app, user) {
		byLibrary, byHalls := make(map[chat.GroupKey]bool), make(map[chat.GroupKey]bool)
		for _, name := range c.client.Channels() {
			byLibrary[d.keyOf(name)] = true
		}
		done := make(chan struct{}, len(d.shards))
		found := make([]map[chat.GroupKey]bool, len(d.shards))
		for i, s := range d.shards {
			s.post(func() {
				found[i] = make(map[chat.GroupKey]bool)
				for _, h := range s.list(app) {
					if _, in := h.conns[c]; in {
						found[i][h.key] = true
					}
				}
				done <- struct{}{}
			})
		}
		for range d.shards {
			<-done
		}
		for _, keys := range found {
			for key := range keys {
				byHalls[key] = true
			}
		}
		library, halls = append(library, byLibrary), append(halls, byHalls)
	}
	return library, halls
}

// keyOf is the group of a channel; 0 for one that has no hall.
func (d *Door) keyOf(name string) chat.GroupKey {
	for _, s := range d.shards {
		for _, h := range s.list(0) {
			if h.channel == name {
				return h.key
			}
		}
	}
	return 0
}

// Halls are the groups that are followed.
func (d *Door) Halls(app chat.AppID) (keys []chat.GroupKey) {
	for _, s := range d.shards {
		for _, h := range s.list(app) {
			keys = append(keys, h.key)
		}
	}
	return keys
}

// RecentBytes is how much all groups together have in memory.
func (d *Door) RecentBytes() int64 { return d.recent.used.Load() }

// LargeBytes is what large messages take that come or wait.
func (d *Door) LargeBytes() int64 {
	d.arrivals.mu.Lock()
	defer d.arrivals.mu.Unlock()
	return d.arrivals.large
}
