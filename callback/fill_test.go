package callback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/callback"
	"pgregory.net/rapid"
)

// program keeps what it is given, and the state, as a real one does on disk.
type program struct {
	mu      sync.Mutex
	times   map[string]int // handed over, by epoch and id
	ids     map[string]int
	state   []byte
	expired []callback.Expired
	moved   []callback.EpochMoved
	fail    int // so many calls fail
	came    chan string
}

func newProgram() *program {
	return &program{times: map[string]int{}, ids: map[string]int{}, came: make(chan string, 1000)}
}

func (p *program) keep(_ context.Context, ev *callback.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail > 0 {
		p.fail--
		return errors.New("disk full")
	}
	p.times[ev.Delivery.Epoch+" "+ev.Delivery.ID]++
	p.ids[ev.Delivery.ID]++
	p.came <- ev.Delivery.ID
	return nil
}

func (p *program) save(_ context.Context, s callback.TrackerState) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := json.Marshal(s)
	p.state = text
	return err
}

// start is a life of the program.
func (p *program) start(j *journal) *callback.Fill {
	var s callback.TrackerState
	if p.state != nil {
		if err := json.Unmarshal(p.state, &s); err != nil {
			panic(err)
		}
	}
	return &callback.Fill{Tracker: callback.NewTracker(s), Backfill: backfill(j), OnEvent: p.keep, Save: p.save,
		OnExpired: func(e callback.Expired) { p.expired = append(p.expired, e) },
		OnMoved:   func(m callback.EpochMoved) { p.moved = append(p.moved, m) }}
}

// called is an event as a receiver gets it.
func called(d callback.Delivery) *callback.Event {
	return &callback.Event{Command: callback.CmdGroupSendMsgException, SdkAppid: appid, Delivery: d, Raw: []byte("{}")}
}

