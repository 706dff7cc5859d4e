package rest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/rest"
)

// Every fault before the caller is known, with the next ones behind it, so that
// the order shows: each request has all the faults of the rows below it.
func TestDoorAnswersTheFirstFault(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	user := sign(t, first, "user", keys[first], start)
	tests := []struct {
		name   string
		method string
		path   string
		change func(url.Values)
		raw    string // query instead
		code   api.Code
	}{
		{name: "wrong method", method: http.MethodGet, path: "no/command", raw: "sdkappid=x", code: 60002},
		{name: "a path that is not tidy", method: http.MethodPost, path: "/" + svc + "send_group_msg", raw: "sdkappid=x", code: 60002},
		{name: "a path with dots", method: http.MethodPost, path: "../v4/" + svc + "send_group_msg", raw: "sdkappid=x", code: 60002},
		{name: "a question for the options of a send", method: http.MethodOptions, path: svc + "send_group_msg", raw: "sdkappid=x", code: 60002},
		{name: "wrong method of a send without a caller", method: http.MethodGet, path: svc + "send_group_msg", raw: "sdkappid=x", code: 60002},
		{name: "put", method: http.MethodPut, path: svc + "create_group", code: 60002},
		{name: "broken query", path: "no/command", raw: "sdkappid=%zz", code: 60002},
		{name: "semicolon in query", path: svc + "create_group", raw: "sdkappid=1;identifier=a", code: 60002},
		{name: "unknown command", path: "group_open_http_svc/no_such", raw: "", code: 60009},
		{name: "unknown service", path: "no_such/create_group", raw: "", code: 60009},
		{name: "no command", path: "", raw: "", code: 60009},
		{name: "command with another case", path: "group_open_http_svc/Create_Group", raw: "", code: 60009},
		{name: "no sdkappid", path: svc + "create_group", raw: "contenttype=xml", code: 60012},
		{name: "empty sdkappid", path: svc + "create_group", raw: "sdkappid=&contenttype=xml", code: 60012},
		{name: "name with another case", path: svc + "create_group", raw: "SdkAppid=1400000001", code: 60012},
		{name: "sdkappid no number", path: svc + "create_group", change: func(v url.Values) { v.Set("sdkappid", "abc") }, code: 60025},
		{name: "sdkappid negative", path: svc + "create_group", change: func(v url.Values) { v.Set("sdkappid", "-5") }, code: 60025},
		{name: "sdkappid beyond 64 bits", path: svc + "create_group", change: func(v url.Values) { v.Set("sdkappid", "99999999999999999999") }, code: 60025},
		{name: "no identifier", path: svc + "create_group", change: func(v url.Values) { v.Del("identifier"); v.Set("sdkappid", "5") }, code: 60025},
		{name: "identifier too long", path: svc + "create_group", change: func(v url.Values) { v.Set("identifier", strings.Repeat("a", 33)) }, code: 60025},
		{name: "identifier not printable", path: svc + "create_group", change: func(v url.Values) { v.Set("identifier", "a\x00") }, code: 60025},
		{name: "contenttype not json", path: svc + "create_group", change: func(v url.Values) { v.Set("contenttype", "JSON"); v.Set("sdkappid", "5") }, code: 60025},
		{name: "unknown app", path: svc + "create_group", change: func(v url.Values) { v.Set("sdkappid", "5"); v.Del("usersig") }, code: 70020},
		{name: "no usersig", path: svc + "create_group", change: func(v url.Values) { v.Del("usersig") }, code: 70002},
		{name: "empty usersig", path: svc + "create_group", change: func(v url.Values) { v.Set("usersig", "") }, code: 70002},
		{name: "malformed usersig", path: svc + "create_group", change: func(v url.Values) { v.Set("usersig", "abc") }, code: 70003},
		{name: "truncated usersig", path: svc + "create_group", change: func(v url.Values) { v.Set("usersig", v.Get("usersig")[:80]) }, code: 70003},
		{name: "usersig of another app", path: svc + "create_group", change: func(v url.Values) { v.Set("usersig", s.sigs[second]) }, code: 70014},
		{name: "usersig of another user", path: svc + "create_group", change: func(v url.Values) { v.Set("usersig", user) }, code: 70013},
		{name: "expired usersig", path: svc + "create_group", change: func(v url.Values) {
			v.Set("usersig", sign(t, first, "admin", keys[first], start-1_000_001))
		}, code: 70001},
		{name: "usersig of another key", path: svc + "create_group", change: func(v url.Values) {
			v.Set("usersig", sign(t, first, "admin", keys[second], start))
		}, code: 70009},
		{name: "no admin", path: svc + "create_group", change: func(v url.Values) { v.Set("identifier", "user"); v.Set("usersig", user) }, code: 60010},
		{name: "no admin sends", path: svc + "send_group_msg", change: func(v url.Values) { v.Set("identifier", "user"); v.Set("usersig", user) }, code: 60010},
	}
	counts := make(map[string]int)
	for _, test := range tests {
		method, raw := test.method, test.raw
		if method == "" {
			method = http.MethodPost
		}
		if test.change != nil {
			query := s.query(first)
			test.change(query)
			raw = query.Encode()
		}
		r := s.do(t, method, "/v4/"+test.path+"?"+raw, "not JSON")
		checkEnvelope(t, test.name, r)
		if r.ErrorCode != test.code {
			t.Errorf("%s: answered %s, want %d", test.name, r.text, test.code)
		}
		counts[strconv.Itoa(int(test.code))]++
	}
	if diff := cmp.Diff(counts, s.rejected(t)); diff != "" {
		t.Errorf("parley_rejected_requests_total (-want +got):\n%s", diff)
	}
	if events := s.exceptions(t, first); len(events) > 0 {
		t.Errorf("calls of unknown callers left %d events", len(events))
	}
}

