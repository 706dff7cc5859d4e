package chat

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-im/parley/api"
)

// plan is what a batch makes of one entry.
type plan struct {
	trace   Trace
	outcome Outcome
	stale   bool // refused by a state that is no more: to be judged anew by its sender
}

// share is one app's part of a batch.
type share struct {
	tenant *tenant
	sends  []*entry
	lazy   []*flush
	totals Totals
	rows   Rows
	marked map[StandingID]int // where in rows.Read a member's position is
	head   Head
	gone   bool      // the app was removed while its sends were waiting
	sent   []Message // what was accepted, for the audience
}

// shares splits a batch by app, keeping the order within each.
func (w *writer) shares(b batch) []*share {
	var list []*share
	find := func(a *tenant) *share {
		for _, s := range list {
			if s.tenant == a {
				return s
			}
		}
		list = append(list, &share{tenant: a})
		return list[len(list)-1]
	}
	for _, e := range b.sends {
		s := find(e.attempt.tenant)
		s.sends = append(s.sends, e)
	}
	for _, f := range b.lazy {
		if a, ok := w.b.tenant(f.app); ok { // else the app is gone, and its lanes with it
			s := find(a)
			s.lazy = append(s.lazy, f)
		}
	}
	for a, t := range b.totals {
		if _, ok := w.b.tenant(a.id); ok {
			s := find(a)
			s.totals = s.totals.plus(t)
		}
	}
	return list
}

// prepare locks the app, judges by its state what was admitted under an older
// one, and gives out the numbers. If another process changed the state and yield
// is true, it fails with errBehind, so that the row is not held meanwhile.
func (w *writer) prepare(tx Tx, s *share, yield bool) error {
	now := w.b.Now()
	keys := make([]GroupKey, 0, len(s.sends))
	repeats := make([]RepeatKey, 0, len(s.sends))
	for _, e := range s.sends {
		if e.refusal == nil {
			keys = appendNew(keys, e.attempt.view.group.Key)
		}
		if e.refusal == nil || e.unasked() {
			repeats = append(repeats, e.attempt.key)
		}
	}
	head, err := tx.Lock(s.tenant.id, keys, repeats, now.Unix())
	if err != nil {
		return fmt.Errorf("lock app %d: %w", s.tenant.id, err)
	}
	s.head = head
	for _, e := range s.sends {
		if e.refusal == nil || e.unasked() { // the lock has looked them up
			e.attempt.recalled = true
		}
	}
	if now, ok := w.b.tenant(s.tenant.id); head.Next == 0 || !ok || now != s.tenant { // removed, perhaps made again
		s.gone, s.rows = true, Rows{}
		for _, e := range s.sends {
			e.plan = plan{}
		}
		return nil
	}
	if a := s.tenant; a.version.Load() != head.Version || a.app.Load().Epoch != head.Epoch {
		if yield {
			return errBehind
		}
		if err := w.catchUp(a, head); err != nil {
			return err
		}
	}
	s.sent, s.marked = nil, nil
	s.rows = Rows{Next: head.Next, Time: max(head.Time, now.UnixMilli()), Totals: head.Totals.plus(s.totals), Now: now.Unix()}
	moved := make(map[GroupKey]GroupHead, len(keys))
	for _, e := range s.sends {
		// Accepted before, perhaps through another process: no rule has a say, nor has
		// the queue in which it waited too long.
		if first, ok := head.Repeats[e.attempt.key]; ok {
			e.refusal = nil
			e.plan = plan{outcome: Outcome{Kind: Repeated, Seq: first.Seq, Time: first.Time}}
			s.rows.Totals.Repeated++
			continue
		}
		if e.outdated(head) {
			e.plan = plan{stale: true}
			continue
		}
		if e.refusal == nil && w.recheck(e, head) {
			e.plan = plan{stale: true}
			continue
		}
		if e.refusal == nil {
			w.accept(s, e, moved, now)
		} else {
			w.except(s, e)
		}
	}
	for _, h := range moved {
		s.rows.Groups = append(s.rows.Groups, h)
	}
	for _, f := range s.lazy {
		if f.read != nil {
			s.mark(f.read)
			continue
		}
		if f.news != nil {
			s.announce(f)
			continue
		}
		// A journal that goes on in a new epoch keeps its cursors; the one of an app that
		// was made again begins with other events.
		if (f.progress.Epoch == head.Epoch || head.Next >= FirstOfEpoch(f.progress.Cursor+1)) && !s.tenant.replaced(&f.progress) {
			s.rows.Progress = append(s.rows.Progress, f.progress)
		}
	}
	s.rows.Spoken = w.spoken.rows(s.tenant)
	return nil
}

