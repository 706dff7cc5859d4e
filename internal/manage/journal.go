package manage

import (
	"context"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// journal is an app's journal as it was when it was opened. Nothing is held:
// each read is by key.
type journal struct {
	reader chat.Reader
	app    chat.AppID
	epoch  string
	head   chat.Sequence // the newest event, 0 for none
	first  chat.Sequence // the oldest that is kept; head+1 for none
}

func (m *Manager) open(ctx context.Context, app chat.AppID) (*journal, error) {
	head, err := m.reader().Head(ctx, app)
	if err != nil {
		return nil, err
	}
	if head.Next == 0 {
		return nil, Missing{chat.Fail(api.CodeAppNotFound)}
	}
	j := &journal{reader: m.reader(), app: app, epoch: head.Epoch, head: head.Next - 1}
	if j.first, err = j.reader.First(ctx, app); err != nil {
		return nil, err
	}
	j.first = min(max(j.first, 1), j.head+1) // more may have been committed since
	return j, nil
}

// begins is the first sequence of the journal's epoch that is kept; head+1 for
// none. An epoch has no gap, and begins behind one that is wider than the steps
// in which it is looked for, downwards. What is kept of the epoch before lies
// below.
func (j *journal) begins(ctx context.Context) (chat.Sequence, error) {
	for seq := j.head; seq >= j.first; seq -= min(seq, chat.EpochShift) {
		next, err := j.reader.Events(ctx, j.app, seq-1, 1, 1)
		switch {
		case err != nil:
			return 0, err
		case len(next) == 0:
			return j.head + 1, nil
		case next[0].Seq != seq:
			return next[0].Seq, nil
		}
	}
	return j.first, nil
}

// at is the sequence of the first event whose EventTime is not before ms; head+1
// for none. EventTime never falls along the journal, so the halves of a range
// are looked at; what a half begins with may be missing, and the event after it
// speaks for it.
func (j *journal) at(ctx context.Context, ms int64) (chat.Sequence, error) {
	low, high := j.first, j.head+1
	for low < high {
		middle := low + (high-low)/2
		next, err := j.reader.Events(ctx, j.app, middle-1, 1, 1)
		switch {
		case err != nil:
			return 0, err
		case len(next) == 0 || next[0].Seq >= high || next[0].Time >= ms:
			high = middle
		default:
			low = next[0].Seq + 1
		}
	}
	if low > j.head {
		return j.head + 1, nil
	}
	next, err := j.reader.Events(ctx, j.app, low-1, 1, 1)
	if err != nil || len(next) == 0 {
		return j.head + 1, err
	}
	return next[0].Seq, nil
}

// look is one look through a journal for the events of a page.
type look struct {
	*journal
	r     *api.EventsRequest
	fates *fates // of the endpoint that is asked for; nil: none is
	bounds
	late time.Time // when to stop looking

	found []chat.Event
	bytes int
	seen  int           // events looked at
	next  chat.Sequence // how far it looked
	more  bool
	over  bool // what is committed later cannot fit
}

// filtered says whether events may be passed over.
func (l *look) filtered() bool {
	r := l.r
	return l.fates != nil || r.Code != 0 || r.Command != "" || r.Group != "" || r.From != ""
}

// fits looks at everything but the endpoint.
func (l *look) fits(e *chat.Event) bool {
	r := l.r
	return (r.Code == 0 || e.Code == r.Code) && (r.Command == "" || e.Command == r.Command) &&
		(r.Group == "" || string(e.Group) == r.Group) && (r.From == "" || string(e.From) == r.From)
}

// up looks for events after After, oldest first.
func (l *look) up(ctx context.Context) ([]chat.Event, error) {
	from := chat.Sequence(l.r.After)
	l.next = from
	if l.r.Since > 0 {
		begin, err := l.at(ctx, l.r.Since)
		if err != nil {
			return nil, err
		}
		from = max(from, begin-1)
	}
	where, err := l.fates.where(ctx, l.r.State, from)
	if err != nil {
		return nil, err
	}
	for {
		part, ok := where.after(from)
		if !ok {
			break
		}
		list, err := l.reader.Events(ctx, l.app, part.first-1, l.size(part), batchBytes)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		states, err := l.fates.of(ctx, list)
		if err != nil {
			return nil, err
		}
		for i := range list {
			e := &list[i]
			if l.r.Until > 0 && e.Time >= l.r.Until {
				l.next, l.over = max(l.next, from), true
				return l.found, nil
			}
			from = e.Seq
			if l.take(e, states) {
				l.next, l.more = from, from < max(l.head, list[len(list)-1].Seq)
				return l.found, nil
			}
		}
		if l.tired() {
			l.next, l.more = from, from < max(l.head, from)
			return l.found, nil
		}
	}
	l.next = max(l.next, from, l.head)
	return l.found, nil
}

// down looks for events before Before, newest first.
func (l *look) down(ctx context.Context) ([]chat.Event, error) {
	l.over = true
	before := l.head + 1
	if l.r.Before > 0 {
		before = chat.Sequence(l.r.Before)
	}
	l.next = before
	if l.r.Until > 0 {
		end, err := l.at(ctx, l.r.Until)
		if err != nil {
			return nil, err
		}
		before = min(before, end)
	}
	where, err := l.fates.where(ctx, l.r.State, 0)
	if err != nil {
		return nil, err
	}
	for {
		part, ok := where.before(before)
		if !ok {
			break
		}
		list, err := l.reader.EventsBefore(ctx, l.app, part.last+1, l.size(part), batchBytes)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		states, err := l.fates.of(ctx, list)
		if err != nil {
			return nil, err
		}
		for i := range list {
			e := &list[i]
			if e.Time < l.r.Since {
				l.next = before
				return l.found, nil
			}
			before = e.Seq
			if l.take(e, states) {
				l.next, l.more = before, before > l.first
				return l.found, nil
			}
		}
		if l.tired() {
			l.next, l.more = before, before > l.first
			return l.found, nil
		}
	}
	l.next = min(l.next, before, l.first)
	return l.found, nil
}

// size is how many events to read of a part.
func (l *look) size(part span) int {
	n := l.bounds.batch
	if !l.filtered() {
		n = l.r.Limit - len(l.found)
	}
	return int(min(uint64(n), uint64(part.last-part.first)+1))
}

// take looks at one event, and says whether the page is full.
func (l *look) take(e *chat.Event, states map[chat.Sequence]fate) (full bool) {
	l.seen++
	if !l.fits(e) || l.fates != nil && !states[e.Seq].is(l.r.State) {
		return false
	}
	l.found = append(l.found, *e)
	l.bytes += len(e.Body)
	return len(l.found) >= l.r.Limit || l.bytes >= maxPageBytes
}

// tired says whether enough was looked at for one page.
func (l *look) tired() bool {
	return l.filtered() && (l.seen >= l.bounds.rows || time.Now().After(l.late))
}
