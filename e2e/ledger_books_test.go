package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-im/parley/api"
)

// books are what is known of a run at its end, from four sides: what senders
// were told, what the app's totals say, what the store holds, and what each
// endpoint saw. None is derived from another.
type books struct {
	told      told
	totals    api.AppTotals // of the app's row
	last      lastLife      // of the server's last life
	head      uint64
	epoch     string
	journal   []entry   // by sequence
	messages  []message // as stored
	endpoints []*account
	killed    bool // while the store took no writes: 10002 may be lost then
}

// told is what senders were told.
type told struct {
	calls    int // made, answered or not
	accepted map[uint32]acceptance
	refused  map[string]refused // by event
	dropped  int                // answered as sent, and that they are over the rate
	repeated int                // repeats of what was known to be accepted
	unknown  int                // calls without an answer that tells the outcome
	faults   []string           // answers that cannot be right by themselves
}

// acceptance is where an accepted message is.
type acceptance struct {
	group string
	seq   uint64
	time  int64
}

// refused is an event that senders were told of.
type refused struct {
	code api.Code
	n    int // how many were told: above the storm limit refusals share an event
}

// lastLife compares the metrics of the server's last life with the answers of
// that life.
type lastLife struct {
	attempts, ok, refused, dropped, unanswered int // by the metrics; ok is accepted and repeated
	calls, toldOK, toldRefused, toldDropped    int
	unknown                                    int
}

// entry is an event as it stands in the journal.
type entry struct {
	seq     uint64
	id      string
	command string
	code    int
	group   string
	count   int
	body    uint64 // a hash of it
	message uint64 // the MsgSeq that it tells of, if it does
}

func (e *entry) String() string {
	return fmt.Sprintf("event %d (%s, %s, code %d, group %q, count %d)", e.seq, e.id, e.command, e.code, e.group, e.count)
}

// message is an accepted message as stored.
type message struct {
	gkey   int64 // stands for the group
	seq    uint64
	random uint32
}

// account is what is known of one endpoint.
type account struct {
	id       string
	commands []string
	codes    []int
	groups   []string
	inOrder  bool
	arrivals []arrival
	dead     map[uint64]string // why, by sequence
	ranges   []deadRange
	waiting  []uint64 // events that the store still holds for it
	cursor   uint64
	faults   []string // requests that cannot be right by themselves
}

type deadRange struct{ first, last uint64 }

// arrival is one request, as the endpoint saw it. began and took are times of
// one clock that ticks at each of both; took is 0 unless it was answered well.
type arrival struct {
	seq, previous, settled uint64
	id, epoch, command     string
	group                  string
	attempt, count         int
	body                   uint64
	began, took            int64
	replay                 bool
	mood                   string
}

func (a *account) wants(e *entry) bool {
	return slices.Contains(a.commands, e.command) &&
		(len(a.codes) == 0 || e.command != exceptionCommand || slices.Contains(a.codes, e.code)) &&
		(len(a.groups) == 0 || slices.Contains(a.groups, e.group))
}

func (a *account) isDead(seq uint64) bool {
	_, row := a.dead[seq]
	return row || slices.ContainsFunc(a.ranges, func(r deadRange) bool { return r.first <= seq && seq <= r.last })
}

const (
	exceptionCommand = "Group.CallbackSendMsgException"
	afterSendCommand = "Group.CallbackAfterSendMsg"
)

// audit compares the books and returns every difference, at most a few of a kind.
func (b *books) audit() (differences []string) {
	var kind string
	n := make(map[string]int)
	differ := func(format string, args ...any) {
		if n[kind]++; n[kind] <= 5 {
			differences = append(differences, kind+": "+fmt.Sprintf(format, args...))
		}
	}
	for _, check := range []struct {
		kind  string
		check func(differ func(string, ...any))
	}{
		{"answers", b.auditAnswers}, {"journal", b.auditJournal}, {"refusals", b.auditRefusals}, {"messages", b.auditMessages},
		{"totals", b.auditTotals}, {"last life", b.auditLastLife},
	} {
		kind = check.kind
		check.check(differ)
	}
	for _, a := range b.endpoints {
		kind = "endpoint " + a.id
		b.auditEndpoint(a, differ)
	}
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		if n[kind] > 5 {
			differences = append(differences, fmt.Sprintf("%s: %d more differences", kind, n[kind]-5))
		}
	}
	return differences
}

