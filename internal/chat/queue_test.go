package chat

import (
	"testing"
	"testing/synctest"
	"time"
)

func queued(bytes int) *entry {
	return &entry{attempt: &attempt{send: &Send{Content: Content{Body: make([]byte, bytes)}}}, count: 1, done: make(chan struct{})}
}

func signalled(q *queue) bool {
	select {
	case <-q.wake:
		return true
	default:
		return false
	}
}

func TestBatchIsBoundedInSendsAndBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sends, bytes int
		want         []int
	}{
		"none":          {0, 0, []int{0}},
		"one":           {1, 100, []int{1, 0}},
		"as many as go": {256, 100, []int{256, 0}},
		"one more":      {257, 100, []int{256, 1, 0}},
		"three batches": {600, 100, []int{256, 256, 88, 0}},
		"large bodies":  {10, 1 << 20, []int{4, 4, 2, 0}},
		"huge bodies":   {3, 5 << 20, []int{1, 1, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue()
			var sent, got []*entry
			for range c.sends {
				e := queued(c.bytes)
				sent = append(sent, e)
				if !q.put(e) {
					t.Fatal("not taken")
				}
			}
			for _, want := range c.want {
				b, alter, wait, closed := q.next()
				if len(b.sends) != want || alter != nil || wait != 0 || closed {
					t.Fatalf("%d sends, want %d", len(b.sends), want)
				}
				got = append(got, b.sends...)
			}
			for i := range sent {
				if got[i] != sent[i] {
					t.Fatalf("send %d is out of order", i)
				}
			}
			if q.items != nil {
				t.Error("an empty queue holds on to its memory")
			}
		})
	}
}

func TestChangeOfStateIsALineInTheOrderOfSends(t *testing.T) {
	t.Parallel()
	q := newQueue()
	before, after, change := queued(1), queued(1), &alteration{}
	for _, item := range []any{before, change, after, after} {
		q.put(item)
	}
	if b, alter, _, _ := q.next(); len(b.sends) != 1 || b.sends[0] != before || alter != nil {
		t.Fatal("the change was passed")
	}
	if b, alter, _, _ := q.next(); alter != change || !b.empty() {
		t.Fatal("the change did not come by itself")
	}
	if b, alter, _, _ := q.next(); len(b.sends) != 2 || alter != nil {
		t.Fatal("what came after the change is missing")
	}
}

func TestProgressGoesWithTheNextSendsOrAfterATenthOfASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		f := &flush{app: 1}
		q.putLazy(f, nil, Totals{})
		if !signalled(q) {
			t.Error("the writer was not told")
		}
		if b, _, wait, _ := q.next(); !b.empty() || wait != 100*time.Millisecond {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(60 * time.Millisecond)
		q.putLazy(f, nil, Totals{}) // does not start the time anew
		if b, _, wait, _ := q.next(); !b.empty() || wait != 40*time.Millisecond {
			t.Fatalf("wait %v", wait)
		}
		time.Sleep(40 * time.Millisecond)
		if b, _, wait, _ := q.next(); len(b.lazy) != 2 || wait != 0 {
			t.Fatalf("%d, wait %v", len(b.lazy), wait)
		}
		if b, _, wait, _ := q.next(); !b.empty() || wait != 0 {
			t.Fatal("it came twice")
		}
		q.putLazy(f, nil, Totals{})
		q.put(queued(1))
		if b, _, _, _ := q.next(); len(b.sends) != 1 || len(b.lazy) != 1 {
			t.Fatal("it did not go with the send")
		}
	})
}

func TestProgressDoesNotGoWithAChangeOfState(t *testing.T) {
	t.Parallel()
	q := newQueue()
	q.putLazy(&flush{}, nil, Totals{})
	q.put(&alteration{})
	if b, alter, _, _ := q.next(); alter == nil || !b.empty() {
		t.Error("an alteration came with company")
	}
	q.put(queued(1))
	if b, _, _, _ := q.next(); len(b.lazy) != 1 || len(b.sends) != 1 {
		t.Error("the progress was lost")
	}
}

func TestMuchProgressDoesNotWait(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for i := range lazyMany {
		q.putLazy(&flush{}, nil, Totals{})
		if told := signalled(q); told != (i == 0 || i == lazyMany-1) {
			t.Fatalf("told %v at %d", told, i)
		}
	}
	if b, _, _, _ := q.next(); len(b.lazy) != lazyMany {
		t.Errorf("%d", len(b.lazy))
	}
}

func TestTotalsAreAddedUpForEachApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		a, other := &tenant{id: 1}, &tenant{id: 2}
		q.putLazy(nil, a, Totals{Repeated: 1})
		q.putLazy(nil, other, Totals{Dropped: 1})
		q.putLazy(nil, a, Totals{Accepted: 1, Refused: 2, Dropped: 3, Repeated: 4})
		time.Sleep(lazyDelay)
		b, _, _, _ := q.next()
		if b.totals[a] != (Totals{1, 2, 3, 5}) || b.totals[other] != (Totals{Dropped: 1}) || len(b.totals) != 2 {
			t.Errorf("%+v", b.totals)
		}
		if again, _, _, _ := q.next(); !again.empty() {
			t.Error("they came twice")
		}
	})
}

func TestClosedQueueTakesNothingAndGivesAllThatWaits(t *testing.T) {
	t.Parallel()
	q := newQueue()
	q.put(queued(1))
	signalled(q)
	q.putLazy(&flush{}, nil, Totals{})
	signalled(q)
	q.close()
	if !signalled(q) {
		t.Error("the writer was not told")
	}
	if q.put(queued(1)) {
		t.Error("it took a send after close")
	}
	b, _, _, closed := q.next()
	if len(b.sends) != 1 || len(b.lazy) != 1 || !closed {
		t.Errorf("%d sends, %d lazy, closed %v", len(b.sends), len(b.lazy), closed)
	}
}

func TestEntryIsToldOnce(t *testing.T) {
	t.Parallel()
	e := queued(1)
	e.tell(Outcome{Kind: Refused}, nil)
	e.tell(Outcome{Kind: Accepted}, ErrUnknown)
	<-e.done
	if e.outcome.Kind != Refused || e.err != nil {
		t.Errorf("%+v, %v", e.outcome, e.err)
	}
}
