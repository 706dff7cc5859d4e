package console_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
)

const (
	appID   = 1400000001
	loudID  = `<img src=x onerror=alert(1)>`
	longID  = "a-very-long-user-id-without-any-place-to-break-it-0123456789"
	eventTo = 130 // events in the journal
)

// fixture answers what the page asks in the shapes of package api, from a data
// set that changes as the real one would. It keeps what was asked to change.
type fixture struct {
	mux *http.ServeMux

	mu        sync.Mutex
	apps      []*fixtureApp
	events    []api.EventDetail // by Sequence, from 1
	endpoints []api.Endpoint
	tokens    []api.Token
	words     []string
	muted     map[string]int64 // in the group, until Unix seconds
	muteAll   string
	silenced  map[string]uint32 // accounts, seconds
	fault     string            // why it is not ready
	trouble   string            // why it refuses sends although it is
	changes   []string          // method, path and body of what changed something
	news      chan struct{}     // closed and made anew by an event
}

type fixtureApp struct {
	SDKAppID                                                            int64
	Admins                                                              []string
	Epoch                                                               string
	Head                                                                uint64
	Settings                                                            api.AppSettings
	Attempts, Accepted, Refused, Dropped, Repeated, Unanswered, Waiting uint64
}

func newFixture() *fixture {
	f := &fixture{muted: map[string]int64{}, muteAll: api.Off, silenced: map[string]uint32{}, news: make(chan struct{})}
	settings := api.AppSettings{
		CallbackURL: "https://chat.tea-house.example/callback?tenant=main", CallbackSigned: true,
		CallbackCommands: []string{"Group.CallbackSendMsgException"}, EventTime: "integer", BeforeSendFailure: "deliver",
		OnFrequency: "refuse", GroupRate: 40, MaxMessage: 12288, MaxAt: 30, MissingGroup: 10010,
	}
	f.apps = []*fixtureApp{
		{SDKAppID: appID, Admins: []string{"administrator"}, Epoch: "01JDZ8K3M9Q4X7", Head: eventTo, Settings: settings,
			Attempts: 1234567, Accepted: 1200130, Refused: 34000, Dropped: 400, Repeated: 30, Unanswered: 7, Waiting: 12},
		{SDKAppID: 1400000002, Admins: []string{"root"}, Epoch: "01JDZ8K3M9Q4X8", Settings: api.AppSettings{GroupRate: 40, MaxMessage: 12288, MaxAt: 30, MissingGroup: 10010, EventTime: "integer", BeforeSendFailure: "deliver", OnFrequency: "refuse"}},
	}
	now := time.Now()
	lane := api.Lane{Here: true, Cursor: 118, Settled: 110, Backlog: 12, Limit: 32, InFlight: 3, OldestAt: now.Add(-9 * time.Minute).UnixMilli(), DeliveredAt: now.Add(-2 * time.Second).UnixMilli()}
	failing := api.Lane{Here: true, Cursor: 90, Settled: 80, Backlog: 40, Waiting: 7, Dead: 2, Limit: 1, OldestAt: now.Add(-3 * time.Hour).UnixMilli(), FailingAt: now.Add(-3 * time.Hour).UnixMilli(),
		DeliveredAt: now.Add(-3 * time.Hour).UnixMilli(), LastError: "POST https://audit.example/hook: dial tcp 192.0.2.7:443: connect: connection refused"}
	f.endpoints = []api.Endpoint{
		f.endpoint(api.PrimaryEndpoint, settings.CallbackURL, lane),
		f.endpoint("audit", "https://audit.example/hook", failing),
	}
	f.endpoints[1].SigningKeys = []api.SigningKey{{Id: "k3f9", Kind: "v1a", Public: "whpk_MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="}}
	f.tokens = []api.Token{{Id: "t1", Name: "monitor in the cellar", CreatedAt: now.Add(-72 * time.Hour).Unix()}}
	f.words = []string{"赌博", "casino", "spam"}
	f.muted["mei"] = now.Add(time.Hour).Unix()
	for i := range eventTo {
		f.add(f.sample(i, now.Add(time.Duration(i-eventTo)*time.Minute)))
	}
	f.routes()
	return f
}