func (b *books) auditAnswers(differ func(string, ...any)) {
	for _, f := range b.told.faults {
		differ("%s", f)
	}
}

// auditJournal: sequences from 1 on without a gap, each id once.
func (b *books) auditJournal(differ func(string, ...any)) {
	ids := make(map[string]uint64)
	want := uint64(1)
	for i := range b.journal {
		e := &b.journal[i]
		if e.seq != want {
			differ("%s stands where %d belongs", e, want)
		}
		want = e.seq + 1
		if first, twice := ids[e.id]; twice {
			differ("%s has the id of event %d", e, first)
		}
		ids[e.id] = e.seq
		if e.count < 1 {
			differ("%s counts nothing", e)
		}
	}
	if b.head != want-1 {
		differ("the app says that it ends at %d, the last event is %d", b.head, want-1)
	}
}

// auditRefusals: each refusal told is one event, and no more are untold than
// calls were without an answer.
func (b *books) auditRefusals(differ func(string, ...any)) {
	byID := make(map[string]*entry)
	sum, told := 0, 0
	for i := range b.journal {
		if e := &b.journal[i]; e.command == exceptionCommand {
			byID[e.id] = e
			sum += e.count
		}
	}
	for id, r := range b.told.refused {
		told += r.n
		e := byID[id]
		switch {
		case e == nil && r.code == api.CodeInternal && b.killed: // contract §3: a kill may lose it
			sum++
		case e == nil:
			differ("%d senders were told %d with event %s, which is not in the journal", r.n, r.code, id)
		case e.code != int(r.code):
			differ("senders were told %d with %s", r.code, e)
		case e.count < r.n:
			differ("%d senders were told of %s", r.n, e)
		}
	}
	if untold := sum - told - b.told.dropped; untold < 0 || untold > b.told.unknown {
		differ("the journal has %d refusals; %d were told, %d sends dropped for their rate, and %d calls had no answer", sum, told, b.told.dropped, b.told.unknown)
	}
}

// auditMessages: each accepted message is stored once, under its number; each
// group's numbers have no gap; each has its event if somebody wants these.
func (b *books) auditMessages(differ func(string, ...any)) {
	stored := make(map[uint32]message)
	next := make(map[int64]uint64)
	groups := make(map[int64]string)
	for _, m := range b.messages { // by group and number
		if first, twice := stored[m.random]; twice {
			differ("message %d is stored as %d and %d", m.random, first.seq, m.seq)
		}
		stored[m.random] = m
		if next[m.gkey]++; m.seq != next[m.gkey] {
			differ("message %d has number %d where %d belongs", m.random, m.seq, next[m.gkey])
			next[m.gkey] = m.seq
		}
		a, ok := b.told.accepted[m.random]
		if !ok {
			differ("message %d is stored as %d, and its sender was never told so", m.random, m.seq)
			continue
		}
		if g, known := groups[m.gkey]; known && g != a.group {
			differ("message %d of group %s is stored in group %s", m.random, a.group, g)
		}
		groups[m.gkey] = a.group
	}
	for random, a := range b.told.accepted {
		if m, ok := stored[random]; !ok || m.seq != a.seq {
			differ("message %d was accepted as %d of %s, and is stored as %d (%t)", random, a.seq, a.group, m.seq, ok)
		}
	}
	if !slices.ContainsFunc(b.endpoints, func(a *account) bool { return slices.Contains(a.commands, afterSendCommand) && len(a.groups) == 0 }) {
		return
	}
	type place struct {
		group string
		seq   uint64
	}
	events := make(map[place]int)
	for i := range b.journal {
		if e := &b.journal[i]; e.command == afterSendCommand {
			events[place{e.group, e.message}]++
		}
	}
	for random, a := range b.told.accepted {
		if n := events[place{a.group, a.seq}]; n != 1 {
			differ("message %d, number %d of %s, has %d events", random, a.seq, a.group, n)
		}
		delete(events, place{a.group, a.seq})
	}
	for p, n := range events {
		differ("%d events tell of message %d of %s, which nobody sent", n, p.seq, p.group)
	}
}

