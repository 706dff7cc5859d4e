package e2e

import (
	"context"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen, in all: far more than
// it takes, so that only a fault ends it.
const patience = 60 * time.Second

// watched is state that tests wait on. Whoever changes the state does so within
// change; whoever looks at it within look or wait.
type watched struct {
	mu   sync.Mutex
	more chan struct{} // closed at the next change
}

func (w *watched) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	if w.more != nil {
		close(w.more)
		w.more = nil
	}
}

func (w *watched) look(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// wait returns when ok is true of the state; false when ctx ended before.
func (w *watched) wait(ctx context.Context, ok func() bool) bool {
	for {
		w.mu.Lock()
		done := ok()
		if w.more == nil {
			w.more = make(chan struct{})
		}
		more := w.more
		w.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-more:
		case <-ctx.Done():
			return false
		}
	}
}

// await is wait for a test, which fails after its patience.
func (w *watched) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !w.wait(ctx, ok) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// eventually tries again until ok is true of what can only be asked for, such
// as a health address.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