func (f *fixture) endpoint(id, url string, lane api.Lane) api.Endpoint {
	return api.Endpoint{Id: id, URL: url, Commands: []string{"Group.CallbackSendMsgException"}, Signed: true, MinTLS: "1.2", MaxInFlight: 32, Order: api.OrderNone, GroupHold: 600, Timeout: 5,
		Retry: []int{5, 30, 120, 600, 1800, 3600}, MaxAge: 259200, Objection: api.ObjectionDead, State: api.EndpointActive, Lane: lane}
}

// sample is the i-th event: refusals of all kinds in turn.
func (f *fixture) sample(i int, at time.Time) api.EventDetail {
	kinds := []struct {
		code     api.Code
		rule     string
		info     string
		from     string
		compared string
		before   string
	}{
		{api.CodeMuted, "member_mute", "sender is muted", "mei", fmt.Sprintf(`{"mute_until":%d}`, at.Add(time.Hour).Unix()), ""},
		{api.CodeSendTooOften, "frequency", "msg count exceeds limit,please retry later", "jun", `{"scope":"group","count":41,"limit":40}`, ""},
		{api.CodeSensitiveText, "content_filter", "message has dirty word: casino", loudID, `{"word":"casino"}`, ""},
		{api.CodeMessageTooLong, "size", "message is too long", longID, `{"size":13001,"limit":12288}`, ""},
		{api.Code(10150), "before_send", "nicht vor acht Uhr", "jun", `{"answer":10150}`, `{"answer":"refuse","code":10150}`},
		{api.CodeMuted, "mute_all", "sender is muted", "bo", `{"mute_all":true,"role":"Member"}`, ""},
		{api.CodeGroupNotFound, "group", "this group does not exist", "bo", ``, ""},
		{api.CodeInvalidParameter, "parameters", "Random is required", "bo", ``, ""},
	}
	k := kinds[i%len(kinds)]
	body, err := json.Marshal(map[string]any{
		"CallbackCommand": "Group.CallbackSendMsgException", "GroupId": "tea-house", "Type": "Public", "From_Account": k.from, "Operator_Account": "administrator", "Random": 1000 + i,
		"OnlineOnlyFlag": 0, "ErrorCode": k.code, "ErrorInfo": k.info, "EventTime": at.Unix(),
		"MsgBody": []any{map[string]any{"MsgType": "TIMTextElem", "MsgContent": map[string]string{"Text": "Wer kommt heute Abend? 好的，靠窗的位置给你们留着 <b>" + strings.Repeat("lang", i%40) + "</b>"}}},
	})
	if err != nil {
		panic(err)
	}
	d := api.EventDetail{Event: api.Event{
		EventId: fmt.Sprintf("0193a4c2-7d51-7cc1-8f0e-%012d", i+1), Command: "Group.CallbackSendMsgException", EventTime: at.UnixMilli(), ErrorCode: int(k.code), Rule: k.rule,
		GroupId: "tea-house", FromAccount: k.from, Random: uint32(1000 + i), ClientIP: "192.0.2.17", OptPlatform: "Android", Count: 1, Body: body,
	}, Epoch: "01JDZ8K3M9Q4X7", ErrorInfo: k.info, Compared: json.RawMessage(k.compared), BeforeSend: json.RawMessage(k.before)}
	if k.rule == "frequency" {
		d.Count = 17
	}
	state := func(a ...api.Attempt) []api.Attempt { return append([]api.Attempt{}, a...) }
	d.Deliveries = []api.EventDelivery{
		{Endpoint: api.PrimaryEndpoint, State: api.StateDelivered, Attempts: state(
			api.Attempt{Attempt: 1, At: at.Add(20 * time.Millisecond).UnixMilli(), Duration: 5000, Result: "failed", Reason: "no answer within 5 s"},
			api.Attempt{Attempt: 2, At: at.Add(8 * time.Second).UnixMilli(), Duration: 12, Status: 200, Result: "delivered", Answer: `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`})},
		{Endpoint: "audit", State: api.StateWaiting, NextAt: at.Add(20 * time.Minute).UnixMilli(), Reason: "HTTP 502", Attempts: state(
			api.Attempt{Attempt: 1, At: at.Add(25 * time.Millisecond).UnixMilli(), Duration: 31, Status: 502, Result: "failed", Reason: "HTTP 502", Answer: "<html><body>Bad Gateway</body></html>"})},
	}
	return d
}