// auditTotals: the app's own sums are those of the answers. What had no answer
// may be in them.
func (b *books) auditTotals(differ func(string, ...any)) {
	refused, told := 0, 0
	for i := range b.journal {
		if b.journal[i].command == exceptionCommand {
			refused += b.journal[i].count
		}
	}
	for _, r := range b.told.refused {
		told += r.n
	}
	if got := int(b.totals.Accepted); got != len(b.told.accepted) {
		differ("%d accepted, %d senders were told so", got, len(b.told.accepted))
	}
	if got := int(b.totals.Refused) + int(b.totals.Dropped); got != refused {
		differ("%d refused and %d dropped, the journal has %d", b.totals.Refused, b.totals.Dropped, refused)
	}
	lost := 0
	if b.killed {
		lost = told
	}
	if got := int(b.totals.Refused); got < told-lost || got > told+b.told.unknown {
		differ("%d refused, %d senders were told so and %d had no answer", got, told, b.told.unknown)
	}
	if got := int(b.totals.Dropped); got < b.told.dropped || got > b.told.dropped+b.told.unknown {
		differ("%d dropped, %d senders were told so and %d had no answer", got, b.told.dropped, b.told.unknown)
	}
	// Repeats are added to the row a little later: a kill may lose some.
	if got := int(b.totals.Repeated); got > b.told.repeated+b.told.unknown {
		differ("%d repeated, %d senders were told so and %d had no answer", got, b.told.repeated, b.told.unknown)
	}
}

// auditLastLife: since the last start nothing was lost, so the metrics are the
// answers to the last one.
func (b *books) auditLastLife(differ func(string, ...any)) {
	l := b.last
	if l.attempts != l.ok+l.refused+l.dropped+l.unanswered {
		differ("%d attempts, but %d accepted and repeated, %d refused, %d dropped, %d unanswered", l.attempts, l.ok, l.refused, l.dropped, l.unanswered)
	}
	within := func(what string, got, told int) {
		if got < told || got > told+l.unknown {
			differ("%d %s, the answers say %d and %d calls had none", got, what, told, l.unknown)
		}
	}
	within("attempts", l.attempts, l.calls-l.unknown)
	within("accepted and repeated", l.ok, l.toldOK)
	within("refused", l.refused, l.toldRefused)
	within("dropped", l.dropped, l.toldDropped)
}

