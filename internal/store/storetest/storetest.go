// Package storetest is the contract of [chat.Store] as tests, which every
// engine passes. It is written against the interface alone: what an engine
// does in its own way is tested beside the engine.
//
// An engine's test is one call:
//
//	storetest.Run(t, func(t *testing.T) storetest.Opened { … })
//
// What the suite leaves open: whether an empty list or body is nil, and what an
// error's text says.
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/parley-im/parley/internal/chat"
)

// Opened is an empty store made for one test, which closes it at its end. It
// blanks bodies by [Erase].
type Opened struct {
	Store chat.Store
	// Restart closes the store and opens the same data again, as another start
	// of the program would.
	Restart func(t *testing.T) chat.Store
	// Keeping is Restart with another rule of how much of the journals is kept.
	Keeping func(t *testing.T, k chat.Keep) chat.Store
	// Sever breaks the connection of an open transaction.
	Sever func(t *testing.T)
	// Second opens the same data once more, as another process would, where the
	// store is concurrent.
	Second func(t *testing.T) chat.Store
}

// Open makes an empty store for a test.
type Open func(t *testing.T) Opened

// Run runs the suite. Its tests are independent of each other and parallel.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"apps", apps},
		{"words", words},
		{"endpoints", endpoints},
		{"accounts", accounts},
		{"groups", groups},
		{"group pages", groupPages},
		{"members", members},
		{"mutes", mutes},
		{"apps do not see each other", apart},
		{"a removed app leaves nothing", removedApp},
		{"a dissolved group's messages are gone and purged", dissolved},
		{"state follows a model", model},
		{"version is raised", version},

		{"a batch of 256 comes back as written", batch},
		{"sequences follow the commits", sequences},
		{"messages are read downwards in pages", messagePages},
		{"a recalled message is marked", recall},
		{"last words never fall", lastWords},
		{"bytes survive", bytesSurvive},
		{"a poison row leaves nothing and harms no later batch", poison},
		{"a batch for a missing app or group fails", missing},
		{"a rollback leaves nothing", rollback},
		{"found after a commit, not after a rollback", found},
		{"reopening keeps what was committed", reopen},
		{"a restart keeps everything", restart},
		{"readers see whole batches while it is written", readersWhileWriting},
		{"a cancelled read fails", cancelled},
		{"a closed store answers with errors", closed},

		{"a transaction whose connection is lost leaves nothing", severed},
		{"a failed statement allows only a rollback", failedStatement},
		{"two processes go on where the other was", twoProcesses},
		{"two processes write at once", twoWriters},
		{"two processes make one app", twoMakers},
		{"a change tells what it touched", changes},

		{"events are read in pages", eventPages},
		{"progress moves the cursor and keeps rows apart", progress},
		{"failed attempts are kept, the last 32", failures},
		{"what a lane writes comes back", deliveries},
		{"replays are kept until they are done", replays},
		{"tokens are found by their secret", tokens},

		{"the oldest events go by age", keptByAge},
		{"a journal may become empty", keptWholly},
		{"the oldest events go by size", keptBySize},
		{"what was blanked counts less", keptBySizeErased},
		{"what is not delivered stays", keptUntilDelivered},
		{"all that is due goes, though more comes", keptUnderLoad},
		{"what goes follows a model", keptModel},

		{"what a deleted user said is blanked", erased},
		{"a name used again is another user's", erasedTwice},
		{"it is blanked in slices, through restarts", erasedInSlices},
		{"it is blanked amid other changes", erasedAmidChanges},

		{"receivers and mentions come back", receivers},
		{"the number since which a member is there comes back", joins},
		{"heads of many groups are read", groupHeads},
		{"what is unread is counted", unread},
		{"applications are kept in order", applications},
		{"a read position never falls", readPositions},
		{"notices come back with their changes", notices},

		{"a repeat is found within the window", repeats},
		{"repeats follow a model", repeatsModel},
		{"repeats survive a restart", repeatsRestart},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newWorld(t, open(t)))
		})
	}
}

// app1 is the app that a world begins with; app2 is for a test to make.
const (
	app1 = chat.AppID(1400000001)
	app2 = chat.AppID(1400000002)
)

// start is the time at which tests begin, unix seconds.
const start = int64(1_700_000_000)

// world is a store with one app.
type world struct {
	opened Opened
	store  chat.Store
	ctx    context.Context

	mu   sync.Mutex
	open chat.Tx // the last transaction
}

func newWorld(t *testing.T, opened Opened) *world {
	w := &world{opened: opened, store: opened.Store, ctx: t.Context()}
	t.Cleanup(func() { // one that a failed test leaves open would hold up the end
		if w.open != nil {
			w.open.Rollback()
		}
	})
	w.makeApp(t, app1)
	return w
}

func (w *world) restart(t *testing.T) {
	t.Helper()
	w.store = w.opened.Restart(t)
}

// fatal is what both a test and a rapid check can do.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

