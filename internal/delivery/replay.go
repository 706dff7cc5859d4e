package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// maxReplaying is how many events are being sent again at a time: they get rows
// as they are taken up, so that a long replay needs little room.
const maxReplaying = 64

// replayTime is for how long a replay may look for events that fit, at once.
const replayTime = 20 * time.Millisecond

// replays are the requests to send events again that are not done.
type replays struct {
	list   []chat.Replay
	stale  bool // there may be new ones
	failed time.Time
	ranges []chat.DeadRange // as they were when the first of the list was begun
	loaded int64            // whose ranges they are
}

// replay takes up events to be sent again. Their rows and how far the request
// is are written together, and none leaves before.
func (l *lane) replay(now time.Time) {
	r := &l.replays
	if r.stale && now.Sub(r.failed) >= readAgain {
		list, err := l.journal.Replays(l.ctx, l.app.ID, l.id)
		if err != nil {
			l.readFailed(err, 0)
			r.failed = now
			return
		}
		if slices.ContainsFunc(list, func(p chat.Replay) bool { return !l.isReplay(p.ID) }) {
			l.health.probe(now) // who asks for it may have mended the endpoint
		}
		l.keepProgress(list)
		// A request for one event does not stand behind long ones.
		slices.SortStableFunc(list, func(a, b chat.Replay) int { return cmp.Compare(a.Last-a.First, b.Last-b.First) })
		r.list, r.stale, r.failed = list, false, time.Time{}
	}
	for len(r.list) > 0 && l.apart.replays < maxReplaying && len(l.apart.seqs) < maxApart && l.whyPaused() == "" && l.health.down.IsZero() {
		p := &r.list[0]
		from, before := p.Next, l.apart.replays
		err := l.takeUp(p, now)
		l.apart.sort()
		if err != nil {
			l.readFailed(err, p.Next-1)
			return
		}
		if p.Next == from {
			return // until the cursor has passed what is under way
		}
		if p.Next <= p.Last && l.apart.replays == before && time.Since(now) < replayTime {
			continue // nothing found yet
		}
		l.unsaved.Replays = append(l.unsaved.Replays, *p)
		l.dirty = true
		if p.Next <= p.Last {
			return // the next page when these are on their way
		}
		l.log.Info("a replay is done", "app", l.app.ID, "endpoint", l.id, "replay", p.ID)
		r.list = r.list[1:]
	}
}

// isReplay says whether a request is known already.
func (l *lane) isReplay(id int64) bool {
	return slices.ContainsFunc(l.replays.list, func(p chat.Replay) bool { return p.ID == id })
}

// keepProgress keeps how far replays are beyond what is written.
func (l *lane) keepProgress(list []chat.Replay) {
	for i := range list {
		for _, have := range l.replays.list {
			if have.ID == list[i].ID {
				list[i].Next = max(list[i].Next, have.Next)
			}
		}
	}
}

// takeUp goes on with a replay by a page.
func (l *lane) takeUp(p *chat.Replay, now time.Time) error {
	if l.replays.loaded != p.ID {
		ranges, err := l.journal.DeadRanges(l.ctx, l.app.ID, l.id)
		if err != nil {
			return err
		}
		l.replays.ranges, l.replays.loaded = ranges, p.ID
	}
	if p.Dead {
		return l.takeUpDead(p, now)
	}
	page, err := l.journal.Events(l.ctx, l.app.ID, p.Next-1, pageEvents, pageBytes)
	if err != nil {
		return err
	}
	for i := range page {
		e := &page[i]
		if e.Seq > p.Last {
			break
		}
		if l.passedIn(e.Seq) {
			return nil // it waits until the cursor is there
		}
		if p.Fits(e) && (p.First == p.Last || l.endpoint.IsFor(e)) && e.Seq <= l.cursor {
			previous, err := l.inDeadRange(e.Seq)
			if err != nil {
				return err
			}
			if err := l.sendAgain(e, previous, now); err != nil {
				return err
			}
		}
		if p.Next = e.Seq + 1; l.apart.replays >= maxReplaying {
			return nil
		}
	}
	if len(page) == 0 || page[len(page)-1].Seq >= p.Last {
		p.Next = p.Last + 1
	}
	return nil
}

// passedIn says whether an event beyond the cursor is settled. One that is not,
// or was not looked at, is on its way anyhow.
func (l *lane) passedIn(seq chat.Sequence) bool {
	if seq <= l.cursor || seq > chat.Sequence(l.position.Load()) {
		return false
	}
	i, found := slices.BinarySearchFunc(l.window, seq, func(it *item, seq chat.Sequence) int { return cmp.Compare(it.seq, seq) })
	return found && l.window[i].settled && l.window[i].wanted
}

