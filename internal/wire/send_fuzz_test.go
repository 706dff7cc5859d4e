package wire_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

func FuzzReadSend(f *testing.F) {
	for _, body := range []string{
		full, "", "[]", "null", `{}`, full[:len(full)-1], strings.Replace(full, "hi", `a\u0000\ud83eb`, 1), strings.Replace(full, "hi", "\xff", 1),
		`{"GroupId":"g","Random":1,"MsgBody":[{"MsgContent":{"Text":"a","Text":"b"},"MsgType":"x","MsgType":"TIMTextElem","MsgContent":{"Text":"c"}}]}`,
		`{"GroupId":"g","\u0052andom":1,"MsgBody":[{"MsgContent":{"\u0054ext":"\u2028"},"MsgType":"TIMTextElem"}],"MsgBody":` + textBody + `}`,
		`{"GroupId":"g","Random":-0,"MsgBody":[null,{},[],{"MsgType":1,"MsgContent":[]}]}`,
		`{"MsgBody":[{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":[{"URL":"u"}]}},{"MsgType":"TIMFaceElem","MsgContent":{"Index":99999999999999999999}}]}`,
		`{"GroupId":null,"To_Account":[null],"GroupAtInfo":[{"GroupAtAllFlag":3}],"SendMsgControl":{},"OnlineOnlyFlag":"1","TopicId":[]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked := bytes.Clone(body)
		s := caller()
		wire.ReadSend(body, &s)
		if !bytes.Equal(body, asked) {
			t.Fatal("the input was changed")
		}
		if (s.Fault != nil && s.Fault.Code == api.CodeJSONParse) != !readable(body) {
			t.Fatalf("fault %v of %q", s.Fault, body)
		}
		if s.Fault != nil {
			if s.Fault.Info == "" || s.Fault.Code != api.CodeJSONParse && s.Fault.Code != api.CodeInvalidParameter {
				t.Fatalf("fault %#v", s.Fault)
			}
			if len(s.Content.Body) > 0 && !json.Valid(s.Content.Body) {
				t.Fatalf("body %q", s.Content.Body)
			}
			return
		}
		checkMessage(t, body, s)
	})
}

// readable says by the standard library whether a request is a JSON object of
// at most 64 levels.
func readable(body []byte) bool {
	if !utf8.Valid(body) || !json.Valid(body) || bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
		return false
	}
	open, deepest, text := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case !text && (c == '{' || c == '['):
			open++
			deepest = max(deepest, open)
		case !text && (c == '}' || c == ']'):
			open--
		}
	}
	return deepest <= wire.MaxDepth
}

// checkMessage compares a send without a fault with what the standard library
// reads.
func checkMessage(t *testing.T, body []byte, s chat.Send) {
	t.Helper()
	var sent map[string]any
	decode := func(text []byte, into any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	decode(body, &sent)
	var got []map[string]any
	decode(s.Content.Body, &got)
	if diff := cmp.Diff(sent["MsgBody"], any(toAny(got))); diff != "" {
		t.Fatal(diff)
	}
	var again chat.Send
	wire.ReadSend([]byte(`{"GroupId":"g","Random":1,"MsgBody":`+string(s.Content.Body)+`}`), &again)
	if again.Fault != nil || !bytes.Equal(again.Content.Body, s.Content.Body) {
		t.Fatalf("%s read again: %v, %s", s.Content.Body, again.Fault, again.Content.Body)
	}
	size, texts := 0, []string(nil)
	for _, e := range got {
		size += stringBytes(e["MsgContent"])
		if e["MsgType"] == "TIMTextElem" {
			texts = append(texts, e["MsgContent"].(map[string]any)["Text"].(string))
		}
	}
	if cloud, ok := sent["CloudCustomData"].(string); ok != s.Content.HasCloud || cloud != s.Content.Cloud {
		t.Fatalf("CloudCustomData %q, %v", s.Content.Cloud, s.Content.HasCloud)
	}
	if size += len(s.Content.Cloud); size != s.Content.Size {
		t.Fatalf("size %d, want %d", s.Content.Size, size)
	}
	if diff := cmp.Diff(texts, s.Content.Texts); diff != "" {
		t.Fatal(diff)
	}
	if number := sent["Random"].(json.Number); number.String() != strconv.FormatUint(uint64(s.Random), 10) {
		t.Fatalf("Random %d of %s", s.Random, number)
	}
	if string(s.Group) != sent["GroupId"] {
		t.Fatalf("group %q", s.Group)
	}
}

func toAny(list []map[string]any) []any {
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = m
	}
	return out
}

// stringBytes is the length of all string values in v.
func stringBytes(v any) (n int) {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		for _, item := range v {
			n += stringBytes(item)
		}
	case map[string]any:
		for _, item := range v {
			n += stringBytes(item)
		}
	}
	return n
}

func BenchmarkReadSend(b *testing.B) {
	body := []byte(`{"GroupId":"@TGS#2J4SZEAEL","From_Account":"jared","Random":123456,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"red packet"}}],"CloudCustomData":"your cloud custom data"}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		s := chat.Send{App: 1, Caller: "admin"}
		wire.ReadSend(body, &s)
		if s.Fault != nil {
			b.Fatal(s.Fault)
		}
	}
}
