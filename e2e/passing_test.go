package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/api"
)

// restriction is a change of an app's state that no later send may pass.
type restriction struct {
	name    string
	on, off func(ctx context.Context, c *api.Client) error
	message api.SendGroupMsgRequest
	code    api.Code // while it is on
	// lingers: once it is off, another process may refuse for a little longer.
	lingers bool
}

func restrictions() []restriction {
	mute := func(seconds uint32) func(context.Context, *api.Client) error {
		return func(ctx context.Context, c *api.Client) error {
			_, err := c.ForbidSendMsg(ctx, api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{"jared"}, MuteTime: &seconds})
			return err
		}
	}
	muteAll := func(how string) func(context.Context, *api.Client) error {
		return func(ctx context.Context, c *api.Client) error {
			_, err := c.ModifyGroupBaseInfo(ctx, api.ModifyGroupBaseInfoRequest{GroupId: "hall", MuteAllMember: ptr(how)})
			return err
		}
	}
	noSpeaking := func(seconds uint32) func(context.Context, *api.Client) error {
		return func(ctx context.Context, c *api.Client) error {
			_, err := c.SetNoSpeaking(ctx, api.SetNoSpeakingRequest{Set_Account: ptr("hasty"), GroupmsgNospeakingTime: &seconds})
			return err
		}
	}
	return []restriction{
		{"member muted", mute(3600), mute(0), say("lobby", "jared", 0, "hello"), api.CodeMuted, false},
		{"all muted", muteAll(api.On), muteAll(api.Off), say("hall", "jared", 0, "hello"), api.CodeMuted, false},
		{"account muted", noSpeaking(3600), noSpeaking(0), say("lobby", "hasty", 0, "hello"), api.CodeMuted, false},
		{"group dissolved", func(ctx context.Context, c *api.Client) error {
			_, err := c.DestroyGroup(ctx, api.DestroyGroupRequest{GroupId: "closing"})
			return err
		}, func(ctx context.Context, c *api.Client) error {
			_, err := c.CreateGroup(ctx, api.CreateGroupRequest{Type: api.TypePublic, Name: "closing", GroupId: "closing"})
			return err
		}, say("closing", appAdmin, 0, "hello"), api.CodeGroupNotFound, false},
		{"word filtered", func(ctx context.Context, c *api.Client) error {
			_, err := c.AddDirtyWords(ctx, api.AddDirtyWordsRequest{DirtyWordsList: []string{"casino"}})
			return err
		}, func(ctx context.Context, c *api.Client) error {
			_, err := c.DeleteDirtyWords(ctx, api.DeleteDirtyWordsRequest{DirtyWordsList: []string{"casino"}})
			return err
		}, say("lobby", appAdmin, 0, "come to the casino"), api.CodeSensitiveText, true},
	}
}

// A change is made through one process; every send that the other one gets after
// the answer is judged by it.
func TestNoSendPassesAChangeThroughAnotherProcess(t *testing.T) {
	t.Parallel()
	rounds := 30
	if long {
		rounds = 1000
	}
	rc := ofApp(t, nil)
	_, two := pair(t, rc)
	c := [2]*api.Client{two[0].client(), two[1].client()}
	lobby(t, c[0])
	accounts(t, c[0], "jared", "hasty")
	group(t, c[0], api.TypePublic, "hall", "jared")
	group(t, c[0], api.TypePublic, "closing")
	group(t, c[0], api.TypePublic, "crowded", "gagged")
	w := gather(t, 4, "crowded", "gagged", c[0], c[1]) // so that batches are always under way

	t.Run("all at once", func(t *testing.T) {
		for i, r := range restrictions() {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				random := uint32(i) << 20
				for n := range rounds {
					by, other := c[n%2], c[1-n%2]
					if n%3 == 2 { // through the same one as well
						other = by
					}
					if err := r.on(t.Context(), by); err != nil {
						t.Fatal(err)
					}
					r.expect(t, other, &random, r.code)
					if err := r.off(t.Context(), by); err != nil {
						t.Fatal(err)
					}
					if r.lingers {
						eventually(t, "a message passes", func() bool { return r.try(t, other, &random) == api.CodeOK })
						continue
					}
					r.expect(t, other, &random, api.CodeOK)
				}
			})
		}
	})
	w.leave()
	app := shown(t, c[0])
	rc.waitHead(t, appID, app.Head)
	for i, e := range rc.events(t, appID) {
		if e.Delivery.Sequence != uint64(i+1) {
			t.Fatalf("event %d has sequence %d", i+1, e.Delivery.Sequence)
		}
	}
	for _, id := range []string{"lobby", "hall", "closing"} {
		history(t, c[1], id) // has no gap
	}
	for _, s := range two {
		s.balance(t)
		s.stop(t)
	}
}

