package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// failing is a store whose messages, or heads of groups, cannot be read while it is
// told so.
type failing struct {
	*sqlite.Store
	headless atomic.Int64              // reads of heads that fail still
	heads    atomic.Pointer[chan bool] // reads of heads wait until it is closed
	unknown  atomic.Int64              // reads of bob's memberships that fail still
	fails    atomic.Int64              // reads that fail still
	gate     atomic.Pointer[chan bool] // reads wait until it is closed
	asked    chan struct{}             // a read failed, or waits
	looks    atomic.Int64              // reads of what apps accepted, with which each look of the tick begins
}

func (f *failing) Heads(ctx context.Context) (map[chat.AppID]chat.Head, error) {
	f.looks.Add(1)
	return f.Store.Heads(ctx)
}

func (f *failing) Messages(ctx context.Context, app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) ([]chat.Message, error) {
	f.wait(&f.gate)
	if f.fails.Load() > 0 {
		f.fails.Add(-1)
		f.asked <- struct{}{}
		return nil, errors.New("the disk does not answer")
	}
	return f.Store.Messages(ctx, app, g, newest, limit)
}

func (f *failing) GroupHeads(ctx context.Context, app chat.AppID, groups []chat.GroupKey) (map[chat.GroupKey]chat.MsgSeq, error) {
	f.wait(&f.heads)
	if f.headless.Load() > 0 {
		f.headless.Add(-1)
		return nil, errors.New("the disk does not answer")
	}
	return f.Store.GroupHeads(ctx, app, groups)
}

func (f *failing) Member(ctx context.Context, app chat.AppID, g chat.GroupKey, user chat.UserID) (chat.Member, bool, error) {
	if user == "bob" && f.unknown.Load() > 0 {
		f.unknown.Add(-1)
		f.asked <- struct{}{}
		return chat.Member{}, false, errors.New("the disk does not answer")
	}
	return f.Store.Member(ctx, app, g, user)
}

// wait says that something was asked, and waits while the gate is held.
func (f *failing) wait(gate *atomic.Pointer[chan bool]) {
	if held := gate.Load(); held != nil {
		f.asked <- struct{}{}
		<-*held
	}
}

// hold has reads wait at a gate until they are released.
func hold(gate *atomic.Pointer[chan bool]) (release func()) {
	held := make(chan bool)
	gate.Store(&held)
	return func() {
		gate.Store(nil)
		close(held)
	}
}

func newFailing(t *testing.T) *failing {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	return &failing{Store: store, asked: make(chan struct{}, 100)}
}

// lossy is a world over a store that may fail, and that does not hand over what
// lose says; nil loses nothing.
func lossy(t *testing.T, lose func(*chat.Message) bool) (*world, *failing) {
	t.Helper()
	store := newFailing(t)
	w := newWorldOver(t, store, func(*chat.Options) {})
	w.lose = lose
	w.makeApps(t)
	return w, store
}

// number is a message of a number.
func number(seq chat.MsgSeq) func(*chat.Message) bool {
	return func(m *chat.Message) bool { return m.Seq == seq }
}

// Hints are lost and the store fails besides: once a second it is looked what is
// missing, and every message is pushed once and in order.
func TestWhatWasNotHandedOverIsFoundInTheStore(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, func(m *chat.Message) bool { return m.Seq > 3 })
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	store.fails.Store(2) // nothing more need be said for another look
	for i := range 250 {
		w.say(ann, "g", fmt.Sprint("m", i+1))
	}
	await(t, "a look into the store", store.asked)
	await(t, "another look", store.asked)
	for _, p := range []*phone{ann, bob} {
		for i := range 250 {
			if got := p.next(); got.MsgSeq != uint64(i+1) || words(got) != fmt.Sprint("m", i+1) {
				t.Fatalf("push %d is %s", i+1, got.text)
			}
		}
	}
}

// Who is taken out hears what was said before, also when it was not handed over,
// and nothing that was said after.
func TestWhoIsTakenOutHearsAllThatWasSaidBefore(t *testing.T) {
	t.Parallel()
	w, _ := lossy(t, number(2))
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	w.say(ann, "g", "one")
	w.say(ann, "g", "two")
	if err := w.backend.DeleteMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	w.say(ann, "g", "three")
	for _, want := range []string{"one", "two"} {
		if got := bob.next(); words(got) != want {
			t.Fatalf("bob heard %s, want %s", got.text, want)
		}
	}
	if got := bob.next(); got.Event != "MemberLeft" {
		t.Fatalf("bob heard %s", got.text)
	}
	await(t, "the end of bob's subscription", bob.leaves)
	if len(bob.pushes) > 0 {
		t.Fatalf("bob heard %s after he was out", (<-bob.pushes).text)
	}
	for _, want := range []string{"one", "two", "", "three"} {
		if got := ann.next(); words(got) != want {
			t.Fatalf("ann heard %s, want %q", got.text, want)
		}
	}
}

