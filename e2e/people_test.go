package e2e

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/browsertest"
	"github.com/parley-im/parley/internal/demo"
)

// people is a group of app users at the real page, each in a browser of his own,
// and an admin over REST, before a server whose network can be cut and which can
// be killed.
type people struct {
	t      *testing.T
	flags  []string
	server *server
	admin  *api.Client
	wire   *cable
	hub    *hub
	pages  map[string]*browsertest.Page
	said   []string // what was accepted, in order
	random uint32
}

// hub is `parley monitor`, running.
type hub struct {
	*process
	url string
}

// What two users see in their browsers while they talk, one is muted, the network
// is cut and the server is killed: every message once and in order, and each
// refusal with its reason, here and in the monitor.
func TestPeopleTalkInTheirBrowsersThroughCutsAndKills(t *testing.T) {
	t.Parallel()
	h := watchOver(t)
	p := &people{t: t, hub: h, pages: make(map[string]*browsertest.Page)}
	p.flags = append(folder(t.TempDir()).args(), "--app", strconv.Itoa(appID), "--app-key", appKey, "--admin", appAdmin,
		"--callback-url", h.url+"/callback", "--callback-token", appToken, "--group-rate", "0")
	p.server = serve(t, nil, p.flags...)
	p.admin = p.server.client()
	p.wire = lay(t, p.server.address)
	accounts(t, p.admin, "ann", "ben")
	group(t, p.admin, api.TypePublic, "tea-house", "ann", "ben")

	chat, err := demo.ChatPage(demo.Hello{Server: "http://" + p.wire.address, SDKAppID: appID, Monitor: h.url, Console: "http://" + p.server.admin + "/admin/"}, appKey, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(chat)
	t.Cleanup(site.Close)
	for user, partner := range map[string]string{"ann": "zoe", "ben": "yan"} { // who sits beside is in no group
		page := browsertest.Start(t).Open(t, browsertest.Look{}, site.URL+"/?left="+user+"&right="+partner+"&group=tea-house")
		for _, expected := range []string{"WebSocket connection to", "WebSocket is already in CLOSING", "net::ERR", "Failed to load resource", "Failed to fetch"} {
			page.Expect(expected) // while the network is cut
		}
		page.Wait(`document.querySelector(".left [role=status]")?.innerText === "online"`)
		p.pages[user] = page
	}

	p.says("ann", "good morning")
	p.says("ben", "morning, ann")
	p.adminSays("the tea is ready")
	p.agree()

	p.isMuted("ben")
	p.says("ann", "he cannot answer")
	p.isUnmuted("ben")
	p.hitsTheFilter("ann")
	p.agree()

	p.networkIsCut()
	p.agree()

	p.serverIsKilled()
	p.agree()
	p.says("ben", "still here")
	p.agree()
	p.server.stop(t)
}

// watchOver starts a monitor for the app of most tests.
func watchOver(t *testing.T) *hub {
	h := &hub{process: launch(t, nil, "monitor", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--app", strconv.Itoa(appID), "--callback-token", appToken)}
	h.url = strings.TrimSuffix(h.printed(t, `(http://127\.0\.0\.1:\d+)`)[1], "/")
	return h
}

// type puts a text into the page and sends it.
func (p *people) types(user, text string) {
	p.t.Helper()
	p.pages[user].Fill("Write as "+user, text)
	p.pages[user].Key("\r")
}

// says sends by a user's page what must be accepted, and waits until it is shown
// as a message with a number.
func (p *people) says(user, text string) {
	p.t.Helper()
	p.types(user, text)
	p.pages[user].Wait(fmt.Sprintf(`%s.some(a => a.text === %q && a.number > 0)`, onPage, text))
	p.said = append(p.said, text)
}

// adminSays sends over REST.
func (p *people) adminSays(text string) {
	p.t.Helper()
	p.random++
	if _, err := p.admin.SendGroupMsg(p.t.Context(), say("tea-house", appAdmin, p.random, text)); err != nil {
		p.t.Fatal(err)
	}
	p.said = append(p.said, text)
}

// onPage is what the left column of a page shows: text, and number if it has one.
const onPage = `[...document.querySelectorAll(".left .messages article")].map(a => ({text: a.querySelector(".text").innerText, number: Number((a.querySelector(".head").innerText.match(/#(\d+)/) || [])[1] || 0), refused: a.classList.contains("refused")}))`

type line struct {
	Text    string
	Number  int
	Refused bool
}

// agree waits until both pages and the history show all that was accepted, once
// and in the same order.
func (p *people) agree() {
	p.t.Helper()
	for user, page := range p.pages {
		page.Wait(fmt.Sprintf(`%s.filter(a => a.number > 0).length >= %d`, onPage, len(p.said)))
		var texts []string
		last := 0
		for _, l := range browsertest.Eval[[]line](page, onPage) {
			if l.Refused || l.Number == 0 {
				continue
			}
			if l.Number != last+1 {
				p.t.Fatalf("%s sees number %d after %d", user, l.Number, last)
			}
			last = l.Number
			texts = append(texts, l.Text)
		}
		if fmt.Sprint(texts) != fmt.Sprint(p.said) {
			p.t.Fatalf("%s sees\n%q\nbut said was\n%q", user, texts, p.said)
		}
	}
	if stored := len(history(p.t, p.admin, "tea-house")); stored != len(p.said) {
		p.t.Fatalf("%d messages are stored, %d were said", stored, len(p.said))
	}
}

// refused waits for the reason in the page, and for the same in the monitor.
func (p *people) refused(user, text string, code api.Code) {
	p.t.Helper()
	page := p.pages[user]
	page.Wait(fmt.Sprintf(`[...document.querySelectorAll(".left article.refused")].some(a => a.innerText.includes(%q) && a.innerText.includes("%d"))`, text, code))
	page.Wait(fmt.Sprintf(`[...document.querySelectorAll(".left article.refused")].some(a => a.innerText.includes(%q) && a.innerText.includes("arrived at the monitor"))`, text))
}

func (p *people) isMuted(user string) {
	p.t.Helper()
	if _, err := p.admin.ForbidSendMsg(p.t.Context(), api.ForbidSendMsgRequest{GroupId: "tea-house", Members_Account: []string{user}, MuteTime: ptr(uint32(600))}); err != nil {
		p.t.Fatal(err)
	}
	p.pages[user].See("You are muted here")
	p.types(user, "can you hear me")
	p.refused(user, "can you hear me", api.CodeMuted)
}

func (p *people) isUnmuted(user string) {
	p.t.Helper()
	if _, err := p.admin.ForbidSendMsg(p.t.Context(), api.ForbidSendMsgRequest{GroupId: "tea-house", Members_Account: []string{user}, MuteTime: new(uint32)}); err != nil {
		p.t.Fatal(err)
	}
	p.pages[user].Gone("You are muted here")
	p.says(user, "I can again")
}

func (p *people) hitsTheFilter(user string) {
	p.t.Helper()
	if _, err := p.admin.AddDirtyWords(p.t.Context(), api.AddDirtyWordsRequest{DirtyWordsList: []string{"lemonade"}}); err != nil {
		p.t.Fatal(err)
	}
	p.types(user, "rather a lemonade")
	p.refused(user, "rather a lemonade", api.CodeSensitiveText)
}

// networkIsCut: the admin goes on, a user writes, and nothing reaches anybody
// until the network is back.
func (p *people) networkIsCut() {
	p.t.Helper()
	p.wire.pull()
	for _, page := range p.pages {
		page.Wait(`document.querySelector(".left [role=status]")?.innerText !== "online"`)
	}
	for i := range 25 { // more than a page of history
		p.adminSays(fmt.Sprintf("while you were away %d", i+1))
	}
	p.types("ann", "from the tunnel")
	p.pages["ann"].See("from the tunnel")
	p.wire.plug(p.server.address)
	p.pages["ann"].Wait(fmt.Sprintf(`%s.some(a => a.text === "from the tunnel" && a.number > 0)`, onPage))
	p.said = append(p.said, "from the tunnel")
}

// serverIsKilled: users write while it goes down and after; whatever became of
// each attempt, each message is there once.
func (p *people) serverIsKilled() {
	p.t.Helper()
	p.adminSays("before the fall")
	p.server.kill(p.t)
	p.types("ben", "into the void")
	p.server = serve(p.t, nil, p.flags...)
	p.admin = p.server.client()
	p.wire.plug(p.server.address)
	p.pages["ben"].Wait(fmt.Sprintf(`%s.some(a => a.text === "into the void" && a.number > 0)`, onPage))
	p.said = append(p.said, "into the void")
	p.adminSays("and up again")
}
