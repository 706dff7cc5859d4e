package callback_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/callback"
	"pgregory.net/rapid"
)

func at(sequence, previous, settled uint64) callback.Delivery {
	return callback.Delivery{Present: true, ID: "evt", Epoch: "e", Sequence: sequence, Previous: previous, Settled: settled}
}

func TestMissingIsWhatIsSettledAndWasNotSeen(t *testing.T) {
	t.Parallel()
	gap := func(first, last uint64, certain bool) callback.Gap {
		return callback.Gap{First: first, Last: last, Certain: certain}
	}
	for name, c := range map[string]struct {
		deliveries []callback.Delivery
		want       []callback.Gap
		position   uint64
	}{
		"nothing arrived":                        {nil, nil, 0},
		"all in order":                           {[]callback.Delivery{at(1, 0, 0), at(2, 1, 1), at(3, 2, 3)}, nil, 3},
		"others' events between":                 {[]callback.Delivery{at(3, 0, 0), at(7, 3, 3), at(20, 7, 20)}, nil, 20},
		"one lost":                               {[]callback.Delivery{at(1, 0, 0), at(3, 2, 3)}, []callback.Gap{gap(2, 2, true)}, 1},
		"one on its way":                         {[]callback.Delivery{at(1, 0, 0), at(3, 2, 1)}, nil, 1},
		"out of order":                           {[]callback.Delivery{at(1, 0, 0), at(3, 2, 1), at(2, 1, 3)}, nil, 3},
		"lost, the rest is others'":              {[]callback.Delivery{at(1, 0, 0), at(9, 6, 9)}, []callback.Gap{gap(2, 6, true)}, 1},
		"found in the middle of a gap":           {[]callback.Delivery{at(1, 0, 0), at(9, 8, 9), at(5, 4, 9)}, []callback.Gap{gap(2, 4, true), gap(6, 8, true)}, 1},
		"a gap whose middle follows its start":   {[]callback.Delivery{at(1, 0, 0), at(9, 8, 9), at(5, 1, 9)}, []callback.Gap{gap(6, 8, true)}, 5},
		"settled in the middle of a gap":         {[]callback.Delivery{at(1, 0, 0), at(9, 8, 5)}, []callback.Gap{gap(2, 5, false)}, 1},
		"the endpoint's choice changed":          {[]callback.Delivery{at(1, 0, 0), at(9, 0, 9)}, []callback.Gap{gap(2, 8, false)}, 1},
		"twice":                                  {[]callback.Delivery{at(1, 0, 0), at(3, 2, 3), at(3, 2, 3)}, []callback.Gap{gap(2, 2, true)}, 1},
		"a replay of one that was seen":          {[]callback.Delivery{at(1, 0, 0), at(2, 1, 2), at(1, 0, 2)}, nil, 2},
		"begins in the middle":                   {[]callback.Delivery{at(500, 499, 499)}, nil, 500},
		"begins in the middle, out of order":     {[]callback.Delivery{at(500, 499, 490), at(498, 497, 490)}, nil, 498},
		"begins out of order, and one is lost":   {[]callback.Delivery{at(500, 499, 490), at(498, 497, 500)}, []callback.Gap{gap(499, 499, false)}, 498},
		"no headers":                             {[]callback.Delivery{{}, {}}, nil, 0},
		"a sample":                               {[]callback.Delivery{at(1, 0, 0), {Present: true, ID: "x", Epoch: "e", Sequence: 9, Previous: 8, Settled: 9, Test: true}}, nil, 1},
		"a sequence beyond all journals":         {[]callback.Delivery{at(1, 0, 0), at(math.MaxUint64, 8, 9)}, nil, 1},
		"a previous that makes no sense":         {[]callback.Delivery{at(1, 0, 0), at(3, 7, 3)}, []callback.Gap{gap(2, 2, false)}, 1},
		"a new epoch":                            {[]callback.Delivery{at(1, 0, 0), at(2, 1, 1), {Epoch: "f", Sequence: 1000003, Previous: 2, Settled: 1000003}}, nil, 1000003},
		"a new epoch whose beginning is lost":    {[]callback.Delivery{at(1, 0, 0), at(2, 1, 1), {Epoch: "f", Sequence: 1000004, Previous: 1000003, Settled: 1000004}}, []callback.Gap{gap(3, 1000003, true)}, 2},
		"a new epoch, then a late one of before": {[]callback.Delivery{at(1, 0, 0), {Epoch: "f", Sequence: 9, Previous: 1, Settled: 9}, at(50, 49, 50)}, nil, 9},
	} {
		tracker := callback.NewTracker(callback.TrackerState{})
		for _, d := range c.deliveries {
			tracker.Delivered(d)
		}
		if diff := cmp.Diff(c.want, tracker.Missing()); diff != "" || tracker.Position() != c.position {
			t.Errorf("%s: position %d, want %d; %s", name, tracker.Position(), c.position, diff)
		}
	}
}

