package chat

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/parley-im/parley/api"
)

// Entry is the door a send came through.
type Entry uint8

// The doors.
const (
	EntryREST   Entry = iota // an app admin's call
	EntryClient              // a user's own connection
)

// Mention is one entry of GroupAtInfo.
type Mention struct {
	All  bool
	User UserID
}

// Send is one attempt to send a group message, as a door understood it. What a
// door could not read is the empty value of its type, and Fault says so.
type Send struct {
	App      AppID
	Caller   UserID // Operator_Account: the REST admin, or the user of the connection
	Entry    Entry
	Platform string // OptPlatform
	ClientIP string

	Group      GroupID
	From       UserID
	Random     uint32
	Priority   Priority
	OnlineOnly bool
	Content    Content
	Mentions   []Mention
	To         []UserID // targeted receivers; empty for the whole group

	NoBeforeSend bool // ForbidCallbackControl
	NoAfterSend  bool
	NoUnread     bool // SendMsgControl
	NoLastMsg    bool
	NoMsgCheck   bool // skips the content filter

	// Fault is what the door found wrong while reading the request; the rule
	// "parameters" refuses with it.
	Fault *Refusal
}

// OutcomeKind is how a send ended.
type OutcomeKind uint8

// The ends of a send.
const (
	Accepted OutcomeKind = iota + 1
	Refused
	Dropped
	Repeated
)

// Outcome is what a sender is told.
type Outcome struct {
	Kind    OutcomeKind
	Seq     MsgSeq   // accepted and repeated; 0 for an online-only message
	Time    int64    // MsgTime, unix seconds
	Refusal *Refusal // refused; and dropped by frequency
	Event   string   // the webhook-id of the exception's event, if there is one
	// Unanswered: the before-send question got no answer, and the app's policy decided.
	Unanswered bool
}

// The names of the rules, as they stand in exceptions, logs and the control API.
const (
	RuleAPIRate     = "api_rate"
	RuleParameters  = "parameters"
	RuleGroup       = "group"
	RuleSender      = "sender"
	RuleAccountMute = "account_mute"
	RuleMemberMute  = "member_mute"
	RuleMuteAll     = "mute_all"
	RuleSize        = "size"
	RuleFormat      = "format"
	RuleFrequency   = "frequency"
	RuleFilter      = "content_filter"
	RuleBeforeSend  = "before_send"
	RuleOverload    = "overload"
	RuleDisk        = "disk"
	RuleStore       = "store"
	RuleInternal    = "internal"
)

// attempt is one send on its way through the rules.
type attempt struct {
	id       AttemptID
	sent     *Send // as it came; an exception shows this
	send     *Send // as it goes on: with what the before-send question made of it
	tenant   *tenant
	app      *App // the settings it is judged by
	view     view
	now      time.Time
	key      RepeatKey
	asked    Verdict
	question bool // the before-send question was put
	recalled bool // it was looked up whether this is a repeat
	counted  bool // against the limits of sender and group
	anew     int  // how often it was judged anew
}

// rule is one step of admission.
type rule struct {
	name  string
	check func(context.Context, *Backend, *attempt) *Refusal
}

// stateRules look at what other commands change. They hold at the moment of the
// commit: the writer runs them again if the app's state has moved since.
var stateRules = []rule{
	{RuleGroup, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkGroup(t.view.group, &t.app.Settings)
	}},
	{RuleSender, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkSender(t.send.Entry, t.view.account, t.view.standing)
	}},
	{RuleAccountMute, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkAccountMute(t.view.account, t.now)
	}},
	{RuleMemberMute, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkMemberMute(t.view.standing, t.now)
	}},
	{RuleMuteAll, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkMuteAll(t.view.group, t.view.account, t.view.standing)
	}},
}

// commitRules are judged again by the writer when the app's state has moved: the
// state rules, and the words, which are state as well.
var commitRules = order(stateRules, []rule{filterRule})

// contentRules look at the message; what a before-send answer rewrote goes
// through them again.
var contentRules = []rule{
	{RuleSize, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkSize(&t.send.Content, &t.app.Settings)
	}},
	{RuleFormat, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkFormat(t.send, t.view.group, &t.app.Settings)
	}},
}

