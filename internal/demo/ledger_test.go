package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-im/parley/api"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is some milliseconds after the start.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func muted(event string, ms int) refusal {
	return refusal{event: event, at: at(ms), code: api.CodeMuted, info: "sender is muted", group: "tea-house", from: "diego", text: "¿Me escucha alguien?"}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		book    func(l *ledger) []settled // what got settled
		after   []time.Duration           // of each settled refusal
		want    totals
		missing []string // events
		faults  []string // parts of them
	}{
		{
			name: "nothing was sent",
			book: func(*ledger) []settled { return nil },
		},
		{
			name: "an accepted send waits for nothing",
			book: func(l *ledger) []settled { l.accept(); l.accept(); return nil },
			want: totals{sends: 2, accepted: 2},
		},
		{
			name:  "a callback after its refusal settles it",
			book:  func(l *ledger) []settled { return list(refuse(l, muted("a", 0)), arrive(l, "a", api.CodeMuted, 7)) },
			after: []time.Duration{7 * time.Millisecond},
			want:  totals{sends: 1, refused: 1, arrived: 1, codes: map[api.Code]int{10017: 1}, p50: 7e6, p95: 7e6, max: 7e6},
		},
		{
			name:  "a callback before its refusal settles it without a delay",
			book:  func(l *ledger) []settled { return list(arrive(l, "a", api.CodeMuted, 0), refuse(l, muted("a", 3))) },
			after: []time.Duration{0},
			want:  totals{sends: 1, refused: 1, arrived: 1, codes: map[api.Code]int{10017: 1}},
		},
		{
			name: "callbacks in another order find their refusals",
			book: func(l *ledger) []settled {
				return list(refuse(l, muted("a", 0)), refuse(l, muted("b", 1)), arrive(l, "b", api.CodeMuted, 2), arrive(l, "a", api.CodeMuted, 10))
			},
			after: []time.Duration{time.Millisecond, 10 * time.Millisecond},
			want:  totals{sends: 2, refused: 2, arrived: 2, codes: map[api.Code]int{10017: 2}, p50: 1e6, p95: 10e6, max: 10e6},
		},
		{
			name:    "a refusal without a callback is missing",
			book:    func(l *ledger) []settled { return list(refuse(l, muted("b", 5)), refuse(l, muted("a", 0))) },
			want:    totals{sends: 2, refused: 2, waiting: 2, codes: map[api.Code]int{10017: 2}},
			missing: []string{"a", "b"},
		},
		{
			name:   "a callback that no refusal belongs to is a fault",
			book:   func(l *ledger) []settled { return list(arrive(l, "x", api.CodeMuted, 0)) },
			faults: []string{"event x arrived, but no send was refused with it"},
		},
		{
			name: "a callback with another code is a fault",
			book: func(l *ledger) []settled {
				return list(refuse(l, muted("a", 0)), arrive(l, "a", api.CodeSendTooOften, 1))
			},
			after:  []time.Duration{time.Millisecond},
			want:   totals{sends: 1, refused: 1, arrived: 1, codes: map[api.Code]int{10017: 1}, p50: 1e6, p95: 1e6, max: 1e6},
			faults: []string{"was called back with 10023"},
		},
		{
			name:   "a refusal that names no event is a fault",
			book:   func(l *ledger) []settled { return list(refuse(l, muted("", 0))) },
			want:   totals{sends: 1, refused: 1, codes: map[api.Code]int{10017: 1}},
			faults: []string{"names no event"},
		},
		{
			name: "a callback that arrives again is a fault",
			book: func(l *ledger) []settled {
				return list(arrive(l, "a", api.CodeMuted, 0), arrive(l, "a", api.CodeMuted, 1))
			},
			faults: []string{"event a arrived twice", "event a arrived, but"},
		},
		{
			name: "a send without an answer counts as neither",
			book: func(l *ledger) []settled { l.lose(); return nil },
			want: totals{sends: 1, unanswered: 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			var after []time.Duration
			for _, s := range test.book(l) {
				after = append(after, s.after)
			}
			if d := cmp.Diff(test.after, after); d != "" {
				t.Errorf("delays (-want +got):\n%s", d)
			}
			if test.want.codes == nil {
				test.want.codes = map[api.Code]int{}
			}
			if d := cmp.Diff(test.want, l.totals(), cmp.AllowUnexported(totals{})); d != "" {
				t.Errorf("totals (-want +got):\n%s", d)
			}
			var missing []string
			for _, r := range l.missing() {
				missing = append(missing, r.event)
			}
			if !slices.Equal(missing, test.missing) {
				t.Errorf("missing %q, want %q", missing, test.missing)
			}
			faults := l.faults()
			if len(faults) != len(test.faults) {
				t.Fatalf("faults %q, want %q", faults, test.faults)
			}
			for i, want := range test.faults {
				if !strings.Contains(faults[i], want) {
					t.Errorf("fault %q, want %q in it", faults[i], want)
				}
			}
		})
	}
}

