package manage_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/pgtest"
)

// known is an event as a test made it, with its state at the endpoint "e".
type known struct {
	seq   uint64
	at    int64
	code  int
	group string
	from  string
	state string
}

func (k known) fits(r *api.EventsRequest) bool {
	wanted := k.state == api.StateDelivered || k.state == api.StateWaiting || k.state == api.StateDead
	return (r.Code == 0 || k.code == r.Code) && (r.Group == "" || k.group == r.Group) && (r.From == "" || k.from == r.From) &&
		(r.Since == 0 || k.at >= r.Since) && (r.Until == 0 || k.at < r.Until) &&
		(r.Endpoint == "" || (r.State == "" && wanted) || (r.State != "" && k.state == r.State))
}

// Whatever is asked for, the pages together have just the events that fit, in
// order, each once, and every page tells where the next one begins.
func TestPagesHaveWhatFitsInOrderAndOnce(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(w *world) {
		journal := makeJournal(w)
		rapid.Check(w.T, func(t *rapid.T) {
			w.manager.Bound(rapid.IntRange(1, 100).Draw(t, "rows"), rapid.IntRange(1, 40).Draw(t, "batch"))
			r := drawRequest(t, len(journal))
			var want []uint64
			for _, k := range journal {
				if k.fits(&r) && k.seq > r.After && (r.Before == 0 || k.seq < r.Before) {
					want = append(want, k.seq)
				}
			}
			downwards := r.Newest || r.Before > 0
			if downwards {
				slices.Reverse(want)
			}
			var got []uint64
			for pages := 0; ; pages++ {
				page, err := w.manager.Events(context.Background(), app, r)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Events) > r.Limit || page.Head != uint64(len(journal)) || page.FirstSequence != 1 || page.Expired != 0 {
					t.Fatalf("page %+v of %+v", page, r)
				}
				got = append(got, seqs(page)...)
				if !page.More {
					break
				}
				if downwards {
					if r.Before > 0 && page.Next >= r.Before {
						t.Fatalf("no further down than %d", page.Next)
					}
					r.Before, r.Newest = page.Next, false
				} else {
					if page.Next <= r.After {
						t.Fatalf("no further than %d", page.Next)
					}
					r.After = page.Next
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%+v (-want +got):\n%s", r, diff)
			}
		})
	})
}

func drawRequest(t *rapid.T, events int) api.EventsRequest {
	r := api.EventsRequest{
		Limit: rapid.IntRange(1, 60).Draw(t, "limit"), NoBody: true,
		Code:  rapid.SampledFrom([]int{0, 0, 10010, 10019, 7}).Draw(t, "code"),
		Group: rapid.SampledFrom([]string{"", "", "nowhere", "lobby"}).Draw(t, "group"),
		From:  rapid.SampledFrom([]string{"", "", "jared", "mia"}).Draw(t, "from"),
	}
	switch rapid.IntRange(0, 2).Draw(t, "direction") {
	case 0:
		r.After = uint64(rapid.IntRange(0, events+5).Draw(t, "after"))
	case 1:
		r.Before = uint64(rapid.IntRange(1, events+5).Draw(t, "before"))
	case 2:
		r.Newest = true
	}
	if rapid.Bool().Draw(t, "of the endpoint") {
		r.Endpoint = "e"
		r.State = rapid.SampledFrom([]string{"", api.StateDelivered, api.StateWaiting, api.StateDead}).Draw(t, "state")
	}
	if rapid.Bool().Draw(t, "in time") {
		r.Since = start + rapid.Int64Range(-5, 400).Draw(t, "since")
	}
	if rapid.Bool().Draw(t, "until") {
		r.Until = max(start, r.Since) + rapid.Int64Range(1, 400).Draw(t, "until")
	}
	return r
}

