package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
)

// life is one life of a server, as its callers see it.
type life struct {
	client *api.Client
	over   chan struct{} // closed when the next life has begun
	next   *life         // set then
}

// crowd sends from many connections at once and keeps what each sender was
// told. A message whose outcome is unknown is sent again with the same Random,
// to the next life if the server is gone, until it is known.
type crowd struct {
	t     *testing.T
	group string
	quit  chan struct{}
	all   sync.WaitGroup

	watched
	now      []*life             // of each server
	accepted map[uint32]sent     // by Random
	refused  map[string]api.Code // by webhook-id
	codes    map[api.Code]int    // refusals told
	unknown  int                 // answers that were none
	twice    []string            // webhook-ids that two senders were told
}

// sent is a message that was accepted.
type sent struct {
	request api.SendGroupMsgRequest
	api.SendGroupMsgResponse
}

// gather sets a crowd of n upon the group, in which gagged is a user who is muted.
// Its members share the servers out among themselves.
func gather(t *testing.T, n int, group, gagged string, servers ...*api.Client) *crowd {
	w := &crowd{t: t, group: group, quit: make(chan struct{}),
		accepted: make(map[uint32]sent), refused: make(map[string]api.Code), codes: make(map[api.Code]int)}
	for _, c := range servers {
		w.now = append(w.now, newLife(c))
	}
	for i := range n {
		w.all.Go(func() {
			for k := uint32(1); ; k++ {
				select {
				case <-w.quit:
					return
				default:
				}
				m := say(group, appAdmin, uint32(i)<<24|k, fmt.Sprintf("message %d of speaker %d", k, i))
				switch k % 4 {
				case 1:
					m.GroupId = "nowhere"
				case 3:
					m.From_Account = gagged
				}
				if !w.send(i%len(servers), m) {
					return
				}
			}
		})
	}
	t.Cleanup(w.leave)
	return w
}

// lobby makes the group of that name, in which gagged is muted.
func lobby(t *testing.T, c *api.Client) {
	t.Helper()
	accounts(t, c, "gagged")
	group(t, c, api.TypePublic, "lobby", "gagged")
	if _, err := c.ForbidSendMsg(t.Context(), api.ForbidSendMsgRequest{GroupId: "lobby", Members_Account: []string{"gagged"}, MuteTime: ptr(uint32(api.Forever))}); err != nil {
		t.Fatal(err)
	}
}

// leave ends the crowd once every message has its outcome.
func (w *crowd) leave() {
	w.change(func() {
		select {
		case <-w.quit:
		default:
			close(w.quit)
		}
	})
	w.all.Wait()
}

func newLife(c *api.Client) *life { return &life{client: c, over: make(chan struct{})} }

// move tells those who call a server of its new life.
func (w *crowd) move(server int, c *api.Client) {
	w.change(func() {
		old := w.now[server]
		w.now[server] = newLife(c)
		old.next = w.now[server]
		close(old.over)
	})
}

// send brings one message to its outcome.
func (w *crowd) send(server int, m api.SendGroupMsgRequest) bool {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var l *life
	w.look(func() { l = w.now[server] })
	for {
		a, err := l.client.SendGroupMsg(ctx, m)
		code, told := api.CodeOf(err)
		var status *api.StatusError
		switch {
		case told && code == api.CodeOK:
			w.change(func() { w.accepted[*m.Random] = sent{m, a} })
			return true
		case told:
			id := eventOf(err)
			w.change(func() {
				if _, ok := w.refused[id]; ok || id == "" {
					w.twice = append(w.twice, id)
				}
				w.refused[id] = code
				w.codes[code]++
			})
			return true
		case errors.As(err, &status): // 503: repeat with the same Random
			w.change(func() { w.unknown++ })
			select {
			case <-time.After(20 * time.Millisecond): // as a client would, not at once
			case <-ctx.Done():
			}
			continue
		}
		w.change(func() { w.unknown++ })
		select {
		case <-l.over:
			l = l.next
		case <-ctx.Done():
			w.t.Errorf("a message never had an outcome: %v", err)
			return false
		}
	}
}

// told is how many outcomes of each kind there are so far.
func (w *crowd) told() (accepted, refused int) {
	w.look(func() { accepted, refused = len(w.accepted), len(w.refused) })
	return accepted, refused
}

// awaitMore waits until n more messages were accepted and n more refused.
func (w *crowd) awaitMore(n int) {
	w.t.Helper()
	accepted, refused := w.told()
	w.await(w.t, fmt.Sprintf("%d more messages accepted and refused", n), func() bool {
		return len(w.accepted) >= accepted+n && len(w.refused) >= refused+n
	})
}

// awaitAny waits until n more outcomes of any kind were told.
func (w *crowd) awaitAny(n int) {
	w.t.Helper()
	accepted, refused := w.told()
	w.await(w.t, fmt.Sprintf("%d more outcomes", n), func() bool {
		return len(w.accepted)+len(w.refused) >= accepted+refused+n
	})
}

