package rest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/internal/chat"
)

func TestDirtyWords(t *testing.T) {
	t.Parallel()
	get, add, del := dirty+"get", dirty+"add", dirty+"delete"
	random := 0
	send := func(text string, code int) step {
		random++
		s := step{does: "send " + text, command: svc + "send_group_msg", body: fmt.Sprintf(`{"GroupId":"g","Random":%d,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":%q}}]}`, random, text)}
		if code != 0 {
			s.code = 80001
		}
		return s
	}
	play(t, []step{
		group("Public", "g", ``),
		{does: "none", command: get, body: `{}`, has: []string{`"DirtyWordsList":[]`}},
		send("a red packet", 0),
		{does: "add", command: add, body: `{"DirtyWordsList":["packet","<b>&"]}`, has: []string{ok}},
		send("a red packet", 80001), // from the answer on
		{does: "list", command: get, body: `{}`, has: []string{`"DirtyWordsList":["<b>&","packet"]`}},
		{does: "add again", command: add, body: `{"DirtyWordsList":["packet","packet"]}`},
		{does: "list", command: get, body: `{}`, has: []string{`"DirtyWordsList":["<b>&","packet"]`}},
		{does: "elsewhere", app: second, command: get, body: `{}`, has: []string{`"DirtyWordsList":[]`}},
		{does: "delete", command: del, body: `{"DirtyWordsList":["packet","unknown"]}`, has: []string{ok}},
		send("a red packet", 0), // from the answer on
		{does: "list", command: get, body: `{}`, has: []string{`"DirtyWordsList":["<b>&"]`}},
		{does: "longest", command: add, body: `{"DirtyWordsList":["` + strings.Repeat("a", 200) + `"]}`},
		{does: "too long", command: add, body: `{"DirtyWordsList":["b","` + strings.Repeat("a", 201) + `"]}`, code: 10004},
		{does: "nothing was added", command: get, body: `{}`, lacks: []string{`"b"`}},
		{does: "empty word", command: add, body: `{"DirtyWordsList":[""]}`, code: 10004},
		{does: "a word nobody can see", command: add, body: `{"DirtyWordsList":["\u200b"]}`, code: 10004},
		{does: "no words", command: add, body: `{"DirtyWordsList":[]}`, code: 10004},
		{does: "no list", command: del, body: `{}`, code: 10004},
		{does: "50", command: add, body: `{"DirtyWordsList":` + list(`"w%d"`, 1, 50) + `}`},
		{does: "51", command: add, body: `{"DirtyWordsList":` + list(`"x%d"`, 1, 51) + `}`, code: 10004},
		{does: "delete 51", command: del, body: `{"DirtyWordsList":` + list(`"w%d"`, 1, 51) + `}`, code: 10004},
	})
}

func TestAppHasNoMoreThan3000Words(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	words := make([]string, 3000)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i+1)
	}
	err := s.backend.Change(context.Background(), first, func(r chat.Records) error { return r.AddWords(words) })
	if err != nil {
		t.Fatal(err)
	}
	s.play(t, []step{
		{does: "one more", command: dirty + "add", body: `{"DirtyWordsList":["more"]}`, code: 10004},
		{does: "one that is there", command: dirty + "add", body: `{"DirtyWordsList":["w3000"]}`},
		{does: "make room", command: dirty + "delete", body: `{"DirtyWordsList":["w1"]}`},
		{does: "one more", command: dirty + "add", body: `{"DirtyWordsList":["more"]}`},
	})
}