var (
	frequencyRule = rule{RuleFrequency, func(_ context.Context, b *Backend, t *attempt) *Refusal {
		return b.frequency(t)
	}}
	filterRule = rule{RuleFilter, func(_ context.Context, _ *Backend, t *attempt) *Refusal {
		return checkFilter(t.send, t.tenant.words.Load())
	}}
	beforeSendRule = rule{RuleBeforeSend, func(ctx context.Context, b *Backend, t *attempt) *Refusal {
		return b.beforeSend(ctx, t)
	}}
)

// admission is the order of the rules after the repeat; tencentAdmission counts
// frequency after the before-send question, as Tencent does.
var (
	admission        = order([]rule{diskRule}, stateRules, contentRules, []rule{frequencyRule, filterRule, beforeSendRule})
	tencentAdmission = order([]rule{diskRule}, stateRules, contentRules, []rule{filterRule, beforeSendRule, frequencyRule})
)

func order(parts ...[]rule) (all []rule) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// Send takes one attempt to send from the door to its outcome. It returns after
// the outcome is on disk. The error is ErrBusy or ErrFull (the send did not begin),
// ErrUnknown (the outcome is not known) or ErrStopped; the outcome is valid
// only without one.
//
// ctx ends only the waiting of a send that has not been admitted yet, and of a
// refusal that is told late: from the first rule on, a send no longer depends on
// its caller.
func (b *Backend) Send(ctx context.Context, s *Send) (Outcome, error) {
	o, err := b.send(ctx, s)
	if err == nil && o.Kind == Refused && s.Entry == EntryClient {
		b.slow(ctx, s)
	}
	return o, err
}

func (b *Backend) send(ctx context.Context, s *Send) (Outcome, error) {
	a, ok := b.tenant(s.App)
	if !ok {
		return Outcome{}, ErrStopped
	}
	if b.space.Room().State == RoomCritical {
		return Outcome{}, ErrFull
	}
	if !b.begin() {
		return Outcome{}, ErrBusy
	}
	defer b.end()
	a.counts.attempts.Add(1)
	t := &attempt{id: NewAttemptID(b.Now()), sent: s, send: s, tenant: a, app: a.app.Load(), now: b.Now()}
	if t.send.From == "" {
		t.send.From = s.Caller
	}

	tooMany := checkAPIRate(a.rates.api.take(struct{}{}, t.app.Settings.APIRate, b.clock()))
	if r := checkParameters(s); r != nil {
		if tooMany != nil {
			return b.refuse(t, RuleAPIRate, tooMany)
		}
		return b.refuse(t, RuleParameters, r)
	}
	t.key = repeatKey(s)
	if err := a.repeats.enter(ctx, t.key); err != nil {
		a.counts.unanswered.Add(1)
		return Outcome{}, ErrUnknown
	}
	defer a.repeats.leave(t.key)
	ctx = context.WithoutCancel(ctx)

	if !b.store.Concurrent() || !b.Ready() { // else it may have to be refused with nobody to ask
		if o, known, err := b.recall(ctx, t); known || err != nil {
			return o, err
		}
	}
	if tooMany != nil { // a repeat is answered before any rule could refuse it
		return b.refuse(t, RuleAPIRate, tooMany)
	}
	if b.fault != 0 && s.Random == b.fault {
		return b.internal(t, "fail on purpose", errOnPurpose)
	}
	for {
		o, err := b.judge(ctx, t)
		if err != errStale {
			return o, err
		}
		t.anew++
		t.app, t.now = a.app.Load(), b.Now()
	}
}

// errStale: a send was refused by a state that is no more.
var errStale = errors.New("the state was changed meanwhile")

// judge takes a send through the rules and to its commit.
func (b *Backend) judge(ctx context.Context, t *attempt) (Outcome, error) {
	var err error
	if t.view, err = b.hot.look(ctx, t.tenant, t.send); errors.Is(err, ErrStoreAway) && !t.recalled {
		t.tenant.counts.unanswered.Add(1) // as recall would say, which need not be asked
		return Outcome{}, ErrUnknown
	} else if err != nil {
		return b.internal(t, "read the state of a send", err)
	}
	rules := admission
	if t.app.Settings.LimitAfterBeforeSend {
		rules = tencentAdmission
	}
	for _, rule := range rules {
		if rule.name == RuleBeforeSend && b.asks(t) { // a repeat is not asked about again
			if o, known, err := b.recall(ctx, t); known || err != nil {
				return o, err
			}
		}
		if r := rule.check(ctx, b, t); r != nil {
			return b.refuse(t, rule.name, r)
		}
		if t.asked.Answer == AnswerDrop { // no later rule has a say
			return b.dropped(t), nil
		}
	}
	return b.commit(t, nil)
}

