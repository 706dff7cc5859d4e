package chat_test

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/chat"
)

// join makes a user a member of g1, or no longer one.
func (w *world) join(user chat.UserID, member bool) {
	w.t.Helper()
	if err := w.backend.Change(w.t.Context(), app, func(r chat.Records) error {
		g, _, err := r.Group("g1")
		if err != nil {
			return err
		}
		if !member {
			return r.DeleteMember(g.Key, user)
		}
		return r.PutMember(g.Key, chat.Member{User: user, Role: chat.RoleMember})
	}); err != nil {
		w.t.Fatal(err)
	}
}

// own is the send of a user's own connection.
func own(random uint32) *chat.Send {
	s := send(random)
	s.Entry, s.Caller, s.Platform = chat.EntryClient, s.From, "iOS"
	return s
}

func TestWhoIsNoMemberIsRefusedOverHisConnectionAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused, err := w.backend.Send(t.Context(), own(1))
	if err != nil || refused.Kind != chat.Refused || refused.Refusal.Code != api.CodePermissionDenied || refused.Refusal.Info != "sender is not a group member" {
		t.Fatalf("no member, over his connection: %+v, %v", refused, err)
	}
	if o, err := w.backend.Send(t.Context(), send(2)); err != nil || o.Kind != chat.Accepted {
		t.Fatalf("no member, over REST: %+v, %v", o, err)
	}
	w.join("jared", true)
	if o, err := w.backend.Send(t.Context(), own(3)); err != nil || o.Kind != chat.Accepted || o.Seq != 2 {
		t.Fatalf("member, over his connection: %+v, %v", o, err)
	}
	w.join("jared", false)
	if o, err := w.backend.Send(t.Context(), own(4)); err != nil || o.Kind != chat.Refused || o.Refusal.Code != api.CodePermissionDenied {
		t.Fatalf("member no longer, over his connection: %+v, %v", o, err)
	}

	list := w.events()
	if len(list) != 2 {
		t.Fatalf("%d events, want 2", len(list))
	}
	e := list[0]
	if e.ID.String() != refused.Event || e.Rule != chat.RuleSender || e.Code != int(api.CodePermissionDenied) || e.Platform != "iOS" {
		t.Errorf("%+v", e)
	}
	body, err := callback.Decode(callback.CmdGroupSendMsgException, e.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"CallbackCommand":"Group.CallbackSendMsgException","ErrorCode":10007,"ErrorInfo":"sender is not a group member","EventTime":%d,`+
		`"From_Account":"jared","GroupId":"g1","MsgBody":[{"MsgContent":{"Text":"message 1"},"MsgType":"TIMTextElem"}],"OnlineOnlyFlag":0,`+
		`"Operator_Account":"jared","Random":1,"Type":"Public"}`, int64(body.(*callback.SendMsgException).EventTime))
	if string(e.Body) != want {
		t.Errorf("\n got %s\nwant %s", e.Body, want)
	}
	if c := w.ledger(); c.Accepted != 2 || c.Refused != 2 {
		t.Errorf("%+v", c)
	}
}