// takeUpDead goes on with a replay of dead letters: those with rows of their own
// and those in ranges, in the order of their sequences.
func (l *lane) takeUpDead(p *chat.Replay, now time.Time) error {
	rows, err := l.journal.Pending(l.ctx, l.app.ID, l.id, true, p.Next-1, maxReplaying)
	if err != nil {
		return err
	}
	end := p.Last // rows are known up to here
	if len(rows) == maxReplaying {
		end = min(end, rows[len(rows)-1].Seq)
	}
	isRow := make(map[chat.Sequence]bool, len(rows))
	before := make(map[chat.Sequence]chat.Sequence) // of those without a row
	var list []chat.Event
	for i := range rows {
		if rows[i].Seq > end {
			break
		}
		isRow[rows[i].Seq] = true
		e, ok, err := l.journal.Event(l.ctx, l.app.ID, rows[i].Seq)
		if err != nil {
			return err
		}
		if ok && p.Fits(&e) {
			list = append(list, e)
		}
	}
	for i := range l.replays.ranges {
		d := &l.replays.ranges[i]
		if d.Last < p.Next || d.First > end {
			continue
		}
		more, upTo, err := l.inRange(d, p, max(d.First, p.Next), min(d.Last, end), isRow, before)
		if err != nil {
			return err
		}
		list = append(list, more...)
		if upTo < min(d.Last, end) { // a page of it: the rest comes next
			end = upTo
			break
		}
	}
	for i := range list {
		if list[i].Seq <= end {
			if err := l.sendAgain(&list[i], before[list[i].Seq], now); err != nil {
				return err
			}
		}
	}
	p.Next = end + 1
	return nil
}

// inRange finds the dead letters of a range that have no row and were not
// delivered since, and says how far it looked.
func (l *lane) inRange(d *chat.DeadRange, p *chat.Replay, first, last chat.Sequence, isRow map[chat.Sequence]bool, before map[chat.Sequence]chat.Sequence) (list []chat.Event, upTo chat.Sequence, err error) {
	page, err := l.journal.Events(l.ctx, l.app.ID, first-1, maxReplaying, pageBytes)
	if err != nil {
		return nil, 0, err
	}
	upTo = last
	if n := len(page); n > 0 && n == maxReplaying {
		upTo = min(last, page[n-1].Seq)
	} else if n > 0 && page[n-1].Seq < last { // the page was cut by its bytes
		upTo = page[n-1].Seq
	}
	was, err := l.journal.Delivered(l.ctx, l.app.ID, l.id, first, upTo)
	if err != nil {
		return nil, 0, err
	}
	last, err = l.lastLet(d, first)
	if err != nil {
		return nil, 0, err
	}
	for i := range page {
		e := &page[i]
		if e.Seq > upTo || !d.Switches.Let(e) {
			continue
		}
		before[e.Seq], last = last, e.Seq
		if !isRow[e.Seq] && !was[e.Seq] && p.Fits(e) {
			list = append(list, *e)
		}
	}
	return list, upTo, nil
}

// inDeadRange is the Parley-Previous of an event, if it is in a range of dead
// letters.
func (l *lane) inDeadRange(seq chat.Sequence) (chat.Sequence, error) {
	for i := range l.replays.ranges {
		if d := &l.replays.ranges[i]; seq >= d.First && seq <= d.Last {
			return l.lastLet(d, seq)
		}
	}
	return 0, nil
}

// lastLet is the last event of a range before a sequence that was for the
// endpoint; if it has none, that before the range.
func (l *lane) lastLet(d *chat.DeadRange, before chat.Sequence) (chat.Sequence, error) {
	for before > d.First {
		page, err := l.journal.EventsBefore(l.ctx, l.app.ID, before, maxReplaying, pageBytes)
		if err != nil {
			return 0, err
		}
		for i := range page {
			if before = page[i].Seq; before >= d.First && d.Switches.Let(&page[i]) {
				return before, nil
			}
		}
		if len(page) == 0 {
			break
		}
	}
	return d.Previous, nil
}

// sendAgain gives an event a row with its next attempt. One that waits for an
// attempt anyway waits no longer: its row still names the later time, which is
// what holds after a crash. previous is used if no row and no delivery tells.
func (l *lane) sendAgain(e *chat.Event, previous chat.Sequence, now time.Time) error {
	if it, waits := l.apart.seqs[e.Seq]; waits {
		if it.next.After(now) {
			it.next = now
		}
		return nil
	}
	row, known, err := l.journal.PendingOf(l.ctx, l.app.ID, l.id, e.Seq)
	if err != nil {
		return err
	}
	made, err := l.journal.Attempts(l.ctx, l.app.ID, l.id, e.Seq)
	if err != nil {
		return err
	}
	it := &item{seq: e.Seq, time: e.Time, wanted: true, apart: true, replay: true, since: now, next: now, previous: previous}
	if known {
		it.previous, it.before = row.Previous, row.Attempt
	}
	for _, list := range [][]chat.Attempted{made, l.handed.Failed, l.handed.Delivered, l.unsaved.Failed, l.unsaved.Delivered} {
		for i := range list {
			if list[i].Seq == it.seq {
				it.before = max(it.before, list[i].Attempt)
				if list[i].Reason == "" && !known {
					it.previous = list[i].Previous
				}
			}
		}
	}
	it.attempt = it.before + 1
	own := *e
	it.event = &own
	l.apart.add(it)
	// In one report rows are written before others are deleted.
	l.unsaved.Delete = slices.DeleteFunc(l.unsaved.Delete, func(seq chat.Sequence) bool { return seq == it.seq })
	l.putRow(it, false, row.Status, row.Reason)
	l.parked = append(l.parked, it)
	return nil
}
