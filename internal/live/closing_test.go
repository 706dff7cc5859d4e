package live_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// silent is a store whose questions are answered no more, until whoever asked
// gives up.
type silent struct {
	chat.Store
	on    atomic.Bool
	asked chan struct{}
}

func (s *silent) wait(ctx context.Context) error {
	if !s.on.Load() {
		return nil
	}
	s.asked <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (s *silent) Messages(ctx context.Context, app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) ([]chat.Message, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Messages(ctx, app, g, newest, limit)
}

func (s *silent) GroupHeads(ctx context.Context, app chat.AppID, groups []chat.GroupKey) (map[chat.GroupKey]chat.MsgSeq, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.GroupHeads(ctx, app, groups)
}

func (s *silent) Heads(ctx context.Context) (map[chat.AppID]chat.Head, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Heads(ctx)
}

// The door closes at once while the store is silent and much waits to be read.
func TestTheDoorClosesWhileTheStoreIsSilent(t *testing.T) {
	t.Parallel()
	store := &silent{Store: newFailing(t).Store, asked: make(chan struct{}, 1000)}
	w := newWorldOver(t, store, func(*chat.Options) {})
	w.lose = func(m *chat.Message) bool { return m.Seq == 1 }
	w.makeApps(t)
	for i := range 4 {
		w.group(t, fmt.Sprint("g", i), chat.Public, "ann")
	}
	ann := w.phone(t, "ann")
	store.on.Store(true)
	for i := range 4 {
		for range 4 { // each but the first has a worker ask
			w.say(ann, fmt.Sprint("g", i), "hello")
		}
	}
	for range 5 { // the workers and the tick
		await(t, "a question to the store", store.asked)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	w.door.Close(ctx)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("closing took %v", took)
	}
	store.on.Store(false)
}

// What cannot be interrupted is left behind once the time is over.
func TestTheDoorIsLeftWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	defer hold(&store.gate)()
	w.say(ann, "g", "one")
	w.say(ann, "g", "two")
	await(t, "a question to the store", store.asked)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	w.door.Close(ctx)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("closing took %v, and had 1 s", took)
	}
}
