package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// backendApp is the app's own backend: it is asked before a message is
// delivered, and each question waits for what the test says.
type backendApp struct {
	asked   chan struct{}
	answers chan chat.Verdict
	panics  atomic.Bool
}

func (b *backendApp) Ask(context.Context, *chat.Question) chat.Verdict {
	if b.panics.Load() {
		panic("the question about a message")
	}
	b.asked <- struct{}{}
	return <-b.answers
}

// asking is a world whose app is asked about each message.
func asking(t testing.TB) (*world, *backendApp) {
	t.Helper()
	b := &backendApp{asked: make(chan struct{}, 128), answers: make(chan chat.Verdict, 128)}
	w := newWorldOf(t, func(o *chat.Options) { o.Asker = b })
	err := w.backend.UpdateApp(context.Background(), app, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1:1/", []string{chat.CommandBeforeSendMsg, chat.CommandSendMsgException}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.group(t, "g", chat.Public, "alice", "bob")
	return w, b
}

// sends are send_group_msg commands with these Randoms.
func sends(t testing.TB, from, to uint32) (list []command) {
	t.Helper()
	for random := from; random <= to; random++ {
		data, err := json.Marshal(text("g", random, fmt.Sprint(random)))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, command{RPC: &rpcRequest{"send_group_msg", data}})
	}
	return list
}

func TestSendsOfAConnectionAreDoneInOrderAndNoMoreThanSixtyFourWait(t *testing.T) {
	t.Parallel()
	w, b := asking(t)
	s := w.enter(t, "alice", nil)
	s.send(sends(t, 1, 1)...)
	await(t, "the question", b.asked) // the first is in work
	first := s.id
	s.send(sends(t, 2, 66)...) // 64 wait, and one is too many
	r := s.next()
	if r.ID != first+65 || r.Error == nil || r.Error.Code != 111 || !r.Error.Temporary {
		t.Fatalf("told %+v, want 111 for the last", r)
	}
	// Everything else is done meanwhile.
	if a := s.call("get_self_mute", `{"GroupId":"g"}`); a.ErrorCode != 0 {
		t.Errorf("answered %+v", a)
	}
	for range 65 {
		b.answers <- chat.Verdict{Answer: chat.AnswerAllow}
	}
	for i := range uint32(65) {
		r := s.next()
		var a answer
		if r.RPC == nil || json.Unmarshal(r.RPC.Data, &a) != nil || r.ID != first+i || a.MsgSeq != uint64(i+1) {
			t.Fatalf("answer %d: %+v %+v", i+1, r, a)
		}
	}
	b.answers <- chat.Verdict{Answer: chat.AnswerAllow}
	if a := s.call("send_group_msg", text("g", 66, "66")); a.MsgSeq != 66 {
		t.Errorf("what was one too many, sent again: %+v", a)
	}
}

// A send goes on without its connection: it is stored or refused, and counted as
// what it became.
func TestASendOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict chat.Verdict
		want    chat.Totals
	}{
		"accepted": {chat.Verdict{Answer: chat.AnswerAllow}, chat.Totals{Accepted: 1}},
		"refused":  {chat.Verdict{Answer: chat.AnswerRefuse, Code: api.CodeRefusedByApp}, chat.Totals{Refused: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, b := asking(t)
			bob := w.phone(t, "bob")
			s := w.enter(t, "alice", nil)
			s.send(sends(t, 1, 1)...)
			await(t, "the question", b.asked)
			if err := s.conn.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the connection is gone", func() bool { return w.connections(t) == 1 })
			b.answers <- c.verdict
			eventually(t, "the send has ended", func() bool {
				got, _ := w.backend.Counts(app)
				return got.Totals == c.want && got.Attempts == 1 && got.Unanswered == 0
			})
			if c.want.Accepted == 1 {
				if got := bob.nextOf("Message"); got.Random != 1 || got.MsgSeq != 1 {
					t.Errorf("bob heard %+v", got)
				}
			} else if list := w.events(t, 1); list[0].Code != int(api.CodeRefusedByApp) || list[0].Random != 1 || list[0].Platform != "Web" {
				t.Errorf("%+v", list[0])
			}
		})
	}
}