// More waits for a group than is kept: the rest is read.
func TestMoreThanCanWaitIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	g, _, err := w.backend.Reader().Group(t.Context(), app, "g")
	if err != nil {
		t.Fatal(err)
	}
	release := hold(&store.gate)
	w.say(ann, "g", "m1")
	w.say(ann, "g", "m2") // has the first looked for
	await(t, "the look into the store", store.asked)
	w.door.Sent(app, slices.Repeat([]chat.Message{{Group: g.Key, Seq: 1}}, 10_000))
	for i := range 48 {
		w.say(ann, "g", fmt.Sprint("m", i+3))
	}
	online := text("g", 7, "typing")
	online["OnlineOnlyFlag"] = 1
	ann.ok("send_group_msg", online)
	release()
	for i := range 50 {
		if got := ann.next(); got.MsgSeq != uint64(i+1) {
			t.Fatalf("push %d is %s", i+1, got.text)
		}
	}
	if n := w.metric(t, "parley_online_only_lost_total"); n != 1 {
		t.Fatalf("%v messages to those online are counted as lost", n)
	}
}

// metric reads a counter or gauge.
func (w *world) metric(t testing.TB, name string) (v float64) {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// More waits than is kept, and the look for it fails: it is looked again, though
// nothing more is said.
func TestTheLookForWhatWasDroppedIsRepeated(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, nil)
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	for i := range 3 { // so that the tick knows the app, and that it had all of it
		w.say(ann, "g", fmt.Sprint("m", i+1))
	}
	before := store.looks.Load()
	w.eventually(t, "the end of the next look", func() bool { return store.looks.Load() >= before+2 })
	g, _, err := w.backend.Reader().Group(t.Context(), app, "g")
	if err != nil {
		t.Fatal(err)
	}
	release := hold(&store.gate)
	w.door.Sent(app, []chat.Message{{Group: g.Key, Seq: 5}}) // has number 4 looked for, which waits
	await(t, "the look into the store", store.asked)
	w.door.Sent(app, slices.Repeat([]chat.Message{{Group: g.Key, Seq: 1}}, 10_000))
	for i := range 20 {
		w.say(ann, "g", fmt.Sprint("m", i+4))
	}
	store.headless.Store(1)
	release()
	for i := range 23 {
		if got := ann.next(); got.MsgSeq != uint64(i+1) {
			t.Fatalf("push %d is %s", i+1, got.text)
		}
	}
}

// Who joins while what was said before cannot be read hears of it when that is
// pushed, and none of it.
func TestWhoJoinsHearsNothingOfBefore(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	store.fails.Store(3)
	w.say(ann, "g", "secret")
	if _, err := w.backend.AddMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	w.say(ann, "g", "welcome")
	if got := bob.next(); got.Event != "MemberJoined" {
		t.Fatalf("bob heard %s first", got.text)
	}
	if got := bob.next(); got.MsgSeq != 2 || words(got) != "welcome" {
		t.Fatalf("bob heard %s, want the welcome", got.text)
	}
	for _, want := range []string{"secret", "", "welcome"} {
		if got := ann.next(); words(got) != want {
			t.Fatalf("ann heard %s, want %q", got.text, want)
		}
	}
}

// Who joins while what was said before waits to be pushed, and connects only then,
// hears none of it either.
func TestWhoJoinsAndConnectsHearsNothingOfBefore(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	if err := w.backend.Login(t.Context(), app, "bob"); err != nil {
		t.Fatal(err)
	}
	release := hold(&store.gate)
	w.say(ann, "g", "secret")
	if _, err := w.backend.AddMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the look for what was said before", store.asked)
	bob := w.phone(t, "bob")
	release()
	w.say(ann, "g", "welcome")
	for heard := ""; heard != "welcome"; {
		p := bob.next()
		if heard = words(p); p.MsgSeq != 2 && heard != "" {
			t.Fatalf("bob heard %s", p.text)
		}
	}
	for _, want := range []string{"secret", "", "welcome"} {
		if got := ann.next(); words(got) != want {
			t.Fatalf("ann heard %s, want %q", got.text, want)
		}
	}
}