// What one process is told to change does not hide from it what another one
// changed just before.
func TestChangeDoesNotHideThatOfAnotherProcess(t *testing.T) {
	t.Parallel()
	_, two := pair(t, nil)
	c := [2]*api.Client{two[0].client(), two[1].client()}
	accounts(t, c[0], "jared")
	group(t, c[0], api.TypePublic, "lobby", "jared")
	for n := range 20 {
		by, other := c[n%2], c[1-n%2]
		send := func(text string) api.Code {
			_, err := other.SendGroupMsg(t.Context(), say("lobby", "jared", uint32(n), text))
			code, _ := api.CodeOf(err)
			return code
		}
		mute := func(seconds uint32) {
			t.Helper()
			if _, err := by.ForbidSendMsg(t.Context(), api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{"jared"}, MuteTime: &seconds}); err != nil {
				t.Fatal(err)
			}
			accounts(t, other, fmt.Sprintf("user%d", n)) // another change
		}
		if code := send("before"); code != api.CodeOK { // the other one remembers him as he is
			t.Errorf("before the mute: %v", code)
		}
		mute(3600)
		if code := send("muted"); code != api.CodeMuted {
			t.Errorf("after the mute: %v", code)
		}
		mute(0)
	}
	for _, s := range two {
		s.stop(t)
	}
}

// A group that is dissolved and made again through one process is another group
// to the other one, which may still remember the first.
func TestGroupMadeAgainThroughAnotherProcessTakesMessages(t *testing.T) {
	t.Parallel()
	_, two := pair(t, nil)
	c := [2]*api.Client{two[0].client(), two[1].client()}
	group(t, c[0], api.TypePublic, "again")
	for n := range 20 {
		by, other := c[n%2], c[1-n%2]
		if _, err := other.SendGroupMsg(t.Context(), say("again", appAdmin, uint32(n), "remember the group")); err != nil {
			t.Error(err)
		}
		if _, err := by.DestroyGroup(t.Context(), api.DestroyGroupRequest{GroupId: "again"}); err != nil {
			t.Fatal(err)
		}
		group(t, by, api.TypePublic, "again")
		if a, err := other.SendGroupMsg(t.Context(), say("again", appAdmin, uint32(n), "hello")); err != nil || a.MsgSeq != 1 {
			t.Errorf("round %d: %+v, %v", n, a, err)
		}
	}
	for _, s := range two {
		s.stop(t)
	}
}

// try sends the message once and returns the code of the answer.
func (r *restriction) try(t *testing.T, c *api.Client, random *uint32) api.Code {
	t.Helper()
	*random++
	m := r.message
	m.Random = ptr(*random)
	_, err := c.SendGroupMsg(t.Context(), m)
	code, ok := api.CodeOf(err)
	if !ok {
		t.Errorf("a send had no answer: %v", err)
	}
	return code
}

// expect sends the message several times at once and checks that each send is
// answered with the code.
func (r *restriction) expect(t *testing.T, c *api.Client, random *uint32, want api.Code) {
	t.Helper()
	var all sync.WaitGroup
	for range 4 {
		*random++
		from := *random
		all.Go(func() {
			own := from - 1
			if code := r.try(t, c, &own); code != want {
				t.Errorf("a send was answered %v, want %v", code, want)
			}
		})
	}
	all.Wait()
}