// connections is how many the metrics tell of.
func (w *world) connections(t testing.TB) int {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0.0
	for _, f := range families {
		if f.GetName() == "parley_connections" {
			for _, m := range f.GetMetric() {
				n += m.GetGauge().GetValue()
			}
		}
	}
	return int(n)
}

func TestAFaultInACallIsAnsweredAndTheConnectionLives(t *testing.T) {
	t.Parallel()
	w, b := asking(t)
	b.panics.Store(true)
	p := w.phone(t, "alice")
	if a := p.call("send_group_msg", text("g", 1, "x")); a.ErrorCode != int(api.CodeInternal) || a.ErrorInfo == "" {
		t.Errorf("answered %+v", a)
	}
	b.panics.Store(false)
	b.answers <- chat.Verdict{Answer: chat.AnswerAllow}
	if a := p.call("send_group_msg", text("g", 2, "y")); a.MsgSeq != 1 {
		t.Errorf("after a panic: %+v", a)
	}
	if len(p.waits) > 1 || len(p.downs) > 0 {
		t.Error("the connection was ended")
	}
}

func TestAnInternalFaultOfASendHasItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, func(o *chat.Options) { o.FaultRandom = 4242 })
	w.group(t, "g", chat.Public, "alice")
	p := w.phone(t, "alice")
	if a := p.call("send_group_msg", text("g", 4242, "x")); a.ErrorCode != int(api.CodeInternal) || a.EventId == "" {
		t.Errorf("answered %+v", a)
	}
	if n := w.say(p, "g", "y"); n != 1 {
		t.Errorf("the next message has number %d", n)
	}
}

// What is no good call is told as the REST door tells it, whatever the protocol,
// and the connection is kept.
func TestABadCallIsAnsweredLikeABadRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, "g", chat.Public, "alice")
	large := func(size int) string { // a JSON object of so many bytes
		return `{"GroupId":"` + strings.Repeat("x", size-len(`{"GroupId":""}`)) + `"}`
	}
	list := map[string]struct {
		method, body string
		code         api.Code
		binary       bool // no JSON: cannot be said in the JSON protocol
	}{
		"unknown method":            {"dance", `{}`, api.CodeUnknownCommand, false},
		"no method":                 {"", `{}`, api.CodeUnknownCommand, false},
		"method with its service":   {"group_open_http_svc/send_group_msg", `{}`, api.CodeUnknownCommand, false},
		"method of admins":          {"account_delete", `{}`, api.CodeUnknownCommand, false},
		"unknown method, no JSON":   {"dance", `}`, api.CodeUnknownCommand, true},
		"an array":                  {"msg_read", `[]`, api.CodeJSONParse, false},
		"a number":                  {"msg_read", `7`, api.CodeJSONParse, false},
		"null":                      {"msg_read", `null`, api.CodeJSONParse, false},
		"nothing":                   {"msg_read", ``, api.CodeJSONParse, true},
		"no JSON":                   {"msg_read", `GroupId=g`, api.CodeJSONParse, true},
		"not UTF-8":                 {"msg_read", "{\"GroupId\":\"\xff\"}", api.CodeJSONParse, true},
		"a wrong type":              {"msg_read", `{"GroupId":7}`, api.CodeInvalidParameter, false},
		"a send of an array":        {"send_group_msg", `[]`, api.CodeJSONParse, false},
		"a send of a wrong type":    {"send_group_msg", `{"GroupId":7}`, api.CodeInvalidParameter, false},
		"1 MB":                      {"msg_read", large(1 << 20), api.CodeInvalidGroupID, false},
		"1 MB and a byte":           {"msg_read", large(1<<20 + 1), api.CodeHTTPParse, false},
		"3 MB":                      {"msg_read", large(3 << 20), api.CodeHTTPParse, false},
		"a send of 1 MB":            {"send_group_msg", large(1 << 20), api.CodeInvalidParameter, false},
		"a send of 1 MB and a byte": {"send_group_msg", large(1<<20 + 1), api.CodeHTTPParse, false},
		"a send of 3 MB":            {"send_group_msg", large(3 << 20), api.CodeHTTPParse, false},
	}
	for _, protobuf := range []bool{false, true} {
		t.Run(map[bool]string{false: "json", true: "protobuf"}[protobuf], func(t *testing.T) {
			t.Parallel()
			p := w.phone(t, "alice", func(o *phoneOptions) { o.protobuf = protobuf })
			for name, c := range list {
				if c.binary && !protobuf {
					continue
				}
				a := p.call(c.method, c.body)
				if a.ErrorCode != int(c.code) || a.ActionStatus != "FAIL" || a.ErrorInfo == "" || (a.EventId != "") != (c.method == "send_group_msg") {
					t.Errorf("%s: %+v, want %d", name, a, c.code)
				}
			}
			if len(p.waits) > 1 || len(p.downs) > 0 {
				t.Error("the connection was not kept")
			}
			w.say(p, "g", "still here")
		})
	}
}

