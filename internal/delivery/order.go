package delivery

import (
	"slices"

	"github.com/parley-im/parley/internal/chat"
)

// maxBehind is how many events wait in memory behind others of their groups, at
// an endpoint in order. More get rows of their own, so that a busy group holds
// up no other.
const maxBehind = 1024

// lines keep the events of each group in order: of a group only the first that
// is not settled is sent.
type lines struct {
	of     map[chat.GroupID]*line
	behind int // events that wait in memory, without rows
}

// line is the events of one group that are not settled, in order.
type line struct {
	group chat.GroupID
	items []*item
}

// join puts an event into its group's line, at the end as a rule; after a
// restart one behind it may have got its row earlier. first says that it may be
// sent. An event without a group is in no line.
func (ls *lines) join(it *item, group chat.GroupID) (first bool) {
	l := ls.of[group]
	if l == nil {
		if ls.of == nil {
			ls.of = make(map[chat.GroupID]*line)
		}
		l = &line{group: group}
		ls.of[group] = l
	}
	it.line = l
	at := len(l.items)
	for at > 0 && l.items[at-1].seq > it.seq {
		at--
	}
	l.items = slices.Insert(l.items, at, it)
	return at == 0
}

// held says whether the first of the line has failed, so that those behind it
// will wait for long.
func (l *line) held() bool { return l.items[0].apart }

// leave takes an event that is settled out of its line and returns the one whose
// turn it is now, if that has come with it.
func (ls *lines) leave(it *item) (next *item) {
	l := it.line
	if l == nil {
		return nil
	}
	it.line = nil
	at := 0
	for l.items[at] != it {
		at++
	}
	l.items[at] = nil
	if at > 0 {
		l.items = append(l.items[:at], l.items[at+1:]...)
		return nil
	}
	l.items = l.items[1:]
	if len(l.items) == 0 {
		delete(ls.of, l.group)
		return nil
	}
	return l.items[0]
}
