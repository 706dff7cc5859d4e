package chat

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestEqualSendWaitsForTheFirstAndADifferentOneDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p inProgress
		ctx := t.Context()
		enter(t, &p, ctx, RepeatKey{1})
		entered := false
		go func() {
			enter(t, &p, ctx, RepeatKey{1})
			entered = true
		}()
		synctest.Wait()
		if entered {
			t.Fatal("an equal send did not wait")
		}
		enter(t, &p, ctx, RepeatKey{2})
		p.leave(RepeatKey{2})
		p.leave(RepeatKey{1})
		synctest.Wait()
		if !entered {
			t.Fatal("an equal send still waits")
		}
		p.leave(RepeatKey{1})
		if len(p.open) != 0 {
			t.Errorf("%d keys are left", len(p.open))
		}
	})
}

func enter(t *testing.T, p *inProgress, ctx context.Context, key RepeatKey) {
	if err := p.enter(ctx, key); err != nil {
		t.Error(err)
	}
}

// All waiters get their turn, one at a time. In which order is not promised.
func TestWaitersGoOneAfterAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p inProgress
		key := RepeatKey{1}
		enter(t, &p, t.Context(), key)
		var inside, turns atomic.Int32
		for range 20 {
			go func() {
				enter(t, &p, t.Context(), key)
				if inside.Add(1) != 1 {
					t.Error("two equal sends at a time")
				}
				time.Sleep(time.Second)
				turns.Add(1)
				inside.Add(-1)
				p.leave(key)
			}()
		}
		synctest.Wait()
		start := time.Now()
		p.leave(key)
		for turns.Load() < 20 {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("20 turns of a second took %v", took)
		}
	})
}

func TestContextEndsOnlyTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p inProgress
		key := RepeatKey{1}
		gone, cancel := context.WithCancel(t.Context())
		enter(t, &p, gone, key)
		var left error
		stayed := false
		go func() { left = p.enter(gone, key) }()
		go func() {
			enter(t, &p, t.Context(), key)
			stayed = true
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("the waiting ended with %v", left)
		}
		if stayed {
			t.Error("the first lost its turn when its caller went away")
		}
		p.leave(key)
		synctest.Wait()
		if !stayed {
			t.Error("the other waiter did not get its turn")
		}
	})
}

func TestContextThatHasEndedDoesNotKeepOutWhoNeedNotWait(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var p inProgress
	enter(t, &p, gone, RepeatKey{1})
}

func TestNeverTwoEqualSendsUnderStress(t *testing.T) {
	t.Parallel()
	var p inProgress
	var inside [4]atomic.Int32
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 500 {
				n := (worker + i) % len(inside)
				key := RepeatKey{byte(n)}
				ctx, cancel := context.WithCancel(context.Background())
				if i%5 == 0 {
					go cancel()
				}
				if p.enter(ctx, key) == nil {
					if inside[n].Add(1) != 1 {
						t.Error("two equal sends at a time")
					}
					inside[n].Add(-1)
					p.leave(key)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if len(p.open) != 0 {
		t.Errorf("%d keys are left", len(p.open))
	}
}