// FuzzConnect: whatever a client says of itself, it gets one answer.
func FuzzConnect(f *testing.F) {
	w := newWorld(f)
	for _, seed := range []string{`{}`, `null`, `[]`, `{"SDKAppID":"1400000001","UserID":"alice"}`, `{"SDKAppID":1e9}`, `{"SDKAppID":{}}`, `{"UserID":"\u0000"}`, string(hello(f, "alice", nil))} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "token")
	}
	f.Fuzz(func(t *testing.T, data []byte, token string) {
		p := w.dial(t, "alice", func(o *phoneOptions) {
			o.data, o.sig, o.protobuf = append([]byte{}, data...), "-", true
			if token != "" {
				o.token = func() (string, error) { return token, nil }
			}
		})
		_ = p.client.Connect()
		select {
		case e := <-p.downs:
			if e.Code == 0 || e.Reason == "" {
				t.Errorf("ended with %d %q", e.Code, e.Reason)
			}
		case <-p.ups:
			if !bytes.Contains(data, []byte("UserSig")) && token == "" {
				t.Errorf("let in with %q", data)
			}
		case <-t.Context().Done():
		}
	})
}

// FuzzCall: whatever a member calls, he gets one answer that says how it went,
// and keeps his connection.
func FuzzCall(f *testing.F) {
	w := newWorld(f)
	w.group(f, "g", chat.Public, "alice", "bob")
	p := w.phone(f, "alice", func(o *phoneOptions) { o.protobuf = true })
	for _, method := range []string{"send_group_msg", "msg_read", "get_group_info", "get_joined_group_list", "modify_group_base_info", "group_msg_get_simple", "group_msg_recall", "forbid_send_msg", "dance", ""} {
		for _, body := range []string{`{"GroupId":"g"}`, `{}`, `[]`, ``, `{"GroupId":"g","MsgReadedSeq":-1}`, `{"GroupId":"g","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}]}`, "\xff"} {
			f.Add(method, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, method string, body []byte) {
		if method == "logout" {
			return // it ends the connection that all inputs share; it has a test of its own
		}
		a, err := p.try(strings.ToValidUTF8(method, "?"), string(body))
		if err != nil {
			t.Fatal(err)
		}
		if (a.ActionStatus == "OK") != (a.ErrorCode == 0) || a.ActionStatus != "OK" && (a.ActionStatus != "FAIL" || a.ErrorInfo == "") {
			t.Errorf("answered %+v", a)
		}
		if len(p.waits) > 1 || len(p.downs) > 0 {
			t.Fatal("the connection was ended")
		}
	})
}