// Whatever is lost, comes twice, late or out of order, and however often program
// and server start again, also from a backup: in the end every event was handed
// over once or is told to be expired.
func TestEveryEventIsHandedOverOnceOrExpired(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		j, p := newJournal(), newProgram()
		j.limit = rapid.IntRange(1, 5).Draw(t, "events of a page")
		fill := p.start(j)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(fill.Once(ctx))
		var flying []callback.Delivery // made and not yet arrived
		wanted := map[string]bool{}    // by id; false: the server lost it
		sequences := map[string]uint64{}
		made := map[string]string{} // the epoch it was made in
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 19).Draw(t, "step"); {
			case step < 7:
				mine := rapid.IntRange(0, 3).Draw(t, "for others") > 0
				if d := j.add(mine); mine {
					wanted[d.ID], sequences[d.ID], made[d.ID] = true, d.Sequence, d.Epoch
					flying = append(flying, d)
				}
			case step < 13 && len(flying) > 0:
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				d := flying[i]
				if rapid.Bool().Draw(t, "settled") {
					d.Settled = d.Previous
				}
				switch rapid.IntRange(0, 3).Draw(t, "fate") {
				case 0: // lost
				case 1: // it fails, and comes again
					p.fail = 1
					if fill.Deliver(ctx, called(d)) == nil {
						p.fail = 0 // it was known already
					}
					continue
				case 2:
					must(fill.Deliver(ctx, called(d)))
					continue // and comes again
				default:
					must(fill.Deliver(ctx, called(d)))
				}
				flying = slices.Delete(flying, i, i+1)
			case step == 13:
				beat := &callback.Event{Body: &callback.Heartbeat{LastSequence: j.lastLocked()}, Delivery: callback.Delivery{Present: true, ID: "hb", Epoch: j.epoch, Settled: j.head}}
				must(fill.Deliver(ctx, beat))
			case step == 14:
				sample := callback.Delivery{Present: true, ID: "sample", Epoch: j.epoch, Sequence: 1 << 40, Test: true}
				must(fill.Deliver(ctx, called(sample)))
			case step == 15: // the program stops in good order, and starts again
				must(fill.Once(ctx))
				fill = p.start(j)
			case step == 16:
				must(fill.Once(ctx))
			case step == 17:
				must(fill.Once(ctx)) // what expires now was fetched; what came since was not
				more := rapid.IntRange(0, 4).Draw(t, "more")
				for range more {
					d := j.add(true)
					wanted[d.ID], sequences[d.ID], made[d.ID] = true, d.Sequence, d.Epoch
				}
				j.expire(j.head + 1 - uint64(rapid.IntRange(0, more).Draw(t, "kept")))
			case step == 18:
				if fill.Tracker.State().Epoch != j.epoch {
					must(fill.Once(ctx)) // where an epoch began that came and went unseen, nobody tells
				}
				back := uint64(rapid.IntRange(0, 4).Draw(t, "lost with the disk"))
				upTo := j.head - min(back, j.head)
				skip := rapid.SampledFrom([]uint64{0, 1, 2, 1000}).Draw(t, "how far above") // even a number may come twice
				for id, s := range sequences {
					if s > upTo && made[id] == j.epoch {
						wanted[id] = false
					}
				}
				for id := range wanted { // of epochs before, too
					if sequences[id] > upTo {
						wanted[id] = false
					}
				}
				j.restore(upTo, skip)
				flying = nil // who was to send them is gone
			case step == 19: // the lane sends again what the new epoch has
				for _, e := range j.events {
					if e.mine && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
						flying = append(flying, j.delivery(e, 0))
					}
				}
			}
		}
		must(fill.Once(ctx))
		must(fill.Once(ctx)) // a new epoch may have come to light in the first
		for identity, n := range p.times {
			if n != 1 {
				t.Errorf("%s was handed over %d times", identity, n)
			}
		}
		for id, kept := range wanted {
			gone := slices.ContainsFunc(p.expired, func(e callback.Expired) bool {
				return e.First <= sequences[id] && sequences[id] <= e.Last
			})
			if kept && p.ids[id] == 0 && !gone {
				t.Errorf("%s (%d) is missing; state %s", id, sequences[id], p.state)
			}
		}
		if p.ids["sample"] > 0 || p.ids["hb"] > 0 {
			t.Error("a sample or a heartbeat was handed over")
		}
		if missing := fill.Tracker.Missing(); missing != nil {
			t.Errorf("still missing %v", missing)
		}
		for id := range maps.Keys(p.ids) {
			if _, known := wanted[id]; !known {
				t.Errorf("%s was never made", id)
			}
		}
	})
}

func (j *journal) lastLocked() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last()
}

// A crash costs a repeat of what came since the last save, and nothing else.
func TestCrashRepeatsOnlyWhatWasNotSaved(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	j, p := newJournal(), newProgram()
	fill := p.start(j)
	for range 3 {
		j.add(true)
	}
	if err := fill.Once(ctx); err != nil {
		t.Fatal(err)
	}
	if err := fill.Deliver(ctx, called(j.add(true))); err != nil {
		t.Fatal(err)
	}
	if err := p.start(j).Once(ctx); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 4; i++ {
		id := fmt.Sprintf("evt_epoch-1_%d", i)
		if want := 1 + i/4; p.ids[id] != want {
			t.Errorf("%s was handed over %d times, want %d", id, p.ids[id], want)
		}
	}
}

