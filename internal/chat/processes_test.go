package chat_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
	"github.com/parley-im/parley/internal/store/postgres"
	"github.com/parley-im/parley/internal/wire"
)

// processes are two backends on one database, as two processes have it.
type processes struct {
	t        *testing.T
	database string
	a, b     *chat.Backend
	answers  *answers // of b, whose sends are asked about when the switch is on
}

func newProcesses(t *testing.T) *processes {
	t.Helper()
	database := pgtest.Database(t)
	p := &processes{t: t, database: database, answers: &answers{asked: make(chan struct{}, 64), verdict: make(chan chat.Verdict, 64)}}
	p.a, p.b = startOn(t, database, nil), startOn(t, database, p.answers)
	settings := chat.DefaultSettings()
	settings.GroupRate = 0
	p.must(p.a.CreateApp(t.Context(), chat.App{ID: app, Key: "key", Admins: []chat.UserID{"administrator", "boss"}, Settings: settings}, chat.Endpoint{}))
	p.change(func(r chat.Records) error {
		for _, user := range []chat.UserID{"jared", "mia", "boss"} {
			if err := r.PutAccount(chat.Account{User: user}); err != nil {
				return err
			}
		}
		key, err := r.CreateGroup(chat.Group{ID: "g1", Type: chat.Public, Name: "group"})
		if err != nil {
			return err
		}
		return r.PutMember(key, chat.Member{User: "jared", Role: chat.RoleMember})
	})
	p.eventually("the other process knows the app", func() bool { _, ok := p.b.App(app); return ok })
	return p
}

func startOn(t *testing.T, database string, asker chat.Asker) *chat.Backend {
	t.Helper()
	store, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := chat.New(chat.Options{Store: store, Render: wire.Bodies{}, Offers: &offered{}, Asker: asker})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (p *processes) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// change changes the app's state through the first process.
func (p *processes) change(f func(chat.Records) error) {
	p.t.Helper()
	p.must(p.a.Change(p.t.Context(), app, f))
}

func (p *processes) eventually(what string, ok func() bool) {
	p.t.Helper()
	(&world{t: p.t}).eventually(what, ok)
}

// inGroup changes something of the group through the first process.
func (p *processes) inGroup(f func(chat.Records, chat.Group) error) {
	p.t.Helper()
	p.change(func(r chat.Records) error {
		g, ok, err := r.Group("g1")
		if err != nil || !ok {
			return fmt.Errorf("group: %v, %w", ok, err)
		}
		return f(r, g)
	})
}

// restriction is a kind of change that forbids, and its end.
type restriction struct {
	rule   string
	client bool // seen by a send over a connection of the user's own
	set    func(*processes)
	end    func(*processes)
}

var restrictions = map[string]restriction{
	"member mute": {rule: chat.RuleMemberMute,
		set: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { return r.PutMute(g.Key, "jared", chat.Forever) })
		},
		end: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { return r.PutMute(g.Key, "jared", 0) })
		}},
	"account mute": {rule: chat.RuleAccountMute,
		set: func(p *processes) {
			p.change(func(r chat.Records) error { return r.PutAccount(chat.Account{User: "jared", MuteUntil: chat.Forever}) })
		},
		end: func(p *processes) {
			p.change(func(r chat.Records) error { return r.PutAccount(chat.Account{User: "jared"}) })
		}},
	"mute of all": {rule: chat.RuleMuteAll,
		set: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { g.MuteAll = true; return r.UpdateGroup(g) })
		},
		end: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { g.MuteAll = false; return r.UpdateGroup(g) })
		}},
	"dissolution": {rule: chat.RuleGroup,
		set: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { return r.DeleteGroup(g.Key) })
		},
		end: func(p *processes) {
			p.change(func(r chat.Records) error {
				key, err := r.CreateGroup(chat.Group{ID: "g1", Type: chat.Public, Name: "group"})
				if err != nil {
					return err
				}
				return r.PutMember(key, chat.Member{User: "jared", Role: chat.RoleMember})
			})
		}},
	"deletion of the account": {rule: chat.RuleSender,
		set: func(p *processes) {
			p.change(func(r chat.Records) error { return r.DeleteAccount("jared") })
		},
		end: func(p *processes) {
			p.change(func(r chat.Records) error { return r.PutAccount(chat.Account{User: "jared"}) })
		}},
	"removal of a member": {rule: chat.RuleSender, client: true,
		set: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error { return r.DeleteMember(g.Key, "jared") })
		},
		end: func(p *processes) {
			p.inGroup(func(r chat.Records, g chat.Group) error {
				return r.PutMember(g.Key, chat.Member{User: "jared", Role: chat.RoleMember})
			})
		}},
	"a word": {rule: chat.RuleFilter,
		set: func(p *processes) { p.must(p.a.AddWords(p.t.Context(), app, []string{"message"})) },
		end: func(p *processes) { p.must(p.a.DeleteWords(p.t.Context(), app, []string{"message"})) }},
}

