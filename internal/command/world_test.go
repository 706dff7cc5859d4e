package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

const app chat.AppID = 1400000001

const start = 1_800_000_000 // what the clock shows first

// world is a backend over a real store, with the accounts ann, bob, cid, dan and
// eve, and somebody who listens to what connected users are told.
type world struct {
	backend  *chat.Backend
	commands *command.Commands
	heard    *audience
	seconds  atomic.Int64 // the clock
	random   uint32
}

// audience keeps what it is told.
type audience struct {
	mu      sync.Mutex
	notices []chat.Notice
}

func (*audience) Sent(chat.AppID, []chat.Message) {}

func (a *audience) Noticed(_ chat.AppID, notices []chat.Notice, _ bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notices = append(a.notices, notices...)
}

// take gives what was told since it was last asked.
func (a *audience) take() []chat.Notice {
	a.mu.Lock()
	defer a.mu.Unlock()
	told := a.notices
	a.notices = nil
	return told
}

type nobody struct{}

func (nobody) Offer(chat.AppID, []chat.Event)   {}
func (nobody) Changed(chat.AppID)               {}
func (nobody) Behind(chat.AppID, chat.Sequence) {}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{heard: &audience{}}
	w.seconds.Store(start)
	w.backend = chat.New(chat.Options{
		Store: store, Render: wire.Bodies{}, Offers: nobody{}, Audience: w.heard,
		Now: func() time.Time { return time.Unix(w.seconds.Load(), 0) },
	})
	if err := w.backend.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.backend.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	settings := chat.DefaultSettings()
	settings.GroupRate = 0
	a := chat.App{ID: app, Key: "key", Admins: []chat.UserID{"admin"}, Settings: settings}
	if err := w.backend.CreateApp(context.Background(), a, chat.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	for _, user := range []chat.UserID{"ann", "bob", "cid", "dan", "eve"} {
		if err := w.backend.Login(context.Background(), app, user); err != nil {
			t.Fatal(err)
		}
	}
	w.commands = command.New(w.backend)
	return w
}

// step is one thing that somebody does, in the order of the table.
type step struct {
	does    string
	wait    int64  // seconds that pass before
	by      string // a user by his connection; empty: the app's admin over REST
	command string // or "send"
	body    string
	code    api.Code
	has     []string // parts of the answer
	lacks   []string
	tells   []string // what connected users are told, see words
}