func list(steps ...[]settled) []settled { return slices.Concat(steps...) }

func refuse(l *ledger, r refusal) []settled {
	if s, ok := l.refuse(r); ok {
		return []settled{s}
	}
	return nil
}

func arrive(l *ledger, event string, code api.Code, ms int) []settled {
	if s, ok := l.arrive(arrival{event, code, at(ms)}); ok {
		return []settled{s}
	}
	return nil
}

func TestOverdueRefusalIsReportedOnceAndLateWhenItArrives(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.refuse(muted("a", 0))
	l.refuse(muted("b", 500))
	if got := l.overdue(at(0)); len(got) != 0 {
		t.Errorf("%d refusals are overdue at once", len(got))
	}
	if got := l.overdue(at(400)); len(got) != 1 || got[0].event != "a" {
		t.Errorf("overdue: %v, want a", got)
	}
	if got := l.overdue(at(400)); len(got) != 0 {
		t.Errorf("reported again: %v", got)
	}
	if s, ok := l.arrive(arrival{"a", api.CodeMuted, at(2000)}); !ok || !s.late || s.after != 2*time.Second {
		t.Errorf("settled %+v %t, want late after 2 s", s, ok)
	}
	if s, ok := l.arrive(arrival{"b", api.CodeMuted, at(600)}); !ok || s.late {
		t.Errorf("settled %+v %t, want in time", s, ok)
	}
}

// Whatever the order, each pair settles exactly once and nothing is left.
func TestEveryRefusalWithACallbackIsSettledInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "refusals")
		var steps []int // i refuses event i, n+i lets it arrive
		for i := range 2 * n {
			steps = append(steps, i)
		}
		l, seen := newLedger(), map[string]int{}
		for _, step := range rapid.Permutation(steps).Draw(t, "order") {
			event := string(rune('a' + step%max(n, 1)))
			var s settled
			var ok bool
			if step < n {
				s, ok = l.refuse(muted(event, step))
			} else {
				s, ok = l.arrive(arrival{event, api.CodeMuted, at(step)})
			}
			if ok {
				seen[s.event]++
			}
		}
		for event, times := range seen {
			if times != 1 {
				t.Fatalf("%s was settled %d times", event, times)
			}
		}
		got := l.totals()
		if len(seen) != n || got.arrived != n || got.refused != n || got.waiting != 0 || len(l.faults()) != 0 {
			t.Fatalf("%d settled, totals %+v, faults %q", len(seen), got, l.faults())
		}
	})
}

func TestDelaysHaveTheQuantilesOfASortedList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, 900), 1, 50).Draw(t, "tenths of a millisecond")
		d := delays{}
		for _, v := range values {
			d.add(time.Duration(v)*time.Millisecond/10 + 1)
		}
		slices.Sort(values)
		for part, index := range map[float64]int{0.5: (len(values)+1)/2 - 1, 1: len(values) - 1} {
			if got, want := d.at(part), time.Duration(values[index])*time.Millisecond/10; got != want {
				t.Fatalf("%v of %v is %v, want %v", part, values, got, want)
			}
		}
		if d.count() != len(values) {
			t.Fatalf("%d values counted, want %d", d.count(), len(values))
		}
	})
}
