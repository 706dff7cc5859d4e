package demo

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/monitor"
)

const (
	patience  = time.Second            // after which a missing callback is reported
	paintRate = 250 * time.Millisecond // between two looks at the clock
)

// desk is where the crowd and the monitor report to. It keeps the ledger and
// collects what is to be shown; a goroutine of its own hands that to the view,
// so that a slow terminal holds nobody up.
type desk struct {
	view  view
	began time.Time

	mu      sync.Mutex // guards what follows
	ledger  *ledger
	page    map[api.Code]int // exceptions of the chat page's users
	pending []entry
	state   state

	kick  chan struct{} // has room for one: there is something to show
	calm  chan struct{} // has room for one: no refusal waits for its callback
	quit  chan struct{}
	done  chan struct{}
	fault error // of the view; read after done
	// broken is closed when the view failed: nobody looks any more.
	broken chan struct{}
}

func newDesk(v view) *desk {
	return &desk{
		view: v, began: time.Now(), ledger: newLedger(), page: map[api.Code]int{},
		kick: make(chan struct{}, 1), calm: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}), broken: make(chan struct{}),
	}
}

// start begins to show what is reported.
func (d *desk) start() { go d.run() }

// stop shows what is left and takes away what is not to stay.
func (d *desk) stop() error {
	close(d.quit)
	<-d.done
	return d.fault
}

func (d *desk) run() {
	defer close(d.done)
	tick := time.NewTicker(paintRate)
	defer tick.Stop()
	for {
		select {
		case <-d.kick:
		case <-tick.C:
		case <-d.quit:
			if d.fault == nil {
				d.fault = errors.Join(d.paint(), d.view.end())
			}
			return
		}
		if d.fault == nil {
			if d.fault = d.paint(); d.fault != nil {
				close(d.broken)
			}
		}
	}
}

func (d *desk) paint() error {
	d.mu.Lock()
	for _, r := range d.ledger.overdue(time.Now().Add(-patience)) {
		d.pending = append(d.pending, overdueEntry{r})
	}
	entries, s := d.pending, d.state
	d.pending = nil
	s.totals, s.elapsed = d.ledger.totals(), time.Since(d.began)
	d.mu.Unlock()
	return d.view.show(entries, s)
}

// report changes the books under the lock and shows what is returned, if
// anything.
func (d *desk) report(change func() entry) {
	d.mu.Lock()
	e := change()
	if e != nil {
		d.pending = append(d.pending, e)
	}
	calm := len(d.ledger.waiting) == 0
	d.mu.Unlock()
	if e != nil {
		signal(d.kick)
	}
	if calm {
		signal(d.calm)
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// note shows words.
func (d *desk) note(text string) {
	d.report(func() entry { return noteEntry{text: text} })
}

// set changes what is shown beside the entries.
func (d *desk) set(change func(*state)) {
	d.mu.Lock()
	change(&d.state)
	d.mu.Unlock()
	signal(d.kick)
}

func (d *desk) delivered(group, from, text string) {
	d.report(func() entry {
		d.ledger.accept()
		d.state.latest = flat(from + " in " + group + ": “" + text + "”")
		return nil
	})
}

func (d *desk) refused(r refusal) {
	d.report(func() entry { return shown(d.ledger.refuse(r)) })
}

func (d *desk) lost(group, from, _ string, err error) {
	d.report(func() entry {
		d.ledger.lose()
		return noteEntry{text: "no answer: " + from + " in " + group + ": " + err.Error(), warn: true}
	})
}

// pageCodes are the exceptions of the chat page's users, by code.
func (d *desk) pageCodes() map[api.Code]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.page)
}

// exception is the monitor's hook. What the chat page's users do is not in the
// crowd's books.
func (d *desk) exception(e monitor.Stored) {
	if e.SdkAppid == pageAppID {
		d.report(func() entry { d.page[codeOf(e)] += e.Refusals; return nil })
		return
	}
	a := arrival{event: e.EventID, code: codeOf(e), at: time.Now()}
	d.report(func() entry { return shown(d.ledger.arrive(a)) })
}

func shown(s settled, ok bool) entry {
	if !ok {
		return nil
	}
	return settledEntry{s}
}

// Write shows lines of a log; it never fails.
func (d *desk) Write(text []byte) (int, error) {
	for l := range strings.SplitSeq(strings.TrimRight(string(text), "\n"), "\n") {
		d.report(func() entry { return noteEntry{text: l, warn: true} })
	}
	return len(text), nil
}

// wait returns when no refusal waits for its callback any more, or when
// timeout is closed.
func (d *desk) wait(timeout <-chan struct{}) {
	for {
		d.mu.Lock()
		calm := len(d.ledger.waiting) == 0
		d.mu.Unlock()
		if calm {
			return
		}
		select {
		case <-d.calm:
		case <-timeout:
			return
		}
	}
}

// books returns the totals, the refusals without a callback, and every
// contradiction.
func (d *desk) books() (totals, []refusal, []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ledger.totals(), d.ledger.missing(), d.ledger.faults()
}
