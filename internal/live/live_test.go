package live_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func TestAMessageReachesEveryMemberInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob", "cid")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob", func(o *phoneOptions) { o.protobuf = true })
	cid1, cid2 := w.phone(t, "cid"), w.phone(t, "cid")
	for i := range 50 {
		from := []*phone{ann, bob, cid1}[i%3]
		if seq := w.say(from, "g", fmt.Sprint("m", i+1)); seq != uint64(i+1) {
			t.Fatalf("number %d, want %d", seq, i+1)
		}
	}
	for name, p := range map[string]*phone{"ann": ann, "bob": bob, "cid1": cid1, "cid2": cid2} {
		for i := range 50 {
			got := p.next()
			if got.Event != "Message" || got.GroupId != "g" || got.MsgSeq != uint64(i+1) || words(got) != fmt.Sprint("m", i+1) || got.Type != "Public" {
				t.Fatalf("%s: push %d is %+v", name, i+1, got)
			}
		}
	}
}

func TestWhoIsTakenOutHearsThatAndNothingAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "ann", "bob")
	ann, bob := w.phone(t, "ann"), w.phone(t, "bob")
	w.say(ann, "g", "one")
	if err := w.backend.DeleteMembers(context.Background(), app, chat.Admin("admin"), "g", []chat.UserID{"bob"}); err != nil {
		t.Fatal(err)
	}
	w.say(ann, "g", "two")
	if got := ann.nextOf("Message"); words(got) != "one" {
		t.Fatalf("ann heard %+v", got)
	}
	if got := ann.nextOf("Message"); words(got) != "two" {
		t.Fatalf("ann heard %+v", got)
	}
	if a := bob.call("send_group_msg", text("g", 7, "let me in")); a.ErrorCode != 10007 || a.EventId == "" {
		t.Fatalf("bob's send: %+v", a)
	}
	w.group(t, "h", chat.Public, "ann", "bob") // what bob hears next is of this
	w.say(ann, "h", "three")
	for {
		got := bob.next()
		if got.Event == "Message" && words(got) == "two" {
			t.Fatal("bob heard what was said after he was taken out")
		}
		if got.Event == "Message" && words(got) == "three" {
			return
		}
	}
}