// Who is taken out while he connects does not hear the group, though his groups
// were read before.
func TestWhoIsTakenOutWhileHeConnectsHearsNothing(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, nil)
	w.group(t, "g", chat.Public, "ann", "bob")
	w.group(t, "h", chat.Public, "bob") // which nobody hears yet: its head is asked for
	ann := w.phone(t, "ann")
	release := hold(&store.heads)
	bob := w.dial(t, "bob")
	if err := bob.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await(t, "the question for heads", store.asked)
	if err := w.backend.DeleteMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	ann.nextOf("MemberLeft")
	release()
	await(t, "bob's connection", bob.ups)
	w.say(ann, "g", "said without bob")
	w.sayAs(t, "h", "", "hello bob")
	if got := bob.next(); words(got) != "hello bob" {
		t.Fatalf("bob heard %s", got.text)
	}
}

// The membership of who joined cannot be read: once it can, he is told that he
// joined, and what was said since.
func TestWhoJoinsWhileTheStoreFailsIsToldLater(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, nil)
	w.group(t, "g", chat.Public, "ann")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	w.say(ann, "g", "before")
	store.unknown.Store(2)
	if _, err := w.backend.AddMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the failure", store.asked)
	w.say(ann, "g", "welcome")
	if got := bob.next(); got.Event != "MemberJoined" {
		t.Fatalf("bob heard %s first", got.text)
	}
	if got := bob.next(); words(got) != "welcome" || got.MsgSeq != 2 {
		t.Fatalf("bob heard %s, want the welcome", got.text)
	}
}

// What is said to those online while a notice waits for messages before it, waits
// too: who has left by then does not hear it.
func TestWhatIsSaidOnlineDoesNotOvertakeALeave(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	store.fails.Store(1 << 20)
	w.say(ann, "g", "one")
	if err := w.backend.DeleteMembers(t.Context(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	await(t, "a failed read", store.asked)
	online := text("g", w.random.Add(1), "to those online")
	online["OnlineOnlyFlag"] = 1
	ann.ok("send_group_msg", online)
	store.fails.Store(0)
	for _, p := range []*phone{ann, bob} {
		if got := p.next(); words(got) != "one" {
			t.Fatalf("heard %s, want what was said first", got.text)
		}
		if got := p.next(); got.Event != "MemberLeft" {
			t.Fatalf("heard %s, want the leave", got.text)
		}
	}
	if got := ann.next(); words(got) != "to those online" {
		t.Fatalf("ann heard %s", got.text)
	}
	await(t, "the end of bob's subscription", bob.leaves)
	if len(bob.pushes) > 0 {
		t.Fatalf("bob heard %s after he was out", (<-bob.pushes).text)
	}
}

// Who is subscribed and not taken in yet hears of a recall whose message he hears.
func TestARecallIsToldToWhoIsNotTakenInYet(t *testing.T) {
	t.Parallel()
	w, store := lossy(t, number(1))
	w.group(t, "g", chat.Public, "ann", "bob")
	first := w.phone(t, "ann") // the group is followed from here on, and then nobody hears it
	first.client.Close()
	w.eventually(t, "nobody is connected", func() bool { return w.metric(t, "parley_connections") == 0 })
	release := hold(&store.gate)
	w.sayAs(t, "g", "ann", "one")
	w.sayAs(t, "g", "ann", "two") // has the first looked for: the worker waits
	await(t, "the look into the store", store.asked)
	seq := w.sayAs(t, "g", "ann", "secret")
	if codes, err := w.backend.Recall(t.Context(), app, chat.Admin("admin"), "g", []chat.MsgSeq{seq}); err != nil || codes[0] != 0 {
		t.Fatal(codes, err)
	}
	bob := w.phone(t, "bob") // taken in after what waits
	release()
	w.eventually(t, "the end of what waited", func() bool {
		_, halls := w.door.Hearing(app, "bob")
		return len(halls) == 1 && len(halls[0]) == 1
	})
	w.sayAs(t, "g", "ann", "the end")
	known, recalled := false, false
	for {
		got := bob.next()
		known = known || words(got) == "secret"
		recalled = recalled || got.Event == "MsgRecalled"
		if words(got) == "the end" {
			break
		}
	}
	if known && !recalled {
		t.Error("bob heard the secret and not that it was recalled")
	}
}
