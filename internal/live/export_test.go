package live

import (
	"slices"

	"github.com/parley-im/parley/internal/chat"
)

// Channel is the channel of a group.
func Channel(app chat.AppID, key chat.GroupKey) string { return channel(app, key) }

// Heard lists, for each connection of a user, the channels that the library has it
// subscribed to, sorted.
func (d *Door) Heard(app chat.AppID, user chat.UserID) (all [][]string) {
	for _, c := range d.of(app, user) {
		channels := c.client.Channels()
		slices.Sort(channels)
		all = append(all, channels)
	}
	return all
}

// Followed lists the groups that have a hall, and how many connections are in it.
func (d *Door) Followed() map[chat.GroupKey]int {
	all := make(map[chat.GroupKey]int)
	for _, s := range d.shards {
		done := make(chan struct{})
		s.post(func() {
			for _, h := range s.list(0) {
				all[h.key] = len(h.conns)
			}
			close(done)
		})
		<-done
	}
	return all
}
