package demo

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
)

// refusal is one refused send, as its sender saw it.
type refusal struct {
	event string    // id of the event that tells the app backend
	at    time.Time // when the answer had been read
	code  api.Code
	info  string // ErrorInfo
	note  string // what the sender knows beyond the code; may be empty
	group string
	from  string
	text  string // what was not delivered
}

// arrival is a callback that the monitor has committed.
type arrival struct {
	event string
	code  api.Code
	at    time.Time
}

// settled is a refusal whose callback arrived.
type settled struct {
	refusal
	after time.Duration // from the answer to the commit; 0 if the callback was first
	late  bool          // it was reported as waiting before
}

// ledger keeps the books of a demonstration: it counts sends and matches each
// refusal with its callback, whichever of the two comes first. It knows no
// clock and no screen, and is not safe for concurrent use.
type ledger struct {
	accepted   int
	unanswered int
	codes      map[api.Code]int
	waiting    map[string]*waiting
	early      map[string]arrival // callbacks whose refusal is not known yet
	wrong      []string           // contradictions, in words
	delays     delays
}

type waiting struct {
	refusal
	reported bool
}

func newLedger() *ledger {
	return &ledger{codes: map[api.Code]int{}, waiting: map[string]*waiting{}, early: map[string]arrival{}, delays: delays{}}
}

// accept counts a send that was answered OK.
func (l *ledger) accept() { l.accepted++ }

// lose counts a send that got no answer, so that nobody knows its outcome.
func (l *ledger) lose() { l.unanswered++ }

// refuse books a refusal. It is settled at once if its callback was faster than
// its answer.
func (l *ledger) refuse(r refusal) (settled, bool) {
	l.codes[r.code]++
	if r.event == "" {
		l.wrong = append(l.wrong, "the refusal "+r.name()+" names no event")
		return settled{}, false
	}
	if a, ok := l.early[r.event]; ok {
		delete(l.early, r.event)
		return l.settle(r, a, false), true
	}
	l.waiting[r.event] = &waiting{refusal: r}
	return settled{}, false
}

// arrive books a callback and returns the refusal it tells of, if that is known
// already.
func (l *ledger) arrive(a arrival) (settled, bool) {
	w, ok := l.waiting[a.event]
	if !ok {
		if _, twice := l.early[a.event]; twice {
			l.wrong = append(l.wrong, "event "+a.event+" arrived twice")
		}
		l.early[a.event] = a
		return settled{}, false
	}
	delete(l.waiting, a.event)
	return l.settle(w.refusal, a, w.reported), true
}

func (l *ledger) settle(r refusal, a arrival, late bool) settled {
	if a.code != r.code {
		l.wrong = append(l.wrong, "the refusal "+r.name()+" was called back with "+a.code.String())
	}
	s := settled{refusal: r, after: max(0, a.at.Sub(r.at)), late: late}
	l.delays.add(s.after)
	return s
}

// overdue returns the refusals that were answered before t and still wait for
// their callback, each only once, the oldest first.
func (l *ledger) overdue(t time.Time) []refusal {
	var list []refusal
	for _, w := range l.waiting {
		if !w.reported && w.at.Before(t) {
			w.reported = true
			list = append(list, w.refusal)
		}
	}
	return byTime(list)
}

// missing returns all refusals that wait for their callback, the oldest first.
func (l *ledger) missing() []refusal {
	var list []refusal
	for _, w := range l.waiting {
		list = append(list, w.refusal)
	}
	return byTime(list)
}

func byTime(list []refusal) []refusal {
	slices.SortFunc(list, func(a, b refusal) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.event, b.event)
	})
	return list
}

// faults returns every contradiction so far, in words. Callbacks of unknown
// refusals count only when no send is under way any more.
func (l *ledger) faults() []string {
	list := slices.Clone(l.wrong)
	for _, id := range slices.Sorted(maps.Keys(l.early)) {
		list = append(list, "event "+id+" arrived, but no send was refused with it")
	}
	return list
}

// totals are a ledger's figures at one moment.
type totals struct {
	sends      int // accepted, refused and unanswered
	accepted   int
	refused    int
	unanswered int
	codes      map[api.Code]int // refused, by ErrorCode
	arrived    int              // refusals whose callback arrived
	waiting    int
	p50        time.Duration // of the callbacks' delays; 0 without any
	p95        time.Duration
	max        time.Duration
}

func (l *ledger) totals() totals {
	t := totals{accepted: l.accepted, unanswered: l.unanswered, codes: maps.Clone(l.codes), waiting: len(l.waiting)}
	for _, n := range l.codes {
		t.refused += n
	}
	t.sends = t.accepted + t.refused + t.unanswered
	t.arrived = l.delays.count()
	t.p50, t.p95, t.max = l.delays.at(0.50), l.delays.at(0.95), l.delays.at(1)
	return t
}

// delays counts durations, so that a long demonstration needs no more room than
// a short one. They are kept to a tenth of a millisecond, from 100 ms on to
// whole ones.
type delays map[time.Duration]int

func (d delays) add(v time.Duration) {
	unit := time.Millisecond / 10
	if v >= 100*time.Millisecond {
		unit = time.Millisecond
	}
	d[v.Truncate(unit)]++
}

func (d delays) count() (n int) {
	for _, c := range d {
		n += c
	}
	return n
}

// at returns the smallest value that at least the given part of all values, 0
// to 1, does not exceed; 0 without values.
func (d delays) at(part float64) time.Duration {
	need := part * float64(d.count())
	seen := 0
	for _, v := range slices.Sorted(maps.Keys(d)) {
		if seen += d[v]; float64(seen) >= need {
			return v
		}
	}
	return 0
}