// Behind the caller's rank, the body is at fault.
func TestBodyFaults(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	big := `{"GroupId":"` + strings.Repeat("a", 1<<20) + `"}`
	tests := []struct {
		name, body string
		code       api.Code
		info       string
	}{
		{"empty", "", 60003, ""},
		{"no JSON", "GroupId=a", 60003, ""},
		{"array", "[]", 60003, ""},
		{"null", "null", 60003, ""},
		{"string", `"a"`, 60003, ""},
		{"truncated", `{"GroupId":"a"`, 60003, ""},
		{"trailing data", `{"GroupId":"a"} {}`, 60003, ""},
		{"trailing comma", `{"GroupId":"a",}`, 60003, ""},
		{"invalid UTF-8", "{\"GroupId\":\"\xff\"}", 60003, ""},
		{"raw control character", "{\"GroupId\":\"\x00\"}", 60003, ""},
		{"65 deep", deep(65), 60003, ""},
		{"deep array", `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, 60003, ""},
		{"64 deep", deep(64), 10004, "GroupId is required"},
		{"brackets in a string", `{"GroupId":"` + strings.Repeat(`[{\"`, 10) + `"}`, 10010, ""},
		{"string number", `{"GroupId":5}`, 10004, "GroupId must be a string"},
		{"string object", `{"GroupId":{}}`, 10004, "GroupId must be a string"},
		{"null is absent", `{"GroupId":null}`, 10004, "GroupId is required"},
		{"unknown fields", `{"GroupId":"a","Else":[1,{"a":null}]}`, 10010, "this group does not exist"},
		{"white space", " \t\r\n{\"GroupId\":\"a\"} \n", 10010, ""},
		{"over 1 MB", big, 60002, "HTTP parse Error: the body exceeds 1 MB"},
	}
	for _, test := range tests {
		r := s.call(t, first, svc+"destroy_group", test.body)
		if r.ErrorCode != test.code || test.info != "" && r.ErrorInfo != test.info {
			t.Errorf("%s: answered %s, want %d %s", test.name, r.text, test.code, test.info)
		}
	}
	if counts := s.rejected(t); len(counts) > 0 {
		t.Errorf("faults of known callers are counted as rejected: %v", counts)
	}
	if len(s.exceptions(t, first)) > 0 {
		t.Error("a fault that is no send left an event")
	}
}

func TestWrongTypesAreNamed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	tests := []struct {
		command, body string
		code          api.Code
		info          string
	}{
		{svc + "add_group_member", `{"GroupId":"a","MemberList":{}}`, 10004, "MemberList must be an array"},
		{svc + "add_group_member", `{"GroupId":"a","MemberList":[{"Member_Account":1}]}`, 10004, "MemberList.Member_Account must be a string"},
		{svc + "add_group_member", `{"GroupId":"a","MemberList":["a"]}`, 10004, "MemberList must be an object"},
		{svc + "forbid_send_msg", `{"GroupId":"a","MuteTime":4294967296}`, 10004, "MuteTime must be an integer from 0 to 4294967295"},
		{svc + "forbid_send_msg", `{"GroupId":"a","MuteTime":-1}`, 10004, "MuteTime must be an integer from 0 to 4294967295"},
		{svc + "forbid_send_msg", `{"GroupId":"a","ShutUpTime":1.5}`, 10004, "ShutUpTime must be an integer from 0 to 4294967295"},
		{svc + "get_appid_group_list", `{"Limit":"5"}`, 10004, "Limit must be an integer"},
		{svc + "get_appid_group_list", `{"Limit":99999999999999999999}`, 10004, "Limit must be an integer"},
		{svc + "get_appid_group_list", `{"Next":-1}`, 10004, "Next must be an integer from 0"},
		{svc + "create_group", `{"MaxMemberCount":true}`, 10004, "MaxMemberCount must be an integer"},
		{dirty + "add", `{"DirtyWordsList":"a"}`, 10004, "DirtyWordsList must be an array"},
		{mute + "setnospeaking", `{"Set_Account":5}`, 130005, "Set_Account is invalid"},
		{mute + "getnospeaking", `{"Get_Account":[]}`, 130003, "Get_Account is invalid"},
	}
	for _, test := range tests {
		r := s.call(t, first, test.command, test.body)
		if r.ErrorCode != test.code || r.ErrorInfo != test.info {
			t.Errorf("%s %s: answered %s, want %d %q", test.command, test.body, r.text, test.code, test.info)
		}
	}
}

func TestHugeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Nothing of the body is ever sent: an answer can only come unread.
	fmt.Fprintf(conn, "POST /v4/%sdestroy_group?%s HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", svc, s.query(first).Encode())
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), `"ErrorCode":60002`) {
		t.Fatalf("answered %s, error %v", text, err)
	}
}

// What is wrong with a send of a known caller is a refused send: it leaves an
// exception and is not counted as rejected.
func TestFaultySendsAreRecorded(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	big := `{"GroupId":"` + strings.Repeat("a", 1<<20) + `"}`
	tests := []struct {
		method, body string
		code         api.Code
	}{
		{http.MethodPost, "not JSON", 60003},
		{http.MethodPost, big, 60002},
		{http.MethodGet, "", 60002},
		{http.MethodPost, `{"GroupId":5}`, 10004},
	}
	for i, test := range tests {
		r := s.do(t, test.method, "/v4/"+svc+"send_group_msg?"+s.query(first).Encode(), test.body)
		checkEnvelope(t, "send_group_msg", r)
		events := s.exceptions(t, first)
		if r.ErrorCode != test.code || len(events) != i+1 || events[i].Code != int(test.code) {
			t.Fatalf("%s %.20q: answered %s, want %d; events %+v", test.method, test.body, r.text, test.code, events)
		}
		if got := r.header.Get(api.HeaderEventID); got != events[i].ID.String() {
			t.Errorf("event id %q, want %q", got, events[i].ID)
		}
	}
	if counts := s.rejected(t); len(counts) > 0 {
		t.Errorf("refused sends are counted as rejected: %v", counts)
	}
}

func TestContenttypeAndRandomMayBeAbsent(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	query := s.query(first)
	query.Del("contenttype")
	query.Del("random")
	if r := s.do(t, http.MethodPost, "/v4/"+dirty+"get?"+query.Encode(), "{}"); r.ErrorCode != 0 {
		t.Fatalf("answered %s", r.text)
	}
}

// A UserSig that was good is checked again in every way that can change.
func TestVerifiedUserSigIsForgotten(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	get := func(app chat.AppID) api.Code { return s.call(t, app, dirty+"get", "{}").ErrorCode }
	if code := get(second); code != 0 {
		t.Fatalf("code %d", code)
	}
	r := s.do(t, http.MethodPost, fmt.Sprintf("/v1/apps/%d/rotate-key?%s", second, s.query(second).Encode()), "")
	if r.status != http.StatusOK {
		t.Fatalf("rotate: %d %s", r.status, r.text)
	}
	if code := get(second); code != 70009 {
		t.Errorf("after a change of key: code %d", code)
	}
	s.seconds.Store(start + 1_000_000)
	if code := get(first); code != 0 {
		t.Errorf("in its last second: code %d", code)
	}
	s.seconds.Store(start + 1_000_001)
	if code := get(first); code != 70001 {
		t.Errorf("after its last second: code %d", code)
	}
}

func TestClientIPIsThePeerOrWhatTrustedProxiesSay(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	tests := []struct {
		name    string
		trusted []netip.Prefix
		forward string
		want    string
	}{
		{"nobody trusted", nil, "9.9.9.9", "127.0.0.1"},
		{"peer not trusted", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "9.9.9.9", "127.0.0.1"},
		{"one hop", []netip.Prefix{loopback}, "9.9.9.9", "9.9.9.9"},
		{"claim left of the client", []netip.Prefix{loopback}, "1.2.3.4, 9.9.9.9", "9.9.9.9"},
		{"two proxies", []netip.Prefix{loopback, netip.MustParsePrefix("10.0.0.0/8")}, "1.2.3.4, 9.9.9.9, 10.1.1.1", "9.9.9.9"},
		{"only proxies", []netip.Prefix{loopback, netip.MustParsePrefix("10.0.0.0/8")}, "10.2.2.2, 10.1.1.1", "10.2.2.2"},
		{"no header", []netip.Prefix{loopback}, "", "127.0.0.1"},
		{"rubbish", []netip.Prefix{loopback}, "9.9.9.9, unknown", "127.0.0.1"},
		{"IPv6", []netip.Prefix{loopback}, "2001:db8::1", "2001:db8::1"},
		{"IPv6 with port", []netip.Prefix{loopback}, "[2001:db8::1]:443", "2001:db8::1"},
		{"mapped", []netip.Prefix{loopback}, "::ffff:9.9.9.9", "9.9.9.9"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(c *rest.Config) { c.TrustedProxies = test.trusted })
			var header []string
			if test.forward != "" {
				header = []string{"X-Forwarded-For", test.forward}
			}
			s.do(t, http.MethodPost, "/v4/"+svc+"send_group_msg?"+s.query(first).Encode(), "{}", header...)
			events := s.exceptions(t, first)
			if len(events) != 1 || events[0].ClientIP != test.want {
				t.Fatalf("events %+v, want one with %s", events, test.want)
			}
		})
	}
}

func TestPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	// A door without a backend cannot answer anything.
	s := newServer(t, func(c *rest.Config) { c.Backend = nil })
	query := s.query(first).Encode()
	r := s.do(t, http.MethodPost, "/v4/"+dirty+"get?"+query, "{}")
	checkEnvelope(t, "panic", r)
	if r.ErrorCode != 10002 {
		t.Fatalf("answered %s", r.text)
	}
	s.Close()
	log := s.log.String()
	if !strings.Contains(log, "a call panicked") || !strings.Contains(log, "door.go") || !strings.Contains(log, "/v4/"+dirty+"get") {
		t.Errorf("log has no panic with its stack: %s", log)
	}
	if strings.Contains(log, url.QueryEscape(s.sigs[first])) || strings.Contains(log, s.sigs[first]) || strings.Contains(log, "usersig=") {
		t.Errorf("log has the query string: %s", log)
	}
}

func TestOtherAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	tests := []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/healthz", 200},
		{http.MethodGet, "/readyz", 200},
		{http.MethodPost, "/healthz", 405},
		{http.MethodGet, "/", 404},
		{http.MethodPost, "/v3/" + svc + "create_group", 404},
	}
	for _, test := range tests {
		if r := s.do(t, test.method, test.path, ""); r.status != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, r.status, test.status)
		}
	}
}

// broken is a store whose reads fail.
type broken struct{ chat.Store }

var errDisk = errors.New("disk on fire")

func (broken) Group(context.Context, chat.AppID, chat.GroupID) (chat.Group, bool, error) {
	return chat.Group{}, false, errDisk
}

func (broken) Account(context.Context, chat.AppID, chat.UserID) (chat.Account, bool, error) {
	return chat.Account{}, false, errDisk
}

func (broken) Groups(context.Context, chat.AppID, chat.GroupType, chat.GroupKey, int) ([]chat.Group, int64, error) {
	return nil, 0, errDisk
}

// A fault of ours is 10002 to the caller, who learns nothing of it, and a line
// in the log.
func TestFaultOfTheStoreIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	s := newServerOver(t, func(store chat.Store) chat.Store { return broken{store} })
	for command, body := range map[string]string{
		svc + "get_group_info":        `{"GroupIdList":["g"]}`,
		svc + "get_group_member_info": `{"GroupId":"g"}`,
		svc + "get_appid_group_list":  `{}`,
		accnt + "account_check":       `{"CheckItem":[{"UserID":"ann"}]}`,
		mute + "getnospeaking":        `{"Get_Account":"ann"}`,
	} {
		if r := s.call(t, first, command, body); r.ErrorCode != 10002 || r.ErrorInfo != "internal error" {
			t.Errorf("%s: answered %s", command, r.text)
		}
	}
	s.Close()
	if log := s.log.String(); strings.Count(log, "disk on fire") != 5 || strings.Contains(log, "usersig=") {
		t.Errorf("log: %s", log)
	}
}

// While the server stops, nobody can say what becomes of a change.
func TestChangeIsNotAnsweredByAStoppedServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.backend.Stop()
	for _, command := range []string{svc + "create_group", svc + "send_group_msg"} {
		r := s.do(t, http.MethodPost, "/v4/"+command+"?"+s.query(first).Encode(), `{"Type":"Public","Name":"n"}`)
		if r.status != http.StatusServiceUnavailable || strings.Contains(r.text, "ActionStatus") {
			t.Errorf("%s: answered %d %s", command, r.status, r.text)
		}
	}
}

func TestBodyThatEndsTooEarlyIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v4/%sdestroy_group?%s HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{\"GroupId\":\"a\"}", svc, s.query(first).Encode())
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(text), `"ErrorCode":60002`) {
		t.Fatalf("answered %s, error %v", text, err)
	}
}

// A body of unknown length is read up to the limit and no further.
func TestHugeBodyOfUnknownLengthIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for size, code := range map[int]api.Code{1<<20 - 20: 10015, 1<<20 + 1: 60002} {
		body := io.MultiReader(strings.NewReader(`{"GroupId":"`), strings.NewReader(strings.Repeat("a", size-14)), strings.NewReader(`"}`))
		response, err := s.Client().Post(s.URL+"/v4/"+svc+"destroy_group?"+s.query(first).Encode(), "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		if r := read(t, response); r.ErrorCode != code {
			t.Errorf("%d bytes: answered %s, want %d", size, r.text, code)
		}
	}
}