// recall answers a repeat of an accepted send as that one was answered: known
// says that it is one. It is asked before any rule could refuse, once for each
// attempt.
//
// In a store that other processes write to as well, nothing in memory can know
// that a send is new, and each look-up is a question to it. There it is put off
// until something hangs on the answer: a refusal, or the question to the app.
// A send that passes all rules is looked up by the writer, which has to do so in
// any case.
func (b *Backend) recall(ctx context.Context, t *attempt) (o Outcome, known bool, err error) {
	if t.recalled {
		return Outcome{}, false, nil
	}
	t.recalled = true
	first, known, err := b.store.Repeat(ctx, t.tenant.id, t.key, t.now.Unix())
	switch {
	case errors.Is(err, ErrStoreAway), err != nil && !b.Ready(): // it may have been accepted before: no refusal may say otherwise
		t.tenant.counts.unanswered.Add(1)
		return Outcome{}, false, ErrUnknown
	case err != nil:
		o, err = b.internal(t, "look up a repeat", err)
		return o, true, err
	case known:
		b.untake(t)
		return b.repeated(t, first), true, nil
	}
	return Outcome{}, false, nil
}

// refuse is the one exit of every refusal: it commits the exception with its
// event, then tells the sender. Above the storm limit, and always for an
// exceeded rate of calls, refusals alike share one record.
func (b *Backend) refuse(t *attempt, rule string, r *Refusal) (Outcome, error) {
	if t.key != (RepeatKey{}) { // else it was refused before it could be a repeat
		if o, known, err := b.recall(context.Background(), t); known || err != nil {
			return o, err
		}
	}
	r.Rule = rule
	if t.view.group == nil && printable(string(t.send.Group), maxGroupID) { // refused before the group was looked at; its type is told all the same
		if g, err := b.hot.group(context.Background(), t.tenant, t.send.Group); err == nil {
			t.view.group = g
		}
	}
	if b.storm.shares(t, r) {
		return b.storm.join(b, t, r)
	}
	return b.commit(t, r)
}

// internal refuses a send for a fault of ours. What happened goes to the log.
func (b *Backend) internal(t *attempt, doing string, err error) (Outcome, error) {
	b.log.Error("send failed", "app", t.send.App, "group", t.send.Group, "doing", doing, "error", err)
	return b.refuse(t, RuleInternal, compared(Fail(api.CodeInternal), "doing", doing))
}

var errOnPurpose = errors.New("chat: the fault switch is on for this Random")

// repeated answers a repeat as the first send was answered.
func (b *Backend) repeated(t *attempt, first Repeat) Outcome {
	t.tenant.counts.repeated.Add(1)
	b.count(t.tenant, Totals{Repeated: 1})
	return Outcome{Kind: Repeated, Seq: first.Seq, Time: first.Time}
}

// dropped answers a send that the app backend wants to vanish.
func (b *Backend) dropped(t *attempt) Outcome {
	t.tenant.counts.dropped.Add(1)
	b.count(t.tenant, Totals{Dropped: 1})
	return Outcome{Kind: Dropped, Time: t.now.Unix()}
}

// commit hands the attempt to the writer, refused if r is not nil, and waits.
func (b *Backend) commit(t *attempt, r *Refusal) (Outcome, error) {
	e := &entry{attempt: t, refusal: r, count: 1, done: make(chan struct{})}
	if err := b.submit(e); err != nil {
		t.tenant.counts.unanswered.Add(1)
		return Outcome{}, err
	}
	return b.await(e)
}

