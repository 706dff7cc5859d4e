package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/browsertest"
)

// hook is the endpoint of a team that does what it wants: it answers with the
// status that it was told.
type hook struct {
	url string
	watched
	status int
	came   []http.Header
}

func newHook(t testing.TB, status int) *hook {
	h := &hook{status: status}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer := "the disk of the audit is full"
		h.change(func() {
			h.came = append(h.came, r.Header.Clone())
			if h.status == http.StatusOK {
				answer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`
			}
			w.WriteHeader(h.status)
		})
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	h.url = s.URL + "/audit"
	return h
}

// got says whether an event came, with that Parley-Replay.
func (h *hook) got(event, replay string) bool {
	return slices.ContainsFunc(h.came, func(c http.Header) bool { return c.Get("Webhook-Id") == event && c.Get("Parley-Replay") == replay })
}

// operatorsDay is a server with a group, and the console of it in a browser.
type operatorsDay struct {
	t      *testing.T
	server *server
	client *api.Client
	rc     *receiver
	audit  *hook
	page   *browsertest.Page
	base   string // of the app's pages
}

// What operators do with the console, one thing after the other, with the real
// server behind it. Whatever the page's console complains of fails it.
func TestOperatorWorksWithTheConsoleOfARunningServer(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	rc := ofApp(t, nil)
	s := serve(t, nil, oneApp(folder(t.TempDir()), rc)...)
	d := &operatorsDay{t: t, server: s, client: s.client(), rc: rc, audit: newHook(t, 500)}
	accounts(t, d.client, "mei", "jun")
	group(t, d.client, api.TypePublic, "tea-house", "mei", "jun")
	d.page = b.Open(t, browsertest.Look{}, "http://"+s.admin+fmt.Sprintf("/admin/apps/%d/endpoints", appID))
	d.base = d.page.URL()[:strings.Index(d.page.URL(), "/admin/")] + fmt.Sprintf("/admin/apps/%d", appID)

	d.logsIn()
	d.makesAnEndpoint()
	d.forbidsAWord()
	d.mutesAMember()
	d.seesEveryKindOfRefusal()
	d.findsOutWhy()
	d.sendsAgain()
	d.pausesAndResumes()
	d.endsTheMute()
	d.makesAToken()
	d.looksAround()
	d.seesALogin()
	d.rotatesTheKey()
	s.stop(t)
}

func (d *operatorsDay) logsIn() {
	p := d.page
	p.Expect("status of 401")
	p.Fill("Admin token", "guessed")
	p.Click("Log in")
	p.See("That is not it.")
	p.Fill("Admin token", d.server.printed(d.t, `console token: (\S+)\n`)[1])
	p.Click("Log in")
	p.See("Endpoints", "primary", d.rc.url)
}

func (d *operatorsDay) makesAnEndpoint() {
	p := d.page
	p.Click("Add an endpoint")
	p.Fill("Id", "audit")
	p.Fill("URL", d.audit.url)
	p.ClickOn("dialog .primary")
	p.See("Endpoint audit", "active")
	p.Click("Test")
	p.See("would not count as delivered", "HTTP 500 after", "the disk of the audit is full", "A real event would be tried again.")
	d.audit.await(d.t, "the sample", func() bool { return len(d.audit.came) == 1 })
}

func (d *operatorsDay) forbidsAWord() {
	p := d.page
	p.Click("Words")
	p.See("There are no words: nothing is filtered.")
	p.Fill("One a line", "Casino\nlotto")
	p.Click("Add")
	p.See("Added: 2.", "Words (2)")
}

func (d *operatorsDay) mutesAMember() {
	p := d.page
	p.Click("Groups")
	p.Click("tea-house")
	p.See("Group tea-house", "Nobody is muted by name.")
	p.Click("Mute mei in this group")
	p.Choose("For how long", "for good")
	p.ClickOn("dialog .primary")
	p.See("until for good")
}

// send is refused with a code, or accepted with 0.
func (d *operatorsDay) send(m api.SendGroupMsgRequest, want api.Code) (event string) {
	d.t.Helper()
	_, err := d.client.SendGroupMsg(d.t.Context(), m)
	var told *api.Error
	switch {
	case errors.As(err, &told) && told.Code == want:
		return told.EventID
	case err == nil && want == 0:
		return ""
	}
	d.t.Fatalf("the send was told %v, want code %d", err, want)
	return ""
}

func (d *operatorsDay) seesEveryKindOfRefusal() {
	p := d.page
	p.Go(d.base + "/events")
	p.See("Nothing fits.", "live")
	for _, c := range []struct {
		m    api.SendGroupMsgRequest
		code api.Code
		seen string
	}{
		{say("tea-house", "mei", 6, "did it arrive?"), api.CodeMuted, "The sender is muted"},
		{say("tea-house", "jun", 1, "come to the CASINO"), api.CodeSensitiveText, "The text contains a filter word"},
		{say("nowhere", "jun", 2, "is anybody here?"), api.CodeGroupNotFound, "There is no such group"},
		{say("tea-house", "jun", 3, strings.Repeat("long ", 4000)), api.CodeMessageTooLong, "The message is too long"},
		{say("tea-house", "stranger", 4, "hello"), api.CodeAccountNotFound, "The account does not exist"},
		{api.SendGroupMsgRequest{GroupId: "tea-house", MsgBody: []api.Element{api.Text("no Random")}}, api.CodeInvalidParameter, "A field of the request is missing or wrong"},
	} {
		d.send(c.m, c.code)
		p.See(c.seen, fmt.Sprint(int(c.code))) // by itself
	}
}

// "A user says his message did not arrive": from the overview to the reason in
// three clicks.
func (d *operatorsDay) findsOutWhy() {
	p := d.page
	p.Click("Parley")
	p.See("A message did not arrive?", "callbacks waiting", "audit", "Failing since", "500 Internal Server Error")
	d.shots("failing")
	p.Fill("User id", "mei")
	p.Click("Search")
	p.See("Found for mei")
	p.Gone("jun")
	p.Click("The sender is muted 10017")
	p.See("mute of the member in the group", "Muted until", "for good", "did it arrive?", "primary delivered")
	p.See("audit waiting", "500 Internal Server Error", "the disk of the audit is full")
	d.shots("waiting")
}

func (d *operatorsDay) sendsAgain() {
	p := d.page
	event := browsertest.Eval[string](p, `location.pathname.split("/").at(-1)`)
	d.audit.change(func() { d.audit.status = http.StatusOK })
	p.Click("Send again to audit")
	p.See("It is being sent again to audit.", "audit delivered")
	p.Click("Send again to audit")
	d.audit.await(d.t, "the event, again", func() bool { return d.audit.got(event, "1") })
	p.Wait(`[...document.querySelectorAll(".attempts tr")].some((a) => a.textContent.includes("replay") && a.textContent.includes("delivered"))`)
}

func (d *operatorsDay) pausesAndResumes() {
	p := d.page
	p.Click("audit")
	p.See("Endpoint audit")
	p.Click("Pause")
	p.See("paused", "It keeps its events.")
	event := d.send(say("tea-house", "mei", 7, "and this?"), api.CodeMuted)
	p.Wait(`[...document.querySelectorAll(".facts div")].some((f) => f.textContent === "Backlog1")`)
	p.Click("Resume")
	p.See("Resumed.", "active")
	d.audit.await(d.t, "the event after the pause", func() bool { return d.audit.got(event, "") })
	p.See("Last delivery")
	p.Wait(`[...document.querySelectorAll(".facts div")].some((f) => f.textContent === "Backlog0")`)
}

func (d *operatorsDay) endsTheMute() {
	p := d.page
	p.Go(d.base + "/groups/tea-house")
	p.Click("Unmute")
	p.See("mei can send again.", "Nobody is muted by name.")
	d.send(say("tea-house", "mei", 8, "now it arrives"), 0)
	p.Click("mei")
	p.Click("Mute everywhere")
	p.ClickOn("dialog .primary")
	p.See("muted for another") // 1 h, or some seconds less
	d.send(say("tea-house", "mei", 9, "not for long"), api.CodeMuted)
	p.Click("Unmute")
	p.See("Not muted.")
	d.send(say("tea-house", "mei", 10, "again it arrives"), 0)
	p.Fill("Group id (optional)", "tea-house")
	p.Click("Ask")
	p.See("accepted", "MsgSeq 2", "refused")
	p.Fill("Random (optional)", "4242")
	p.Click("Ask")
	p.See("unknown", "never reached this server")
	p.Click("Words")
	p.See("Words (2)")
	p.Fill("Find", "cas")
	p.Click("Remove")
	p.ClickOn("dialog .danger")
	p.See("Words (1)")
	d.send(say("tea-house", "jun", 11, "come to the CASINO"), 0)
}

func (d *operatorsDay) makesAToken() {
	p := d.page
	p.Click("Keys and tokens")
	p.Fill("Name of a new token", "the monitor")
	p.Click("Make a token")
	p.See("New token")
	reader := &api.Client{BaseURL: d.server.url, SDKAppID: appID, Token: p.Value("Shown once; keep it now"), HTTP: d.server.http}
	p.Click("Close")
	events := func() error {
		page, err := reader.Events(d.t.Context(), api.EventsRequest{})
		if err == nil && len(page.Events) != 8 {
			d.t.Errorf("the token reads %d events, want 8", len(page.Events))
		}
		return err
	}
	if err := events(); err != nil {
		d.t.Errorf("the token that was made: %v", err)
	}
	p.Click("Revoke")
	p.ClickOn("dialog .danger")
	p.Gone("the monitor")
	if err := events(); err == nil {
		d.t.Error("the token reads events after it was revoked")
	}
}

// seesALogin follows the events while a user comes and goes.
func (d *operatorsDay) seesALogin() {
	p := d.page
	o := d.server.operator(d.t)
	o.types(d.t, "endpoints", "set", "audit", "--commands", "State.StateChange")
	p.Resize(0, 0)
	p.Go(d.base + "/events?command=State.StateChange")
	p.See("Nothing fits.", "live")
	phone := d.server.phone(d.t, "jun", "Android")
	rows := func(n int) string {
		return fmt.Sprintf(`[...document.querySelectorAll("main tbody tr")].filter((r) => r.textContent.includes("jun")).length === %d`, n)
	}
	p.Wait(rows(1)) // by itself
	phone.call(d.t, "logout", `{}`)
	p.Wait(rows(2))
	p.ClickOn("main tbody tr a")
	p.See("State.StateChange", "Logout", "jun", "audit delivered")
}

func (d *operatorsDay) rotatesTheKey() {
	p := d.page
	p.Go(d.base + "/keys")
	p.Click("Rotate the key")
	p.ClickOn("dialog .danger")
	p.See(fmt.Sprintf("Key of app %d", appID))
	key := p.Value("Shown once; keep it now")
	p.Click("Close")
	if _, err := d.client.GetGroupInfo(d.t.Context(), api.GetGroupInfoRequest{GroupIdList: []string{"tea-house"}}); err == nil {
		d.t.Error("the old key is still good")
	}
	d.client = d.server.clientOf(appID, key, appAdmin)
	d.send(say("tea-house", "jun", 12, "with the new key"), 0)
}

// looksAround opens every view on a phone, in each language, and wide.
func (d *operatorsDay) looksAround() {
	p := d.page
	base := strings.TrimSuffix(d.base, fmt.Sprintf("/apps/%d", appID))
	for _, v := range []struct{ name, url, sight string }{
		{"overview", base + "/", "10019"},
		{"events", d.base + "/events?command=all", "10019"},
		{"event", d.base + "/events/2", "Casino"},
		{"users", d.base + "/users", ""},
		{"user", d.base + "/users/mei", "tea-house"},
		{"groups", d.base + "/groups", "tea-house"},
		{"group", d.base + "/groups/tea-house", "again it arrives"},
		{"endpoints", d.base + "/endpoints", "audit"},
		{"endpoint", d.base + "/endpoints/audit", d.audit.url},
		{"words", d.base + "/words", "lotto"},
		{"settings", d.base + "/settings", "MissingGroup"},
		{"keys", d.base + "/keys", ""},
	} {
		p.Resize(360, 740)
		p.Go(v.url)
		p.See(v.sight)
		for _, l := range []struct{ list, name, tag string }{{"Language", "한국어", "ko"}, {"언어", "简体中文", "zh"}, {"语言", "English", "en"}} {
			p.Choose(l.list, l.name)
			p.Wait(`document.documentElement.lang === "` + l.tag + `"`)
			if pixels, element := p.Overflow(); pixels > 0 {
				d.t.Errorf("%s in %s is %d pixels too wide: %s", v.name, l.tag, pixels, element)
			}
			if hole := browsertest.Eval[string](p, `document.body.innerText.match(/.*(undefined|\[object|NaN).*/)?.[0] ?? ""`); hole != "" {
				d.t.Errorf("%s in %s shows %q", v.name, l.tag, hole)
			}
		}
		d.shots(v.name)
	}
}

// shots are pictures for people to look at; see [browsertest.Page.Shot].
func (d *operatorsDay) shots(name string) {
	p := d.page
	p.Resize(360, 740)
	p.Shot("real-" + name + "-360")
	p.Resize(0, 0)
	p.Shot("real-" + name + "-1280")
	p.Scheme(true)
	p.Shot("real-" + name + "-dark")
	p.Scheme(false)
}
