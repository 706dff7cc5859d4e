package chat

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/api"
)

// stormBackend is as much of a backend as a storm needs; what is committed
// waits in the writer's queue.
func stormBackend() *Backend {
	b := &Backend{stopping: make(chan struct{})}
	b.writers = &writers{b: b, all: map[AppID]*writer{0: {b: b, queue: newQueue()}}}
	return b
}

func refusedAttempt(from UserID, group GroupID) *attempt {
	s := &Send{App: 1, From: from, Group: group}
	a := &tenant{id: 1, rates: &rates{}}
	return &attempt{id: NewAttemptID(time.Now()), send: s, tenant: a, app: &App{ID: 1, Settings: DefaultSettings()}}
}

// joining is a refused send that waits for its shared record.
type joining struct {
	outcome Outcome
	err     error
	took    time.Duration
	ended   bool
}

func join(b *Backend, t *attempt, r *Refusal) *joining {
	j := &joining{}
	start := time.Now()
	go func() {
		j.outcome, j.err = b.storm.join(b, t, r)
		j.took, j.ended = time.Since(start), true
	}()
	return j
}

// tellAll answers what is in the queue and returns it.
func tellAll(b *Backend) (list []*entry) {
	batch, _, _, _ := b.writers.all[0].queue.next()
	for _, e := range batch.sends {
		e.tell(Outcome{Kind: Refused, Refusal: e.refusal, Event: e.attempt.id.String()}, nil)
	}
	return batch.sends
}

func TestRefusalsAlikeWithinASecondShareOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := stormBackend()
		first := refusedAttempt("u", "g")
		waiting := []*joining{join(b, first, Fail(api.CodeTooManyCalls))}
		synctest.Wait()
		for range 9 {
			waiting = append(waiting, join(b, refusedAttempt("u", "g"), Fail(api.CodeTooManyCalls)))
		}
		time.Sleep(900 * time.Millisecond)
		waiting = append(waiting, join(b, refusedAttempt("u", "g"), Fail(api.CodeTooManyCalls)))
		synctest.Wait()
		if list := tellAll(b); len(list) != 0 {
			t.Fatalf("%d records before the second was over", len(list))
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		late := join(b, refusedAttempt("u", "g"), Fail(api.CodeTooManyCalls))
		synctest.Wait()
		list := tellAll(b)
		if len(list) != 1 || list[0].count != 11 || list[0].attempt != first {
			t.Fatalf("%d records, want one of 11 sends", len(list))
		}
		synctest.Wait()
		for _, j := range waiting {
			if !j.ended || j.err != nil || j.outcome.Event != first.id.String() || j.outcome.Kind != Refused {
				t.Errorf("%+v, want the first's event", j)
			}
			if j.took > time.Second {
				t.Errorf("answered after %v", j.took)
			}
		}
		if late.ended {
			t.Error("a send of the next second shared the record of the last")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if list := tellAll(b); len(list) != 1 || list[0].count != 1 {
			t.Errorf("%d records of the next second", len(list))
		}
		synctest.Wait()
		if !late.ended || len(b.storm.open) != 0 {
			t.Errorf("ended %v, %d records open", late.ended, len(b.storm.open))
		}
	})
}

func TestRefusalsThatDifferShareNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := stormBackend()
		otherApp := refusedAttempt("u", "g")
		otherApp.send.App = 2
		join(b, refusedAttempt("u", "g"), Fail(api.CodeTooManyCalls))
		join(b, refusedAttempt("v", "g"), Fail(api.CodeTooManyCalls))
		join(b, refusedAttempt("u", "h"), Fail(api.CodeTooManyCalls))
		join(b, refusedAttempt("u", "g"), Fail(api.CodeMuted))
		join(b, otherApp, Fail(api.CodeTooManyCalls))
		time.Sleep(time.Second)
		synctest.Wait()
		list := tellAll(b)
		if len(list) != 5 {
			t.Fatalf("%d records, want 5", len(list))
		}
		for _, e := range list {
			if e.count != 1 {
				t.Errorf("a record of %d sends", e.count)
			}
		}
		synctest.Wait()
	})
}

func TestStoppingCommitsASharedRecordAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := stormBackend()
		a, c := join(b, refusedAttempt("u", "g"), Fail(api.CodeMuted)), join(b, refusedAttempt("u", "g"), Fail(api.CodeMuted))
		synctest.Wait()
		close(b.stopping)
		synctest.Wait()
		if list := tellAll(b); len(list) != 1 || list[0].count != 2 {
			t.Fatalf("%d records", len(list))
		}
		synctest.Wait()
		if !a.ended || !c.ended || a.took != 0 || c.took != 0 {
			t.Errorf("ended %v and %v, after %v and %v", a.ended, c.ended, a.took, c.took)
		}
	})
}

func TestSharedRecordThatCannotBeCommittedIsAnErrorForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := stormBackend()
		b.writers.all[0].queue.close()
		tries := []*attempt{refusedAttempt("u", "g"), refusedAttempt("u", "g")}
		a, c := join(b, tries[0], Fail(api.CodeMuted)), join(b, tries[1], Fail(api.CodeMuted))
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(a.err, ErrStopped) || !errors.Is(c.err, ErrStopped) {
			t.Errorf("%v and %v", a.err, c.err)
		}
		if n := tries[0].tenant.counts.unanswered.Load() + tries[1].tenant.counts.unanswered.Load(); n != 2 {
			t.Errorf("%d unanswered, want 2", n)
		}
	})
}

func TestOnlyAStormShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s storm
		a := refusedAttempt("u", "g")
		for range 10_000 {
			if s.shares(a, Fail(api.CodeMuted)) {
				t.Fatal("shared without a limit")
			}
		}
		if !s.shares(a, Fail(api.CodeTooManyCalls)) {
			t.Error("an exceeded rate of calls has a record of its own")
		}
		a.app.Settings.StormLimit = 5
		var shared int
		for range 20 {
			if s.shares(a, Fail(api.CodeMuted)) {
				shared++
			}
		}
		if shared != 15 {
			t.Errorf("%d of 20 shared at a limit of 5", shared)
		}
		time.Sleep(time.Second)
		if s.shares(a, Fail(api.CodeMuted)) {
			t.Error("the storm outlived its second")
		}
	})
}
