package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// inGroups commits n events, in turn to each of some groups.
func (w *world) inGroups(n, groups int) {
	w.mu.Lock()
	var added []chat.Event
	for i := range n {
		seq := chat.Sequence(len(w.events) + 1)
		e := chat.Event{App: testApp, Seq: seq, ID: chat.AttemptID{byte(seq)}, Command: chat.CommandSendMsgException, Time: time.Now().UnixMilli(), Count: 1,
			Body: []byte(`{}`), Group: chat.GroupID(fmt.Sprint(i % groups))}
		w.events, added = append(w.events, e), append(added, e)
	}
	d := w.d
	w.mu.Unlock()
	if d != nil {
		d.Offer(testApp, added)
	}
}

func (w *world) row(seq chat.Sequence) chat.Pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[seq]
}

// deliveredOf lists the events of a group in the order of their deliveries.
func (w *world) deliveredOf(group chat.GroupID) (list []chat.Sequence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, seq := range w.order {
		if w.events[seq-1].Group == group {
			list = append(list, seq)
		}
	}
	return list
}

func TestEventsOfAGroupAreDeliveredInOrderWhateverFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.InOrder = true })
		w.answer = func(a arrival) step {
			switch {
			case a.seq%7 == 0 && a.attempt <= 3:
				return missing
			case a.seq%5 == 0:
				return step{status: 200, body: okAnswer, after: 2 * time.Second}
			}
			return ok
		}
		w.start()
		for range 20 {
			w.inGroups(50, 5)
			pass(time.Second)
		}
		w.stop() // rows that wait behind their groups are taken up again
		w.start()
		pass(8 * time.Hour)
		wantAllDelivered(t, w)
		for g := range 5 {
			list := w.deliveredOf(chat.GroupID(fmt.Sprint(g)))
			if !slices.IsSorted(list) {
				t.Errorf("group %d: %v", g, list)
			}
		}
		w.with(func() {
			if len(w.rows) != 0 || w.stored.Cursor != 1000 {
				t.Errorf("%d rows, cursor %d", len(w.rows), w.stored.Cursor)
			}
		})
	})
}

func TestAFailingEventHoldsItsGroupAloneAndNotForLong(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.InOrder = true })
		w.answer = func(a arrival) step {
			if a.seq == 1 {
				return missing
			}
			return ok
		}
		w.start()
		w.inGroups(3000, 3) // group 0 has the poisonous one, and a thousand behind it
		pass(5 * time.Second)
		if n := len(w.undelivered()); n != 1000 {
			t.Errorf("%d wait, want those of the group", n)
		}
		pass(chat.DefaultGroupHold - 10*time.Second)
		if n := len(w.undelivered()); n != 1000 || w.row(1).Dead {
			t.Errorf("%d wait before the hold is over, row %+v", n, w.row(1))
		}
		pass(2 * time.Minute)
		if n := len(w.undelivered()); n != 1 || !w.row(1).Dead {
			t.Errorf("%d wait after it, row %+v", n, w.row(1))
		}
		if list := w.deliveredOf("0"); len(list) != 999 || !slices.IsSorted(list) {
			t.Errorf("%d delivered, in order %t", len(list), slices.IsSorted(list))
		}
	})
}

func TestABusyGroupHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.InOrder = true })
		w.answer = func(a arrival) step {
			if w.events[a.seq-1].Group == "0" {
				return step{status: 200, body: okAnswer, after: time.Second}
			}
			return ok
		}
		w.start()
		w.inGroups(5*maxBehind, 1)
		w.inGroups(100, 1)
		w.inGroups(200, 2)
		pass(10 * time.Second)
		if n := len(w.deliveredOf("1")); n != 100 {
			t.Errorf("%d of the other group were delivered", n)
		}
		w.with(func() { w.answer = always(ok) })
		pass(time.Minute)
		wantAllDelivered(t, w)
		if list := w.deliveredOf("0"); !slices.IsSorted(list) {
			t.Error("the busy group was not in order")
		}
	})
}

func TestAnOutageOfTheEndpointCostsNoGroupItsHold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.InOrder = true })
		w.answer = always(refused)
		w.start()
		w.inGroups(100, 4)
		pass(2 * time.Hour)
		w.with(func() { w.answer = always(ok) })
		pass(90 * time.Second)
		wantAllDelivered(t, w)
		for g := range 4 {
			if list := w.deliveredOf(chat.GroupID(fmt.Sprint(g))); !slices.IsSorted(list) {
				t.Errorf("group %d: %v", g, list)
			}
		}
	})
}

func TestWhatWaitsForItsGroupGoesWhenTheOrderIsGivenUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		w.set(func(e *chat.Endpoint) { e.InOrder = true })
		w.answer = func(a arrival) step {
			if a.seq == 1 {
				return missing
			}
			return ok
		}
		w.start()
		w.inGroups(20, 1)
		pass(time.Second)
		if n := len(w.undelivered()); n != 20 {
			t.Fatalf("%d wait", n)
		}
		w.set(func(e *chat.Endpoint) { e.InOrder = false })
		pass(2 * time.Second)
		if n := len(w.undelivered()); n != 1 {
			t.Errorf("%d wait", n)
		}
	})
}