func appendNew(keys []GroupKey, k GroupKey) []GroupKey {
	for _, have := range keys {
		if have == k {
			return keys
		}
	}
	return append(keys, k)
}

// unasked says whether a send was refused before anybody looked up whether it is
// a repeat: it waited too long in the queue.
func (e *entry) unasked() bool {
	return !e.attempt.recalled && !e.old && e.count == 1 && e.attempt.key != RepeatKey{}
}

// maxAnew is how often a send is judged anew because the state that refused it is
// no more.
const maxAnew = 3

// outdated says whether a send was refused by a state that has changed since.
func (e *entry) outdated(head Head) bool {
	t := e.attempt
	if e.refusal == nil || e.old || e.count > 1 || t.anew >= maxAnew || t.view.version == head.Version {
		return false
	}
	for _, rule := range stateRules {
		if rule.name == e.refusal.Rule {
			return true
		}
	}
	return false
}

// prefetch catches up with an app that another process changed, and reads what
// its sends will be judged by, while nothing is locked.
func (w *writer) prefetch(s *share) error {
	head, err := w.b.store.Head(context.Background(), s.tenant.id)
	if err != nil || head.Next == 0 {
		return err
	}
	if err := w.catchUp(s.tenant, head); err != nil {
		return err
	}
	for _, e := range s.sends {
		if e.refusal == nil {
			if _, err := w.b.hot.look(context.Background(), s.tenant, e.attempt.send); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm reads what the sends will be judged by again, whose app was changed since
// they were admitted, while nothing is locked for other processes.
func (w *writer) warm(sends []*entry) {
	if !w.b.store.Concurrent() {
		return
	}
	for _, e := range sends {
		if t := e.attempt; e.refusal == nil && t.view.version != t.tenant.applied.Load() {
			if _, err := w.b.hot.look(context.Background(), t.tenant, t.send); err != nil {
				return // the recheck tells
			}
		}
	}
}

// recheck runs the state rules again when the app's state has moved since the
// send was admitted, so that a change that was answered is passed by no later
// commit. It says whether the send has to be judged anew.
func (w *writer) recheck(e *entry, head Head) (anew bool) {
	t := e.attempt
	refuse := func(rule string, r *Refusal) {
		r.Rule, e.refusal = rule, r
	}
	if t.view.version != head.Version {
		v, err := w.b.hot.look(context.Background(), t.tenant, t.send)
		if err != nil {
			w.log.Error("state of a send could not be read again", "app", t.send.App, "error", err)
			refuse(RuleInternal, compared(Fail(api.CodeInternal), "doing", "read the state at the commit"))
			return false
		}
		before := t.view.group.Key
		if w.b.store.Concurrent() && v.group != nil && v.group.Key != before && !t.question && t.anew < maxAnew {
			w.b.untake(t) // the group was made again, perhaps through another process before the send came
			return true
		}
		t.view, t.app, t.now = v, t.tenant.app.Load(), w.b.Now()
		for _, rule := range commitRules {
			if r := rule.check(context.Background(), w.b, t); r != nil {
				refuse(rule.name, r)
				return false
			}
		}
		if v.group.Key != before { // dissolved and made again meanwhile
			t.view.group = nil
			refuse(RuleGroup, checkGroup(nil, &t.app.Settings))
			return false
		}
	}
	if _, ok := head.Groups[t.view.group.Key]; !ok {
		refuse(RuleGroup, checkGroup(nil, &t.app.Settings))
	}
	return false
}

// accept gives a message its number and time and plans its rows.
func (w *writer) accept(s *share, e *entry, moved map[GroupKey]GroupHead, now time.Time) {
	t := e.attempt
	g := t.view.group
	h, ok := moved[g.Key]
	if !ok {
		h = s.head.Groups[g.Key]
		h.Time = max(h.Time, now.Unix())
	}
	m := Message{
		Group: g.Key, From: t.send.From, Random: t.send.Random, Time: h.Time, Priority: t.send.Priority,
		Flags: t.flags(), Body: t.send.Content.Body, Cloud: t.send.Content.Cloud, Attempt: t.id,
		To: t.send.To, Mentions: t.send.Mentions,
	}
	if !t.send.OnlineOnly || g.Type == AVChatRoom {
		m.Seq = h.Next
		h.Next++
		moved[g.Key] = h
		s.rows.Messages = append(s.rows.Messages, m)
	} else {
		m.Flags |= FlagOnlineOnly
	}
	if w.b.audience != nil {
		s.sent = append(s.sent, m)
	}
	s.rows.Repeats = append(s.rows.Repeats, Repeat{Key: t.key, Attempt: t.id, Seq: m.Seq, Time: m.Time})
	s.rows.Totals.Accepted++
	e.plan = plan{
		trace:   Trace{Attempt: t.id, Repeat: t.key, Stored: true, Group: g.Key, Message: m.Seq},
		outcome: Outcome{Kind: Accepted, Seq: m.Seq, Time: m.Time, Unanswered: t.unanswered()},
	}
	if !t.send.NoAfterSend && t.tenant.wanted(&Event{Command: CommandAfterSendMsg, Group: t.send.Group}) {
		s.event(t, Event{
			ID: t.id.Event(), Command: CommandAfterSendMsg, Count: 1,
			Body: w.b.render.AfterSend(t.app, t.send, g, m, s.rows.Time), Detail: t.detail(nil),
		})
	}
}

// except plans the exception of a refused send.
func (w *writer) except(s *share, e *entry) {
	t := e.attempt
	body, cut := w.b.render.Exception(t.app, t.sent, t.view.group, e.refusal, s.rows.Time)
	seq := s.event(t, Event{
		ID: t.id, Command: CommandSendMsgException, Code: int(e.refusal.Code), Rule: e.refusal.Rule, Count: e.count,
		Body: body, Cut: cut, Detail: t.detail(e.refusal),
	})
	e.plan = plan{
		trace:   Trace{Attempt: t.id, Event: seq},
		outcome: Outcome{Kind: Refused, Refusal: e.refusal, Event: t.id.String(), Unanswered: t.unanswered()},
	}
	if t.drops(e.refusal) {
		e.plan.outcome.Kind, e.plan.outcome.Time = Dropped, t.now.Unix()
		s.rows.Totals.Dropped += uint64(e.count)
		return
	}
	s.rows.Totals.Refused += uint64(e.count)
}

// maxRecordID is how much of what a caller may invent as a group or a sender is
// kept for searching, in bytes.
const maxRecordID = 1 << 10

// event gives an event its sequence.
func (s *share) event(t *attempt, ev Event) Sequence {
	ev.App, ev.Seq, ev.Time, ev.Attempt = s.tenant.id, s.rows.Next, s.rows.Time, t.id
	ev.ClientIP, ev.Platform = t.send.ClientIP, t.send.Platform
	ev.Group, ev.From, ev.Random = t.send.Group[:min(len(t.send.Group), maxRecordID)], t.send.From[:min(len(t.send.From), maxRecordID)], t.send.Random
	s.rows.Next++
	s.rows.Events = append(s.rows.Events, ev)
	return ev.Seq
}

func (t *attempt) flags() (f Flags) {
	mark := func(on bool, flag Flags) {
		if on {
			f |= flag
		}
	}
	mark(t.send.Content.HasCloud, FlagHasCloud)
	mark(t.unanswered(), FlagUnanswered)
	mark(t.asked.Content != nil, FlagRewritten)
	mark(t.send.NoUnread, FlagNoUnread)
	mark(t.send.NoLastMsg, FlagNoLastMsg)
	mark(len(t.send.To) > 0, FlagTargeted)
	return f
}
