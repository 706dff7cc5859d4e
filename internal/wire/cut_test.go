package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/wire"
	"pgregory.net/rapid"
)

// exceptionOf renders the exception of a send with this MsgBody and
// CloudCustomData, and reads it again.
func exceptionOf(t interface{ Fatalf(string, ...any) }, msgBody, cloud string) (sent, kept json.RawMessage, keptCloud string, cut int) {
	app, s, g, r, at := sample()
	request, err := json.Marshal(map[string]any{"GroupId": "g", "Random": 1, "MsgBody": json.RawMessage(msgBody), "CloudCustomData": cloud})
	if err != nil {
		t.Fatalf("%v", err)
	}
	wire.ReadSend(request, s)
	body, cut := wire.Bodies{}.Exception(app, s, g, r, at)
	var shown struct {
		MsgBody         json.RawMessage
		CloudCustomData string
	}
	if err := json.Unmarshal(body, &shown); err != nil || !utf8.Valid(body) {
		t.Fatalf("%v in %.200s", err, body)
	}
	if _, err := callback.Decode(callback.CmdGroupSendMsgException, body); err != nil {
		t.Fatalf("%v", err)
	}
	return s.Content.Body, shown.MsgBody, shown.CloudCustomData, cut
}

func textElement(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return `{"MsgContent":{"Text":` + string(quoted) + `},"MsgType":"TIMTextElem"}`
}

func TestLongMessageIsCutToAMsgBodyOf16KB(t *testing.T) {
	t.Parallel()
	const frame = len(`[{"MsgContent":{"Text":""},"MsgType":"TIMTextElem"}]`)
	custom := `{"MsgContent":{"Data":"` + strings.Repeat("x", 20_000) + `"},"MsgType":"TIMCustomElem"}`
	small := textElement("small")
	for name, c := range map[string]struct {
		body, want string
	}{
		"just fits":                   {"[" + textElement(strings.Repeat("a", 16384-frame)) + "]", textElement(strings.Repeat("a", 16384-frame))},
		"one byte too long":           {"[" + textElement(strings.Repeat("a", 16385-frame)) + "]", textElement(strings.Repeat("a", 16384-frame))},
		"a megabyte":                  {"[" + textElement(strings.Repeat("a", 1_000_000)) + "]", textElement(strings.Repeat("a", 16384-frame))},
		"characters stay whole":       {"[" + textElement(strings.Repeat("红", 10_000)) + "]", textElement(strings.Repeat("红", (16384-frame)/3))},
		"also those of two words":     {"[" + textElement("a"+strings.Repeat("🧧", 10_000)) + "]", textElement("a" + strings.Repeat("🧧", (16384-frame-1)/4))},
		"escapes stay whole":          {"[" + textElement(strings.Repeat("\n", 10_000)) + "]", textElement(strings.Repeat("\n", (16384-frame)/2))},
		"first elements stay":         {"[" + small + "," + small + "," + custom + "," + small + "]", small + "," + small},
		"what is no text goes":        {"[" + custom + "," + small + "]", ""},
		"other fields of a text go":   {`[{"MsgContent":{"Text":"a","X":"` + strings.Repeat("x", 20_000) + `"},"MsgType":"TIMTextElem"}]`, textElement("a")},
		"what is no text but says so": {`[{"MsgContent":{"Text":{"a":"` + strings.Repeat("x", 20_000) + `"}},"MsgType":"TIMTextElem"}]`, ""},
		"little room is left": {"[" + textElement(strings.Repeat("a", 16384-frame-300)) + "," + textElement(strings.Repeat("b", 500)) + "]",
			textElement(strings.Repeat("a", 16384-frame-300)) + "," + textElement(strings.Repeat("b", 300-frame+1))},
		"too little room is left": {"[" + textElement(strings.Repeat("a", 16384-frame-200)) + "," + textElement(strings.Repeat("b", 500)) + "]",
			textElement(strings.Repeat("a", 16384-frame-200))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, kept, _, cut := exceptionOf(t, c.body, "")
			if want := "[" + c.want + "]"; string(kept) != want {
				t.Errorf("kept %d bytes, want %d: …%.100s", len(kept), len(want), kept[max(0, len(kept)-100):])
			}
			if len(kept) > wire.MaxRecordBody || cut != len(sent)-len(kept) {
				t.Errorf("%d of %d bytes kept, cut %d", len(kept), len(sent), cut)
			}
		})
	}
}

func TestLongCloudCustomDataIsCutToWholeCharacters(t *testing.T) {
	t.Parallel()
	cloud := "ab" + strings.Repeat("红", 6000)
	_, _, kept, cut := exceptionOf(t, "["+textElement("x")+"]", cloud)
	if want := "ab" + strings.Repeat("红", (16384-2)/3); kept != want || cut != len(cloud)-len(want) {
		t.Errorf("%d bytes kept, want %d; cut %d", len(kept), len(want), cut)
	}
	_, kept2, _, cut := exceptionOf(t, "["+textElement(strings.Repeat("y", 20_000))+"]", cloud)
	if len(kept2) > wire.MaxRecordBody || cut <= len(cloud)-16384 {
		t.Errorf("both: %d bytes kept, cut %d", len(kept2), cut)
	}
}

func TestPropertyWhatIsCutIsTheEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var elements []string
		for range rapid.IntRange(1, 4).Draw(t, "elements") {
			elements = append(elements, textElement(strings.Repeat(rapid.StringN(1, 12, -1).Draw(t, "text"), rapid.IntRange(1, 900).Draw(t, "times"))))
		}
		sent, kept, _, cut := exceptionOf(t, "["+strings.Join(elements, ",")+"]", "")
		if len(kept) > wire.MaxRecordBody || cut != len(sent)-len(kept) || (cut == 0) != (len(sent) <= wire.MaxRecordBody) {
			t.Fatalf("%d of %d bytes kept, cut %d", len(kept), len(sent), cut)
		}
		was, is := texts(t, sent), texts(t, kept)
		if len(is) > len(was) {
			t.Fatalf("%d elements of %d", len(is), len(was))
		}
		for i, text := range is {
			if last := i == len(is)-1; text != was[i] && !(last && strings.HasPrefix(was[i], text)) {
				t.Fatalf("element %d is %.50q, was %.50q", i, text, was[i])
			}
		}
	})
}

func texts(t interface{ Fatalf(string, ...any) }, body []byte) (list []string) {
	var elements []callback.Element
	if err := json.Unmarshal(body, &elements); err != nil {
		t.Fatalf("%v", err)
	}
	for _, e := range elements {
		text, ok := e.Text()
		if !ok {
			t.Fatalf("no text in %s", e.MsgContent)
		}
		list = append(list, text)
	}
	return list
}
