package delivery

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/chat"
)

// modelSteps are what an endpoint of the model may do with a request.
var modelSteps = append(badSteps, goneAway, step{status: 429, retryAfter: "90"})

// turn is one thing that happens to the app or to one of its endpoints.
type turn struct {
	Does string
	Who  int
	N    int
	Wait time.Duration
}

var deeds = []string{
	"refuse", "refuse", "refuse", "refuse", "refuse", "accept", "wait", "stop", "crash", "set back", "unreadable", "readable", "full", "writable",
	"away", "back", "pause", "resume", "commands", "codes", "groups", "order", "rate", "width", "address", "hold", "replay", "replay", "replay dead",
	"remove", "create", "days",
}

type chronicle struct {
	Turns []turn
	Bad   [][][]int
}

var endNames = []string{chat.PrimaryEndpoint, "second", "third"}

func drawChronicle(t *rapid.T) (c chronicle) {
	c.Turns = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) turn {
		return turn{
			Does: rapid.SampledFrom(deeds).Draw(t, "does"), Who: rapid.IntRange(0, len(endNames)-1).Draw(t, "who"), N: rapid.IntRange(0, 40).Draw(t, "n"),
			Wait: time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "wait")),
		}
	}), 1, 40).Draw(t, "turns")
	c.Bad = rapid.SliceOfN(rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, len(modelSteps)-1), 0, 5), 0, 60), len(endNames), len(endNames)).Draw(t, "bad")
	return c
}

// Several endpoints, each with its own answers, in order or not, at a rate or
// not; switches, filters and settings change, events are sent again, endpoints
// are paused, removed and made anew, the clock jumps, the program stops and
// crashes, and the store fails. See model for what is promised all the same.
func TestEveryChronicleOfSeveralEndpointsIsAsPromised(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawChronicle(rt)
		m := newModel()
		synctest.Test(t, func(t *testing.T) {
			m.live(c)
			m.judge()
		})
		if len(m.faults) > 0 {
			rt.Fatal(m.faults[0])
		}
	})
}

func (m *model) live(c chronicle) {
	for i, id := range endNames {
		m.create(id, c.Bad[i], func(e *chat.Endpoint) {
			switch i {
			case 1:
				e.InOrder, e.GroupHold = true, 30
			case 2:
				e.Rate, e.Commands = 20, []string{chat.CommandSendMsgException, chat.CommandAfterSendMsg}
			}
		})
	}
	m.start()
	for _, turn := range c.Turns {
		m.take(turn, c.Bad[turn.Who])
		pass(turn.Wait)
	}
	m.with(func() {
		m.readFault, m.saveFault = nil, nil
		for _, e := range m.ends {
			e.away = false
		}
	})
	m.stop(false)
	m.start()
	for range 8 { // each 410 pauses once more
		for _, id := range endNames {
			m.set(id, func(e *chat.Endpoint) { e.Paused = "" })
		}
		pass(24 * time.Hour)
	}
	m.stop(false)
}

func (m *model) take(t turn, bad [][]int) {
	id, groups := endNames[t.Who], []chat.GroupID{"", "a", "b", "c"}
	away := func(is bool) func() {
		return func() {
			if e := m.ends[id]; e != nil {
				e.away = is
			}
		}
	}
	switch t.Does {
	case "refuse", "accept":
		command, code := chat.CommandSendMsgException, 10010+t.N%3
		if t.Does == "accept" {
			command, code = chat.CommandAfterSendMsg, 0
		}
		var in []chat.GroupID
		for i := range t.N {
			in = append(in, groups[(i*7+t.N)%len(groups)])
		}
		if len(in) > 0 {
			m.commit(command, code, in...)
		}
	case "stop", "crash":
		m.stop(t.Does == "crash")
		m.start()
	case "set back":
		m.stop(false)
		m.setBack(time.Duration(t.N) * 3 * time.Hour)
		m.start()
	case "days": // a journal that cannot be read is tried too often for days
		m.with(func() { m.readFault = nil })
		pass(time.Duration(t.N) * 3 * time.Hour)
	case "unreadable":
		m.with(func() { m.readFault = errors.New("cannot be read") })
	case "readable":
		m.with(func() { m.readFault = nil })
	case "full":
		m.with(func() { m.saveFault = errors.New("cannot be written") })
	case "writable":
		m.with(func() { m.saveFault = nil })
	case "away":
		m.with(away(true))
	case "back":
		m.with(away(false))
	case "pause":
		m.set(id, func(e *chat.Endpoint) { e.Paused = "by somebody" })
	case "resume":
		m.set(id, func(e *chat.Endpoint) { e.Paused = "" })
	case "commands":
		m.set(id, func(e *chat.Endpoint) {
			e.Commands = [][]string{nil, {chat.CommandSendMsgException}, {chat.CommandSendMsgException, chat.CommandAfterSendMsg}}[t.N%3]
		})
	case "codes":
		m.set(id, func(e *chat.Endpoint) { e.Codes = [][]int{nil, {10010}, {10011, 10012}}[t.N%3] })
	case "groups":
		m.set(id, func(e *chat.Endpoint) { e.Groups = [][]chat.GroupID{nil, {"a"}, {"a", "b"}}[t.N%3] })
	case "order":
		m.set(id, func(e *chat.Endpoint) { e.InOrder = !e.InOrder })
	case "hold":
		m.set(id, func(e *chat.Endpoint) { e.GroupHold = 1 + t.N*5 })
	case "rate":
		m.set(id, func(e *chat.Endpoint) { e.Rate = t.N * 2 })
	case "width":
		m.set(id, func(e *chat.Endpoint) { e.MaxInFlight = 1 + t.N })
	case "address":
		m.set(id, func(e *chat.Endpoint) { e.URL = fmt.Sprintf("http://%s/%d", id, t.N) })
	case "replay", "replay dead":
		head := chat.Sequence(0)
		m.with(func() { head = chat.Sequence(len(m.events)) })
		m.replay(id, t.Does == "replay dead", head-min(head, chat.Sequence(t.N)), head)
	case "remove":
		m.remove(id)
	case "create":
		m.remove(id)
		m.create(id, bad, func(e *chat.Endpoint) { e.InOrder = t.N%2 == 1 })
	}
}

// judge looks at the end: each event that an endpoint wants was delivered or is
// a dead letter, nothing waits, and what was asked to be sent again was.
func (m *model) judge() {
	for _, e := range m.ends {
		for seq := range e.wants {
			if !e.over(seq) {
				m.fault("%s, event %d: %d visits, fate %d, row %+v", e.stored.ID, seq, len(e.visits[seq]), e.fate[seq], e.rows[seq])
			}
		}
		for seq, row := range e.rows {
			if !row.Dead {
				m.fault("%s, event %d still waits: %+v", e.stored.ID, seq, row)
			}
		}
		if head := chat.Sequence(len(m.events)); e.stored.Cursor != head {
			m.fault("%s: the cursor stands at %d, want %d", e.stored.ID, e.stored.Cursor, head)
		}
		if len(e.replays) > 0 {
			m.fault("%s: requests to send again are left: %+v", e.stored.ID, e.replays)
		}
		for _, a := range e.asked {
			for _, seq := range a.seqs {
				v := e.visits[seq]
				// One that was under way when it was asked for need not come once more.
				if len(v) == 0 || v[len(v)-1].at.Add(e.stored.AttemptTime()).Before(a.at) {
					m.fault("%s, event %d was not sent again", e.stored.ID, seq)
				}
			}
		}
	}
}
