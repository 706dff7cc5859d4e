package chat_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// An act that was begun while its actor was an admin, but comes to its turn after
// he was made an ordinary member, is refused.
func TestRoleIsThatOfTheMomentOfTheChange(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, newWorld maker) {
		w := newWorld(t)
		for _, user := range []chat.UserID{"ann", "bob", "cid"} {
			if err := w.backend.Login(t.Context(), app, user); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.backend.CreateGroup(t.Context(), app, chat.Client("ann"), chat.GroupSpec{
			ID: "g2", Type: chat.Public, Name: "n", Members: []chat.MemberSpec{{User: "bob", Role: chat.RoleAdmin}, {User: "cid"}},
		}); err != nil {
			t.Fatal(err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		results := [3]chan error{make(chan error, 1), make(chan error, 1), make(chan error, 1)}
		acts := []func() error{
			func() error {
				return w.backend.Change(context.Background(), app, func(chat.Records) error {
					close(held)
					<-hold
					return nil
				})
			},
			func() error {
				member := chat.RoleMember
				return w.backend.UpdateMember(context.Background(), app, chat.Client("ann"), "g2", "bob", chat.MemberChange{Role: &member})
			},
			func() error {
				return w.backend.DeleteMembers(context.Background(), app, chat.Client("bob"), "g2", []chat.UserID{"cid"})
			},
		}
		for i, act := range acts {
			go func() { results[i] <- act() }()
			if i == 0 {
				<-held
				continue
			}
			for w.backend.Waiting() < i {
				runtime.Gosched()
			}
		}
		close(hold)
		for i, result := range results[:2] {
			if err := <-result; err != nil {
				t.Fatalf("act %d: %v", i, err)
			}
		}
		if refusal, ok := errors.AsType[*chat.Refusal](<-results[2]); !ok || refusal.Code != api.CodePermissionDenied {
			t.Errorf("an admin no more: %v", refusal)
		}
		if _, members, err := w.backend.ListMembers(t.Context(), app, chat.Client("ann"), "g2", nil, 0, 0); err != nil || len(members) != 3 {
			t.Errorf("%d members, error %v", len(members), err)
		}
	})
}
