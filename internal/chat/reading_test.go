package chat_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// readers makes members of g1, and gives the group's key.
func (w *world) readers(users ...chat.UserID) (key chat.GroupKey) {
	w.t.Helper()
	if err := w.backend.Change(w.t.Context(), app, func(r chat.Records) error {
		g, _, err := r.Group("g1")
		key = g.Key
		for _, u := range users {
			err = errors.Join(err, r.PutMember(g.Key, chat.Member{User: u, Role: chat.RoleMember}))
		}
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return key
}

// readBy is up to which number a member has read, as it is stored.
func (w *world) readBy(g chat.GroupKey, user chat.UserID) chat.MsgSeq {
	w.t.Helper()
	m, ok, err := w.backend.Reader().Member(w.t.Context(), app, g, user)
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	return m.ReadSeq
}

func TestReadPositionIsStoredWhenItsCallReturnsAndNeverFalls(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		g := w.readers("jared", "mia")
		a, _ := w.backend.App(app)
		before, err := w.backend.Reader().Head(t.Context(), app)
		if err != nil || before.Epoch != a.Epoch {
			t.Fatal(before, err)
		}
		for _, step := range []struct {
			user      chat.UserID
			seq, want chat.MsgSeq // want is jared's
		}{{"jared", 5, 5}, {"jared", 3, 5}, {"nobody", 9, 5}, {"jared", 6, 6}} {
			if err := w.backend.MarkRead(t.Context(), app, g, step.user, step.seq); err != nil {
				t.Fatal(err)
			}
			if got := w.readBy(g, "jared"); got != step.want {
				t.Errorf("after %+v jared has read up to %d", step, got)
			}
		}
		if got := w.readBy(g, "mia"); got != 0 {
			t.Errorf("mia has read up to %d", got)
		}
		after, err := w.backend.Reader().Head(t.Context(), app)
		if err != nil || after.Version != before.Version || after.Next != before.Next {
			t.Errorf("the head was %+v and is %+v, %v", before, after, err)
		}
		w.restart()
		if got := w.readBy(g, "jared"); got != 6 {
			t.Errorf("after a restart jared has read up to %d", got)
		}
	})
}

// Positions that wait together are one row of each member.
func TestReadPositionsThatWaitAreWrittenOnce(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		g := w.readers("jared", "mia")
		var mu sync.Mutex
		rows := 0
		w.store.set(func(f *faulty) {
			f.put = func(r *chat.Rows) error {
				mu.Lock()
				defer mu.Unlock()
				rows += len(r.Read)
				return nil
			}
		})
		release := w.hold()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				user := []chat.UserID{"jared", "mia"}[i%2]
				if err := w.backend.MarkRead(context.Background(), app, g, user, chat.MsgSeq(1+i*37%100)); err != nil {
					t.Error(err)
				}
			})
		}
		w.eventually("all wait", func() bool { return w.backend.Beside() == 100 })
		release()
		all.Wait()
		// 37 goes through all of 0 to 99, the even ones at even places.
		if jared, mia := w.readBy(g, "jared"), w.readBy(g, "mia"); jared != 99 || mia != 100 {
			t.Errorf("jared has read up to %d, mia up to %d", jared, mia)
		}
		mu.Lock()
		defer mu.Unlock()
		if rows != 2 {
			t.Errorf("%d rows were written", rows)
		}
		if n := w.backend.Beside(); n != 0 {
			t.Errorf("%d wait still", n)
		}
	})
}

// Who gives up is told that it is unknown; what he asked for is written all the
// same, and takes its place among those that may wait until then.
func TestReadPositionsThatMayWaitAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.readers("jared")
	release := w.hold()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range chat.MaxBeside {
		if err := w.backend.MarkRead(gone, app, g, chat.UserID(fmt.Sprint("user", i)), 1); !errors.Is(err, chat.ErrUnknown) {
			t.Fatalf("position %d: %v", i, err)
		}
	}
	if err := w.backend.MarkRead(t.Context(), app, g, "jared", 1); !errors.Is(err, chat.ErrBusy) {
		t.Fatalf("one too many: %v", err)
	}
	release()
	w.eventually("they are written", func() bool { return w.backend.Beside() == 0 })
	if err := w.backend.MarkRead(t.Context(), app, g, "jared", 2); err != nil || w.readBy(g, "jared") != 2 {
		t.Errorf("after them: %v", err)
	}
	release = w.hold()
	if err := w.backend.MarkRead(gone, app, g, "jared", 7); !errors.Is(err, chat.ErrUnknown) {
		t.Error(err)
	}
	release()
	w.eventually("it is written", func() bool { return w.backend.Beside() == 0 })
	if got := w.readBy(g, "jared"); got != 7 {
		t.Errorf("jared has read up to %d", got)
	}
}

func TestReadPositionThatWaitsIsWrittenByAStopAndNoLaterOne(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		g := w.readers("jared")
		release := w.hold()
		marked, stopped := make(chan error, 1), make(chan struct{})
		go func() { marked <- w.backend.MarkRead(context.Background(), app, g, "jared", 4) }()
		w.eventually("it waits", func() bool { return w.backend.Beside() == 1 })
		go func() {
			w.backend.Stop()
			close(stopped)
		}()
		release()
		if err := <-marked; err != nil {
			t.Error(err)
		}
		<-stopped
		if err := w.backend.MarkRead(t.Context(), app, g, "jared", 9); !errors.Is(err, chat.ErrStopped) {
			t.Errorf("after the stop: %v", err)
		}
		w.restart()
		if got := w.readBy(g, "jared"); got != 4 {
			t.Errorf("jared has read up to %d", got)
		}
	})
}

func TestReadPositionOutlivesFaultsOfTheStore(t *testing.T) {
	t.Parallel()
	type fault func() error
	times := func(n int, err error) func() fault { // of each world alone
		return func() fault {
			left := n
			return func() error {
				if left--; left >= 0 {
					return err
				}
				return nil
			}
		}
	}
	none := times(0, nil)
	for name, c := range map[string]struct {
		put    func() fault // refuses rows
		commit func() fault // ends a COMMIT
		really bool         // which took place
		want   error
	}{
		"a store that is away for a while":      {put: times(3, chat.ErrStoreAway), commit: none},
		"a COMMIT that failed":                  {put: none, commit: times(1, errDisk)},
		"a COMMIT that took place all the same": {put: none, commit: times(1, errDisk), really: true},
		"rows that are refused":                 {put: times(1<<30, errDisk), commit: none, want: errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachEngine(t, func(t *testing.T, newWorld maker) {
				w := newWorld(t)
				g := w.readers("jared")
				var mu sync.Mutex
				put, commit := c.put(), c.commit()
				w.store.set(func(f *faulty) {
					f.put = func(r *chat.Rows) error {
						mu.Lock()
						defer mu.Unlock()
						if len(r.Read) == 0 {
							return nil
						}
						return put()
					}
					f.commit = func() (bool, error) {
						mu.Lock()
						defer mu.Unlock()
						return c.really, commit()
					}
				})
				want := chat.MsgSeq(5)
				if err := w.backend.MarkRead(t.Context(), app, g, "jared", want); !errors.Is(err, c.want) {
					t.Errorf("%v", err)
				}
				if c.want != nil {
					want = 0
				}
				if got := w.readBy(g, "jared"); got != want {
					t.Errorf("jared has read up to %d", got)
				}
				// Nobody else suffers from it.
				if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Accepted {
					t.Errorf("%+v, %v", o, err)
				}
			})
		})
	}
}