func must(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// get unwraps a read that must not fail.
func get[T any](t fatal) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// equal compares; nil and empty are the same.
func equal(t fatal, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s differs (-want +got):\n%s", what, diff)
	}
}

// change runs f in a transaction of app's records and commits it.
func (w *world) change(t fatal, app chat.AppID, f func(chat.Records) error) {
	t.Helper()
	must(t, w.try(app, f))
}

func (w *world) begin() (tx chat.Tx, err error) {
	tx, err = w.store.Begin()
	if err == nil {
		w.mu.Lock()
		w.open = tx
		w.mu.Unlock()
	}
	return tx, err
}

// try runs f in a transaction, which is rolled back if it fails.
func (w *world) try(app chat.AppID, f func(chat.Records) error) error {
	tx, err := w.begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	records, err := tx.Records(app)
	if err != nil {
		return err
	}
	if err := f(records); err != nil {
		return err
	}
	return tx.Commit()
}

func (w *world) makeApp(t fatal, app chat.AppID) chat.App {
	t.Helper()
	a := chat.App{ID: app, Key: "secret", Admins: []chat.UserID{"administrator", "other"}, Epoch: "epoch-1", Settings: chat.DefaultSettings()}
	w.change(t, app, func(r chat.Records) error { return r.PutApp(a) })
	return a
}

func (w *world) makeGroup(t fatal, app chat.AppID, id chat.GroupID) chat.GroupKey {
	t.Helper()
	var key chat.GroupKey
	w.change(t, app, func(r chat.Records) (err error) {
		key, err = r.CreateGroup(chat.Group{ID: id, Type: chat.Public, CreateTime: start, Owner: "owner", MaxMembers: 100})
		return err
	})
	return key
}

// commit locks, lets f make rows from the head, and commits them. What f leaves
// zero of the app's row is as it was.
func (w *world) commit(app chat.AppID, groups []chat.GroupKey, now int64, f func(chat.Head) chat.Rows) error {
	tx, err := w.begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := put(tx, app, groups, now, f); err != nil {
		return err
	}
	return tx.Commit()
}

func put(tx chat.Tx, app chat.AppID, groups []chat.GroupKey, now int64, f func(chat.Head) chat.Rows) error {
	head, err := tx.Lock(app, groups, nil, now)
	if err != nil {
		return err
	}
	rows := f(head)
	if rows.Next == 0 {
		rows.Next, rows.Time, rows.Totals = head.Next, head.Time, head.Totals
	}
	rows.Now = now
	return tx.Put(app, &rows)
}

// attempt makes an id that differs for each n.
func attempt(n int) (id chat.AttemptID) {
	copy(id[:], fmt.Sprintf("%016x", n))
	return id
}

// key makes a repeat key that differs for each n.
func key(n int) (k chat.RepeatKey) {
	copy(k[:], fmt.Sprintf("key-%012x", n))
	return k
}

// accepted makes the rows of n accepted sends to a group, with one event each.
func accepted(app chat.AppID, head chat.Head, group chat.GroupKey, n, first int, now int64) chat.Rows {
	g := head.Groups[group]
	rows := chat.Rows{Time: now * 1000, Totals: head.Totals}
	for i := range n {
		a := attempt(first + i)
		seq := g.Next + chat.MsgSeq(i)
		rows.Messages = append(rows.Messages, chat.Message{
			Group: group, Seq: seq, From: "alice", Random: uint32(first + i), Time: now, Priority: chat.Normal,
			Body: []byte(`[{"MsgContent":{"Text":"hello"},"MsgType":"TIMTextElem"}]`), Attempt: a,
		})
		rows.Repeats = append(rows.Repeats, chat.Repeat{Key: key(first + i), Attempt: a, Seq: seq, Time: now})
		rows.Events = append(rows.Events, event(app, head.Next+chat.Sequence(i), a.Event(), a, now))
	}
	rows.Groups = []chat.GroupHead{{Key: group, Next: g.Next + chat.MsgSeq(n), Time: now}}
	rows.Next = head.Next + chat.Sequence(n)
	rows.Totals.Accepted += uint64(n)
	return rows
}

func event(app chat.AppID, seq chat.Sequence, id, a chat.AttemptID, now int64) chat.Event {
	return chat.Event{
		App: app, Seq: seq, ID: id, Attempt: a, Command: chat.CommandSendMsgException, Time: now * 1000,
		ClientIP: "192.0.2.1", Platform: "RESTAPI", Code: 10017, Group: "room", From: "alice", Random: 7, Rule: "member mute",
		Body: []byte(`{"CallbackCommand":"Group.CallbackSendMsgException"}`), Detail: []byte(`{"mute_until":1}`), Count: 1,
	}
}

// send commits n accepted sends to a group.
func (w *world) send(t fatal, app chat.AppID, group chat.GroupKey, n, first int, now int64) chat.Rows {
	t.Helper()
	var rows chat.Rows
	must(t, w.commit(app, []chat.GroupKey{group}, now, func(h chat.Head) chat.Rows {
		rows = accepted(app, h, group, n, first, now)
		return rows
	}))
	return rows
}
