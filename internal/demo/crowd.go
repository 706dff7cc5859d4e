package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/api"
)

// How the crowd talks.
const (
	talkPause    = 300 * time.Millisecond  // between two good messages, on average
	hurryPause   = 250 * time.Millisecond  // between two refusals in the first round
	troublePause = 1500 * time.Millisecond // and in the following ones

	burstWorkers = 4   // how many cheer at the same time
	burstRefused = 3   // a burst ends when so many were refused
	burstMost    = 200 // or when so many were sent
)

// listener hears what became of each send. Its methods are called from several
// goroutines.
type listener interface {
	delivered(group, from, text string)
	refused(refusal)
	lost(group, from, text string, err error)
}

// crowd says things. What it begins to send it sends to the end: a send whose
// answer nobody waits for would have an unknown outcome.
type crowd struct {
	world *world
	hears listener
}

// run talks until ctx ends and returns when the last answer is there.
func (c *crowd) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { c.talk(ctx) })
	all.Go(func() { c.trouble(ctx) })
	all.Wait()
}

// talk says the good lines, each room's in order.
func (c *crowd) talk(ctx context.Context) {
	next := make([]int, len(rooms))
	for {
		i := rand.IntN(len(rooms))
		if rooms[i].id == announcements && rand.IntN(3) > 0 {
			continue // announcements are rare
		}
		s := rooms[i].talk[next[i]%len(rooms[i].talk)]
		next[i]++
		c.say(says(rooms[i].id, s.from, s.text), "")
		if !pause(ctx, talkPause/2+rand.N(talkPause)) {
			return
		}
	}
}

// trouble plays the scenes one after another, the first round in a hurry.
func (c *crowd) trouble(ctx context.Context) {
	wait := hurryPause
	for {
		for _, play := range scenes {
			play(c, ctx)
			if !pause(ctx, wait) {
				return
			}
		}
		wait = troublePause
	}
}

// scenes are the ways in which a message is not delivered. The four that the
// callback's document names come first.
var scenes = []func(*crowd, context.Context){
	func(c *crowd, _ context.Context) {
		c.say(says("book-club", "priya", "Has anybody finished chapter four?"), "never made")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(teaHouse, mutedHere, "¿Me escucha alguien?"), "in this group")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(nightShow, "lucas", "Click here for FREE COINS, today only"), "“"+forbidden+"”")
	},
	func(c *crowd, ctx context.Context) { c.cheer(ctx) },
	func(c *crowd, _ context.Context) {
		c.say(says(announcements, "jonas", "Is there parking nearby?"), "whole group")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(makers, "hiroshi", strings.Repeat("ログを全部貼ります。", 450)), "")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(family, mutedEverywhere, "Я уже в пути"), "everywhere")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(teaHouse, nobody, "hello, i am new here"), "")
	},
	func(c *crowd, _ context.Context) {
		m := says(makers, "amara", "Everybody, look at this!")
		for range 31 {
			m.GroupAtInfo = append(m.GroupAtInfo, api.GroupAt{GroupAt_Account: people[rand.IntN(len(people))].user})
		}
		c.say(m, "31 of 30")
	},
	func(c *crowd, _ context.Context) {
		c.sayRaw("", admin, `{"GroupId":"tea-house","Random":7,"MsgBody":[{"MsgType"`, "cut off")
	},
	func(c *crowd, _ context.Context) {
		c.sayRaw(family, "sofia", `{"GroupId":"family","From_Account":"sofia","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"¿A qué hora?"}}]}`,
			"no Random")
	},
	func(c *crowd, _ context.Context) {
		c.say(says(oldRoom, "mei", "有人还在吗？"), "dissolved")
	},
	func(c *crowd, _ context.Context) {
		m := says(makers, "claire", "Juste pour vous deux")
		m.To_Account = []string{"jonas", "priya"}
		c.say(m, "To_Account")
	},
	func(c *crowd, _ context.Context) {
		c.say(says("茶馆", "jisoo", "여기 맞나요?"), "")
	},
}

// cheer sends more to one group than its limit of messages a second allows.
func (c *crowd) cheer(ctx context.Context) {
	var sent, refused atomic.Int64
	var all sync.WaitGroup
	for range burstWorkers {
		all.Go(func() {
			for ctx.Err() == nil && refused.Load() < burstRefused && sent.Add(1) <= burstMost {
				who, what := people[rand.IntN(len(people))].user, cheers[rand.IntN(len(cheers))]
				if who != mutedEverywhere && c.say(says(matchDay, who, what), "over 40 a second") {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
}

// message is a request with the text that it is shown by.
type message struct {
	api.SendGroupMsgRequest
	text string
}

// says makes a message of one text.
func says(group, from, text string) message {
	return message{api.SendGroupMsgRequest{GroupId: group, From_Account: from, MsgBody: []api.Element{api.Text(text)}}, text}
}

// say sends m and tells what became of it. note adds to the reason of a
// refusal. It reports whether m was refused.
func (c *crowd) say(m message, note string) bool {
	return c.tell(c.world.send(context.Background(), m.SendGroupMsgRequest), m.GroupId, m.From_Account, m.text, note)
}

// sayRaw is say for a body that is no proper request.
func (c *crowd) sayRaw(group, from, body, note string) {
	c.tell(c.world.sendRaw(context.Background(), body), group, from, body, note)
}

func (c *crowd) tell(err error, group, from, text, note string) (refused bool) {
	at := time.Now()
	if err == nil {
		c.hears.delivered(group, from, text)
		return false
	}
	failed, ok := errors.AsType[*api.Error](err)
	if !ok {
		c.hears.lost(group, from, text, err)
		return false
	}
	c.hears.refused(refusal{event: failed.EventID, at: at, code: failed.Code, info: failed.Info, note: note, group: group, from: from, text: text})
	return true
}

// pause waits for d; it reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
