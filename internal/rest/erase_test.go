package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// tended is a store that tells when it has no housekeeping left after there was
// some.
type tended struct {
	chat.Store
	busy bool // for the writer's goroutine
	done chan struct{}
}

func (s *tended) Maintain() (more bool, err error) {
	more, err = s.Store.Maintain()
	if s.busy && !more {
		s.done <- struct{}{}
	}
	s.busy = more
	return more, err
}

// marker is what nobody is to find after the deletion.
const marker = "pomegranate"

// marked are the files of a folder that hold the marker, in whatever case.
func marked(t *testing.T, dir string) (names []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(bytes.ToLower(content), []byte(marker)) {
			names = append(names, d.Name())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDeletedUsersWordsAreBlankedAndNumbersStay(t *testing.T) {
	t.Parallel()
	watched := &tended{done: make(chan struct{}, 16)}
	s := newServerOver(t, func(store chat.Store) chat.Store { watched.Store = store; return watched })
	if err := s.backend.UpdateApp(t.Context(), first, func(_ *chat.App, e *chat.Endpoint) error {
		e.URL, e.Commands = "http://127.0.0.1/", []string{chat.CommandAfterSendMsg}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	send := func(from string, random int, text, cloud string) step {
		return step{does: "send", command: svc + "send_group_msg", body: fmt.Sprintf(
			`{"GroupId":"g","From_Account":%q,"Random":%d,"CloudCustomData":%q,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":%q}}]}`, from, random, cloud, text)}
	}
	refused := func(code api.Code, s step) step { s.code = code; return s }
	s.play(t, []step{
		{does: "accounts", command: accnt + "multiaccount_import", body: imports},
		{does: "group", command: svc + "create_group", body: `{"Type":"Public","Name":"n","GroupId":"g","Owner_Account":"ann"}`},
		{does: "word", command: dirty + "add", body: `{"DirtyWordsList":["wine"]}`},
		send("ann", 1, "a ripe "+marker, ""),
		send("bob", 2, "thanks", "cloud"),
		refused(80001, send("ann", 3, "wine of "+marker, marker)),
		refused(80002, send("ann", 4, strings.Repeat(marker+" ", 2000), "")),
		send("ann", 5, "another", "for "+marker),
		{does: "recall", command: svc + "group_msg_recall", body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":3}]}`},
	})
	before := s.exceptions(t, first)
	if len(before) != 5 || len(marked(t, s.dir)) == 0 {
		t.Fatalf("%d events; marked: %q", len(before), marked(t, s.dir))
	}
	s.play(t, []step{
		{does: "delete", command: accnt + "account_delete", body: `{"DeleteItem":[{"UserID":"ann"}]}`, has: []string{`{"UserID":"ann","ResultCode":0,`}},
		{does: "import once more", command: accnt + "account_import", body: `{"UserID":"ann"}`},
		send("ann", 6, "I am new", ""),
	})
	<-watched.done

	if names := marked(t, s.dir); len(names) > 0 {
		t.Errorf("the marker is still in %q", names)
	}
	for i, m := range s.history(t, 0, 20, `,"WithRecalledMsg":1`).RspMsgList {
		want := [...]api.StoredMessage{
			{MsgSeq: 4, MsgRandom: 6, From_Account: "ann", MsgBody: json.RawMessage(`[{"MsgContent":{"Text":"I am new"},"MsgType":"TIMTextElem"}]`)},
			{MsgSeq: 3, MsgRandom: 5, From_Account: "ann", MsgBody: json.RawMessage(`[]`), IsPlaceMsg: 2},
			{MsgSeq: 2, MsgRandom: 2, From_Account: "bob", MsgBody: json.RawMessage(`[{"MsgContent":{"Text":"thanks"},"MsgType":"TIMTextElem"}]`), CloudCustomData: "cloud"},
			{MsgSeq: 1, MsgRandom: 1, From_Account: "ann", MsgBody: json.RawMessage(`[]`), IsPlaceMsg: 1},
		}[i]
		want.MsgPriority, want.MsgTimeStamp = 2, start
		if fmt.Sprintf("%+v", m) != fmt.Sprintf("%+v", want) {
			t.Errorf("history:\n got %+v\nwant %+v", m, want)
		}
	}
	after := s.exceptions(t, first)
	if len(after) != 6 {
		t.Fatalf("%d events", len(after))
	}
	for i, was := range before {
		e := after[i]
		var said struct {
			MsgBody         []json.RawMessage
			CloudCustomData *string
			ErrorInfo       string
			GroupId         string
		}
		if err := json.Unmarshal(e.Body, &said); err != nil {
			t.Fatalf("%s: %v", e.Body, err)
		}
		if e.From == "ann" && (len(said.MsgBody) > 0 || said.CloudCustomData != nil || said.GroupId != "g" || bytes.Contains(e.Detail, []byte(`"word"`))) ||
			e.From != "ann" && !bytes.Equal(e.Body, was.Body) {
			t.Errorf("event %d: %s, %s", e.Seq, e.Body, e.Detail)
		}
		e.Body, e.Detail, was.Body, was.Detail = nil, nil, nil, nil
		if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", was) {
			t.Errorf("event:\n got %+v\nwant %+v", e, was)
		}
	}
}
