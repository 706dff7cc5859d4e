package live_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

// manyGroups makes n groups, more0 and so on, that a user is in.
func (w *world) manyGroups(t testing.TB, user chat.UserID, n int) {
	t.Helper()
	err := w.backend.Change(t.Context(), app, func(r chat.Records) error {
		for i := range n {
			key, err := r.CreateGroup(chat.Group{ID: chat.GroupID(fmt.Sprint("more", i)), Type: chat.Public, NextMsgSeq: 1})
			if err != nil {
				return err
			}
			if err := r.PutMember(key, chat.Member{User: user, Role: chat.RoleMember}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Who is in more groups than anybody may be now is let in all the same, and hears
// the oldest of them.
func TestWhoIsInTooManyGroupsHearsTheOldest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "first", chat.Public, "ann", "bob")
	w.manyGroups(t, "ann", chat.MaxJoined)
	ann := w.enter(t, "ann", nil)
	if n := len(w.door.Halls(app)); n != chat.MaxJoined {
		t.Fatalf("ann hears %d groups, want %d", n, chat.MaxJoined)
	}
	w.sayAs(t, fmt.Sprint("more", chat.MaxJoined-1), "", "unheard")
	w.sayAs(t, "first", "", "heard")
	got := await(t, "a push", ann.pushes)
	if pub := got.Push.Pub; pub == nil || !bytes.Contains(pub.Data, []byte(`"heard"`)) {
		t.Fatalf("ann heard %+v", got.Push)
	}
}