// version is raised by every change of state.
func (w *world) version(t testing.TB) uint64 {
	t.Helper()
	head, err := w.backend.Reader().Head(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	return head.Version
}

// call is done through the table, as the doors do it.
func (w *world) call(t testing.TB, by, name, body string) (string, api.Code) {
	t.Helper()
	a, _ := w.backend.App(app)
	c := command.Call{App: a, By: chat.Admin("admin")}
	if by != "" {
		c.By = chat.Client(chat.UserID(by))
	}
	entry, ok := command.Table[name]
	if !ok || by != "" && !entry.Client || by == "" && !entry.Admin {
		t.Fatalf("%s is not for %q", name, by)
	}
	before := w.version(t)
	text, err := entry.Do(t.Context(), w.commands, c, []byte(body))
	if !entry.Changes && w.version(t) != before {
		t.Errorf("%s %s changed something, and is not marked", name, body)
	}
	if refusal, ok := err.(*chat.Refusal); ok {
		if refusal.Info == "" {
			t.Errorf("%s: refused without words", name)
		}
		return refusal.Info, refusal.Code
	}
	if err != nil {
		t.Fatalf("%s %s: %v", name, body, err)
	}
	var answer api.Answer
	if err := json.Unmarshal(text, &answer); err != nil || answer.Failed() {
		t.Fatalf("%s: answered %s, error %v", name, text, err)
	}
	return string(text), api.CodeOK
}

// send sends a message; body is what its request has besides Random.
func (w *world) send(t testing.TB, by, body string) (string, api.Code) {
	t.Helper()
	w.random++
	s := &chat.Send{App: app, Caller: "admin", ClientIP: "127.0.0.1", Platform: "RESTAPI"}
	if by != "" {
		s.Caller, s.Entry, s.Platform = chat.UserID(by), chat.EntryClient, "Web"
	}
	wire.ReadSend(fmt.Appendf(nil, `{"Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"text %d"}}],%s`,
		w.random, w.random, strings.TrimPrefix(body, "{")), s)
	o, err := w.backend.Send(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if o.Refusal != nil {
		return o.Refusal.Info, o.Refusal.Code
	}
	return fmt.Sprintf(`"MsgSeq":%d`, o.Seq), api.CodeOK
}

// play does the steps, each of which has to tell exactly what it says.
func play(t *testing.T, steps []step) *world {
	t.Helper()
	w := newWorld(t)
	w.play(t, steps)
	return w
}

func (w *world) play(t *testing.T, steps []step) {
	t.Helper()
	w.heard.take()
	for i, s := range steps {
		w.seconds.Add(s.wait)
		at := fmt.Sprintf("step %d, %s: %s by %q: %.500s", i, s.does, s.command, s.by, s.body)
		do := w.call
		name := s.command
		if s.command == "send" {
			do = func(t testing.TB, by, _, body string) (string, api.Code) { return w.send(t, by, body) }
		}
		text, code := do(t, s.by, name, s.body)
		if code != s.code {
			t.Fatalf("%s:\n answered %d %.1000s\n want code %d", at, code, text, s.code)
		}
		for _, part := range s.has {
			if !strings.Contains(text, part) {
				t.Errorf("%s:\n answered %.2000s\n without %s", at, text, part)
			}
		}
		for _, part := range s.lacks {
			if strings.Contains(text, part) {
				t.Errorf("%s:\n answered %.2000s\n with %s", at, text, part)
			}
		}
		var told []string
		for _, n := range w.heard.take() {
			told = append(told, words(t, n))
			if n.Time != 1000*w.seconds.Load() {
				t.Errorf("%s: told with time %d", at, n.Time)
			}
		}
		if diff := cmp.Diff(s.tells, told); diff != "" {
			t.Errorf("%s:\n told (-want +got):\n%s", at, diff)
		}
	}
}

// words write a notice in one line: what, where, by whom, about whom, and the rest.
func words(t testing.TB, n chat.Notice) string {
	t.Helper()
	if (n.Key == 0) != (n.Group == "") {
		t.Errorf("group %q, key %d: %+v", n.Group, n.Key, n)
	}
	parts := []string{string(n.Kind)}
	add := func(format string, value any, there bool) {
		if there {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	add("%s", n.Group, n.Group != "")
	add("by %s:", n.Operator, true)
	users := make([]string, len(n.Users))
	for i, u := range n.Users {
		users[i] = string(u)
	}
	add("%s", strings.Join(users, ","), len(users) > 0)
	add("role %s", n.Role, n.Role != "")
	if n.NameCard != nil {
		add("card %q", *n.NameCard, true)
	}
	switch n.Kind {
	case chat.NoticeMuted, chat.NoticeMutedOut:
		until := "off"
		if n.Until == chat.Forever {
			until = "for ever"
		} else if n.Until > 0 {
			until = fmt.Sprintf("until +%d", n.Until-start)
		}
		add("%s", until, true)
	}
	add("%v", n.Seqs, len(n.Seqs) > 0)
	if n.Changed != nil {
		text, err := json.Marshal(n.Changed)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		var list []string
		for name, value := range fields {
			if value != nil && value != "" {
				list = append(list, fmt.Sprintf("%s=%v", name, value))
			}
		}
		slices.Sort(list)
		add("%s", strings.Join(list, " "), true)
	}
	add("%q", n.Text, n.Text != "")
	add("%s", "invited", n.Invited)
	add("%s", "kicked", n.Kicked)
	add("%s", "agreed", n.Agreed)
	return strings.Join(parts, " ")
}