// makeJournal makes 200 events, of which the first 20 are older than the endpoint
// "e", which wants those with code 10010 and has come as far as 150.
func makeJournal(w *world) []known {
	w.Helper()
	var all []known
	make := func(n int) {
		for range n {
			k := known{seq: uint64(len(all) + 1), code: 10010, group: "nowhere", from: "mia", at: w.clock.Load()}
			switch len(all) % 5 {
			case 0:
				k.code, k.group = 10019, "lobby"
			case 1, 2:
				k.from = "jared"
			}
			w.refuse(k.group, k.from)
			all = append(all, k)
			if len(all)%3 == 0 {
				w.clock.Add(int64(len(all) % 7))
			}
		}
	}
	make(20)
	w.endpoint("e", func(e *api.NewEndpoint) { e.ErrorCodes = []int{10010} })
	make(180)
	p := chat.Progress{Endpoint: "e", Cursor: 150, At: 1, Dead: []chat.DeadRange{
		{First: 61, Last: 90, Reason: "it failed for three days", Switches: chat.Switches{Commands: []string{chat.CommandSendMsgException}, Codes: []int{10010}}},
	}}
	for i := range all {
		k := &all[i]
		seq := chat.Sequence(k.seq)
		switch {
		case k.seq <= 20:
			k.state = api.StateEarlier
			continue
		case k.code != 10010:
			k.state = api.StateUnwanted
			continue
		case k.seq > 60 && k.seq <= 90:
			k.state = api.StateDead
			if k.seq%4 == 0 { // replayed
				k.state = api.StateDelivered
			}
		case k.seq > 150:
			k.state = api.StateWaiting
			if k.seq == 160 || k.seq == 162 { // sent ahead
				k.state = api.StateDelivered
			}
		case k.seq%10 == 4:
			k.state = api.StateWaiting
			p.Put = append(p.Put, chat.Pending{Seq: seq, Attempt: 2, NextAt: start, Reason: "HTTP 500", Status: 500})
		case k.seq%10 == 7:
			k.state = api.StateDead
			p.Put = append(p.Put, chat.Pending{Seq: seq, Attempt: 3, Dead: true, Reason: "objects"})
		default:
			k.state = api.StateDelivered
			if k.seq%2 == 0 { // before deliveries were recorded
				continue
			}
		}
		if k.state == api.StateDelivered {
			p.Delivered = append(p.Delivered, chat.Attempted{Seq: seq, Attempt: 1, At: k.at, Status: 200})
		}
	}
	w.report(p)
	return all
}

func TestWhatCannotBeAskedForIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, r := range map[string]api.EventsRequest{
		"limit too high":     {Limit: 1001},
		"limit below 0":      {Limit: -1},
		"wait too long":      {Wait: 61},
		"wait below 0":       {Wait: -1},
		"both directions":    {After: 1, Before: 2},
		"after newest":       {After: 1, Newest: true},
		"before newest":      {Before: 1, Newest: true},
		"wait downwards":     {Newest: true, Wait: 1},
		"no sequence":        {After: 1 << 63},
		"state of nothing":   {State: api.StateDead},
		"state unknown":      {Endpoint: "e", State: "odd"},
		"until before since": {Since: 2, Until: 2},
		"time below 0":       {Since: -1},
		"unknown endpoint":   {Endpoint: "nothing"},
	} {
		_, err := w.manager.Events(t.Context(), app, r)
		var refusal *chat.Refusal
		if !errors.As(err, &refusal) || refusal.Code != api.CodeInvalidParameter {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.manager.Events(t.Context(), app+1, api.EventsRequest{})
	w.refused(err, api.CodeAppNotFound)
	_, err = w.manager.Events(t.Context(), app, api.EventsRequest{Epoch: "another"})
	var moved *manage.Moved
	if a, _ := w.backend.App(app); !errors.As(err, &moved) || moved.Epoch != a.Epoch || moved.FirstSequence != 1 || moved.ErrorInfo == "" {
		t.Errorf("another epoch: %v", err)
	}
}

// waiting starts a call that waits, and returns when it does.
func (w *world) waiting(ctx context.Context, r api.EventsRequest) (result func() (api.EventsPage, error)) {
	w.Helper()
	type answer struct {
		page api.EventsPage
		err  error
	}
	done := make(chan answer, 1)
	before := w.feed.Waiting()
	go func() {
		page, err := w.manager.Events(ctx, app, r)
		done <- answer{page, err}
	}()
	w.eventually("it waits", func() bool { return w.feed.Waiting() > before })
	return func() (api.EventsPage, error) {
		w.Helper()
		select {
		case a := <-done:
			return a.page, a.err
		case <-time.After(20 * time.Second):
			w.Fatal("it still waits")
			panic("unreachable")
		}
	}
}

func TestWaitingEndsWithTheFirstEventThatFits(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(w *world) {
		w.refuse("nowhere", "mia")
		all := w.waiting(w.Context(), api.EventsRequest{After: 1, Wait: 60})
		jared := w.waiting(w.Context(), api.EventsRequest{After: 1, Wait: 60, From: "jared"})
		w.refuse("nowhere", "mia")
		page, err := all()
		w.must(err)
		if diff := cmp.Diff([]uint64{2}, seqs(page)); diff != "" || page.Next != 2 || page.More {
			w.Errorf("page %+v", page)
		}
		w.endpoint("e", nil)
		fresh := w.waiting(w.Context(), api.EventsRequest{After: 2, Wait: 60, Endpoint: "e", State: api.StateWaiting})
		w.refuse("nowhere", "jared")
		if page, err = fresh(); err != nil || !slices.Equal(seqs(page), []uint64{3}) {
			w.Errorf("page %+v, %v", page, err)
		}
		page, err = jared()
		w.must(err)
		if diff := cmp.Diff([]uint64{3}, seqs(page)); diff != "" || page.Next != 3 {
			w.Errorf("page %+v", page)
		}
		if n := w.feed.Waiting(); n != 0 {
			w.Errorf("%d still wait", n)
		}
	})
}

