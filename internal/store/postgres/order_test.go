package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
)

const app = chat.AppID(1400000001)

// change changes the app's state.
func change(t *testing.T, s chat.Store, f func(chat.Records) error) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	r, err := tx.Records(app)
	if err != nil {
		t.Fatal(err)
	}
	if err := f(r); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// newApp makes the app with one group.
func newApp(t *testing.T, s chat.Store) (key chat.GroupKey) {
	t.Helper()
	change(t, s, func(r chat.Records) (err error) {
		if err := r.PutApp(chat.App{ID: app, Key: "k", Admins: []chat.UserID{"a"}, Epoch: "epoch", Settings: chat.DefaultSettings()}); err != nil {
			return err
		}
		key, err = r.CreateGroup(chat.Group{ID: "g", Type: chat.Public})
		return err
	})
	return key
}

// node is one process's use of a store: batches one after the other, each with
// messages and events, whose fate it finds out.
type node struct {
	name   string
	store  *postgres.Store
	group  chat.GroupKey
	serial int
	told   map[chat.AttemptID]chat.Sequence // events that were committed
	waited *atomic.Int64                    // shared by all: batches that found the row held; may be nil
	// What befell it.
	unknown, away, busy int
}

// batch writes n messages with an event each, and says whether that was committed.
// between is called between the lock and the commit.
func (n *node) batch(size int, between func()) (bool, error) {
	tx, err := n.store.Begin()
	if err != nil {
		return false, err
	}
	now := n.store.Now()
	head, err := tx.Lock(app, []chat.GroupKey{n.group}, nil, now.Unix())
	if err != nil {
		tx.Rollback()
		return false, n.lost(err)
	}
	if between != nil {
		between()
	}
	rows := chat.Rows{Next: head.Next, Time: max(head.Time, now.UnixMilli()), Totals: head.Totals, Now: now.Unix()}
	g := head.Groups[n.group]
	var traces []chat.Trace
	for range size {
		n.serial++
		var id chat.AttemptID
		copy(id[:], fmt.Sprintf("%s%015d", n.name, n.serial))
		rows.Messages = append(rows.Messages, chat.Message{Group: n.group, Seq: g.Next, From: "a", Time: now.Unix(), Body: []byte("[]"), Attempt: id})
		rows.Events = append(rows.Events, chat.Event{App: app, Seq: rows.Next, ID: id, Attempt: id, Time: rows.Time, Count: 1})
		traces = append(traces, chat.Trace{Attempt: id, Event: rows.Next})
		g.Next++
		rows.Next++
		rows.Totals.Accepted++
	}
	rows.Groups = []chat.GroupHead{g}
	if err := tx.Put(app, &rows); err != nil {
		tx.Rollback()
		return false, err
	}
	err = tx.Commit()
	var uncommitted *chat.Uncommitted
	switch {
	case err == nil:
	case errors.As(err, &uncommitted):
		tx.Rollback()
		return false, n.lost(err)
	default:
		n.unknown++
		found, err := n.ask(traces)
		if err != nil {
			return false, err
		}
		for _, f := range found {
			if f != found[0] {
				return false, fmt.Errorf("a batch is there in part: %v", found)
			}
		}
		if !found[0] {
			return false, nil
		}
	}
	for _, t := range traces {
		n.told[t.Attempt] = t.Event
	}
	return true, nil
}

// lost counts an error that leaves nothing stored; another one is passed on.
func (n *node) lost(err error) error {
	switch {
	case errors.Is(err, chat.ErrStoreAway):
		n.away++
	case errors.Is(err, chat.ErrStoreBusy):
		n.busy++
		if n.waited != nil {
			n.waited.Add(1)
		}
	default:
		return err
	}
	return nil
}

func (n *node) ask(traces []chat.Trace) (found []bool, err error) {
	for range 100 { // its session may be killed, too
		if found, err = n.store.Found(context.Background(), app, traces); !errors.Is(err, chat.ErrStoreAway) {
			return found, err
		}
	}
	return nil, err
}

// reader polls the journal and the group as a backfill does, and fails on the
// first hole.
func reader(ctx context.Context, s *postgres.Store, group chat.GroupKey) error {
	var after chat.Sequence
	var newest chat.MsgSeq
	for ctx.Err() == nil {
		page, err := s.Events(context.Background(), app, after, 500, 1<<20)
		if errors.Is(err, chat.ErrStoreAway) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range page {
			if e.Seq != after+1 {
				return fmt.Errorf("after event %d comes %d: a hole was visible", after, e.Seq)
			}
			after = e.Seq
		}
		list, err := s.Messages(context.Background(), app, group, 1<<62, 300)
		if errors.Is(err, chat.ErrStoreAway) {
			continue
		}
		if err != nil {
			return err
		}
		for i, m := range list {
			if i > 0 && m.Seq != list[i-1].Seq-1 {
				return fmt.Errorf("below message %d comes %d: a hole was visible", list[i-1].Seq, m.Seq)
			}
			if i == 0 && m.Seq < newest {
				return fmt.Errorf("message %d was seen, now %d is the newest", newest, m.Seq)
			}
			newest = max(newest, m.Seq)
		}
	}
	return nil
}