// auditEndpoint: each event that it wants was taken or is a dead letter, none
// that it does not want came, and what the requests said of each other is true.
func (b *books) auditEndpoint(a *account, differ func(string, ...any)) {
	for _, f := range a.faults {
		differ("%s", f)
	}
	arrived := make(map[uint64][]*arrival)
	taken := make(map[uint64]int64) // first
	for i := range a.arrivals {
		r := &a.arrivals[i]
		arrived[r.seq] = append(arrived[r.seq], r)
		if r.took != 0 && (taken[r.seq] == 0 || r.took < taken[r.seq]) {
			taken[r.seq] = r.took
		}
	}
	previous := make(map[uint64]uint64)
	wanted := make(map[uint64]*entry)
	before := uint64(0)
	for i := range b.journal {
		e := &b.journal[i]
		if !a.wants(e) {
			if n := len(arrived[e.seq]); n > 0 {
				differ("%s is not for it and came %d times", e, n)
			}
			continue
		}
		wanted[e.seq], previous[e.seq] = e, before
		before = e.seq
		if taken[e.seq] == 0 && !a.isDead(e.seq) {
			differ("%s was neither delivered nor is it a dead letter; it came %d times: %s", e, len(arrived[e.seq]), story(arrived[e.seq]))
		}
	}
	for _, seq := range a.waiting {
		differ("event %d still waits", seq)
	}
	for seq := range a.dead {
		if wanted[seq] == nil {
			differ("event %d is a dead letter and not for it", seq)
		}
	}
	if a.cursor != b.head {
		differ("its cursor stands at %d, the journal ends at %d", a.cursor, b.head)
	}
	attempts := make(map[uint64]int)
	for i := range a.arrivals {
		r := &a.arrivals[i]
		e := wanted[r.seq]
		switch {
		case e == nil:
			if r.seq == 0 || r.seq > b.head {
				differ("event %d (%s) came, which is not in the journal", r.seq, r.id)
			}
			continue
		case r.id != e.id || r.body != e.body || r.command != e.command || r.count != e.count:
			differ("%s came with id %s, command %s, count %d, the same body: %t", e, r.id, r.command, r.count, r.body == e.body)
		case r.epoch != b.epoch:
			differ("%s came with epoch %s, the app's is %s", e, r.epoch, b.epoch)
		case r.previous != previous[r.seq] && !r.replay:
			differ("%s came with Previous %d, it is %d", e, r.previous, previous[r.seq])
		case r.attempt < attempts[r.seq]:
			differ("%s came with attempt %d after attempt %d", e, r.attempt, attempts[r.seq])
		}
		attempts[r.seq] = r.attempt
	}
	b.auditSettled(a, taken, wanted, differ)
	if a.inOrder {
		b.auditOrder(a, taken, differ)
	}
}

// story tells of arrivals in few words.
func story(list []*arrival) string {
	var parts []string
	for _, r := range list[:min(len(list), 8)] {
		parts = append(parts, fmt.Sprintf("attempt %d met %s", r.attempt, r.mood))
	}
	return strings.Join(parts, ", ")
}

// auditSettled: what was called settled was over by then.
func (b *books) auditSettled(a *account, taken map[uint64]int64, wanted map[uint64]*entry, differ func(string, ...any)) {
	upTo := uint64(0)
	for i := range a.arrivals { // by began
		r := &a.arrivals[i]
		if r.settled > b.head {
			differ("event %d came with Settled %d beyond the end", r.seq, r.settled)
		}
		for upTo < r.settled && upTo < b.head {
			seq := upTo + 1
			if wanted[seq] != nil && !a.isDead(seq) && (taken[seq] == 0 || taken[seq] > r.began) {
				differ("event %d came with Settled %d, but event %d was not delivered before", r.seq, r.settled, seq)
				return
			}
			upTo = seq
		}
	}
}

// auditOrder: when an event of a group first came, all before it of its group
// had been taken, or are dead letters.
func (b *books) auditOrder(a *account, taken map[uint64]int64, differ func(string, ...any)) {
	first := make(map[uint64]int64)
	for i := range a.arrivals {
		if r := &a.arrivals[i]; first[r.seq] == 0 && !r.replay {
			first[r.seq] = r.began
		}
	}
	type latest struct {
		seq  uint64
		took int64 // when the last of those before was taken
	}
	line := make(map[string]latest)
	for i := range b.journal {
		e := &b.journal[i]
		if !a.wants(e) || e.group == "" { // what names no group waits for nothing
			continue
		}
		l := line[e.group]
		if at := first[e.seq]; at != 0 && l.took > at {
			differ("%s came before event %d of its group was taken", e, l.seq)
		}
		if t := taken[e.seq]; t > l.took && !a.isDead(e.seq) {
			line[e.group] = latest{e.seq, t}
		}
	}
}
