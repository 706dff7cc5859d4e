package manage

import (
	"cmp"
	"context"
	"slices"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// fates tell how events fare at one endpoint. A nil *fates is of no endpoint and
// of every event.
type fates struct {
	reader   chat.Reader
	app      chat.AppID
	endpoint *chat.Endpoint
	ranges   []chat.DeadRange
}

// fate is how one event fares at an endpoint.
type fate struct {
	state string
	wants bool            // it is for the endpoint
	row   *chat.Pending   // nil: none
	dead  *chat.DeadRange // that it died in without a row; nil: none
}

// is says whether an event is listed with the given state; "" is all that is for
// the endpoint.
func (f fate) is(state string) bool { return f.state == state || state == "" && f.wants }

// fates reads what is the same for all events of an endpoint.
func (m *Manager) fates(ctx context.Context, app chat.AppID, id string) (*fates, error) {
	e, err := m.endpoint(ctx, app, id)
	if err != nil {
		return nil, err
	}
	return m.fatesOf(ctx, e)
}

func (m *Manager) fatesOf(ctx context.Context, e *chat.Endpoint) (*fates, error) {
	ranges, err := m.reader().DeadRanges(ctx, e.App, e.ID)
	if err != nil {
		return nil, err
	}
	return &fates{m.reader(), e.App, e, ranges}, nil
}

// of tells the fates of events that are in ascending or descending order.
func (f *fates) of(ctx context.Context, events []chat.Event) (map[chat.Sequence]fate, error) {
	if f == nil || len(events) == 0 {
		return nil, nil
	}
	first, last := events[0].Seq, events[len(events)-1].Seq
	if first > last {
		first, last = last, first
	}
	// The rows come first: an event that is delivered in between has a record then.
	rows, err := f.rows(ctx, first, last)
	if err != nil {
		return nil, err
	}
	delivered, err := f.delivered(ctx, events)
	if err != nil {
		return nil, err
	}
	all := make(map[chat.Sequence]fate, len(events))
	for i := range events {
		e := &events[i]
		all[e.Seq] = f.judge(e, rows[e.Seq], delivered[e.Seq])
	}
	return all, nil
}

func (f *fates) rows(ctx context.Context, first, last chat.Sequence) (map[chat.Sequence]*chat.Pending, error) {
	rows := make(map[chat.Sequence]*chat.Pending)
	for _, dead := range []bool{false, true} {
		for after := first - 1; after < last; {
			page, err := f.reader.Pending(ctx, f.app, f.endpoint.ID, dead, after, 1000)
			if err != nil {
				return nil, err
			}
			for i := range page {
				if after = page[i].Seq; after > last {
					break
				}
				rows[after] = &page[i]
			}
			if len(page) < 1000 {
				break
			}
		}
	}
	return rows, nil
}

// delivered asks for the chunks that the events are in, and no others: sequences
// may jump.
func (f *fates) delivered(ctx context.Context, events []chat.Event) (map[chat.Sequence]bool, error) {
	all := make(map[chat.Sequence]bool)
	chunk := int64(-1)
	for i := range events {
		at := chat.ChunkOf(events[i].Seq)
		if at == chunk {
			continue
		}
		chunk = at
		first := chat.Sequence(at * chat.DeliveryChunk)
		part, err := f.reader.Delivered(ctx, f.app, f.endpoint.ID, first, first+chat.DeliveryChunk-1)
		if err != nil {
			return nil, err
		}
		for seq := range part {
			all[seq] = true
		}
	}
	return all, nil
}

// judge tells how an event fares: by its row, by the record of its delivery, by
// the range that it died in, and else by where the cursor stands. A cursor
// passes an event that is for its endpoint only when it was delivered or stands
// apart, so one without any record was delivered before records were kept.
func (f *fates) judge(e *chat.Event, row *chat.Pending, delivered bool) fate {
	to := f.endpoint
	wants := to.IsFor(e)
	switch {
	case row != nil && row.Dead:
		return fate{state: api.StateDead, wants: true, row: row}
	case row != nil:
		return fate{state: api.StateWaiting, wants: true, row: row}
	case delivered:
		return fate{state: api.StateDelivered, wants: true}
	}
	for i := range f.ranges {
		if d := &f.ranges[i]; e.Seq >= d.First && e.Seq <= d.Last && d.Switches.Let(e) {
			return fate{state: api.StateDead, wants: true, dead: d}
		}
	}
	switch {
	case !wants:
		return fate{state: api.StateUnwanted}
	case e.Seq > to.Cursor:
		return fate{state: api.StateWaiting, wants: true}
	case e.Seq <= f.known():
		return fate{state: api.StateEarlier}
	}
	return fate{state: api.StateDelivered, wants: true}
}

// known is the sequence behind which the switches of the past are known. Which
// held before, or whether the endpoint was there at all, nobody knows any more.
func (f *fates) known() chat.Sequence {
	if past := f.endpoint.Past; len(past) > 0 {
		return past[0].UpTo
	}
	return f.endpoint.Since
}

// span is a part of a journal, both ends included.
type span struct{ first, last chat.Sequence }

const (
	everything = ^chat.Sequence(0) - 1
	// maxSpanRows is how many rows of an endpoint are looked at to know where its
	// events are; beyond the last of them the journal itself is looked through.
	maxSpanRows = 5_000
	nearby      = 16 // rows as near as this are read together
)

// spans are parts in order, none of which touch.
type spans []span

// where tells in which parts of the journal, after a sequence, events of a state
// can be: dead letters and waiting events are few, and have rows.
func (f *fates) where(ctx context.Context, state string, after chat.Sequence) (spans, error) {
	if f == nil || state != api.StateDead && state != api.StateWaiting {
		return spans{{1, everything}}, nil
	}
	var all spans
	if state == api.StateWaiting {
		all = append(all, span{f.endpoint.Cursor + 1, everything})
	} else {
		for _, d := range f.ranges {
			all = append(all, span{d.First, d.Last})
		}
	}
	for n := 0; ; {
		page, err := f.reader.Pending(ctx, f.app, f.endpoint.ID, state == api.StateDead, after, 1000)
		if err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].Seq
			all = append(all, span{after, after})
		}
		if n += len(page); len(page) < 1000 {
			break
		}
		if n >= maxSpanRows {
			all = append(all, span{after + 1, everything})
			break
		}
	}
	return all.joined(), nil
}

// joined puts spans into order, and together where they are near each other.
func (s spans) joined() spans {
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var out spans
	for _, next := range s {
		if n := len(out); n > 0 && next.first <= out[n-1].last+nearby {
			out[n-1].last = max(out[n-1].last, next.last)
			continue
		}
		out = append(out, next)
	}
	return out
}

// after is what there is to look at first after a sequence.
func (s spans) after(seq chat.Sequence) (span, bool) {
	for _, part := range s {
		if part.last > seq {
			return span{max(part.first, seq+1), part.last}, true
		}
	}
	return span{}, false
}

// before is what there is to look at last before a sequence.
func (s spans) before(seq chat.Sequence) (span, bool) {
	for _, part := range slices.Backward(s) {
		if part.first < seq {
			return span{part.first, min(part.last, seq-1)}, true
		}
	}
	return span{}, false
}
