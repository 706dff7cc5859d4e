package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/usersig"
)

// reign is one life of the server, as senders see it, and what they were told
// in it.
type reign struct {
	client *api.Client
	target string        // of send_group_msg
	over   chan struct{} // closed when the next life has begun
	next   *reign        // set then

	calls, ok, refused, dropped, unknown int
}

// senders send to many groups from many connections at once, whatever can be
// accepted or refused, and keep what they were told. A call without an answer
// is made again with the same Random until it has one.
type senders struct {
	t      *testing.T
	groups int
	quit   chan struct{}
	all    sync.WaitGroup

	watched
	now   *reign
	told  told
	codes map[api.Code]int
}

// The parts of the ledger's senders.
const (
	ledgerMuted  = "ledger-muted"
	ledgerSpeech = "ledger-speaker"
	ledgerWord   = "casino"
	ledgerHot    = "hot" // the group that is over its rate
)

func ledgerGroup(i int) string { return fmt.Sprintf("group-%d", i) }

// prepareLedger makes accounts, groups, mutes and words.
func prepareLedger(t *testing.T, c *api.Client, groups int) {
	t.Helper()
	accounts(t, c, ledgerMuted, ledgerSpeech)
	if _, err := c.SetNoSpeaking(t.Context(), api.SetNoSpeakingRequest{Set_Account: ptr(ledgerMuted), GroupmsgNospeakingTime: ptr(uint32(86400))}); err != nil {
		t.Fatal(err)
	}
	for i := range groups {
		group(t, c, api.TypePublic, ledgerGroup(i), ledgerSpeech)
	}
	group(t, c, api.TypePublic, ledgerHot, ledgerSpeech)
	if _, err := c.AddDirtyWords(t.Context(), api.AddDirtyWordsRequest{DirtyWordsList: []string{ledgerWord}}); err != nil {
		t.Fatal(err)
	}
}