// send is one of jared's messages.
func (c *restriction) send(random uint32) *chat.Send {
	s := send(random)
	if c.client {
		s.Entry, s.Caller = chat.EntryClient, "jared"
	}
	return s
}

// What was answered OK by one process holds for every later commit of another,
// and so does its end.
func TestChangeOfOneProcessHoldsInTheOtherFromItsAnswerOn(t *testing.T) {
	t.Parallel()
	for name, c := range restrictions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProcesses(t)
			random := uint32(0)
			for round := range 10 {
				random++
				if o, err := p.b.Send(t.Context(), c.send(random)); err != nil || o.Kind != chat.Accepted {
					t.Fatalf("round %d, before: %+v %v, %v", round, o, o.Refusal, err)
				}
				c.set(p)
				random++
				if o, err := p.b.Send(t.Context(), c.send(random)); err != nil || o.Kind != chat.Refused || o.Refusal.Rule != c.rule {
					t.Fatalf("round %d, while it holds: %+v %v, %v", round, o, o.Refusal, err)
				}
				c.end(p)
				if name == "a word" { // a word that is gone is known within a second: it is no state rule
					p.eventually("the word is gone in the other process", func() bool {
						random++
						o, err := p.b.Send(t.Context(), c.send(random))
						return err == nil && o.Kind == chat.Accepted
					})
				}
			}
		})
	}
}

// A send of the other process that waits for the before-send question's answer
// when the change is answered must not be committed after it.
func TestChangeOfOneProcessIsNotPassedByASendThatWaitsInTheOther(t *testing.T) {
	t.Parallel()
	for name, c := range restrictions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProcesses(t)
			p.must(p.a.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
				e.URL, e.Commands = "http://127.0.0.1:1", []string{chat.CommandBeforeSendMsg}
				return nil
			}))
			p.eventually("the other process asks", func() bool { e := p.b.Endpoint(app, chat.PrimaryEndpoint); return e != nil && e.URL != "" })
			result := make(chan told, 1)
			go func() {
				o, err := p.b.Send(context.Background(), c.send(1))
				result <- told{o, err}
			}()
			<-p.answers.asked
			c.set(p)
			p.answers.verdict <- chat.Verdict{Answer: chat.AnswerAllow}
			if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Rule != c.rule {
				t.Fatalf("%+v %v", r, r.Refusal)
			}
		})
	}
}

// Many senders at the other process, while mutes come and go: what was sent
// between the answer to a mute and the beginning of its end was refused, and
// the other way round.
func TestMutesAreALineInTheOrderOfAllProcesses(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	// phase is odd while the mute holds, even while it does not; it is 0 while it
	// is being changed.
	var phase, random atomic.Uint32
	quit := make(chan struct{})
	var all sync.WaitGroup
	var sure atomic.Int64
	phase.Store(2)
	for _, b := range []*chat.Backend{p.b, p.b, p.b, p.a} {
		all.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				before := phase.Load()
				o, err := b.Send(context.Background(), send(random.Add(1)))
				if err != nil {
					t.Error(err)
					return
				}
				if after := phase.Load(); before == 0 || after != before {
					continue // the change came in between
				}
				sure.Add(1)
				if want := before%2 == 1; (o.Kind == chat.Refused) != want {
					t.Errorf("in phase %d: %+v", before, o)
				}
			}
		})
	}
	mute := restrictions["member mute"]
	for n := uint32(3); n < 60; n++ {
		phase.Store(0)
		if n%2 == 1 {
			mute.set(p)
		} else {
			mute.end(p)
		}
		phase.Store(n)
		seen := sure.Load()
		p.eventually("sends are judged", func() bool { return sure.Load() >= seen+8 })
	}
	close(quit)
	all.Wait()
	for _, b := range []*chat.Backend{p.a, p.b} {
		c, _ := b.Counts(app)
		if c.Attempts != c.Accepted+c.Refused+c.Dropped+c.Repeated {
			t.Errorf("%+v", c)
		}
	}
}