func TestWaitingEndsWithTheCallTheServerOrTheWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	gone := w.waiting(ctx, api.EventsRequest{Wait: 60})
	cancel()
	if _, err := gone(); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller is gone: %v", err)
	}
	page, err := w.waiting(t.Context(), api.EventsRequest{Wait: 1})()
	if err != nil || len(page.Events) != 0 || page.Events == nil || page.Next != 0 {
		t.Errorf("after the wait: %+v, %v", page, err)
	}
	stopped := w.waiting(t.Context(), api.EventsRequest{Wait: 60})
	w.feed.Close()
	if page, err := stopped(); err != nil || len(page.Events) != 0 {
		t.Errorf("the server stops: %+v, %v", page, err)
	}
	if n := w.feed.Waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestNoMoreWaitThanMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feed.Crowd(manage.MaxWaiters)
	_, err := w.manager.Events(t.Context(), app, api.EventsRequest{Wait: 60})
	var crowded manage.Crowded
	if !errors.As(err, &crowded) || crowded.RetryAfter <= 0 {
		t.Errorf("error %v", err)
	}
	if _, err := w.manager.Events(t.Context(), app, api.EventsRequest{}); err != nil {
		t.Errorf("without waiting: %v", err)
	}
}

// Who follows the journal while many send sees every event once, in order, and
// none before all that are before it; also where two processes write.
func TestFollowersSeeNoGapAndNoRepeatWhileManySend(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		follow(newWorld(t))
	})
	t.Run("postgres, two processes", func(t *testing.T) {
		t.Parallel()
		database := pgtest.Database(t)
		a := newWorldOn(t, open(t, database), true)
		follow(a, newWorldOn(t, open(t, database), false))
	})
}

func follow(worlds ...*world) {
	const senders, each, followers = 12, 40, 3
	w := worlds[0]
	total := uint64(senders * each * len(worlds))
	var all sync.WaitGroup
	var seen atomic.Int64
	for i, at := range worlds {
		for j := range followers {
			all.Go(func() {
				r := api.EventsRequest{Wait: 30, Limit: []int{1000, 7, 100}[j]}
				for last := uint64(0); last < total; {
					page, err := at.manager.Events(at.Context(), app, r)
					if err != nil {
						at.Errorf("follower %d of process %d: %v", j, i, err)
						return
					}
					for _, e := range page.Events {
						if e.Sequence != last+1 {
							at.Errorf("follower %d of process %d: %d after %d", j, i, e.Sequence, last)
							return
						}
						last = e.Sequence
						seen.Add(1)
					}
					if page.Next != last || page.Head < last {
						at.Errorf("follower %d of process %d: page ends with %d, of head %d, and says %d", j, i, last, page.Head, page.Next)
						return
					}
					r.After, r.Epoch = page.Next, page.Epoch
				}
			})
		}
	}
	for _, at := range worlds {
		for range senders {
			all.Go(func() {
				for range each {
					at.refuse("nowhere", "mia")
				}
			})
		}
	}
	all.Wait()
	if n := seen.Load(); n != int64(total)*followers*int64(len(worlds)) {
		w.Errorf("%d events seen", n)
	}
}