// add commits an event.
func (f *fixture) add(d api.EventDetail) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.Sequence = uint64(len(f.events) + 1)
	f.events = append(f.events, d)
	close(f.news)
	f.news = make(chan struct{})
}

// asked are the changes that were asked for since the last call.
func (f *fixture) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.changes
	f.changes = nil
	return list
}

func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// refusal is an answer that says no.
type refusal struct {
	status int
	code   api.Code
	info   string
}

func bad(info string) *refusal { return &refusal{400, api.CodeInvalidParameter, info} }

func (f *fixture) routes() {
	f.mux = http.NewServeMux()
	handle := func(pattern string, h func(r *http.Request, body []byte) (any, *refusal)) {
		f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var body json.RawMessage
			if r.Method != http.MethodGet && r.ContentLength != 0 {
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					http.Error(w, err.Error(), 400)
					return
				}
			}
			if !strings.Contains(pattern, "/v1/events") || strings.HasSuffix(pattern, "{event}") { // those wait, and lock by themselves
				f.mu.Lock()
				defer f.mu.Unlock()
			}
			if r.Method != http.MethodGet {
				f.changes = append(f.changes, r.Method+" "+r.URL.Path+" "+string(body))
			}
			answer, no := h(r, body)
			w.Header().Set("Content-Type", "application/json")
			if no != nil {
				w.WriteHeader(no.status)
				answer = api.NewAnswer(no.code, no.info)
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	handle("GET /status", func(*http.Request, []byte) (any, *refusal) {
		return map[string]any{"Ready": f.fault == "", "Fault": f.fault, "Trouble": f.trouble, "Version": "0.1.0-test"}, nil
	})
	handle("GET /apps", func(*http.Request, []byte) (any, *refusal) { return map[string]any{"Apps": f.apps}, nil })
	handle("POST /apps", func(r *http.Request, body []byte) (any, *refusal) {
		var n api.NewApp
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, bad(err.Error())
		}
		f.apps = append(f.apps, &fixtureApp{SDKAppID: n.SDKAppID, Admins: n.Admins})
		return api.AppKey{SDKAppID: n.SDKAppID, Key: "made-for-a-new-app"}, nil
	})
	handle("PATCH /apps/{app}", f.changeApp)
	handle("DELETE /apps/{app}", func(r *http.Request, _ []byte) (any, *refusal) {
		f.apps = slices.DeleteFunc(f.apps, func(a *fixtureApp) bool { return fmt.Sprint(a.SDKAppID) == r.PathValue("app") })
		return struct{}{}, nil
	})
	handle("POST /apps/{app}/rotate-key", func(r *http.Request, _ []byte) (any, *refusal) {
		return api.AppKey{SDKAppID: appID, Key: "f00dcafe0123456789abcdef"}, nil
	})
	handle("GET /apps/{app}/v1/events", f.listEvents)
	handle("GET /apps/{app}/v1/events/{event}", func(r *http.Request, _ []byte) (any, *refusal) {
		if d := f.find(r.PathValue("event")); d != nil {
			return d, nil
		}
		return nil, &refusal{404, api.CodeInvalidParameter, "there is no such event"}
	})
	handle("POST /apps/{app}/v1/replay", f.replay)
	f.endpointRoutes(handle)
	handle("GET /apps/{app}/v1/explain", func(r *http.Request, _ []byte) (any, *refusal) {
		q := r.URL.Query()
		if q.Get("group") == "" {
			return nil, bad("Group is required")
		}
		return map[string]any{"Explanations": []api.Explanation{
			{Outcome: "accepted", Message: &api.SentMessage{GroupId: q.Get("group"), FromAccount: q.Get("from"), MsgSeq: 41, MsgTime: time.Now().Unix(), Random: 7}, Text: "accepted and stored as message 41"},
			{Outcome: "refused", Exception: &f.events[len(f.events)-1], Text: "refused with 10017: the member is muted in the group"},
		}}, nil
	})
	handle("GET /apps/{app}/v1/tokens", func(*http.Request, []byte) (any, *refusal) { return map[string]any{"Tokens": f.tokens}, nil })
	handle("POST /apps/{app}/v1/tokens", func(_ *http.Request, body []byte) (any, *refusal) {
		t := api.NewToken{Secret: "secret-of-the-token"}
		if err := json.Unmarshal(body, &t.Token); err != nil {
			return nil, bad(err.Error())
		}
		t.Id, t.CreatedAt = fmt.Sprint("t", len(f.tokens)+1), time.Now().Unix()
		f.tokens = append(f.tokens, t.Token)
		return t, nil
	})
	handle("DELETE /apps/{app}/v1/tokens/{id}", func(r *http.Request, _ []byte) (any, *refusal) {
		f.tokens = slices.DeleteFunc(f.tokens, func(t api.Token) bool { return t.Id == r.PathValue("id") })
		return struct{}{}, nil
	})
	handle("POST /apps/{app}/v4/{service}/{command}", f.command)
}