func TestRepeatIsAnsweredByTheOtherProcess(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	for i := range uint32(20) {
		first, err := p.a.Send(t.Context(), send(i))
		if err != nil || first.Kind != chat.Accepted {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := p.b.Send(t.Context(), send(i))
		if err != nil || again.Kind != chat.Repeated || again.Seq != first.Seq || again.Time != first.Time {
			t.Fatalf("first %+v, repeated %+v, %v", first, again, err)
		}
	}
	// Also where a rule would refuse it now, and where the app would be asked.
	restrictions["member mute"].set(p)
	if again, err := p.b.Send(t.Context(), send(1)); err != nil || again.Kind != chat.Repeated {
		t.Fatalf("%+v, %v", again, err)
	}
	// At the same time at both.
	for i := uint32(100); i < 120; i++ {
		restrictions["member mute"].end(p)
		var all sync.WaitGroup
		outcomes := make([]chat.Outcome, 4)
		for j, b := range []*chat.Backend{p.a, p.b, p.a, p.b} {
			all.Go(func() { outcomes[j], _ = b.Send(context.Background(), send(i)) })
		}
		all.Wait()
		kinds := map[chat.OutcomeKind]int{}
		for _, o := range outcomes {
			kinds[o.Kind]++
			if o.Seq != outcomes[0].Seq {
				t.Errorf("message %d: %+v", i, outcomes)
			}
		}
		if kinds[chat.Accepted] != 1 || kinds[chat.Repeated] != 3 {
			t.Fatalf("message %d: %v", i, kinds)
		}
	}
}

// A repeat is not counted against the limits.
func TestRepeatUsesUpNoLimitInASharedStore(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	p.must(p.a.UpdateApp(t.Context(), app, func(a *chat.App, _ *chat.Endpoint) error { a.Settings.GroupRate = 3; return nil }))
	for {
		began := time.Now()
		first := uint32(began.UnixNano())
		kinds := map[chat.OutcomeKind]int{}
		for range 10 {
			o, err := p.a.Send(t.Context(), send(first))
			p.must(err)
			kinds[o.Kind]++
		}
		for i := range uint32(2) {
			o, err := p.a.Send(t.Context(), send(first+1+i))
			p.must(err)
			kinds[o.Kind]++
		}
		if time.Since(began) > 900*time.Millisecond { // the window may have ended meanwhile
			continue
		}
		if kinds[chat.Accepted] != 3 || kinds[chat.Repeated] != 9 {
			t.Fatalf("%v", kinds)
		}
		return
	}
}

// Whatever holds the app's row for long, for example a process that is stopped
// in mid-transaction: what waited for more than two seconds is refused, and is
// recorded when the row is free.
func TestSendsBehindAProcessThatHoldsTheAppAreRefusedWith60008(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	if o, err := p.a.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Accepted {
		t.Fatalf("%+v, %v", o, err)
	}
	held, err := pgx.Connect(t.Context(), p.database)
	p.must(err)
	defer held.Close(context.Background())
	_, err = held.Exec(t.Context(), "BEGIN")
	p.must(err)
	_, err = held.Exec(t.Context(), "SELECT 1 FROM parley.heads FOR NO KEY UPDATE")
	p.must(err)
	result := make(chan told, 1)
	go func() {
		o, err := p.a.Send(context.Background(), send(2))
		result <- told{o, err}
	}()
	_, err = held.Exec(t.Context(), "SELECT pg_sleep(3)")
	p.must(err)
	_, err = held.Exec(t.Context(), "COMMIT")
	p.must(err)
	if r := <-result; r.err != nil || r.Kind != chat.Refused || r.Refusal.Code != api.CodeServiceTimeout {
		t.Errorf("%+v %v", r, r.Refusal)
	}
	if !p.a.Ready() || p.a.UnrecordedRefusals() != 0 {
		t.Error("the store is taken for one that takes no writes")
	}
	if o, err := p.b.Send(t.Context(), send(3)); err != nil || o.Kind != chat.Accepted || o.Seq != 2 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestAppsComeAndGoInAllProcesses(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	made := func(id chat.AppID) chat.App {
		return chat.App{ID: id, Key: "key", Admins: []chat.UserID{"administrator"}, Settings: chat.DefaultSettings()}
	}
	p.must(p.a.CreateApp(t.Context(), made(app+1), chat.Endpoint{}))
	p.eventually("the other process knows it", func() bool { _, ok := p.b.App(app + 1); return ok })
	if err := p.b.CreateApp(t.Context(), made(app+1), chat.Endpoint{}); err == nil {
		t.Error("it was made twice")
	}
	first, _ := p.b.App(app + 1)
	p.must(p.a.DeleteApp(t.Context(), app+1))
	p.must(p.a.CreateApp(t.Context(), made(app+1), chat.Endpoint{})) // another one under the old id
	p.eventually("the other process knows the new one", func() bool { now, ok := p.b.App(app + 1); return ok && now.Epoch != first.Epoch })
	s := send(1)
	s.App, s.Group = app+1, "nowhere"
	if o, err := p.b.Send(t.Context(), s); err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodeGroupNotFound {
		t.Errorf("%+v, %v", o, err)
	}
	list, err := p.a.Reader().Events(t.Context(), app+1, 0, 10, 1<<20)
	if err != nil || len(list) != 1 || list[0].Seq != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	p.must(p.a.DeleteApp(t.Context(), app+1))
	p.eventually("it is gone in the other process", func() bool { _, ok := p.b.App(app + 1); return !ok })
}

// A repeat that waited too long for the journal is one all the same: a refusal
// would say that a message was not delivered which was.
func TestRepeatThatWaitsTooLongForTheJournalIsAnsweredAsOne(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		first, err := w.backend.Send(t.Context(), send(1))
		if err != nil || first.Kind != chat.Accepted {
			t.Fatalf("%+v, %v", first, err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		go func() {
			_ = w.backend.Change(context.Background(), app, func(chat.Records) error {
				close(held)
				<-hold
				return errDisk
			})
		}()
		<-held
		results := make(chan told, 2)
		began := time.Now()
		for _, random := range []uint32{1, 2} {
			go func() {
				o, err := w.backend.Send(context.Background(), send(random))
				results <- told{o, err}
			}()
		}
		w.eventually("the sends have waited too long", func() bool { return time.Since(began) > 2100*time.Millisecond })
		close(hold)
		var repeated, refused int
		for range 2 {
			switch r := <-results; {
			case r.err == nil && r.Kind == chat.Repeated && r.Seq == first.Seq && r.Time == first.Time:
				repeated++
			case r.err == nil && r.Kind == chat.Refused && r.Refusal.Rule == chat.RuleOverload:
				refused++
			default:
				t.Errorf("%+v", r)
			}
		}
		if repeated != 1 || refused != 1 {
			t.Errorf("%d repeated, %d refused", repeated, refused)
		}
		if list := w.events(); len(list) != 1 {
			t.Errorf("%d exceptions", len(list))
		}
		w.ledger()
	})
}

// What one process changes of a callback URL goes on from what another one
// answered OK a moment before.
func TestUpdateOfAnAppKeepsWhatAnotherProcessChanged(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	for i := range 3 { // the first makes the URL, the others change it
		url := fmt.Sprintf("http://127.0.0.1:%d/", i+1)
		p.must(p.a.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error { e.URL, e.Token = url, url; return nil }))
		p.must(p.b.UpdateApp(t.Context(), app, func(a *chat.App, _ *chat.Endpoint) error { a.Key = url; return nil }))
		list, err := p.a.Reader().Endpoints(t.Context(), app)
		if err != nil || len(list) != 1 || list[0].URL != url || list[0].Token != url {
			t.Errorf("after %s was set: %+v, %v", url, list, err)
		}
	}
}

// behind keeps the head that the lanes were last told of.
type behind struct {
	offered
	head atomic.Uint64
}

func (b *behind) Behind(_ chat.AppID, head chat.Sequence) { b.head.Store(uint64(head)) }

// An app that another process removed and made again counts its events from 1:
// the lanes are told of them although this process knew higher ones.
func TestLanesAreToldOfAnAppThatWasMadeAgain(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	store, err := postgres.Open(t.Context(), p.database, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lanes := &behind{}
	c := chat.New(chat.Options{Store: store, Render: wire.Bodies{}, Offers: lanes})
	t.Cleanup(func() {
		c.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	p.must(c.Start(t.Context()))
	refused := func(b *chat.Backend, n int) {
		t.Helper()
		for range n {
			s := send(1)
			s.Group = "none"
			if o, err := b.Send(t.Context(), s); err != nil || o.Kind != chat.Refused {
				t.Fatalf("%+v, %v", o, err)
			}
		}
	}
	refused(c, 5)
	p.must(p.a.DeleteApp(t.Context(), app))
	p.must(p.a.CreateApp(t.Context(), chat.App{ID: app, Key: "new", Admins: []chat.UserID{"administrator"}, Settings: chat.DefaultSettings()}, chat.Endpoint{}))
	p.eventually("the new app is known", func() bool { a, ok := c.App(app); return ok && a.Key == "new" })
	refused(p.a, 2)
	p.eventually("the lanes are told", func() bool { return lanes.head.Load() == 2 })
}

// A lane of an app that was removed may report when the app is made again: its
// sequences are not those of the new journal, whose events would be passed over.
func TestProgressOfARemovedAppIsNotWrittenToTheNewOne(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		a, _ := w.backend.App(app)
		report := func(epoch string) chat.Sequence {
			t.Helper()
			done := make(chan error, 1)
			w.backend.SaveProgress(app, chat.Progress{Endpoint: chat.PrimaryEndpoint, Epoch: epoch, Cursor: 500}, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			list, err := w.backend.Reader().Endpoints(t.Context(), app)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0].Cursor
		}
		if err := w.backend.DeleteApp(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		if err := w.backend.CreateApp(t.Context(), *a, chat.Endpoint{URL: "http://127.0.0.1:1/", Commands: chat.Commands}); err != nil {
			t.Fatal(err)
		}
		if cursor := report(a.Epoch); cursor != 0 {
			t.Errorf("the cursor of the new endpoint is %d", cursor)
		}
		again, _ := w.backend.App(app)
		if cursor := report(again.Epoch); cursor != 500 {
			t.Errorf("the cursor is %d", cursor)
		}
	})
}

// unread is a store that counts what is read while an app is locked.
type unread struct {
	chat.Store
	locked, reads atomic.Int32
}

type unreadTx struct {
	chat.Tx
	s *unread
}

func (s *unread) Begin() (chat.Tx, error) {
	tx, err := s.Store.Begin()
	return &unreadTx{tx, s}, err
}

func (tx *unreadTx) Lock(a chat.AppID, g []chat.GroupKey, r []chat.RepeatKey, now int64) (chat.Head, error) {
	tx.s.locked.Store(1)
	return tx.Tx.Lock(a, g, r, now)
}

func (tx *unreadTx) Commit() error {
	tx.s.locked.Store(0)
	return tx.Tx.Commit()
}

func (s *unread) Account(ctx context.Context, a chat.AppID, u chat.UserID) (chat.Account, bool, error) {
	s.reads.Add(s.locked.Load())
	return s.Store.Account(ctx, a, u)
}

func (s *unread) Group(ctx context.Context, a chat.AppID, g chat.GroupID) (chat.Group, bool, error) {
	s.reads.Add(s.locked.Load())
	return s.Store.Group(ctx, a, g)
}

func (s *unread) Standing(ctx context.Context, a chat.AppID, g chat.GroupKey, u chat.UserID) (chat.Standing, error) {
	s.reads.Add(s.locked.Load())
	return s.Store.Standing(ctx, a, g, u)
}

// What sends are judged by again after a change that made everything be forgotten
// is read before the app is locked.
func TestNothingIsReadWhileAnAppIsLocked(t *testing.T) {
	t.Parallel()
	var s *unread
	w := newWorldOn(t, pgtest.Database(t), func(w *world) (chat.Store, error) {
		store, err := postgres.Open(context.Background(), w.place, postgres.Options{})
		s = &unread{Store: store}
		return s, err
	})
	if r := w.sendDuring(func(r chat.Records) error { return r.DeleteAccount("mia") }); r.err != nil || r.Kind != chat.Accepted {
		t.Errorf("%+v, %v", r.Outcome, r.err)
	}
	if n := s.reads.Load(); n != 0 {
		t.Errorf("%d reads under the lock", n)
	}
}

// A process that has been idle knows after Sync what was changed before, and so
// before any event that it may read: a lane that begins there judges by it.
func TestSyncBringsWhatOtherProcessesChanged(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	for i := range 20 {
		code := 10001 + i
		p.must(p.a.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
			e.URL, e.Codes = "http://127.0.0.1:1", []int{code}
			return nil
		}))
		p.must(p.b.Sync(t.Context(), app))
		if e := p.b.Endpoint(app, chat.PrimaryEndpoint); e == nil || len(e.Codes) != 1 || e.Codes[0] != code {
			t.Fatalf("change %d: %+v", i, e)
		}
	}
}
