package live

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of what is kept in memory of what was said.
const (
	groupRecent = 256      // messages of one group
	allRecent   = 64 << 20 // bytes of all groups together

	// A room whose members do not ask for what they missed gives them its last
	// messages, up to so many, so old and so large altogether.
	roomRecent      = 50
	roomRecentTime  = 2 * time.Minute
	connRecentBytes = queueBytes / 2 // and one connection is given no more of all its rooms
	roomRecentBytes = 64 << 10
)

// recentBudget counts the bytes of all groups.
type recentBudget struct{ used atomic.Int64 }

// recent is the newest messages of a group, in order. From the number from on up
// to the newest it has all that are stored.
type recent struct {
	budget *recentBudget

	mu    sync.Mutex
	from  chat.MsgSeq // 0: it has none
	next  chat.MsgSeq
	list  []chat.Message
	bytes int64
	taken map[chat.MsgSeq]struct{} // recalled before they were added
	done  bool                     // nothing is added any more
}

func (r *recent) begin(next chat.MsgSeq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from, r.next = next, next
}

// sizeOf is about what a message takes, in memory and on the wire.
func sizeOf(m *chat.Message) int64 {
	n := 256 + len(m.Body) + len(m.Cloud)
	for _, user := range m.To {
		n += 16 + len(user)
	}
	for i := range m.Mentions {
		n += 32 + len(m.Mentions[i].User)
	}
	return int64(n)
}

// add appends a message. While all groups together have too much, each that
// speaks gives up half of its own.
func (r *recent) add(m *chat.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return
	}
	r.grow(sizeOf(m))
	r.list = append(r.list, *m)
	r.next = m.Seq + 1
	if _, ok := r.taken[m.Seq]; ok {
		delete(r.taken, m.Seq)
		r.list[len(r.list)-1].Flags |= chat.FlagRecalled
	}
	switch {
	case r.budget.used.Load() > allRecent:
		r.shrink(len(r.list) / 2)
	case len(r.list) >= 2*groupRecent: // seldom, so that it costs little
		r.shrink(groupRecent)
	}
}

func (r *recent) grow(n int64) {
	r.bytes += n
	r.budget.used.Add(n)
}

// shrink keeps the newest n.
func (r *recent) shrink(n int) {
	cut := len(r.list) - n
	if cut <= 0 {
		return
	}
	for i := range r.list[:cut] {
		r.grow(-sizeOf(&r.list[i]))
	}
	r.from = r.list[cut-1].Seq + 1
	r.list = append(make([]chat.Message, 0, n+groupRecent/8), r.list[cut:]...)
}

// prepend puts older messages before all, given newest first.
func (r *recent) prepend(list []chat.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(list) == 0 || len(r.list) > 0 || r.done {
		return
	}
	for i := len(list) - 1; i >= 0; i-- {
		r.grow(sizeOf(&list[i]))
		r.list = append(r.list, list[i])
	}
	r.from = r.list[0].Seq
}

// page reads messages like the store does, newest first from a number downwards,
// if it has all of them.
func (r *recent) page(newest chat.MsgSeq, limit int) (page []chat.Message, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from == 0 || newest >= r.next || newest+1 < r.from+chat.MsgSeq(limit) {
		return nil, false
	}
	for i := len(r.list) - 1; i >= 0 && len(page) < limit; i-- {
		if r.list[i].Seq <= newest {
			page = append(page, r.list[i])
		}
	}
	return page, true
}

// last is the newest messages that a user may see, oldest first.
func (r *recent) last(now time.Time, user chat.UserID) (list []chat.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := now.Add(-roomRecentTime).Unix()
	var bytes int64
	for i := len(r.list) - 1; i >= 0 && len(list) < roomRecent && r.list[i].Time >= oldest; i-- {
		m := &r.list[i]
		if m.Flags&(chat.FlagRecalled|chat.FlagErased) != 0 || !m.VisibleTo(user, 0) {
			continue
		}
		if bytes += sizeOf(m); bytes > roomRecentBytes {
			break
		}
		list = append(list, *m)
	}
	slices.Reverse(list)
	return list
}

// takeBack marks messages that were recalled.
func (r *recent) takeBack(seqs []chat.MsgSeq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seq := range seqs {
		if seq >= r.next {
			if r.taken == nil {
				r.taken = make(map[chat.MsgSeq]struct{})
			}
			r.taken[seq] = struct{}{}
		}
		for i := range r.list {
			if r.list[i].Seq == seq {
				r.list[i].Flags |= chat.FlagRecalled
			}
		}
	}
}

// erase blanks what users said.
func (r *recent) erase(users []chat.UserID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		m := &r.list[i]
		if !slices.Contains(users, m.From) || m.Flags&chat.FlagErased != 0 {
			continue
		}
		r.grow(-sizeOf(m))
		m.Body, m.Cloud, m.To, m.Mentions = []byte(chat.EmptyBody), "", nil, nil
		m.Flags |= chat.FlagErased
		r.grow(sizeOf(m))
	}
}

// end forgets all for good.
func (r *recent) end() {
	r.clear()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.from = true, 0
}

// clear forgets everything said until now.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget.used.Add(-r.bytes)
	r.bytes, r.list, r.from = 0, nil, r.next
}

// Recent reads messages of a group as the store would, newest first from a number
// downwards, if all of them are in memory.
func (d *Door) Recent(_ chat.AppID, key chat.GroupKey, newest chat.MsgSeq, limit int) ([]chat.Message, bool) {
	h := d.shard(key).find(key)
	if h == nil {
		return nil, false
	}
	return h.recent.page(newest, limit)
}