func TestNoHoleIsEverVisible(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	nodes := make([]*node, 4)
	for i := range nodes {
		nodes[i] = &node{name: string(rune('a' + i)), store: open(t, database), told: make(map[chat.AttemptID]chat.Sequence)}
	}
	group := newApp(t, nodes[0].store)

	quit, stop := context.WithCancel(t.Context())
	defer stop()
	var reading, all sync.WaitGroup
	var failed atomic.Pointer[error]
	fail := func(err error) {
		if err != nil && failed.CompareAndSwap(nil, &err) {
			stop()
		}
	}
	looking := open(t, database)
	reading.Go(func() { fail(reader(quit, looking, group)) })

	// Sessions are killed at random, those that hold the app's row as well.
	var kills, commits atomic.Int64
	var rested atomic.Bool // the pause is over: until then all others go on
	var paused atomic.Bool // nobody is killed meanwhile: the server's own bound has to end it
	reading.Go(func() {
		c, err := pgx.Connect(context.Background(), database)
		if err != nil {
			fail(err)
			return
		}
		defer c.Close(context.Background())
		for next := int64(0); quit.Err() == nil; {
			// Not faster than batches are committed, so that a slow machine gets on.
			if paused.Load() || commits.Load() < next {
				sleepUntil(quit, time.Millisecond)
				continue
			}
			next = commits.Load() + rand.Int64N(6)
			tag, err := c.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
				AND pid <> pg_backend_pid() AND application_name = 'parley' ORDER BY random() LIMIT 1`)
			if err != nil {
				fail(err)
				return
			}
			kills.Add(tag.RowsAffected())
		}
	})

	const batches = 120
	var waited atomic.Int64 // batches that the paused one held up
	for i, n := range nodes {
		n.group, n.waited = group, &waited
		all.Go(func() {
			for done := 0; (done < batches || !rested.Load()) && quit.Err() == nil; {
				var between func()
				if i == 0 && done >= batches/2 && !rested.Load() { // paused for longer than the server lets it hold the row
					between = func() {
						paused.Store(true)
						sleepUntil(quit, 2500*time.Millisecond)
						paused.Store(false)
						// Else its session was killed in the moment in which it began to rest.
						rested.Store(waited.Load() > 0)
					}
				}
				ok, err := n.batch(1+rand.IntN(40), between)
				fail(err)
				if ok {
					commits.Add(1)
					done++
				}
			}
		})
	}
	all.Wait()
	stop()
	reading.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}

	var list []chat.Event
	for {
		page, err := nodes[1].store.Events(t.Context(), app, chat.Sequence(len(list)), 1000, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		list = append(list, page...)
	}
	there := make(map[chat.AttemptID]chat.Sequence)
	for i, e := range list {
		if e.Seq != chat.Sequence(i+1) {
			t.Fatalf("event %d has sequence %d", i+1, e.Seq)
		}
		if first, twice := there[e.Attempt]; twice {
			t.Fatalf("attempt %s is event %d and %d", e.Attempt, first, e.Seq)
		}
		there[e.Attempt] = e.Seq
	}
	told := 0
	for _, n := range nodes {
		told += len(n.told)
		for id, seq := range n.told {
			if there[id] != seq {
				t.Errorf("event %d was told, %d is there", seq, there[id])
			}
		}
		t.Logf("%s: %d events told; commits unknown %d, sessions away %d, row held %d", n.name, len(n.told), n.unknown, n.away, n.busy)
	}
	if told != len(list) {
		t.Errorf("%d events are there, %d were told", len(list), told)
	}
	head, err := nodes[2].store.Head(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if head.Next != chat.Sequence(len(list)+1) || head.Totals.Accepted != uint64(told) {
		t.Errorf("head %+v after %d events", head, len(list))
	}
	if nodes[1].busy+nodes[2].busy+nodes[3].busy == 0 {
		t.Error("nobody had to wait for the writer that was paused")
	}
	t.Logf("%d sessions killed", kills.Load())
}

// sleepUntil passes time in a test about time outside of this process.
func sleepUntil(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
