package chat_test

import (
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func TestErasedDetailKeepsRulesAndNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ detail, want string }{
		"nothing":          {``, ``},
		"numbers":          {`{"compared":{"count":41,"limit":40,"scope":"group"},"retry_after_ms":812}`, `{"compared":{"count":41,"limit":40,"scope":"group"},"retry_after_ms":812}`},
		"a word alone":     {`{"compared":{"word":"red packet"}}`, ``},
		"a word and more":  {`{"before_send":{"answer":"allow","rewritten":true},"compared":{"rewritten_by_app":true,"rule":"content_filter","word":"a<b"},"entry":"client"}`, `{"before_send":{"answer":"allow","rewritten":true},"compared":{"rewritten_by_app":true,"rule":"content_filter"},"entry":"client"}`},
		"no JSON":          {`word`, ``},
		"compared is none": {`{"compared":"word"}`, `{"compared":"word"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := chat.EraseDetail([]byte(c.detail))
			if string(got) != c.want || string(chat.EraseDetail(got)) != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWithoutAShapeNothingOfABodyIsLeft(t *testing.T) {
	t.Parallel()
	if got := chat.Erase(nil).Of([]byte(`{"MsgBody":["x"]}`)); string(got) != "{}" {
		t.Errorf("got %s", got)
	}
}
