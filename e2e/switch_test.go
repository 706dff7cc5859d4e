package e2e

import (
	"strconv"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/callback"
)

// switches sets the app's switches by the command line, against the running server.
func (s *server) switches(t *testing.T, commands string) {
	t.Helper()
	p := parley(t, nil, "apps", "set", "--server", s.url, "--app", strconv.Itoa(appID), "--app-key", appKey, "--callback-commands="+commands)
	if p.code != 0 {
		t.Fatalf("parley apps set: code %d: %s", p.code, &p.stderr)
	}
}

// A lane looks at the switch when it reads an event. In a data folder it reads at
// once; in a database what it has not read yet may be sent when the switch comes
// on again.
func TestSwitchOffKeepsTheRecordAndMakesNoCallback(t *testing.T) {
	t.Parallel()
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(folder(t.TempDir()), rc)...)
	c := s.client()
	refused := func(random uint32) string {
		t.Helper()
		_, err := c.SendGroupMsg(t.Context(), say("nowhere", appAdmin, random, "hello"))
		if code, _ := api.CodeOf(err); code != api.CodeGroupNotFound || eventOf(err) == "" {
			t.Fatal(err)
		}
		return eventOf(err)
	}
	const on = "Group.CallbackSendMsgException"
	first := rc.event(t, refused(1))
	s.switches(t, "")
	unheard := refused(2)
	if head := shown(t, c).Head; head != 2 {
		t.Errorf("the journal ends at %d, want 2", head)
	}
	s.switches(t, on)
	second := rc.event(t, refused(3))
	third := rc.event(t, refused(4))
	if got := [3]callback.Delivery{first.Delivery, second.Delivery, third.Delivery}; got[0].Sequence != 1 || got[0].Previous != 0 ||
		got[1].Sequence != 3 || got[1].Previous != 0 || got[2].Sequence != 4 || got[2].Previous != 3 {
		t.Errorf("%+v", got)
	}
	s.stop(t)
	list := rc.all()
	for _, e := range list {
		if e.Delivery.ID == unheard {
			t.Error("the event of the time without a switch was sent")
		}
	}
	if len(list) != 3 {
		t.Errorf("%d callbacks, want 3", len(list))
	}
	rc.noneRefused(t)
}

func TestAcceptedMessagesAreInTheSameJournalWhenSwitchedOn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e engine) {
		rc := ofApp(t, nil)
		s := serve(t, nil, oneApp(e.place(t), rc, "--callback-commands", "Group.CallbackSendMsgException,Group.CallbackAfterSendMsg")...)
		c := s.client()
		group(t, c, api.TypePublic, "lobby")
		var accepted []api.SendGroupMsgResponse
		for i := range uint32(6) {
			m := say("lobby", appAdmin, i, "hello")
			if i%2 == 1 {
				m.GroupId = "nowhere"
			}
			a, err := c.SendGroupMsg(t.Context(), m)
			if code, _ := api.CodeOf(err); code != []api.Code{api.CodeOK, api.CodeGroupNotFound}[i%2] {
				t.Fatal(err)
			}
			accepted = append(accepted, a)
		}
		rc.waitHead(t, appID, 6)
		for i, e := range rc.events(t, appID) {
			switch m := e.Body.(type) {
			case *callback.AfterSendMsg:
				if i%2 != 0 || m.Random != int64(i) || uint64(m.MsgSeq) != accepted[i].MsgSeq || m.MsgTime != accepted[i].MsgTime || m.GroupID != "lobby" {
					t.Errorf("event %d is %s", i+1, e.Raw)
				}
			case *callback.SendMsgException:
				if i%2 != 1 || m.Random != int64(i) || m.ErrorCode != 10010 {
					t.Errorf("event %d is %s", i+1, e.Raw)
				}
			default:
				t.Errorf("event %d is %s", i+1, e.Raw)
			}
			if e.Delivery.Sequence != uint64(i+1) || e.Delivery.Previous != uint64(i) {
				t.Errorf("event %d: %+v", i+1, e.Delivery)
			}
		}
		s.stop(t)
		if n := len(rc.all()); n != 6 {
			t.Errorf("%d callbacks for 6 sends", n)
		}
	})
}
