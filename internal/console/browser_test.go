package console_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/browsertest"
	"github.com/parley-im/parley/internal/console"
)

// visit opens the console at a path over a data set of its own, in a session.
func visit(t *testing.T, b *browsertest.Browser, look browsertest.Look, path string) (*fixture, *browsertest.Page) {
	t.Helper()
	f := newFixture()
	s := start(t, console.Config{Password: password, API: f})
	look.Cookies = append(look.Cookies, s.login())
	return f, b.Open(t, look, s.base+path)
}

// views are the addresses of all views, each with something that is seen there
// once it is loaded.
var views = []struct{ name, path, sight string }{
	{"overview", "/admin/", "connection refused"},
	{"events", "/admin/apps/1400000001/events", "The message is too long"},
	{"event", "/admin/apps/1400000001/events/0193a4c2-7d51-7cc1-8f0e-000000000003", "Bad Gateway"},
	{"event-muted", "/admin/apps/1400000001/events/121", "Bad Gateway"},
	{"users", "/admin/apps/1400000001/users", "User id"},
	{"user", "/admin/apps/1400000001/users/mei", "Teehaus"},
	{"groups", "/admin/apps/1400000001/groups", "Teehaus"},
	{"group", "/admin/apps/1400000001/groups/tea-house", "<script>alert(1)</script>"},
	{"endpoints", "/admin/apps/1400000001/endpoints", "audit.example"},
	{"endpoint", "/admin/apps/1400000001/endpoints/audit", "connection refused"},
	{"words", "/admin/apps/1400000001/words", "casino"},
	{"settings", "/admin/apps/1400000001/settings", "MissingGroup"},
	{"keys", "/admin/apps/1400000001/keys", "monitor in the cellar"},
}

