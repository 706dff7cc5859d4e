package chat

import (
	"testing"

	"pgregory.net/rapid"
)

func repeatable() *Send {
	return &Send{App: 1, Group: "g", From: "u", Random: 5, Content: Content{Body: []byte(`[1]`), Cloud: "c", HasCloud: true}}
}

func TestRepeatIsTheSameGroupSenderRandomAndContent(t *testing.T) {
	t.Parallel()
	first := repeatKey(repeatable())
	for name, change := range map[string]func(*Send){
		"app":                     func(s *Send) { s.App = 2 },
		"group":                   func(s *Send) { s.Group = "h" },
		"sender":                  func(s *Send) { s.From = "v" },
		"Random":                  func(s *Send) { s.Random = 6 },
		"body":                    func(s *Send) { s.Content.Body = []byte(`[2]`) },
		"custom data":             func(s *Send) { s.Content.Cloud = "d" },
		"no custom data":          func(s *Send) { s.Content.Cloud, s.Content.HasCloud = "", false },
		"empty custom data":       func(s *Send) { s.Content.Cloud = "" },
		"border of group, sender": func(s *Send) { s.Group, s.From = "gu", "" },
		"border of body, custom":  func(s *Send) { s.Content.Body, s.Content.Cloud = []byte(`[1]c`), "" },
	} {
		s := repeatable()
		change(s)
		if repeatKey(s) == first {
			t.Errorf("another %s makes no difference", name)
		}
	}
	for name, change := range map[string]func(*Send){
		"calling admin": func(s *Send) { s.Caller = "other" },
		"entry":         func(s *Send) { s.Entry = EntryClient },
		"address":       func(s *Send) { s.ClientIP, s.Platform = "192.0.2.1", "Web" },
	} {
		s := repeatable()
		change(s)
		if repeatKey(s) != first {
			t.Errorf("another %s makes a new send", name)
		}
	}
}

func TestPropertySendsWithDifferentFieldsHaveDifferentKeys(t *testing.T) {
	t.Parallel()
	draw := func(t *rapid.T, name string) *Send {
		short := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00")), 0, 3, -1)
		return &Send{
			App: AppID(rapid.IntRange(1, 2).Draw(t, name+" app")), Random: rapid.Uint32Range(0, 2).Draw(t, name+" random"),
			Group: GroupID(short.Draw(t, name+" group")), From: UserID(short.Draw(t, name+" from")),
			Content: Content{Body: []byte(short.Draw(t, name+" body")), Cloud: short.Draw(t, name+" cloud"), HasCloud: true},
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		same := a.App == b.App && a.Random == b.Random && a.Group == b.Group && a.From == b.From &&
			string(a.Content.Body) == string(b.Content.Body) && a.Content.Cloud == b.Content.Cloud
		if (repeatKey(a) == repeatKey(b)) != same {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}
