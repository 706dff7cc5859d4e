package live_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/live"
	"github.com/parley-im/parley/internal/store/sqlite"
	"github.com/parley-im/parley/internal/wire"
)

// asked is a store that may be silent about groups and memberships, and counts the
// members it lists.
type asked struct {
	*sqlite.Store
	silent atomic.Bool
	listed atomic.Int64
}

func newAsked(t *testing.T) *asked {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Erase: wire.Erase})
	if err != nil {
		t.Fatal(err)
	}
	return &asked{Store: store}
}

func (s *asked) Joined(ctx context.Context, app chat.AppID, user chat.UserID) ([]chat.Membership, error) {
	if s.silent.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.Joined(ctx, app, user)
}

func (s *asked) Members(ctx context.Context, app chat.AppID, g chat.GroupKey, roles []chat.Role, offset, limit int) ([]chat.Member, error) {
	list, err := s.Store.Members(ctx, app, g, roles, offset, limit)
	s.listed.Add(int64(len(list)))
	return list, err
}

func TestACallDoesNotWaitForEverForTheStore(t *testing.T) {
	t.Parallel()
	store := newAsked(t)
	w := newWorldOver(t, store, func(*chat.Options) {}, func(c *live.Config) { c.Patience = 50 * time.Millisecond })
	w.makeApps(t)
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	store.silent.Store(true)
	if a := ann.call("get_joined_group_list", object{}); a.ErrorCode != 60008 || a.ActionStatus != "FAIL" {
		t.Errorf("answered %+v", a)
	}
	w.say(ann, "g", "sends go on")
	store.silent.Store(false)
	ann.ok("get_joined_group_list", object{})
}

// A question of the app's backend takes longer than any other call may.
func TestASendIsNotCutByThePatienceOfCalls(t *testing.T) {
	t.Parallel()
	b := &backendApp{asked: make(chan struct{}, 1), answers: make(chan chat.Verdict, 1)}
	w := newWorldOf(t, func(o *chat.Options) { o.Asker = b }, func(c *live.Config) { c.Patience = time.Nanosecond })
	err := w.backend.UpdateApp(t.Context(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1/", []string{chat.CommandBeforeSendMsg}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.group(t, "g", chat.Public, "ann")
	ann := w.phone(t, "ann")
	done := make(chan answer, 1)
	go func() {
		a, err := ann.try("send_group_msg", text("g", 1, "slow"))
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	await(t, "the question", b.asked)
	if a := ann.call("get_joined_group_list", object{}); a.ErrorCode != 60008 {
		t.Errorf("another call: %+v", a)
	}
	b.answers <- chat.Verdict{}
	if a := await(t, "the answer", done); a.ErrorCode != 0 || a.MsgSeq != 1 {
		t.Errorf("the send: %+v", a)
	}
}

func TestOwnerAndAdminsAreFoundWithoutReadingTheMembers(t *testing.T) {
	t.Parallel()
	store := newAsked(t)
	w := newWorldOver(t, store, func(*chat.Options) {})
	w.makeApps(t)
	w.group(t, "zoe's", chat.Public, "zoe")
	w.group(t, "@TGS#_big", chat.Community, "ann", "eve")
	needs := "NeedPermission"
	if err := w.backend.UpdateGroup(t.Context(), app, chat.Admin("admin"), "@TGS#_big", chat.GroupChange{ApplyJoinOption: &needs}); err != nil {
		t.Fatal(err)
	}
	g, _, err := w.backend.Reader().Group(t.Context(), app, "@TGS#_big")
	if err != nil {
		t.Fatal(err)
	}
	err = w.backend.Change(t.Context(), app, func(r chat.Records) error {
		for i := range 2000 {
			if err := r.PutMember(g.Key, chat.Member{User: chat.UserID(fmt.Sprint("m", i)), Role: chat.RoleMember}); err != nil {
				return err
			}
		}
		return r.PutMember(g.Key, chat.Member{User: "bob", Role: chat.RoleAdmin})
	})
	if err != nil {
		t.Fatal(err)
	}
	ann, bob, eve, zoe := w.phone(t, "ann"), w.phone(t, "bob"), w.phone(t, "eve"), w.phone(t, "zoe")
	zoe.ok("apply_join_group", object{"GroupId": "@TGS#_big", "ApplyMsg": "please"})
	ann.nextOf("Application")
	bob.nextOf("Application")
	eve.ok("get_group_member_info", object{"GroupId": "@TGS#_big", "MemberRoleFilter": []string{"Admin", "Admin"}})
	if n := store.listed.Load(); n != 3 {
		t.Errorf("%d members were read to find two managers, and then one admin", n)
	}
}

func TestWhatAUserChangesHasAPace(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, func(o *chat.Options) { o.Changes = chat.Pace{Rate: 1, Burst: 5} })
	w.group(t, "g", chat.Public, "ann", "eve")
	ann := w.phone(t, "ann")
	phones := []*phone{w.phone(t, "eve"), w.phone(t, "eve")}
	card := func(p *phone, user, name string) answer {
		return p.call("modify_group_member_info", object{"GroupId": "g", "Member_Account": user, "NameCard": name})
	}
	var mu sync.Mutex
	accepted, refused := 0, 0
	var calls sync.WaitGroup
	for k, p := range phones {
		calls.Go(func() {
			for i := range 20 {
				a := card(p, "eve", fmt.Sprint(k, " ", i))
				mu.Lock()
				switch {
				case a.ErrorCode == 0:
					accepted++
				case a.ErrorCode == 10006 && a.RetryAfter == 1 && a.ErrorInfo == "operation is too frequent,please retry later":
					refused++
				default:
					t.Errorf("answered %+v", a)
				}
				mu.Unlock()
			}
		})
	}
	calls.Wait()
	if accepted < 5 || accepted > 30 || refused != 40-accepted { // one more with each second that it took
		t.Errorf("%d changes were accepted and %d refused", accepted, refused)
	}
	for range accepted {
		ann.nextOf("MemberChanged")
	}
	// Neither what he says and reads nor what others change is bounded by it.
	eve := phones[0]
	for range 10 {
		eve.ok("msg_read", object{"GroupId": "g", "MsgReadedSeq": w.say(eve, "g", "hello")})
		eve.ok("get_group_info", object{"GroupIdList": []string{"g"}})
	}
	for i := range 5 {
		if a := card(ann, "ann", fmt.Sprint(i)); a.ErrorCode != 0 {
			t.Errorf("ann: %+v", a)
		}
	}
}