func (b *Backend) await(e *entry) (Outcome, error) {
	if b.writers != nil && b.writers.perApp {
		b.awaitAnswer(e)
	}
	<-e.done
	if e.err == errStale {
		return Outcome{}, errStale
	}
	if e.err != nil {
		e.attempt.tenant.counts.unanswered.Add(1)
		return Outcome{}, e.err
	}
	if e.outcome.Kind == Repeated {
		b.untake(e.attempt)
	}
	return e.outcome, nil
}

// awaitAnswer waits for an entry, and gives up when the store is silent: its
// caller is told that the outcome is unknown. A store that answers that the app
// is held by another process is not silent; who waits too long for that is
// refused by the writer.
func (b *Backend) awaitAnswer(e *entry) {
	timer := time.NewTimer(silentWait)
	defer timer.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-timer.C:
		}
		if time.Since(b.heard(e.attempt.tenant.id)) > heardWait {
			e.tellUnknown()
			return
		}
		timer.Reset(heardWait / 8)
	}
}

// frequency counts the send against the limits of its sender and its group, in
// this order: who is above his own limit does not use up the group's.
func (b *Backend) frequency(t *attempt) *Refusal {
	settings, now := &t.app.Settings, b.clock()
	t.counted = true
	if r := checkFrequency("sender", t.tenant.rates.senders.take(t.send.From, settings.SenderRate, now)); r != nil {
		return r
	}
	return checkFrequency("group", t.tenant.rates.groups.take(t.view.group.Key, settings.GroupRate, now))
}

// untake gives back what a send was counted for that turns out to be a repeat.
func (b *Backend) untake(t *attempt) {
	if !t.counted {
		return
	}
	t.counted = false
	t.tenant.rates.senders.give(t.send.From, b.clock())
	t.tenant.rates.groups.give(t.view.group.Key, b.clock())
}

// asks says whether the before-send question is put for a send.
func (b *Backend) asks(t *attempt) bool {
	endpoint := t.tenant.endpoint.Load()
	return !t.send.NoBeforeSend && b.asker != nil && endpoint != nil && endpoint.Wants(CommandBeforeSendMsg)
}

// beforeSend puts the question to the app backend if its switch is on, and
// judges what the answer made of the message.
func (b *Backend) beforeSend(ctx context.Context, t *attempt) *Refusal {
	endpoint := t.tenant.endpoint.Load()
	if !b.asks(t) || endpoint == nil {
		return nil
	}
	t.question = true
	t.asked = b.asker.Ask(ctx, &Question{App: t.app, Endpoint: endpoint, Send: t.send, Group: t.view.group})
	if r := checkBeforeSend(t.asked, &t.app.Settings); r != nil || t.asked.Answer != AnswerAllow || t.asked.Content == nil {
		return r
	}
	rewritten := *t.send
	rewritten.Content = *t.asked.Content
	t.send = &rewritten
	for _, rule := range append(contentRules[:len(contentRules):len(contentRules)], filterRule) {
		if r := rule.check(ctx, b, t); r != nil {
			if r.Compared == nil {
				r.Compared = map[string]any{}
			}
			r.Compared["rewritten_by_app"], r.Compared["rule"] = true, rule.name
			return r
		}
	}
	return nil
}

// unanswered says whether the message goes its way without the app's answer.
func (t *attempt) unanswered() bool { return t.question && t.asked.Answer == AnswerNone }

// drops says whether the sender is told that all is well.
func (t *attempt) drops(r *Refusal) bool {
	return r.Rule == RuleFrequency && t.app.Settings.OnFrequency == Drop
}

// detail is what explains the outcome to a person, as JSON.
func (t *attempt) detail(r *Refusal) []byte {
	d := make(map[string]any, 4)
	if r != nil {
		if len(r.Compared) > 0 {
			d["compared"] = r.Compared
		}
		if r.RetryAfter > 0 {
			d["retry_after_ms"] = r.RetryAfter.Milliseconds()
		}
		if t.drops(r) {
			d["dropped"] = true
		}
	}
	if t.question {
		d["before_send"] = t.asked.words()
	}
	if t.send.Entry == EntryClient {
		d["entry"] = "client"
	}
	if len(d) == 0 {
		return nil
	}
	text, err := json.Marshal(d)
	if err != nil { // only a value that a rule of ours made can cause it
		return []byte(`{"fault":"detail could not be written"}`)
	}
	return text
}