// Many callbacks at once and a look at the journal beside them: still once.
func TestCallbacksAndPagesAtTheSameTime(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	j, p := newJournal(), newProgram()
	j.limit = 7
	fill := p.start(j)
	var wg sync.WaitGroup
	for range 300 {
		d := j.add(true)
		for range 2 {
			wg.Go(func() {
				if err := fill.Deliver(ctx, called(d)); err != nil {
					t.Error(err)
				}
			})
		}
		if d.Sequence%50 == 0 {
			wg.Go(func() {
				if err := fill.Once(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if len(p.ids) != 300 {
		t.Errorf("%d events", len(p.ids))
	}
	for id, n := range p.ids {
		if n != 1 {
			t.Errorf("%s was handed over %d times", id, n)
		}
	}
}

// running runs fill until the test ends, in a bubble.
func running(t *testing.T, fill *callback.Fill) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- fill.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestRunFetches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(j *journal, fill *callback.Fill) // after the start
		within  time.Duration
		before  time.Duration // and not before
	}{
		"what was made before the start": {within: 0},
		"at once what is settled": {happens: func(j *journal, fill *callback.Fill) {
			d := j.add(true)
			d.Settled = d.Sequence
			_ = fill.Deliver(context.Background(), called(d))
		}, within: 0},
		"at once what a heartbeat says was settled": {happens: func(j *journal, fill *callback.Fill) {
			_ = fill.Deliver(context.Background(), &callback.Event{Body: &callback.Heartbeat{LastSequence: 1}, Delivery: callback.Delivery{Epoch: "epoch-1", Settled: 1}})
		}, within: 0},
		"what may be on its way, after a while": {happens: func(j *journal, fill *callback.Fill) {
			_ = fill.Deliver(context.Background(), called(j.add(true)))
		}, before: 2 * time.Second, within: 31 * time.Second},
		"what no callback tells of": {happens: func(*journal, *callback.Fill) {}, before: 2 * time.Second, within: 31 * time.Second},
		"what is in a new epoch": {happens: func(j *journal, fill *callback.Fill) {
			j.restore(1, 1000)
			_ = fill.Deliver(context.Background(), called(j.add(true)))
		}, within: 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, p := newJournal(), newProgram()
				fill := p.start(j)
				if c.happens == nil {
					j.add(true)
				}
				running(t, fill)
				synctest.Wait()
				if c.happens != nil {
					j.add(true)
					c.happens(j, fill)
				}
				began := time.Now()
				for id := ""; id != "evt_epoch-1_1"; {
					id = <-p.came
				}
				if took := time.Since(began); took < c.before || took > c.within {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// While callbacks arrive, the journal is hardly asked, and what arrives is not
// fetched.
func TestRunIsQuietWhileCallbacksArrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newJournal(), newProgram()
		fill := p.start(j)
		fetched := 0
		keep := fill.OnEvent
		fill.OnEvent = func(ctx context.Context, ev *callback.Event) error {
			if ev.Backfilled {
				fetched++
			}
			return keep(ctx, ev)
		}
		running(t, fill)
		for range 600 {
			synctest.Wait()
			d := j.add(true)
			time.Sleep(100 * time.Millisecond) // on its way
			if err := fill.Deliver(t.Context(), called(d)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(j.queries()); n > 30 || fetched > 0 || len(p.ids) != 600 {
			t.Errorf("asked %d times in a minute, %d fetched, %d in all", n, fetched, len(p.ids))
		}
	})
}

func TestNothingIsSavedWhileNothingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newJournal(), newProgram()
		j.add(true)
		saves := 0
		fill := p.start(j)
		fill.Save = func(ctx context.Context, s callback.TrackerState) error {
			if saves++; saves == 1 {
				return errors.New("disk full") // then it is tried again
			}
			return p.save(ctx, s)
		}
		running(t, fill)
		time.Sleep(time.Hour)
		synctest.Wait()
		if saves != 2 || p.state == nil {
			t.Errorf("saved %d times", saves)
		}
	})
}

// A gap that the server does not fill is no reason to ask all the time.
func TestRunDoesNotInsistOnWhatIsNotThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newJournal(), newProgram()
		fill := p.start(j)
		running(t, fill)
		d := callback.Delivery{Present: true, ID: "forged", Epoch: "epoch-1", Sequence: 1 << 40, Previous: 1<<40 - 1, Settled: 1 << 40}
		if err := fill.Deliver(t.Context(), called(d)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(j.queries()); n > 30 {
			t.Errorf("asked %d times in a minute", n)
		}
		j.add(true)
		if id := <-p.came; id != "forged" {
			t.Error(id)
		}
		if id := <-p.came; id != "evt_epoch-1_1" {
			t.Error(id)
		}
	})
}

func TestRunTriesAgainWhenTheProgramFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newJournal(), newProgram()
		p.fail = 5
		var told []string
		fill := p.start(j)
		fill.Backfill.OnRetry = func(err error, _ time.Duration) { told = append(told, err.Error()) }
		j.add(true)
		j.add(true)
		running(t, fill)
		if first, second := <-p.came, <-p.came; first != "evt_epoch-1_1" || second != "evt_epoch-1_2" {
			t.Errorf("%s, %s", first, second)
		}
		synctest.Wait()
		if len(told) != 5 || told[0] != "disk full" {
			t.Errorf("told %v", told)
		}
	})
}

