package wire_test

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

func TestErasedBodyIsThatOfAnEmptyMessage(t *testing.T) {
	t.Parallel()
	const text = `[{"MsgContent":{"Text":"red packet"},"MsgType":"TIMTextElem"}]`
	erased := replaced(t, replaced(t, sampleBody, text, "[]"), `"CloudCustomData":"your cloud custom data",`, "")
	for name, c := range map[string]struct{ body, want string }{
		"the published sample":     {sampleBody, erased},
		"erased already":           {erased, erased},
		"EventTime as a text":      {strings.Replace(sampleBody, "1670574414123", `"1670574414123"`, 1), strings.Replace(erased, "1670574414123", `"1670574414123"`, 1)},
		"raw bytes elsewhere":      {replaced(t, sampleBody, "jared", "红\\u0000\\\"<&>\u2028"), replaced(t, erased, "jared", "红\\u0000\\\"<&>\u2028")},
		"names within other texts": {replaced(t, sampleBody, "jared", `\"MsgBody\":[1]`), replaced(t, erased, "jared", `\"MsgBody\":[1]`)},
		"deep as a request may be": {`{"MsgBody":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, `{"MsgBody":[]}`},
		"no message at all":        {`{"CallbackCommand":"x"}`, `{"CallbackCommand":"x"}`},
		"an empty object":          {`{}`, `{}`},
		"no object":                {`["MsgBody"]`, `{}`},
		"cut off":                  {sampleBody[:len(sampleBody)-1], `{}`},
		"more than one value":      {sampleBody + "1", `{}`},
		"nothing":                  {``, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wire.Erase([]byte(c.body)); string(got) != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// FuzzErase renders the events of whatever was sent and compares what is left of
// them with the events of the same send without a message.
func FuzzErase(f *testing.F) {
	f.Add([]byte(full), "a word", "admin", uint8(0))
	f.Add([]byte(`{"GroupId":"g\u0000","From_Account":"红","Random":1,"MsgBody":`+textBody+`,"CloudCustomData":"MsgBody"}`), "", "", uint8(255))
	f.Add([]byte(`{"GroupId":"g","Random":1,"MsgBody":[{"MsgContent":{"Text":"`+strings.Repeat("a", 20_000)+`"},"MsgType":"TIMTextElem"}]}`), "\xff", "\xff", uint8(1))
	f.Add([]byte(`not JSON`), `"MsgBody":[]`, `\`, uint8(2))
	f.Fuzz(func(t *testing.T, request []byte, info, operator string, set uint8) {
		app, sent, g, r, at := sample()
		app.Settings.EventTimeString, app.Settings.ModernTypes = set&1 != 0, set&2 != 0
		*sent = caller()
		sent.Caller = chat.UserID(operator)
		wire.ReadSend(request, sent)
		r.Info = info
		if set&4 != 0 {
			g = nil
		}
		if set&8 != 0 {
			sent.Mentions = []chat.Mention{{All: true}, {User: chat.UserID(info)}}
		}
		empty := *sent
		empty.Content = chat.Content{Body: []byte(chat.EmptyBody)}

		body, _ := wire.Bodies{}.Exception(app, sent, g, r, at)
		want, _ := wire.Bodies{}.Exception(app, &empty, g, r, at)
		checkErased(t, body, want)
		m := chat.Message{Group: 7, Seq: 23, From: sent.From, Random: sent.Random, Time: 5, Priority: sent.Priority, Body: sent.Content.Body, Cloud: sent.Content.Cloud}
		if len(m.Body) == 0 {
			return // no such message is accepted
		}
		body = wire.Bodies{}.AfterSend(app, sent, g, m, at)
		m.Body, m.Cloud = empty.Content.Body, ""
		checkErased(t, body, wire.Bodies{}.AfterSend(app, &empty, g, m, at))
	})
}

func checkErased(t *testing.T, body, want []byte) {
	t.Helper()
	got := wire.Erase(body)
	if string(got) != string(want) {
		t.Fatalf("of %s\n got %s\nwant %s", body, got, want)
	}
	if again := wire.Erase(got); string(again) != string(got) {
		t.Fatalf("erased again: %s", again)
	}
}
