package demo_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/browsertest"
)

// enter opens the chat page of a running demonstration.
func (s *stage) enter(t *testing.T, b *browsertest.Browser, look browsertest.Look, left, right, group string) *browsertest.Page {
	t.Helper()
	p := b.Open(t, look, s.page+"?"+url.Values{"left": {left}, "right": {right}, "group": {group}}.Encode())
	p.Wait(`document.querySelectorAll(".column .live:not(.off)").length === 2`)
	return p
}

// within is a condition over the text of what a selector finds.
func within(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))`, selector, text)
}

// none is that a selector finds nothing.
func none(selector string) string { return fmt.Sprintf(`!document.querySelector(%q)`, selector) }

// say types a message in the column of a user and sends it with Enter.
func say(p *browsertest.Page, label, text string) {
	p.Fill(label, text)
	p.Key("\r")
}

func TestChatPageInABrowser(t *testing.T) {
	b := browsertest.Start(t)
	s := openStage(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *stage, *browsertest.Browser)
	}{
		{"two people talk, and a third window hears them", talk},
		{"a mute is told, its refusal explained, and its exception arrives", mute},
		{"the other refusals, each with its words", refusals},
		{"a mute of all, and its end", muteAll},
		{"groups are made, joined, left and dissolved", groups},
		{"a live room is joined and heard", liveRoom},
		{"what was said elsewhere is unread until it is seen", unread},
		{"a message is recalled", recall},
		{"who reads the newest or writes stays at the end", end},
		{"a mute of more than a day is told with its date", longMute},
		{"what an earlier visit left unsent is sent again or discarded", unsent},
		{"the page speaks three languages", speaks},
		{"a theme that was chosen stays", themes},
		{"narrow and wide, dark and light, it fits and can be read", fits},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s, b) })
	}
}

func talk(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "bob", "lounge")
	other := s.enter(t, b, browsertest.Look{}, "dave", "minjun", "lounge")
	say(p, "Write as alice", "Good morning, bob")
	for _, at := range []string{".left .said.own", ".right .said:not(.own)"} {
		p.Wait(within(at, "Good morning, bob"))
	}
	other.Wait(within(".left .said:not(.own)", "Good morning, bob"))
	say(p, "Write as bob", "Good morning, alice")
	p.Wait(within(".left .said:not(.own)", "Good morning, alice"))
	p.Wait(none(".said.sending, .said.sent"))
	if n := browsertest.Eval[int](p, `document.querySelectorAll(".left .said").length`); n != 2 {
		t.Errorf("%d messages are shown, want each once", n)
	}
	// Who comes later reads what was said.
	p.Go(p.URL())
	p.Wait(within(".left .said.own", "Good morning, bob"))
	p.Wait(within(".right .said.own", "Good morning, alice"))
	p.Shot("chat-talk")
}

func mute(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "bob", "lounge")
	p.ClickOn(".left .manage summary")
	p.Click("Mute 60 s: bob")
	p.Wait(within(".left .aside-line", "bob was muted until "))
	p.Wait(within(".right .muted-note", "You are muted here until"))
	say(p, "Write as bob", "Am I muted?")
	p.Wait(within(".right .said.refused", "10017 The sender is muted"))
	p.Wait(`document.querySelector(".right .said.refused .reason a").href.includes("/admin/apps/1400000002/events/")`)
	// Its exception is marked when it arrives, and the refusal says so.
	p.Wait(`document.querySelector(".exceptions li.ours")?.dataset.event === document.querySelector(".right .said.refused .reason a").title`)
	p.Wait(within(".right .said.refused", "arrived at the monitor"))
	p.Shot("chat-muted")
	p.Click("Unmute: bob")
	p.Wait(`document.querySelector(".right .muted-note").textContent === ""`)
	p.Click("Send again")
	p.Wait(within(".left .said:not(.own)", "Am I muted?"))
	p.Wait(none(".right .said.refused"))
}

func refusals(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "dave", "carol", "lounge")
	p.Wait(`document.querySelectorAll(".provoke").length === 2`)
	p.Click("Say a filtered word")
	p.Wait(within(".left .said.refused", "80001 The text contains a filter word"))
	p.Click("Send to a group that is gone")
	p.Wait(within(".left .said.refused", "10010 There is no such group"))
	p.ClickOn(".right .provoke button:last-of-type")
	p.Wait(within(".right .said.refused", "10017 The sender is muted"))
	// A slow machine may take more than a second for sixty.
	s.rate(t, 1)
	p.Click("Send 60 at once")
	p.Wait(within(".left .said.refused", "10023 Too many messages within one second"))
	p.Wait(within(".left .said.refused", "possible again"))
	p.Wait(none(".said.sending"))
	// What was taken and what was refused stand in the order in which they were said.
	p.Wait(`((all) => all.length === 60 && all.every((n, i) => n === i + 1))([...document.querySelectorAll(".left .said.own .text")].map((e) => Number(e.textContent.match(/^one of sixty: (\d+)$/)?.[1])).filter((n) => n > 0))`)
	s.rate(t, 10)
	p.Wait(`document.querySelectorAll(".left .said.refused").length <= document.querySelectorAll(".exceptions li.ours").length`)
	p.Wait(`![...document.querySelectorAll(".said.refused")].some((e) => e.textContent.includes("on its way"))`)
	p.Shot("chat-refusals")
	// The crowd is refused all the time; one sees it who wants to.
	if browsertest.Eval[bool](p, within(".exceptions", "tea-house")) {
		t.Error("exceptions of the crowd are shown unasked")
	}
	p.ClickOn(".received input")
	p.Wait(within(".exceptions", "diego in tea-house"))
	p.ClickOn(".received input")
	p.Wait("!" + within(".exceptions", "tea-house"))
	before := browsertest.Eval[int](p, `document.querySelectorAll(".left .said.refused").length`)
	p.Click("Discard")
	p.Wait(fmt.Sprintf(`document.querySelectorAll(".left .said.refused").length === %d`, before-1))
}

func muteAll(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "lihua", "lounge")
	p.ClickOn(".left .manage summary")
	p.Click("Mute all")
	p.See("The whole group was muted", "The whole group is muted.")
	say(p, "Write as lihua", "还能说话吗？")
	p.Wait(within(".right .said.refused", "10017"))
	p.Click("Unmute all")
	p.See("The mute of the group ended")
	p.Gone("The whole group is muted.")
}

func groups(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "guest9", "lounge")
	p.See("You are not in Lounge.")
	p.Click("Join")
	p.Wait(within(".left .aside-line", "guest9 joined"))
	p.Value("Write as guest9")
	p.Click("+ New group")
	p.Fill("Name of the group", "아주 긴 이름의 그룹입니다")
	p.Wait(`document.querySelector(".left .new-group input").validationMessage.includes("30 bytes")`)
	p.Fill("Name of the group", "Garden")
	p.Click("Create")
	p.Wait(within(".left .groups [aria-current]", "Garden"))
	p.Wait(within(".left .aside-line", "alice joined"))
	p.ClickOn(`.right .groups button[title="` + browsertest.Eval[string](p, `document.querySelector(".left .groups [aria-current]").title`) + `"]`)
	p.Click("Join")
	p.Wait(within(".left .aside-line", "guest9 joined"))
	say(p, "Write as guest9", "What grows here?")
	p.Wait(within(".left .said", "What grows here?"))
	// The owner cannot leave, and is told why.
	p.ClickOn(".left .manage summary")
	p.ClickOn(".left .manage .buttons button")
	p.ClickOn(".left .manage .buttons button:nth-of-type(2)")
	p.Wait(within(".left .banner", "Leave: "))
	p.Click("Dissolve")
	p.Wait(within(".right .aside-line", "alice dissolved the group"))
	// Nobody can join it any more, and once it is left it is offered no more.
	p.See("Garden was dissolved.")
	p.Wait(none(".outside button"))
	p.ClickOn(`.right .groups button[title="lounge"]`)
	p.Wait(within(".right .groups [aria-current]", "Lounge"))
	p.Wait("!" + within(".right .groups", "Garden"))
}

func end(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{Height: 700}, "dave", "minjun", "lounge")
	p.Click("Send 60 at once")
	p.Wait(`document.querySelectorAll(".left .said.own").length >= 60 && ` + none(".said.sending"))
	p.Wait(`![...document.querySelectorAll(".left .reason")].some((e) => e.textContent.includes("possible again in"))`)
	p.Wait(`document.querySelectorAll(".right .said").length >= 10`)
	const gap = `(() => { const l = document.querySelector(".right .messages"); return l.scrollHeight - l.scrollTop - l.clientHeight })()`
	p.Wait(gap + ` < 2`)
	p.ClickOn(".right .manage summary")
	p.Wait(`document.querySelectorAll(".right .manage li").length > 2 && ` + gap + ` < 2`)
	p.Wait(`(document.querySelector(".right .messages").scrollTop = 20) > 0 && ` + gap + ` > 100`)
	say(p, "Write as dave", "Read on, minjun")
	p.Wait(within(".right .said", "Read on, minjun"))
	p.Wait(gap + ` > 100`) // who reads older ones is left there
	say(p, "Write as minjun", "I write myself")
	p.Wait(within(".left .said", "I write myself"))
	p.Wait(gap + ` < 2`)
	// In a narrow window the columns take turns.
	p.Resize(360, 700)
	p.Wait(`!document.querySelector(".right").checkVisibility()`)
	p.Click("minjun")
	p.Wait(`document.querySelector(".right").checkVisibility() && ` + gap + ` < 2`)
}

func longMute(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "dave", "lounge")
	until := time.Now().Add(72 * time.Hour)
	answer := s.call(t, "alice", "forbid_send_msg", fmt.Sprintf(`{"GroupId": "lounge", "Members_Account": ["dave"], "MuteTime": %d}`, 72*3600))
	if !strings.Contains(answer, `"OK"`) {
		t.Fatalf("the mute was answered %s", answer)
	}
	p.Wait(within(".right .muted-note", "You are muted here until "+until.Format("2006-01-02 ")))
	p.Wait(within(".left .aside-line", "dave was muted until "+until.Format("2006-01-02 ")))
	s.call(t, "alice", "forbid_send_msg", `{"GroupId": "lounge", "Members_Account": ["dave"], "MuteTime": 0}`)
	p.Wait(`document.querySelector(".right .muted-note").textContent === ""`)
}

func liveRoom(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "guest8", "stage")
	p.Click("Join")
	p.Value("Write as guest8")
	say(p, "Write as alice", "We are live")
	p.Wait(within(".right .said:not(.own)", "We are live"))
	say(p, "Write as guest8", "Sound is fine")
	p.Wait(within(".left .said:not(.own)", "Sound is fine"))
	p.Wait(none(".said.sending, .said.sent"))
}

func unread(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "bob", "kitchen")
	p.ClickOn(`.left .groups button[title="lounge"]`)
	p.Wait(within(".left .groups [aria-current]", "Lounge"))
	say(p, "Write as bob", "Dinner at eight")
	p.Wait(within(".left .groups .count", "1"))
	p.ClickOn(`.left .groups button[title="kitchen"]`)
	p.Wait(within(".left .said", "Dinner at eight"))
	p.Wait(none(".left .groups .count"))
	if !strings.Contains(p.URL(), "group=kitchen") || strings.Contains(p.URL(), "group2") {
		t.Errorf("the address is %s", p.URL())
	}
}

func recall(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "carol", "bob", "kitchen")
	say(p, "Write as carol", "The soup is salty")
	p.Wait(within(".right .said", "The soup is salty"))
	p.ClickOn(".left .said.own:last-of-type .quiet")
	p.Wait(within(".left .aside-line", "carol recalled a message"))
	p.Wait(`!document.querySelector(".right").textContent.includes("The soup is salty")`)
	p.Go(p.URL())
	p.Wait(within(".right .aside-line", "recalled"))
}

func unsent(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "dave", "lihua", "lounge")
	// As the library stores what got no answer for 4 minutes.
	browsertest.Eval[bool](p, `sessionStorage.setItem("left/parley/1400000002/dave/outbox", JSON.stringify(["Lost?", "Forget it"].map((text, i) => ({
		id: "left" + i, groupId: "lounge", random: 4000000000 + i, body: { MsgBody: [{ MsgType: "TIMTextElem", MsgContent: { Text: text } }] },
		base: 0, unknown: true, firstWall: 1, stage: "unsent", reason: "NotFound",
	})))), true`)
	p.Go(p.URL())
	p.Wait(within(".left .said.unsent", "No answer came, and it is not in the history."))
	p.Click("Send again")
	p.Wait(within(".right .said:not(.own)", "Lost?"))
	p.Click("Discard")
	p.Wait(none(".left .said.unsent"))
	p.Wait(none(".said.sending, .said.sent"))
	p.Go(p.URL())
	p.Wait(within(".left .said.own", "Lost?"))
	p.Wait(none(".left .said.unsent"))
}

func speaks(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{Language: "ko-KR"}, "dave", "carol", "lounge")
	p.See("모니터가 받은 것")
	p.Click("금칙어 말하기")
	p.Wait(within(".left .said.refused", "80001 금칙어가 들어 있음"))
	p.Choose("언어", "简体中文")
	p.Wait(within(".left .said.refused", "80001 文本包含敏感词"))
	p.Wait(`document.documentElement.lang === "zh"`)
	p.Go(p.URL())
	p.See("监控收到的内容", "一次发 60 条")
	p.Choose("语言", "English")
	p.See("What the monitor received")
}

func themes(t *testing.T, s *stage, b *browsertest.Browser) {
	p := s.enter(t, b, browsertest.Look{}, "alice", "bob", "lounge")
	paper := func() string {
		return browsertest.Eval[string](p, `getComputedStyle(document.body).backgroundColor`)
	}
	light := paper()
	p.Choose("Theme", "Dark")
	dark := paper()
	p.Scheme(true)
	p.Go(p.URL())
	p.See("Lounge")
	if light == dark || paper() != dark {
		t.Errorf("paper is %s, dark %s, and after a reload %s", light, dark, paper())
	}
	p.Choose("Theme", "Light")
	if paper() != light {
		t.Errorf("light paper in a dark system is %s, want %s", paper(), light)
	}
}

// Each look has a test of its own, so that its page is gone before the next one is
// opened: every open page shows all that the crowd says, and eighteen of them leave
// no processor to each other.
func fits(t *testing.T, s *stage, b *browsertest.Browser) {
	for _, language := range []string{"en", "zh", "ko"} {
		for _, dark := range []bool{false, true} {
			for _, width := range []int{360, 900, 1440} {
				t.Run(fmt.Sprintf("%s %d dark %v", language, width, dark), func(t *testing.T) {
					p := s.enter(t, b, browsertest.Look{Language: language, Dark: dark, Width: width, Height: 800}, "alice", "bob", "lounge")
					p.Wait(`document.querySelectorAll(".left .said").length > 3`)
					if pixels, element := p.Overflow(); pixels > 0 {
						t.Errorf("%d pixels too wide: %s", pixels, element)
					}
					if tall := browsertest.Eval[int](p, `document.documentElement.scrollHeight - innerHeight`); tall > 0 {
						t.Errorf("%d pixels too tall", tall)
					}
					p.Shot(fmt.Sprintf("chat-%s-%d-dark-%v", language, width, dark))
				})
			}
		}
	}
}

func TestChatPageSaysThatItIsOfflineAndKeepsWhatIsWritten(t *testing.T) {
	b := browsertest.Start(t)
	s := openStage(t)
	p := s.enter(t, b, browsertest.Look{}, "alice", "bob", "lounge")
	p.Expect("WebSocket connection")
	p.Expect("WebSocket is already in CLOSING")
	p.Expect("ERR_CONNECTION_REFUSED")
	p.Expect("ERR_SOCKET_NOT_CONNECTED")
	p.Expect("ERR_EMPTY_RESPONSE")
	p.Wait(`document.querySelectorAll(".provoke").length === 2`) // the groups are read
	s.end()
	p.See("offline, coming back and catching up…", "The monitor does not answer.")
	say(p, "Write as alice", "Is anybody there?")
	p.Wait(within(".left .said.own", "waiting for the connection"))
	p.Shot("chat-offline")
	p.Click("Discard")
	p.Wait(none(".left .said.own"))
	p.Wait(`document.activeElement === document.querySelector(".left textarea")`)
}

func TestChatPageIsUsedByKeysAlone(t *testing.T) {
	b := browsertest.Start(t)
	s := openStage(t)
	p := s.enter(t, b, browsertest.Look{}, "carol", "bob", "lounge")
	p.Wait(`document.querySelectorAll(".provoke").length === 2`)
	tabTo := func(what string) {
		t.Helper()
		for range 60 {
			if browsertest.Eval[bool](p, what) {
				return
			}
			p.Key("\t")
		}
		t.Fatalf("no way by keys to %s", what)
	}
	tabTo(`document.activeElement.title === "kitchen"`)
	p.Key("\r")
	p.Wait(within(".left .groups [aria-current]", "Kitchen"))
	tabTo(`document.activeElement.ariaLabel === "Write as carol"`)
	p.Key("by keys alone\r")
	p.Wait(within(".left .said.own", "by keys alone"))
	tabTo(`document.activeElement.textContent === "Say a filtered word"`)
	p.Key("\r")
	p.Wait(within(".left .said.refused", "80001"))
	p.Go("about:blank")
	s.end()
	if want := regexp.MustCompile(`(?m)^  chat page  2 attempts = 1 accepted \+ 1 refused \+ `); !want.MatchString(s.out.String()) {
		t.Errorf("nothing matches %s in\n%s", want, s.out)
	}
}
