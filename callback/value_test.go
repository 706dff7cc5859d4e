package callback_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/callback"
	"pgregory.net/rapid"
)

func TestMillisReadsBothForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]callback.Millis{
		`1670574414123`:   1670574414123,
		`"1670574414123"`: 1670574414123,
		`null`:            0,
		`""`:              0,
		`-1`:              -1,
	} {
		var got callback.Millis
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{`1.5`, `"soon"`, `true`, `{}`, `[]`, `9223372036854775808`, `"1 "`} {
		var got callback.Millis
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s was read as %d", text, got)
		}
	}
	if got := callback.Millis(1670574414123).Time(); !got.Equal(time.Unix(1670574414, 123e6)) {
		t.Errorf("Time() = %v", got)
	}
}

func TestMillisSurvivesWritingAndReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := callback.Millis(rapid.Int64().Draw(t, "millis"))
		number, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{string(number), `"` + string(number) + `"`} {
			var got callback.Millis
			if err := json.Unmarshal([]byte(form), &got); err != nil || got != want {
				t.Fatalf("%s = %d, %v", form, got, err)
			}
		}
	})
}

func TestStringListReadsOneTextAndMany(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]callback.StringList{
		`"a"`: {"a"}, `["a","b"]`: {"a", "b"}, `[]`: {}, `""`: nil, `null`: nil,
	} {
		var got callback.StringList
		if err := json.Unmarshal([]byte(text), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %q, %v", text, got, err)
		}
	}
	var got callback.StringList
	if err := json.Unmarshal([]byte(`[1]`), &got); err == nil {
		t.Error("a list of numbers was read")
	}
}

func TestCanonicalNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[callback.Platform]callback.Platform{
		"RESTAPI": callback.PlatformRESTAPI, "Web": callback.PlatformWeb, "Android": callback.PlatformAndroid,
		"iOS": callback.PlatformIOS, "IOS": callback.PlatformIOS, "Windows": callback.PlatformWindows,
		"Mac": callback.PlatformMac, "macOS": callback.PlatformMac, "iPad": callback.PlatformIPad,
		"IPad": callback.PlatformIPad, "Linux": callback.PlatformLinux, "Unknown": callback.PlatformUnknown,
		"Unkown": callback.PlatformUnknown, "Toaster": callback.PlatformUnknown, "": "",
	} {
		if got := in.Canonical(); got != want {
			t.Errorf("platform %q = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[callback.GroupType]callback.GroupType{
		"Private": callback.GroupWork, "Work": callback.GroupWork, "ChatRoom": callback.GroupMeeting,
		"Meeting": callback.GroupMeeting, "Public": callback.GroupPublic, "": "", "Live": "Live",
	} {
		if got := in.Canonical(); got != want {
			t.Errorf("group type %q = %q, want %q", in, got, want)
		}
	}
}

func TestTextOfElements(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		if got, ok := callback.TextElement(want).Text(); !ok || got != want {
			t.Fatalf("got %q, %v", got, ok)
		}
	})
	for _, e := range []callback.Element{
		{MsgType: "TIMFaceElem", MsgContent: json.RawMessage(`{"Text":"no"}`)},
		{MsgType: callback.MsgTypeText, MsgContent: json.RawMessage(`{}`)},
		{MsgType: callback.MsgTypeText, MsgContent: json.RawMessage(`{"Text":1}`)},
		{MsgType: callback.MsgTypeText},
	} {
		if text, ok := e.Text(); ok {
			t.Errorf("%v has text %q", e, text)
		}
	}
	body := []callback.Element{callback.TextElement("a"), {MsgType: "TIMFaceElem"}, callback.TextElement("b")}
	if got := callback.Text(body); got != "a\nb" {
		t.Errorf("Text = %q", got)
	}
}