func TestConsoleInABrowser(t *testing.T) {
	b := browsertest.Start(t)
	for name, test := range map[string]func(*testing.T, *browsertest.Browser){
		"from a user to the reason in three clicks":                           threeClicks,
		"a server's error is shown at the field":                              fieldError,
		"an event is sent again":                                              sendAgain,
		"the language changes and stays":                                      languageChange,
		"login and logout":                                                    loginLogout,
		"every view fits, narrow and wide, and can be read, in each language": looks,
		"a new refusal appears by itself":                                     live,
		"a login is told as one":                                              login,
		"pages go by key":                                                     paging,
		"a member is muted and unmuted":                                       mutes,
		"a great group goes by pages":                                         crowd,
		"an endpoint is made, tested, changed, paused and removed":            endpoints,
		"keys are shown once, and only after a confirmation":                  keys,
		"words are added and removed":                                         words,
		"what became of a send is told, also when it was accepted":            explain,
		"a server that fails, or takes no writes, says so":                    faults,
		"nothing there yet says what to do next":                              empty,
		"all can be done with keys alone":                                     keyboard,
		"what users made is text":                                             hostile,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

func threeClicks(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{Zone: "Asia/Seoul"}, "/admin/")
	p.See("A message did not arrive?")
	p.Fill("User id", "mei")
	p.Click("Search")
	p.See("Found for mei")
	p.Gone("jun")
	p.ClickOn(".events tbody th a")
	p.See("The sender is muted", "mute of the member in the group", "Muted until", "no answer within 5 s", "HTTP 502", "Bad Gateway")
	p.Shot("three-clicks")
	sent := time.UnixMilli(f.find("129").EventTime).UTC() // the newest of mei
	here := sent.Add(9 * time.Hour).Format(time.DateTime) // Seoul has no summer time
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll("time")].some((e) => e.textContent.startsWith(%q) && e.title === %q)`, here, sent.Format("2006-01-02 15:04:05.000")+" UTC"))
	p.Back()
	p.See("Found for mei")
}

func fieldError(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/settings")
	p.Expect("status of 400")
	p.Fill("Size of a message", "20000")
	p.Click("Save")
	p.See("MaxMessage must be 1 to 12288", "Not saved: see MaxMessage")
	p.Wait(`document.querySelector("[name=MaxMessage]").getAttribute("aria-invalid") === "true" &&
		document.getElementById(document.querySelector("[name=MaxMessage]").getAttribute("aria-describedby").split(" ").at(-1)).textContent.includes("must be 1 to 12288")`)
	p.Shot("field-error")
	f.asked()
	p.Fill("Size of a message", "8000")
	p.Click("Save")
	p.See("Saved.")
	p.Gone("must be 1 to 12288")
	if got, want := f.asked(), []string{`PATCH /apps/1400000001 {"MaxMessage":8000}`}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q: what was not changed stays out of it", got, want)
	}
	p.Click("Save")
	p.See("Nothing was changed.")
	if got := f.asked(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}

func sendAgain(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/events/5")
	p.See("Your app's backend refused it with a code of its own", "nicht vor acht Uhr")
	p.Click("Send again to all")
	p.See("It is being sent again to all endpoints", "waiting · replay")
	p.Wait(`[...document.querySelectorAll(".delivery .badge")].every((b) => b.textContent.includes("replay"))`)
	p.Click("Send again")
	p.See("It is being sent again to primary.")
	want := []string{
		`POST /apps/1400000001/v1/replay {"Endpoint":"","EventId":"0193a4c2-7d51-7cc1-8f0e-000000000005"}`,
		`POST /apps/1400000001/v1/replay {"Endpoint":"primary","EventId":"0193a4c2-7d51-7cc1-8f0e-000000000005"}`,
	}
	if got := f.asked(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	p.Go(strings.Replace(p.URL(), "events/5", "endpoints/audit", 1))
	p.See("Dead letters (2)")
	p.Click("Send again")
	p.See("Started.")
	if got, want := f.asked(), []string{`POST /apps/1400000001/v1/replay {"Endpoint":"audit","Dead":true}`}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func languageChange(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{Language: "ko-KR"}, "/admin/apps/1400000001/events")
	p.See("예외", "보낸 사람이 음소거됨")
	p.Choose("언어", "简体中文")
	p.See("发送者被禁言", "端点")
	p.Wait(`document.documentElement.lang === "zh"`)
	p.Go(p.URL())
	p.See("发送者被禁言")
	p.Choose("语言", "English")
	p.See("The sender is muted")
	p.Choose("Language", "简体中文")
	p.Click("退出登录")
	p.See("管理密码")
	p.Click("한국어")
	p.See("관리자 비밀번호")
}

func loginLogout(t *testing.T, b *browsertest.Browser) {
	s := start(t, console.Config{Password: password, API: newFixture()})
	p := b.Open(t, browsertest.Look{}, s.base+"/admin/apps/1400000001/keys")
	p.See("Admin password")
	p.Wait(`document.querySelector("input[type=password]") === document.activeElement`)
	p.Key(password + "\r")
	p.See("monitor in the cellar") // the login led on to the page that was asked for
	p.Click("Log out")
	p.See("Admin password")
	p.Expect("status of 401")
	p.Back()
	p.Wait(`location.pathname === "/admin/login"`)
	p.Fill("Admin password", "wrong")
	p.Click("Log in")
	p.See("That is not it. Try again.")
	p.Shot("login-wrong")
	p.Fill("Admin password", password)
	p.Click("Log in")
	p.See("Log out")
	// The session ends elsewhere: the next thing asked for leads to the login,
	// and from there back.
	p.See("monitor in the cellar")
	browsertest.Eval[bool](p, `fetch("/admin/logout", { method: "POST" }).then(() => { globalThis.out = true; }), true`)
	p.Wait("globalThis.out")
	p.Click("Groups")
	p.Wait(`location.pathname === "/admin/login"`)
	p.Fill("Admin password", password)
	p.Click("Log in")
	p.See("Teehaus")
}

// looks opens each view once, and looks at it narrow and wide, dark and light,
// in each language.
func looks(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/")
	base := strings.TrimSuffix(p.URL(), "/admin/")
	for _, v := range views {
		p.Resize(360, 740)
		p.Go(base + v.path)
		p.See(v.sight)
		fits := func(what string) {
			t.Helper()
			if pixels, element := p.Overflow(); pixels > 0 {
				t.Errorf("%s %s is %d pixels too wide: %s", v.name, what, pixels, element)
			}
			p.Shot(v.name + "-" + what)
		}
		for _, l := range []struct{ list, name, tag string }{{"Language", "한국어", "ko"}, {"언어", "简体中文", "zh"}, {"语言", "English", "en"}} {
			p.Choose(l.list, l.name)
			p.Wait(`document.documentElement.lang === "` + l.tag + `"`)
			fits("360-" + l.tag)
		}
		for _, width := range []int{768, 1280, 1920} {
			p.Resize(width, 900)
			fits(fmt.Sprint(width))
		}
		if nameless := browsertest.Eval[[]string](p, nameless); len(nameless) > 0 {
			t.Errorf("%s: without a name: %q", v.name, nameless)
		}
		for _, dark := range []bool{false, true} {
			p.Scheme(dark)
			if poor := browsertest.Eval[[]string](p, contrast); len(poor) > 0 {
				t.Errorf("%s, dark %v: hard to read: %q", v.name, dark, poor)
			}
		}
		p.Shot(v.name + "-dark")
		p.Scheme(false)
	}
}

// nameless lists what can be used and has no name that a screen reader could say.
const nameless = `[...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")]
	.filter((e) => !(e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim())).map((e) => e.outerHTML)`

// contrast lists the texts with less than 4.5 to 1 (WCAG 2, AA) against the
// nearest background that is painted.
const contrast = `(() => {
	const rgb = (c) => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const poor = new Set();
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("");
		if (own === "" || e.getClientRects().length === 0 || e.disabled) continue;
		let behind = e;
		while (behind && (rgb(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
		const a = light(rgb(getComputedStyle(e).color)), b = behind ? light(rgb(getComputedStyle(behind).backgroundColor)) : 1;
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) poor.add(ratio.toFixed(1) + " " + e.className + " " + own.slice(0, 40));
	}
	return [...poor];
})()`

func live(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/events?from=newcomer")
	p.See("No message of newcomer was refused here", "live")
	d := f.sample(0, time.Now())
	d.EventId, d.FromAccount = "0193a4c2-7d51-7cc1-8f0e-00000000beef", "newcomer"
	f.add(d)
	p.See("131", "The sender is muted")
	p.ClickOn(".events tbody th a")
	p.See("0193a4c2-7d51-7cc1-8f0e-00000000beef")
}

// A login is told as what it is, and as nothing that was refused.
func login(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/events?command=State.StateChange")
	d := f.sample(0, time.Now())
	d.Event = api.Event{EventId: "0193a4c2-7d51-7cc1-8f0e-00000000cafe", Command: "State.StateChange", Action: "Disconnect", Reason: "TimeOut", EventTime: d.EventTime, FromAccount: "newcomer", Count: 1}
	d.ErrorInfo, d.Compared = "", nil
	f.add(d)
	p.See("Connection lost", "Disconnect TimeOut")
	p.ClickOn(".events tbody th a")
	p.See("0193a4c2-7d51-7cc1-8f0e-00000000cafe", "Connection lost", "Connected from")
	p.Wait(`!document.querySelector(".verdict")`)
	p.Shot("login")
}

func paging(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/events")
	seen := map[int]bool{}
	read := func(first int) {
		t.Helper()
		p.Wait(fmt.Sprintf(`document.querySelector(".events tbody td:last-child")?.textContent === "%d"`, first))
		for _, n := range browsertest.Eval[[]int](p, `[...document.querySelectorAll(".events tbody td:last-child")].map((e) => Number(e.textContent))`) {
			seen[n] = true
		}
	}
	read(130)
	p.Click("Older")
	read(80)
	p.Click("Older")
	read(30)
	if len(seen) != eventTo || browsertest.Eval[bool](p, `[...document.querySelectorAll(".pages a")].some((a) => a.textContent === "Older")`) {
		t.Errorf("%d events were on the pages, of %d", len(seen), eventTo)
	}
	p.Click("Newest")
	read(130)
	p.Fill("Code", "10023")
	p.Choose("Period", "Last hour")
	p.Click("Show")
	p.Wait(`location.search === "?code=10023&last=1h"`)
	p.See("17 times")
	p.Gone("The sender is muted")
	p.Fill("User", "nobody")
	p.Click("Show")
	p.See("No message of nobody was refused here")
	p.Click("Clear")
	read(130)
}

func mutes(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/groups/tea-house")
	p.See("Muted by name", "N. N.", "until")
	p.Click("Unmute")
	p.See("mei can send again.", "Nobody is muted by name.")
	p.Click("Mute")
	p.Choose("For how long", "7 days")
	p.Shot("dialog")
	p.ClickOn("dialog .primary")
	p.Gone("Nobody is muted by name.")
	p.Click("Mute all")
	p.See("Only owner, admins of the group and admins of the app can still send.")
	p.ClickOn("dialog .danger")
	p.See("all muted", "End the mute of all")
	p.Go(strings.Replace(p.URL(), "groups/tea-house", "users/mei", 1))
	p.See("Not muted.")
	p.Click("Mute everywhere")
	p.ClickOn("dialog .primary")
	p.See("muted for another") // 1 h, or some seconds less
	p.Click("Unmute")
	p.See("Not muted.")
	want := []string{
		`POST /apps/1400000001/v4/group_open_http_svc/forbid_send_msg {"GroupId":"tea-house","Members_Account":["mei"],"MuteTime":0}`,
		`POST /apps/1400000001/v4/group_open_http_svc/forbid_send_msg {"GroupId":"tea-house","Members_Account":["mei"],"MuteTime":604800}`,
		`POST /apps/1400000001/v4/group_open_http_svc/modify_group_base_info {"GroupId":"tea-house","MuteAllMember":"On"}`,
		`POST /apps/1400000001/v4/openconfigsvr/setnospeaking {"Set_Account":"mei","GroupmsgNospeakingTime":3600}`,
		`POST /apps/1400000001/v4/openconfigsvr/setnospeaking {"Set_Account":"mei","GroupmsgNospeakingTime":0}`,
	}
	var got []string
	for _, c := range f.asked() {
		for _, name := range []string{"forbid", "modify", "setno"} {
			if strings.Contains(c, name) {
				got = append(got, c)
			}
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func crowd(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/groups/crowd")
	p.See("member-000", "member-099", "groups of this type keep none")
	p.Click("More")
	p.See("member-100", "member-149")
	p.Gone("member-099")
	p.Click("Back")
	p.See("member-000")
}

func endpoints(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/endpoints")
	p.Expect("status of 400")
	p.See("audit", "failing", "Failing since", "connection refused", "Last delivery")
	p.Click("Add an endpoint")
	p.Fill("Id", "second")
	p.Fill("URL", "ftp://x")
	p.ClickOn("dialog .primary")
	p.See("URL must be a URL with http or https")
	p.Fill("URL", "https://second.example/hook")
	p.ClickOn("dialog .primary")
	p.See("Endpoint second")
	p.Click("Test")
	p.See("would not count as delivered", "HTTP 502 after 31 ms", "A real event would be tried again.")
	p.Click("Pause")
	p.See("Paused. It keeps its events.")
	p.Click("Resume")
	p.See("Resumed.")
	f.asked()
	p.Fill("Retry pauses", "9, 30")
	p.Click("Save")
	p.See("the first pause must be at most 5", "Not saved: see Retry.")
	p.Fill("Retry pauses", "5, 30, 120, 600, 1800, 3600")
	p.Fill("Timeout", "10")
	p.Click("Save")
	p.See("Saved.")
	if got := f.asked(); len(got) != 2 || got[1] != `PATCH /apps/1400000001/v1/endpoints/second {"Timeout":10}` {
		t.Errorf("asked %q", got)
	}
	p.Click("Add a v1 key")
	p.ClickOn("dialog .primary")
	p.Wait(`document.querySelector("dialog input[readonly]")?.value === "whsec_c2VjcmV0IG9mIGEga2V5"`)
	p.Click("Close")
	p.Click("Remove the endpoint")
	p.Wait(`document.querySelector("dialog button.danger").disabled`)
	p.Fill("Type second to confirm", "second")
	p.ClickOn("dialog .danger")
	p.Wait(`location.pathname.endsWith("/endpoints")`)
	p.Gone("second.example")
}

func keys(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/keys")
	p.Click("Rotate the key")
	p.See("All UserSigs made with the old key are refused at once.")
	p.Click("Cancel")
	p.Gone("All UserSigs made with the old key are refused at once.")
	if got := f.asked(); len(got) != 0 {
		t.Errorf("asked %q after Cancel", got)
	}
	p.Click("Rotate the key")
	p.ClickOn("dialog .danger")
	p.Wait(`document.querySelector("dialog input[readonly]")?.value === "f00dcafe0123456789abcdef"`)
	p.Shot("secret")
	p.Click("Close")
	p.Wait(`!document.documentElement.outerHTML.includes("f00dcafe")`)
	p.Fill("Name of a new token", "second monitor")
	p.Click("Make a token")
	p.Wait(`document.querySelector("dialog input[readonly]")?.value === "secret-of-the-token"`)
	p.Click("Close")
	p.See("second monitor")
	p.Click("Revoke")
	p.See("Whoever uses “monitor in the cellar” is refused at once.")
	p.ClickOn("dialog .danger")
	p.Gone("monitor in the cellar")
	f.asked()
	p.Click("Remove the app")
	p.Fill("Type 1400000001 to confirm", "1400000002")
	p.Wait(`document.querySelector("dialog .danger").disabled`)
	p.Fill("Type 1400000001 to confirm", "1400000001")
	p.ClickOn("dialog .danger")
	p.Wait(`location.pathname === "/admin/"`)
	p.Gone("1400000001")
	if got, want := f.asked(), []string{"DELETE /apps/1400000001 "}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func words(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/words")
	p.See("Words (3)")
	p.Fill("One a line", " lotto \n\n六合彩")
	p.Click("Add")
	p.See("Added: 2.", "Words (5)", "六合彩")
	p.Fill("Find", "LOT")
	p.Gone("casino")
	p.Click("Remove")
	p.See("Messages with “lotto” are delivered from then on.")
	p.ClickOn("dialog .danger")
	p.See("Words (4)", "No word contains that.")
	got := f.asked()
	if last := got[len(got)-2]; last != `POST /apps/1400000001/v4/openim_dirty_words/delete {"DirtyWordsList":["lotto"]}` {
		t.Errorf("asked %q", got)
	}
}

func explain(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/users/mei")
	p.Fill("Group id (optional)", "tea-house")
	p.Click("Ask")
	p.See("accepted and stored as message 41", "the member is muted in the group")
	p.Shot("explain")
	p.Click("Why")
	p.See("What the rule compared")
}

func faults(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/")
	p.Expect("404")
	f.mu.Lock()
	f.fault = "the disk is <full>"
	f.mu.Unlock()
	p.Go(p.URL())
	p.See("The server takes no writes.", "the disk is <full>")
	f.mu.Lock()
	f.fault, f.trouble = "", "the disk is <low>"
	f.mu.Unlock()
	p.Go(p.URL())
	p.See("Messages are refused.", "the disk is <low>")
	p.Gone("The server takes no writes.")
	base := strings.TrimSuffix(p.URL(), "/admin/")
	p.Go(base + "/admin/apps/1400000001/events/nowhere")
	p.See("There is no such event.")
	p.Go(base + "/admin/apps/1400000001/endpoints/nowhere")
	p.See("there is no such endpoint")
	p.Go(base + "/admin/apps/1400000001/groups/nowhere")
	p.See("This group cannot be shown: this group does not exist (10010).")
	p.Go(base + "/admin/apps/1400000001/nowhere")
	p.See("There is no such page")
	p.Shot("fault")
	p.Go(base + "/admin/apps/1400000001/users/ghost")
	p.See("The account does not exist (10019: account is unknown)")
	// An answer that no server of ours gives costs one view, not the page.
	p.Expect("TypeError")
	p.Go(base + "/admin/apps/1400000001/endpoints/broken")
	p.See("This view cannot be shown")
	p.Click("Words")
	p.See("casino")
	p.Go(base + "/admin/apps/1400000001/users/%FF")
	p.See("User %FF")
}

func empty(t *testing.T, b *browsertest.Browser) {
	f, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000002/events")
	base, _, _ := strings.Cut(p.URL(), "/apps/")
	p.See("Nothing fits.")
	p.Go(base + "/apps/1400000002/endpoints")
	p.See("There is no endpoint, so nobody is told of exceptions.")
	p.Go(base + "/apps/1400000002/groups")
	p.See("There is no group yet.")
	f.mu.Lock()
	f.apps = nil
	f.mu.Unlock()
	p.Go(base + "/")
	p.See("There is no app yet.")
	p.Click("Add an app")
	p.Fill("SDKAppID", "1400000009")
	p.ClickOn("dialog .primary")
	p.See("Key of app 1400000009")
	p.Click("Close")
	p.See("1400000009")
}

func keyboard(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/keys")
	p.See("Rotate the key")
	p.Wait(`document.activeElement === document.querySelector("h1")`) // a screen reader begins with the view's name
	for range 30 {
		p.Key("\t")
		if browsertest.Eval[string](p, `document.activeElement.textContent`) == "Rotate the key" {
			break
		}
	}
	p.Key("\r")
	p.See("All UserSigs made with the old key are refused at once.")
	p.Wait(`document.activeElement.closest("dialog")`)
	p.Key("\x1b")
	p.Gone("All UserSigs made with the old key are refused at once.")
	p.Wait(`document.activeElement.textContent === "Rotate the key"`)
}

func hostile(t *testing.T, b *browsertest.Browser) {
	_, p := visit(t, b, browsertest.Look{}, "/admin/apps/1400000001/events/3")
	p.See(loudID, "message has dirty word: casino", "<b>")
	p.Wait(`!document.querySelector("main img, main b i, main script")`)
	p.Click(loudID)
	p.See("User " + loudID)
	if want := "/users/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"; !strings.HasSuffix(p.URL(), want) {
		t.Errorf("the address is %s, want …%s", p.URL(), want)
	}
	p.Go(p.URL())
	p.See("User "+loudID, "Teehaus <i>")
	p.Wait(`!document.querySelector("main img, main i")`)
}
