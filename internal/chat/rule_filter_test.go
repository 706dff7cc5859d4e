package chat

import "testing"

func TestFilterRule(t *testing.T) {
	t.Parallel()
	words := NewFilter([]string{"Casino", "红包"})
	found := func(word string) *Refusal {
		return &Refusal{Code: 80001, Info: "message has dirty word: " + word, Compared: map[string]any{"word": word}}
	}
	for name, c := range map[string]struct {
		send  Send
		words *Filter
		want  *Refusal
	}{
		"clean":              {Send{Content: Content{Texts: []string{"hello"}}}, words, nil},
		"no text":            {Send{Content: Content{Body: []byte(`[{"MsgContent":{"Data":"casino"},"MsgType":"TIMCustomElem"}]`)}}, words, nil},
		"found":              {Send{Content: Content{Texts: []string{"hello", "my CASINO"}}}, words, found("Casino")},
		"found in Chinese":   {Send{Content: Content{Texts: []string{"发红包"}}}, words, found("红包")},
		"sender wants none":  {Send{Content: Content{Texts: []string{"casino"}}, NoMsgCheck: true}, words, nil},
		"the app has none":   {Send{Content: Content{Texts: []string{"casino"}}}, nil, nil},
		"not in custom data": {Send{Content: Content{Texts: []string{"hello"}, Cloud: "casino", HasCloud: true}}, words, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefusal(t, checkFilter(&c.send, c.words), c.want)
		})
	}
}
