package delivery

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// say adds a refused send to each of the groups to the journal.
func (w *world) say(groups ...chat.GroupID) {
	w.mu.Lock()
	var added []chat.Event
	for _, g := range groups {
		seq := chat.Sequence(len(w.events) + 1)
		e := chat.Event{App: testApp, Seq: seq, ID: chat.AttemptID{byte(seq)}, Command: chat.CommandSendMsgException, Group: g,
			Time: time.Now().UnixMilli(), Count: 1, Body: []byte(`{}`)}
		w.events, added = append(w.events, e), append(added, e)
	}
	d := w.d
	w.mu.Unlock()
	if d != nil {
		d.Offer(testApp, added)
	}
}

// firsts are the sequences in the order in which they first arrived.
func (w *world) firsts() (list []chat.Sequence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.arrivals {
		if a.nth == 1 {
			list = append(list, a.seq)
		}
	}
	return list
}

func inOrder(e *chat.Endpoint) { e.InOrder, e.GroupHold = true, 10 }

func TestEventsWithoutAGroupWaitForNone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(inOrder)
		w.answer = func(a arrival) step {
			if a.seq == 1 {
				return missing
			}
			return ok
		}
		w.start()
		w.say("", "", "")
		pass(100 * time.Millisecond)
		if got := w.firsts(); !slices.Contains(got, 2) || !slices.Contains(got, 3) {
			t.Errorf("%v came; an unreadable send holds up others", got)
		}
	})
}

func TestAnEventThatWaitedBehindItsGroupHasTheWholeHold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(inOrder)
		w.answer = func(a arrival) step {
			if a.seq == 1 || a.attempt < 3 {
				return missing
			}
			return ok
		}
		w.start()
		w.say("g", "g")
		pass(12 * time.Second) // the first has had its hold
		w.with(func() {
			if row := w.rows[1]; !row.Dead {
				t.Errorf("the first of the group: %+v", row)
			}
		})
		pass(10 * time.Second)
		w.with(func() {
			if row, there := w.rows[2]; there && row.Attempt < 3 {
				t.Errorf("the second of the group was given up after %d attempts: %+v", row.Attempt, row)
			}
		})
	})
}

// More events of a group wait than there is room for, so that the last ones have
// rows and those before them have none.
func TestAGroupIsInOrderAfterARestartThoughItsLastEventsAloneHaveRows(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(inOrder)
		w.answer = always(hangs)
		w.start()
		w.say("h")
		w.say(slices.Repeat([]chat.GroupID{"g"}, maxBehind+20)...)
		pass(time.Second)
		w.stop()
		w.with(func() {
			if len(w.rows) == 0 || w.stored.Cursor != 0 {
				t.Errorf("cursor %d, %d rows prove nothing", w.stored.Cursor, len(w.rows))
			}
			w.arrivals, w.newest = nil, make(map[chat.Sequence]arrival)
			w.answer = always(ok)
		})
		w.start()
		pass(time.Minute)
		wantAllDelivered(t, w)
		if got := w.firsts(); !slices.IsSorted(slices.DeleteFunc(got, func(s chat.Sequence) bool { return s == 1 })) {
			t.Errorf("the events of the group came as %v…", got[:20])
		}
	})
}

// What of them has gone from the journal meanwhile holds up nobody.
func TestRowsBeyondTheCursorAreTakenUpThoughTheJournalHasLostThem(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(inOrder)
		w.answer = always(hangs)
		w.start()
		w.say("h")
		w.say(slices.Repeat([]chat.GroupID{"g"}, maxBehind+20)...)
		pass(time.Second)
		w.stop()
		w.with(func() { w.first, w.answer = chat.Sequence(maxBehind+10), always(ok) })
		w.start()
		w.say("g")
		pass(time.Minute)
		w.stop()
		for seq, row := range w.rows {
			if !row.Dead {
				t.Errorf("event %d waits: %+v", seq, row)
			}
		}
		if end := chat.Sequence(len(w.events)); w.stored.Cursor != end || w.fates[end] != delivered || w.newest[end].nth == 0 {
			t.Errorf("the cursor stands at %d, want %d", w.stored.Cursor, end)
		}
	})
}

func TestAClockThatIsSetBackDelaysNoEvent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(a arrival) step {
			if a.attempt == 1 {
				return missing
			}
			return ok
		}
		w.start()
		w.refuse(1)
		pass(200 * time.Millisecond)
		w.stop()
		const days = 72 * time.Hour
		w.with(func() {
			row := w.rows[1]
			row.NextAt += days.Milliseconds()
			row.Since += days.Milliseconds()
			w.rows[1] = row
		})
		w.start()
		pass(5 * time.Second)
		wantAllDelivered(t, w)
	})
}