func (f *fixture) changeApp(r *http.Request, body []byte) (any, *refusal) {
	var change api.AppChange
	if err := json.Unmarshal(body, &change); err != nil {
		return nil, bad(err.Error())
	}
	i := slices.IndexFunc(f.apps, func(a *fixtureApp) bool { return fmt.Sprint(a.SDKAppID) == r.PathValue("app") })
	if i < 0 {
		return nil, &refusal{404, api.CodeAppNotFound, "sdkappid does not exist"}
	}
	a := f.apps[i]
	if change.MaxMessage != nil && (*change.MaxMessage < 1 || *change.MaxMessage > 12288) {
		return nil, bad("MaxMessage must be 1 to 12288")
	}
	set(&a.Settings.CallbackURL, change.CallbackURL)
	set(&a.Settings.GroupRate, change.GroupRate)
	set(&a.Settings.MaxMessage, change.MaxMessage)
	set(&a.Settings.BeforeSendFailure, change.BeforeSendFailure)
	if change.CallbackCommands != nil {
		a.Settings.CallbackCommands = change.CallbackCommands
	}
	return api.App{SDKAppID: a.SDKAppID, Admins: a.Admins, Epoch: a.Epoch, Head: a.Head, Settings: a.Settings}, nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

func (f *fixture) find(name string) *api.EventDetail {
	for i := range f.events {
		if f.events[i].EventId == name || fmt.Sprint(f.events[i].Sequence) == name {
			return &f.events[i]
		}
	}
	return nil
}

func (f *fixture) listEvents(r *http.Request, _ []byte) (any, *refusal) {
	q := r.URL.Query()
	number := func(name string) uint64 {
		n, _ := strconv.ParseUint(q.Get(name), 10, 64)
		return n
	}
	limit := cmp.Or(int(number("limit")), api.DefaultEventsLimit)
	const stretch = 60 // that it looks at for one page
	looked := 0
	deadline := time.After(time.Duration(number("wait")) * time.Second)
	for {
		f.mu.Lock()
		page := api.EventsPage{Epoch: "01JDZ8K3M9Q4X7", Head: uint64(len(f.events)), FirstSequence: 1, Events: []api.Event{}}
		take := func(d api.EventDetail) bool {
			page.Next = d.Sequence
			if len(page.Events) < limit && f.fits(d, q.Get) {
				e := d.Event
				e.Body = nil
				page.Events = append(page.Events, e)
			}
			return len(page.Events) < limit
		}
		if r.PathValue("app") == fmt.Sprint(appID) {
			if q.Get("newest") != "" || q.Get("before") != "" {
				for i := len(f.events) - 1; i >= 0; i-- {
					if before := number("before"); before > 0 && f.events[i].Sequence >= before {
						continue
					}
					looked++
					if !take(f.events[i]) || looked == stretch {
						page.More = i > 0
						break
					}
				}
			} else {
				page.Next = number("after")
				for _, d := range f.events[min(number("after"), uint64(len(f.events))):] {
					if !take(d) {
						break
					}
				}
			}
		} else {
			page.Head = 0
		}
		news := f.news
		f.mu.Unlock()
		if len(page.Events) > 0 || number("wait") == 0 {
			return page, nil
		}
		select {
		case <-news:
		case <-deadline:
			return page, nil
		case <-r.Context().Done():
			return page, nil
		}
	}
}

func (f *fixture) fits(d api.EventDetail, want func(string) string) bool {
	if endpoint, state := want("endpoint"), want("state"); endpoint != "" && state != "" {
		if !slices.ContainsFunc(d.Deliveries, func(e api.EventDelivery) bool { return e.Endpoint == endpoint && e.State == state }) {
			return false
		}
	}
	since, _ := strconv.ParseInt(want("since"), 10, 64)
	return (want("from") == "" || want("from") == d.FromAccount) && (want("group") == "" || want("group") == d.GroupId) &&
		(want("code") == "" || want("code") == fmt.Sprint(d.ErrorCode)) && (want("command") == "" || want("command") == d.Command) && d.EventTime >= since
}

func (f *fixture) replay(_ *http.Request, body []byte) (any, *refusal) {
	var want api.Replay
	if err := json.Unmarshal(body, &want); err != nil {
		return nil, bad(err.Error())
	}
	if d := f.find(want.EventId); d != nil {
		for i := range d.Deliveries {
			if e := &d.Deliveries[i]; want.Endpoint == "" || want.Endpoint == e.Endpoint {
				e.State, e.Replay, e.NextAt = api.StateWaiting, true, 0
			}
		}
	}
	return api.ReplayStarted{Replays: []api.ReplayJob{{Id: 1, Endpoint: want.Endpoint}}}, nil
}

func (f *fixture) endpointRoutes(handle func(string, func(*http.Request, []byte) (any, *refusal))) {
	at := func(r *http.Request) (int, *refusal) {
		i := slices.IndexFunc(f.endpoints, func(e api.Endpoint) bool { return e.Id == r.PathValue("id") })
		if i < 0 || r.PathValue("app") != fmt.Sprint(appID) {
			return -1, &refusal{404, api.CodeInvalidParameter, "there is no such endpoint"}
		}
		return i, nil
	}
	with := func(pattern string, h func(*api.Endpoint, []byte) (any, *refusal)) {
		handle(pattern, func(r *http.Request, body []byte) (any, *refusal) {
			i, no := at(r)
			if no != nil {
				return nil, no
			}
			return h(&f.endpoints[i], body)
		})
	}
	const one = "/apps/{app}/v1/endpoints/{id}"
	handle("GET /apps/{app}/v1/endpoints", func(r *http.Request, _ []byte) (any, *refusal) {
		if r.PathValue("app") != fmt.Sprint(appID) {
			return map[string]any{"Endpoints": []api.Endpoint{}}, nil
		}
		return map[string]any{"Endpoints": f.endpoints}, nil
	})
	handle("POST /apps/{app}/v1/endpoints", func(_ *http.Request, body []byte) (any, *refusal) {
		var n api.NewEndpoint
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, bad(err.Error())
		}
		if !strings.HasPrefix(*n.URL, "http") {
			return nil, bad("URL must be a URL with http or https, a host, a port up to 65535 and no fragment")
		}
		f.endpoints = append(f.endpoints, f.endpoint(n.Id, *n.URL, api.Lane{Here: true, Limit: 32, Cursor: eventTo, Settled: eventTo}))
		return api.EndpointChanged{Endpoint: f.endpoints[len(f.endpoints)-1]}, nil
	})
	with("GET "+one, func(e *api.Endpoint, _ []byte) (any, *refusal) { return e, nil })
	with("PATCH "+one, func(e *api.Endpoint, body []byte) (any, *refusal) {
		var c api.EndpointChange
		if err := json.Unmarshal(body, &c); err != nil {
			return nil, bad(err.Error())
		}
		if len(c.Retry) > 0 && c.Retry[0] > 5 {
			return nil, bad("Retry: the first pause must be at most 5")
		}
		set(&e.URL, c.URL)
		set(&e.MaxInFlight, c.MaxInFlight)
		set(&e.Timeout, c.Timeout)
		changed := api.EndpointChanged{Endpoint: *e}
		if c.AddKey != nil {
			e.SigningKeys = append(e.SigningKeys, api.SigningKey{Id: "new1", Kind: *c.AddKey})
			changed.Endpoint, changed.NewKey = *e, "whsec_c2VjcmV0IG9mIGEga2V5"
		}
		return changed, nil
	})
	handle("GET /apps/{app}/v1/endpoints/broken", func(*http.Request, []byte) (any, *refusal) { return struct{ Lane *int }{}, nil })
	handle("DELETE "+one, func(r *http.Request, _ []byte) (any, *refusal) {
		i, no := at(r)
		if no == nil {
			f.endpoints = slices.Delete(f.endpoints, i, i+1)
		}
		return struct{}{}, no
	})
	with("POST "+one+"/pause", func(e *api.Endpoint, _ []byte) (any, *refusal) { e.State = api.EndpointPaused; return e, nil })
	with("POST "+one+"/resume", func(e *api.Endpoint, _ []byte) (any, *refusal) { e.State = api.EndpointActive; return e, nil })
	with("POST "+one+"/test", func(e *api.Endpoint, _ []byte) (any, *refusal) {
		return api.TestResult{EventId: "sample", URL: e.URL, Next: "retry", Attempt: api.Attempt{Attempt: 1, At: time.Now().UnixMilli(), Duration: 31, Status: 502, Result: "failed", Reason: "HTTP 502", Answer: "<html>Bad Gateway</html>"}}, nil
	})
}

