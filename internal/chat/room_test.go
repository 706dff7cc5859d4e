package chat_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// disk is as full as a test says.
type disk struct {
	room atomic.Pointer[chat.Room]
	look atomic.Int64
}

func (d *disk) set(s chat.RoomState) {
	d.room.Store(&chat.Room{State: s, Free: 100 << 20, Mark: 512 << 20})
}

func (d *disk) Room() chat.Room {
	if r := d.room.Load(); r != nil {
		return *r
	}
	return chat.Room{}
}

func (d *disk) Look() { d.look.Add(1) }

func TestLowDiskRefusesSendsOnRecord(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		first, err := w.backend.Send(t.Context(), send(1))
		if err != nil || first.Kind != chat.Accepted {
			t.Fatal(first, err)
		}
		w.disk.set(chat.RoomLow)
		again, err := w.backend.Send(t.Context(), send(1))
		if err != nil || again.Kind != chat.Repeated || again.Seq != first.Seq || again.Time != first.Time {
			t.Errorf("a repeat of an accepted send: %+v, %v", again, err)
		}
		for random := range uint32(3) {
			o, err := w.backend.Send(t.Context(), send(10+random))
			if err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodeInternal || o.Refusal.Rule != chat.RuleDisk {
				t.Errorf("a new send: %+v, %v", o, err)
			}
		}
		bad := send(20)
		bad.Fault = chat.Fail(api.CodeInvalidParameter)
		if o, err := w.backend.Send(t.Context(), bad); err != nil || o.Refusal == nil || o.Refusal.Code != api.CodeInvalidParameter {
			t.Errorf("a send with a fault of its own: %+v, %v", o, err)
		}
		list := w.events()
		if len(list) != 4 || list[0].Rule != chat.RuleDisk || string(list[0].Detail) != `{"compared":{"free":104857600,"mark":536870912}}` {
			t.Errorf("%d events: %+v", len(list), list)
		}
		w.group("g2") // a change is taken
		w.disk.set(chat.RoomEnough)
		if o, err := w.backend.Send(t.Context(), send(10)); err != nil || o.Kind != chat.Accepted || o.Seq != first.Seq+1 {
			t.Errorf("with room again: %+v, %v", o, err)
		}
		w.ledger()
	})
}

func TestFullDiskLetsNoSendBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.disk.set(chat.RoomCritical)
	before := w.ledger()
	if _, err := w.backend.Send(t.Context(), send(1)); !errors.Is(err, chat.ErrFull) {
		t.Errorf("%v", err)
	}
	if after := w.ledger(); after != before {
		t.Errorf("it was counted: %+v", after)
	}
	if len(w.events()) != 0 {
		t.Error("it left an event")
	}
	w.disk.set(chat.RoomEnough)
	if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Accepted {
		t.Errorf("with room again: %+v, %v", o, err)
	}
}

func TestFullDiskTakesOnlyChangesThatMakeNothingNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group("old")
	w.disk.set(chat.RoomCritical)
	for _, c := range []struct {
		name string
		do   func(r chat.Records, g chat.Group) error
		ok   bool
	}{
		{"make a group", func(r chat.Records, _ chat.Group) error {
			_, err := r.CreateGroup(chat.Group{ID: "new", Type: chat.Public})
			return err
		}, false},
		{"import an account", func(r chat.Records, _ chat.Group) error { return r.PutAccount(chat.Account{User: "new"}) }, false},
		{"change an account", func(r chat.Records, _ chat.Group) error {
			return r.PutAccount(chat.Account{User: "jared", MuteUntil: chat.Forever})
		}, true},
		{"add words", func(r chat.Records, _ chat.Group) error { return r.AddWords([]string{"x"}) }, false},
		{"add a member", func(r chat.Records, g chat.Group) error { return r.PutMember(g.Key, chat.Member{User: "jared"}) }, false},
		{"mute", func(r chat.Records, g chat.Group) error { return r.PutMute(g.Key, "jared", chat.Forever) }, true},
		{"mute all", func(r chat.Records, g chat.Group) error { g.MuteAll = true; return r.UpdateGroup(g) }, true},
		{"change the app", func(r chat.Records, _ chat.Group) error {
			a, _, err := r.App()
			if err != nil {
				return err
			}
			return r.PutApp(a)
		}, true},
		{"delete an account", func(r chat.Records, _ chat.Group) error { return r.DeleteAccount("mia") }, true},
		{"dissolve a group", func(r chat.Records, g chat.Group) error { return r.DeleteGroup(g.Key) }, true},
	} {
		err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
			g, _, err := r.Group("old")
			if err != nil {
				return err
			}
			return c.do(r, g)
		})
		var refusal *chat.Refusal
		if refused := errors.As(err, &refusal); refused == c.ok || err != nil && !refused || refused && refusal.Code != api.CodeInternal {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := w.backend.CreateApp(t.Context(), chat.App{ID: app + 1, Key: "key", Admins: []chat.UserID{"a"}, Settings: chat.DefaultSettings()}, chat.Endpoint{}); err == nil {
		t.Error("an app was made")
	}
	if _, ok, err := w.backend.Reader().Group(t.Context(), app, "new"); ok || err != nil {
		t.Errorf("the refused group is there: %v", err)
	}
}

func TestFailedWriteHasTheDiskLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.set(func(f *faulty) {
		f.put = func(*chat.Rows) error { return errDisk }
	})
	if o, err := w.backend.Send(t.Context(), send(1)); err != nil || o.Kind != chat.Refused {
		t.Errorf("%+v, %v", o, err)
	}
	if w.disk.look.Load() == 0 {
		t.Error("nobody looked")
	}
	w.store.set(func(f *faulty) { f.put = nil })
}