// In order unless it is asked to hand over several at once; then as many, and
// not more.
func TestFetchedEventsAreHandedOverInOrderOrInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, parallel := range []int{0, 8} {
			j := newJournal()
			for range 80 {
				j.add(true)
			}
			var mu sync.Mutex
			var order []uint64
			began := time.Now()
			fill := newProgram().start(j)
			fill.Parallel = parallel
			fill.OnEvent = func(_ context.Context, ev *callback.Event) error {
				time.Sleep(time.Second) // a slow store
				mu.Lock()
				defer mu.Unlock()
				order = append(order, ev.Delivery.Sequence)
				return nil
			}
			if err := fill.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != time.Duration(80/max(1, parallel))*time.Second {
				t.Errorf("%d at once took %v", parallel, took)
			}
			if sorted := slices.IsSorted(order); len(order) != 80 || parallel == 0 && !sorted {
				t.Errorf("%d at once: %v", parallel, order)
			}
		}
	})
}

func TestRunEndsWhenTheServerRefuses(t *testing.T) {
	t.Parallel()
	j, p := newJournal(), newProgram()
	fill := p.start(j)
	fill.Backfill.Token = "revoked"
	var refused *callback.BackfillRefused
	if err := fill.Run(t.Context()); !errors.As(err, &refused) || refused.Status != 401 || !strings.Contains(err.Error(), "wrong token") {
		t.Errorf("ended with %v", err)
	}
}

// A program that begins with a server which has forgotten the old events is not
// told of a loss; one that was there is.
func TestWhatExpiredBeforeTheFirstPageIsNoLoss(t *testing.T) {
	t.Parallel()
	j, p := newJournal(), newProgram()
	for range 10 {
		j.add(true)
	}
	j.expire(6)
	fill := p.start(j)
	if err := fill.Once(t.Context()); err != nil || len(p.expired) != 0 || len(p.ids) != 5 {
		t.Errorf("%v, expired %v, %d events", err, p.expired, len(p.ids))
	}
	p.state, p.ids = nil, map[string]int{} // another, to whom something is called back before it reads
	fill = p.start(j)
	second := callback.Delivery{Present: true, ID: "evt_epoch-1_2", Epoch: "epoch-1", Sequence: 2, Previous: 1}
	if err := errors.Join(fill.Deliver(t.Context(), called(second)), fill.Once(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := (callback.Expired{Epoch: "epoch-1", First: 3, Last: 5}); len(p.expired) != 1 || p.expired[0] != want || len(p.ids) != 6 {
		t.Errorf("expired %v, %d events", p.expired, len(p.ids))
	}
	p.expired = nil
	for range 5 {
		j.add(true)
	}
	j.expire(14)
	want := callback.Expired{Epoch: "epoch-1", First: 11, Last: 13}
	if err := fill.Once(t.Context()); err != nil || len(p.expired) != 1 || p.expired[0] != want || len(p.ids) != 8 {
		t.Errorf("%v, expired %v, %d events", err, p.expired, len(p.ids))
	}
}
