package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-im/parley/internal/chat"
)

// wanting switches commands on at the app's callback URL.
func (w *world) wanting(commands ...string) {
	w.t.Helper()
	if err := w.backend.UpdateApp(w.t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1/", commands
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

func login(user chat.UserID) chat.Announcement {
	return chat.Announcement{
		Command: chat.CommandStateChange, From: user, ClientIP: "192.0.2.1", Platform: "IOS",
		Body: func(eventTime int64) []byte { return fmt.Appendf(nil, `{"EventTime":%d}`, eventTime) },
	}
}

func TestOnlyWhatAnEndpointWantsIsAnnounced(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.backend.Announce(app, login("no URL"))
		w.wanting(chat.CommandSendMsgException, chat.CommandAfterSendMsg)
		w.backend.Announce(app, login("not switched on"))
		w.backend.Announce(app+1, login("no app"))
		w.wanting(chat.CommandStateChange)
		w.backend.Announce(app, login("jared\x00"))
		w.eventually("it is announced", func() bool { return w.backend.Beside() == 0 })
		list := w.events()
		if len(list) != 1 {
			t.Fatalf("%d events: %+v", len(list), list)
		}
		e := list[0]
		if e.ID == (chat.AttemptID{}) || e.Time == 0 {
			t.Errorf("%+v", e)
		}
		want := chat.Event{App: app, Seq: 1, ID: e.ID, Attempt: e.ID, Command: chat.CommandStateChange, Time: e.Time, ClientIP: "192.0.2.1",
			Platform: "IOS", From: "jared\x00", Count: 1, Body: fmt.Appendf(nil, `{"EventTime":%d}`, e.Time)}
		if e.Detail = nil; !cmp.Equal(e, want) {
			t.Error(cmp.Diff(want, e))
		}
		if n := w.backend.Unannounced(); n != 0 {
			t.Errorf("%d were dropped", n)
		}
		if c := w.ledger(); c.Attempts != 0 {
			t.Errorf("it counts as a send: %+v", c)
		}
	})
}

// The journal has no gap, and the lanes are offered what is in it.
func TestAnnouncementsStandAmongTheEventsOfSends(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		w.wanting(chat.CommandStateChange, chat.CommandSendMsgException)
		const each = 60
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for n := range each {
					if i%2 == 0 {
						w.backend.Announce(app, login(chat.UserID(fmt.Sprint("user", i*each+n))))
						continue
					}
					s := send(uint32(i*each + n))
					s.Group = "none"
					if o, err := w.backend.Send(context.Background(), s); err != nil || o.Kind != chat.Refused {
						t.Errorf("%+v, %v", o, err)
					}
				}
			})
		}
		all.Wait()
		w.eventually("all are announced", func() bool { return w.backend.Beside() == 0 })
		list := w.events() // looks for gaps
		ids, users, refused := map[chat.AttemptID]bool{}, map[chat.UserID]bool{}, 0
		for _, e := range list {
			ids[e.ID] = true
			if e.Command == chat.CommandStateChange {
				users[e.From] = true
			} else {
				refused++
			}
		}
		if len(list) != 4*each || len(ids) != len(list) || len(users) != 2*each || refused != 2*each {
			t.Errorf("%d events, %d ids, %d users, %d refused", len(list), len(ids), len(users), refused)
		}
		w.eventually("all are offered, in order", func() bool {
			w.offered.mu.Lock()
			defer w.offered.mu.Unlock()
			for i, e := range w.offered.events {
				if e.Seq != chat.Sequence(i+1) {
					t.Fatalf("sequence %d was offered at place %d", e.Seq, i+1)
				}
			}
			return len(w.offered.events) == len(list)
		})
		w.ledger()
	})
}

func TestAnnouncementsThatFindTooManyWaitingAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wanting(chat.CommandStateChange)
	release := w.hold()
	for range chat.MaxBeside + 10 {
		w.backend.Announce(app, login("jared"))
	}
	if n := w.backend.Unannounced(); n != 10 {
		t.Errorf("%d were dropped", n)
	}
	release()
	w.eventually("the others are announced", func() bool { return w.backend.Beside() == 0 })
	w.backend.Announce(app, login("mia"))
	w.eventually("there is room again", func() bool { return w.backend.Beside() == 0 })
	if head, err := w.backend.Reader().Head(t.Context(), app); err != nil || head.Next != chat.MaxBeside+2 {
		t.Errorf("%+v, %v", head, err)
	}
	if n := w.backend.Unannounced(); n != 10 {
		t.Errorf("%d were dropped", n)
	}
}

// A COMMIT that seems to have failed may have taken place: then the event is there
// twice, and its id tells.
func TestAnnouncementOutlivesAFailedCommit(t *testing.T) {
	t.Parallel()
	for name, really := range map[string]bool{"it did not take place": false, "it took place": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachEngine(t, func(t *testing.T, newWorld maker) {
				w := newWorld(t)
				w.wanting(chat.CommandStateChange)
				w.store.set(func(f *faulty) {
					f.commit = func() (bool, error) {
						f.set(func(f *faulty) { f.commit = nil })
						return really, errDisk
					}
				})
				w.backend.Announce(app, login("jared"))
				w.eventually("it is announced", func() bool { return w.backend.Beside() == 0 && w.backend.Ready() })
				w.backend.Announce(app, login("mia"))
				w.eventually("another one is", func() bool { return w.backend.Beside() == 0 })
				list := w.events()
				ids := map[chat.UserID]chat.AttemptID{}
				for _, e := range list {
					if id, ok := ids[e.From]; ok && id != e.ID {
						t.Errorf("%s is there under two ids", e.From)
					}
					ids[e.From] = e.ID
				}
				most := 2
				if really {
					most = 3
				}
				if len(ids) != 2 || len(list) > most || w.backend.Unannounced() != 0 {
					t.Errorf("%d dropped, events: %+v", w.backend.Unannounced(), list)
				}
			})
		})
	}
}

func TestAnnouncementThatCannotBeWrittenIsDroppedAndLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.backend.Stop()
	var log bytes.Buffer
	w.log = slog.New(slog.NewTextHandler(&log, nil))
	w.restart()
	w.wanting(chat.CommandStateChange)
	w.store.set(func(f *faulty) {
		f.put = func(r *chat.Rows) error {
			for i := range r.Events {
				if r.Events[i].From == "poison" {
					return errDisk
				}
			}
			return nil
		}
	})
	release := w.hold()
	for _, user := range []chat.UserID{"jared", "poison", "mia"} {
		w.backend.Announce(app, login(user))
	}
	release()
	w.eventually("the others are announced", func() bool { return w.backend.Beside() == 0 })
	list := w.events()
	if len(list) != 2 || list[0].From != "jared" || list[1].From != "mia" || w.backend.Unannounced() != 1 {
		t.Errorf("%d dropped, events: %+v", w.backend.Unannounced(), list)
	}
	w.backend.Stop()
	w.backend.Announce(app, login("too late"))
	if n := w.backend.Unannounced(); n != 2 {
		t.Errorf("%d dropped after the end", n)
	}
	if n := strings.Count(log.String(), "an event was not announced"); n != 1 { // one line a minute
		t.Errorf("%d lines of log:\n%s", n, &log)
	}
}