func newReign(t *testing.T, s *server) *reign {
	t.Helper()
	sig, err := usersig.Make(appID, appKey, appAdmin, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &reign{client: s.client(), over: make(chan struct{}), target: fmt.Sprintf(
		"%s/v4/%s?sdkappid=%d&identifier=%s&usersig=%s&random=1&contenttype=json", s.url, api.CommandSendGroupMsg, appID, appAdmin, sig)}
}

// beginLedger sets n senders to work.
func beginLedger(t *testing.T, s *server, n, groups int, seed uint64) *senders {
	w := &senders{t: t, groups: groups, quit: make(chan struct{}), now: newReign(t, s), codes: make(map[api.Code]int)}
	w.told.accepted, w.told.refused = make(map[uint32]acceptance), make(map[string]refused)
	for i := range n {
		w.all.Go(func() { w.speak(uint32(i), rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	t.Cleanup(w.leave)
	return w
}

// leave ends the senders once every call has its outcome.
func (w *senders) leave() {
	w.change(func() {
		select {
		case <-w.quit:
		default:
			close(w.quit)
		}
	})
	w.all.Wait()
}

// move tells the senders of the server's new life.
func (w *senders) move(s *server) {
	next := newReign(w.t, s)
	w.change(func() {
		old := w.now
		w.now, old.next = next, next
		close(old.over)
	})
}

// outcomes is how many sends have one. The caller holds the lock.
func (w *senders) outcomes() int {
	n := len(w.told.accepted) + w.told.dropped + w.told.repeated
	for _, k := range w.codes {
		n += k
	}
	return n
}

// awaitMore waits until n more sends have an outcome.
func (w *senders) awaitMore(n int) {
	w.t.Helper()
	var before int
	w.look(func() { before = w.outcomes() })
	w.await(w.t, fmt.Sprintf("%d more outcomes", n), func() bool { return w.outcomes() >= before+n })
}

// awaitSick waits until n more sends failed as they do while the store does.
func (w *senders) awaitSick(n int) {
	w.t.Helper()
	before := -1
	w.await(w.t, "senders notice that the store fails", func() bool {
		now := w.codes[api.CodeInternal] + w.codes[api.CodeServiceTimeout] + w.told.unknown
		if before < 0 {
			before = now
		}
		return now >= before+n
	})
}

// speak sends one thing after the other.
func (w *senders) speak(me uint32, dice *rand.Rand) {
	var mine []api.SendGroupMsgRequest // accepted, to be repeated
	for k := uint32(1); ; k++ {
		select {
		case <-w.quit:
			return
		default:
		}
		random := me<<24 | k
		m := say(ledgerGroup(dice.IntN(w.groups)), ledgerSpeech, random, fmt.Sprintf("message %d of speaker %d", k, me))
		var raw []byte
		repeats := false
		switch p := dice.IntN(100); {
		case p < 35: // accepted
		case p < 40 && len(mine) > 0:
			m, repeats = mine[dice.IntN(len(mine))], true
		case p < 48:
			m.GroupId = ledgerHot
		case p < 60:
			m.GroupId = fmt.Sprintf("nowhere-%d", dice.IntN(20))
		case p < 70:
			m.From_Account = ledgerMuted
		case p < 75:
			m.From_Account = "nobody"
		case p < 83:
			m.MsgBody = []api.Element{api.Text("come to the " + ledgerWord)}
		case p < 86:
			m.MsgBody = []api.Element{api.Text(string(bytes.Repeat([]byte("x"), 13000)))}
		case p < 90:
			m.Random = nil
		case p < 94:
			m.MsgBody = nil
		case p < 97:
			raw = []byte(`{"GroupId":"cut off`)
		default:
			raw = fmt.Appendf(nil, `{"GroupId":%q,"From_Account":%q,"Random":"a word","MsgBody":[]}`, m.GroupId, ledgerSpeech)
		}
		accepted, ok := w.send(m, raw, repeats)
		if !ok {
			return
		}
		if accepted && !repeats {
			if len(mine) == 50 { // the oldest may be forgotten soon
				mine = mine[1:]
			}
			mine = append(mine, m)
		}
	}
}

// send brings one send to its outcome.
func (w *senders) send(m api.SendGroupMsgRequest, raw []byte, repeats bool) (accepted, ok bool) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	if raw == nil {
		text, err := json.Marshal(m)
		if err != nil {
			w.t.Error(err)
			return false, false
		}
		raw = text
	}
	var l *reign
	w.look(func() { l = w.now })
	for {
		w.change(func() { l.calls++; w.told.calls++ })
		a, event, status, err := call(ctx, l, raw)
		switch {
		case err == nil && status == http.StatusOK:
			w.change(func() { accepted = w.note(l, m, a, event, repeats) })
			return accepted, true
		case ctx.Err() != nil:
			w.t.Errorf("a send never had an outcome: status %d, %v", status, err)
			return false, false
		}
		w.change(func() { l.unknown++; w.told.unknown++ })
		if err == nil { // 503: repeat with the same Random, though not at once
			select {
			case <-time.After(20 * time.Millisecond):
			case <-l.over:
				l = l.next
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-l.over:
			l = l.next
		case <-time.After(100 * time.Millisecond): // a connection that broke by itself
		case <-ctx.Done():
		}
	}
}

// note keeps an answer and says whether the send was accepted by it.
func (w *senders) note(l *reign, m api.SendGroupMsgRequest, a api.SendGroupMsgResponse, event string, repeats bool) bool {
	fault := func(format string, args ...any) { w.told.faults = append(w.told.faults, fmt.Sprintf(format, args...)) }
	switch {
	case a.Failed():
		l.refused++
		w.codes[a.ErrorCode]++
		if event == "" {
			fault("a refusal with %d names no event", a.ErrorCode)
			return false
		}
		if repeats {
			fault("a repeat of message %d was refused with %d", *m.Random, a.ErrorCode)
		}
		r, again := w.told.refused[event]
		if again && r.code != a.ErrorCode {
			fault("event %s was told as %d and %d", event, r.code, a.ErrorCode)
		}
		w.told.refused[event] = refused{a.ErrorCode, r.n + 1}
		return false
	case a.MsgDropReason != "":
		l.dropped++
		w.told.dropped++
		return false
	case m.Random == nil || a.MsgSeq == 0:
		fault("answered %+v", a)
		return false
	}
	l.ok++
	have, known := w.told.accepted[*m.Random]
	if !known {
		if repeats {
			fault("message %d is not known and was repeated", *m.Random)
		}
		w.told.accepted[*m.Random] = acceptance{m.GroupId, a.MsgSeq, a.MsgTime}
		return true
	}
	w.told.repeated++
	if have.seq != a.MsgSeq || have.time != a.MsgTime {
		fault("message %d was accepted as %d at %d, and repeated as %d at %d", *m.Random, have.seq, have.time, a.MsgSeq, a.MsgTime)
	}
	return true
}

// call makes one call. Without an error, a status other than 200 is an answer
// that tells no outcome.
func call(ctx context.Context, l *reign, body []byte) (a api.SendGroupMsgResponse, event string, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.target, bytes.NewReader(body))
	if err != nil {
		return a, "", 0, err
	}
	request.GetBody = nil // a call that may have arrived is not made again behind our back
	res, err := l.client.HTTP.Do(request)
	if err != nil {
		return a, "", 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, "", 0, err
	}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		return a, "", res.StatusCode, nil
	default:
		return a, "", res.StatusCode, fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, "", 0, errors.Join(fmt.Errorf("answer %q", text), err)
	}
	return a, res.Header.Get(api.HeaderEventID), res.StatusCode, nil
}