func (f *fixture) command(r *http.Request, body []byte) (any, *refusal) {
	ok := api.NewAnswer(api.CodeOK, "")
	var q struct {
		GroupIdList                   []string
		GroupId                       string
		DirtyWordsList                []string
		Members_Account               []string
		MuteTime                      *uint32
		MuteAllMember, Member_Account string
		Get_Account                   string
		Set_Account                   string
		GroupmsgNospeakingTime        uint32
		GroupType                     string
		Offset, Limit                 int
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, bad(err.Error())
	}
	now := time.Now().Unix()
	profile := api.GroupProfile{GroupId: "tea-house", Type: api.TypePublic, Name: "茶馆 · Teehaus <i>", Owner_Account: "mei", Appid: appID, CreateTime: now - 9e6, LastMsgTime: now - 60, NextMsgSeq: 42,
		MemberNum: 4, MaxMemberNum: 2000, ApplyJoinOption: api.NeedPermission, MuteAllMember: f.muteAll, Introduction: "Für alle, die Tee trinken"}
	switch r.PathValue("service") + "/" + r.PathValue("command") {
	case api.CommandGetAppidGroupList:
		if q.GroupType == api.TypeCommunity || r.PathValue("app") != fmt.Sprint(appID) {
			return api.GetAppidGroupListResponse{Answer: ok, GroupIdList: []api.GroupIDItem{}}, nil
		}
		return api.GetAppidGroupListResponse{Answer: ok, TotalCount: 2, GroupIdList: []api.GroupIDItem{{GroupId: "tea-house"}, {GroupId: "@TGS#" + strings.Repeat("LONG", 10)}}}, nil
	case api.CommandGetGroupInfo:
		a := api.GetGroupInfoResponse{Answer: ok}
		for _, id := range q.GroupIdList {
			g := api.GroupInfo{GroupProfile: profile}
			g.GroupId = id
			if id == "nowhere" {
				g = api.GroupInfo{GroupProfile: api.GroupProfile{GroupId: id}, ErrorCode: api.CodeGroupNotFound, ErrorInfo: "this group does not exist", Only: []string{}}
			}
			a.GroupInfo = append(a.GroupInfo, g)
		}
		return a, nil
	case api.CommandGetGroupMemberInfo:
		a := api.GetGroupMemberInfoResponse{Answer: ok, MemberNum: 4}
		if q.GroupId == "crowd" {
			for i := q.Offset; i < min(q.Offset+q.Limit, 150); i++ {
				a.MemberList = append(a.MemberList, api.MemberInfo{Member_Account: fmt.Sprintf("member-%03d", i), Role: api.RoleMember})
			}
			return a, nil
		}
		for _, who := range []string{"mei", "jun", loudID, longID} {
			role := api.RoleMember
			if who == "jun" {
				role = api.RoleOwner
			}
			a.MemberList = append(a.MemberList, api.MemberInfo{Member_Account: who, Role: role, JoinTime: now - 5e6, LastSendMsgTime: now - 300, MuteUntil: f.muted[who], NameCard: "N. N."})
		}
		return a, nil
	case api.CommandGetGroupMutedAccount:
		list := []api.MutedAccount{}
		for who, until := range f.muted {
			list = append(list, api.MutedAccount{Member_Account: who, MutedUntil: until})
		}
		return api.NewMutedAccounts(q.GroupId, list), nil
	case api.CommandForbidSendMsg:
		for _, who := range q.Members_Account {
			if *q.MuteTime == 0 {
				delete(f.muted, who)
			} else {
				f.muted[who] = now + int64(*q.MuteTime)
			}
		}
		return ok, nil
	case api.CommandModifyGroupBaseInfo:
		f.muteAll = q.MuteAllMember
		return ok, nil
	case api.CommandGroupMsgGetSimple:
		if q.GroupId == "crowd" {
			return nil, &refusal{200, api.CodeNoHistory, "group type does not store history"}
		}
		return api.GroupMsgGetSimpleResponse{Answer: ok, GroupId: q.GroupId, IsFinished: 1, RspMsgList: []api.StoredMessage{
			{From_Account: "jun", MsgSeq: 2, MsgTimeStamp: now, MsgBody: json.RawMessage(`[{"MsgType":"TIMTextElem","MsgContent":{"Text":"<script>alert(1)</script> 好"}}]`)},
			{From_Account: "mei", MsgSeq: 1, MsgTimeStamp: now, IsPlaceMsg: 2, MsgBody: json.RawMessage(`[]`)}}}, nil
	case api.CommandGetJoinedGroupList:
		if q.Member_Account == "ghost" {
			return nil, &refusal{200, api.CodeAccountNotFound, "account is unknown"}
		}
		return api.GetJoinedGroupListResponse{Answer: ok, TotalCount: 1, GroupIdList: []api.JoinedGroup{{GroupProfile: profile, SelfInfo: &api.SelfInfo{Role: api.RoleMember, JoinTime: now - 5e6}}}}, nil
	case api.CommandGetNoSpeaking:
		return api.GetNoSpeakingResponse{Answer: ok, GroupmsgNospeakingTime: f.silenced[q.Get_Account]}, nil
	case api.CommandSetNoSpeaking:
		f.silenced[q.Set_Account] = q.GroupmsgNospeakingTime
		return ok, nil
	case api.CommandGetDirtyWords:
		return api.GetDirtyWordsResponse{Answer: ok, DirtyWordsList: f.words}, nil
	case api.CommandAddDirtyWords:
		f.words = append(f.words, q.DirtyWordsList...)
		return ok, nil
	case api.CommandDeleteDirtyWords:
		f.words = slices.DeleteFunc(f.words, func(w string) bool { return slices.Contains(q.DirtyWordsList, w) })
		return ok, nil
	}
	return nil, &refusal{200, api.CodeUnknownCommand, "unknown service or command"}
}