// awaitUnknown waits until one more sender was told that the outcome is unknown.
func (w *crowd) awaitUnknown() {
	w.t.Helper()
	var before int
	w.look(func() { before = w.unknown })
	w.await(w.t, "senders are told that the outcome is unknown", func() bool { return w.unknown > before })
}

// awaitSick waits until n more senders were told 10002, or that the outcome is
// unknown: when the commit that failed had a send of every speaker, all of them
// repeat it until the store is back.
func (w *crowd) awaitSick(n int) {
	w.t.Helper()
	before := -1
	w.await(w.t, "senders are told 10002 or nothing", func() bool {
		now := w.codes[api.CodeInternal] + w.unknown
		if before < 0 {
			before = now
		}
		return now >= before+n
	})
}

// settle checks everything that the crowd was told against the server and the
// receiver: each accepted message stored once under its MsgSeq, no gap among
// these; each refusal one event, no gap among the sequences; repeats answered
// as the first time.
func (w *crowd) settle(s *server, rc *receiver) {
	t := w.t
	t.Helper()
	w.leave()
	w.settleMessages(s)
	w.settleEvents(s, rc)
}

// settleMessages checks what the senders of a crowd that has left were told of
// messages.
func (w *crowd) settleMessages(s *server) {
	t := w.t
	t.Helper()
	list := history(t, s.client(), w.group) // which has every MsgSeq from 1 on
	stored := make(map[uint32]uint64)
	for _, m := range list {
		if first, twice := stored[m.MsgRandom]; twice {
			t.Errorf("message %d is stored as MsgSeq %d and %d", m.MsgRandom, first, m.MsgSeq)
		}
		stored[m.MsgRandom] = m.MsgSeq
	}
	for random, m := range w.accepted {
		if stored[random] != m.MsgSeq {
			t.Errorf("message %d was accepted as MsgSeq %d and is stored as %d", random, m.MsgSeq, stored[random])
		}
	}
	if len(stored) != len(w.accepted) {
		t.Errorf("%d messages are stored, %d were accepted", len(stored), len(w.accepted))
	}

}

// settleEvents checks what they were told of refusals.
func (w *crowd) settleEvents(s *server, rc *receiver) {
	t := w.t
	t.Helper()
	for _, id := range w.twice {
		t.Errorf("two senders were told of event %q", id)
	}
	app := shown(t, s.client())
	rc.waitHead(t, appID, app.Head)
	events := rc.events(t, appID)
	ids := make(map[string]int)
	for i, e := range events {
		if e.Delivery.Sequence != uint64(i+1) {
			t.Fatalf("event %d has sequence %d", i+1, e.Delivery.Sequence)
		}
		if e.Delivery.Epoch != app.Epoch {
			t.Errorf("event %d has epoch %s, the app %s", i+1, e.Delivery.Epoch, app.Epoch)
		}
		ids[e.Delivery.ID]++
	}
	if uint64(len(events)) != app.Head {
		t.Errorf("%d events arrived, the journal ends at %d", len(events), app.Head)
	}
	for id, code := range w.refused {
		if ids[id] != 1 {
			t.Errorf("a sender was told %v with event %s, of which there are %d", code, id, ids[id])
		}
	}
	rc.checkSettled(t)
	rc.noneRefused(t)
	t.Logf("%d accepted, %d refused %v, %d without an answer; %d events in %d callbacks",
		len(w.accepted), len(w.refused), w.codes, w.unknown, len(events), len(rc.all()))
}

// checkSettled holds the sender to Parley-Settled: what it calls settled has
// arrived before.
func (r *receiver) checkSettled(t testing.TB) {
	t.Helper()
	seen, upTo := make(map[uint64]bool), uint64(0)
	for _, e := range r.all() {
		if e.Delivery.Settled > upTo {
			t.Errorf("callback %d says that all up to %d are settled, but %d has not arrived", e.Delivery.Sequence, e.Delivery.Settled, upTo+1)
			return
		}
		for seen[e.Delivery.Sequence] = true; seen[upTo+1]; upTo++ {
			delete(seen, upTo+1)
		}
	}
}

// repeat sends a few of the accepted messages again, those that the server
// still remembers, and compares the answers.
func (w *crowd) repeat(c *api.Client, most int) {
	t := w.t
	t.Helper()
	var some []sent
	w.look(func() {
		for _, m := range w.accepted {
			if len(some) < most && time.Since(time.Unix(m.MsgTime, 0)) < 4*time.Minute {
				some = append(some, m)
			}
		}
	})
	if len(some) == 0 {
		t.Error("there is no message to repeat")
	}
	for _, m := range some {
		again, err := c.SendGroupMsg(t.Context(), m.request)
		if err != nil || again.MsgSeq != m.MsgSeq || again.MsgTime != m.MsgTime {
			t.Errorf("message %d: first %+v, repeated %+v, %v", *m.request.Random, m.SendGroupMsgResponse, again, err)
		}
	}
}