func TestHeartbeatTellsOfWhatWasLostLast(t *testing.T) {
	t.Parallel()
	tracker := callback.NewTracker(callback.TrackerState{})
	tracker.Delivered(at(4, 3, 3))
	beat := func(last, settled uint64) {
		tracker.Heartbeat(callback.Delivery{Epoch: "e", Settled: settled}, &callback.Heartbeat{HeadSequence: 90, LastSequence: last})
	}
	beat(4, 4)
	if got := tracker.Missing(); got != nil {
		t.Errorf("nothing more was sent, missing %v", got)
	}
	beat(7, 4)
	if got := tracker.Missing(); got != nil || tracker.Position() != 4 {
		t.Errorf("it may be on its way, missing %v, position %d", got, tracker.Position())
	}
	beat(7, 7)
	if diff := cmp.Diff([]callback.Gap{{First: 5, Last: 7, Certain: true}}, tracker.Missing()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatExpiredIsToldOnce(t *testing.T) {
	t.Parallel()
	tracker := callback.NewTracker(callback.TrackerState{})
	for _, d := range []callback.Delivery{at(1, 0, 0), at(4, 3, 4), at(8, 7, 8)} {
		tracker.Delivered(d)
	}
	if diff := cmp.Diff([]callback.Gap{{First: 2, Last: 3, Certain: true}, {First: 5, Last: 6}}, tracker.Expire(6)); diff != "" {
		t.Error(diff)
	}
	if got := tracker.Expire(6); got != nil {
		t.Errorf("again %v", got)
	}
	if diff := cmp.Diff([]callback.Gap{{First: 7, Last: 7, Certain: true}}, tracker.Missing()); diff != "" {
		t.Error(diff)
	}
}

// Against a model that remembers every sequence: what is open is what was
// neither seen nor excluded, also after the state went through JSON.
func TestTrackerAgreesWithAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 60).Draw(t, "events")
		mine := rapid.SliceOfN(rapid.Bool(), int(n), int(n)).Draw(t, "for the endpoint")
		previous := map[uint64]uint64{}
		var ours []uint64
		last := uint64(0)
		for i, m := range mine {
			if m {
				previous[uint64(i+1)], last = last, uint64(i+1)
				ours = append(ours, last)
			}
		}
		if len(ours) == 0 {
			return
		}
		tracker := callback.NewTracker(callback.TrackerState{Epoch: "e"})
		seen := map[uint64]bool{}
		excluded := map[uint64]bool{}
		top := uint64(0)
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				from := rapid.Uint64Range(1, n).Draw(t, "from")
				to := rapid.Uint64Range(from, n).Draw(t, "to")
				tracker.Cover(from, to)
				for s := from; s <= to; s++ {
					seen[s] = true
				}
				top = max(top, to)
			case 1:
				text, err := json.Marshal(tracker.State())
				var s callback.TrackerState
				if err != nil || json.Unmarshal(text, &s) != nil {
					t.Fatal(err)
				}
				tracker = callback.NewTracker(s)
			default:
				s := rapid.SampledFrom(ours).Draw(t, "arrives")
				fresh := tracker.Delivered(at(s, previous[s], 0))
				if fresh != (!seen[s] && !excluded[s]) {
					t.Fatalf("%d is fresh: %v", s, fresh)
				}
				seen[s], top = true, max(top, s)
				for p := previous[s] + 1; previous[s] > 0 && p < s; p++ {
					excluded[p] = true
				}
			}
			var open []uint64
			for s := uint64(1); s <= top; s++ {
				if !seen[s] && !excluded[s] {
					open = append(open, s)
				}
			}
			var got []uint64
			for _, g := range tracker.State().Gaps {
				for s := g.First; s <= g.Last; s++ {
					got = append(got, s)
				}
				if g.Certain && !mine[g.Last-1] {
					t.Fatalf("gap %v does not end with an event", g)
				}
			}
			if diff := cmp.Diff(open, got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// However much is lost, the memory is bounded and nothing that is missing is
// forgotten.
func TestTrackerIsBounded(t *testing.T) {
	t.Parallel()
	tracker := callback.NewTracker(callback.TrackerState{Epoch: "e"})
	const n = 10 * callback.MaxGaps
	for s := uint64(2); s <= n; s += 2 {
		tracker.Delivered(at(s, s-1, n))
	}
	gaps := tracker.Missing()
	if len(gaps) > callback.MaxGaps || len(gaps) < callback.MaxGaps/2 {
		t.Errorf("%d gaps", len(gaps))
	}
	i := 0
	for s := uint64(1); s < n; s += 2 {
		for gaps[i].Last < s {
			i++
		}
		if s < gaps[i].First {
			t.Fatalf("%d is forgotten", s)
		}
	}
}
