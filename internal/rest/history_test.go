package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// written is a server with a group g that has n messages, a second apart.
func written(t *testing.T, n int) *server {
	t.Helper()
	s := newServer(t)
	write(t, s, n)
	return s
}

func write(t *testing.T, s *server, n int) {
	t.Helper()
	s.play(t, []step{
		{does: "accounts", command: accnt + "multiaccount_import", body: imports},
		group("Public", "g", ``), group("AVChatRoom", "live", ``),
	})
	for i := 1; i <= n; i++ {
		s.play(t, []step{{does: "send", wait: 1, command: svc + "send_group_msg", body: fmt.Sprintf(
			`{"GroupId":"g","From_Account":"ann","Random":%d,"MsgPriority":%q,"CloudCustomData":"cloud %d","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"text <%d>"}}]}`,
			i+4294967000, []string{"High", "Normal", "Low", "Lowest"}[i%4], i, i)}})
	}
}

func (s *server) history(t *testing.T, newest, number int, more string) api.GroupMsgGetSimpleResponse {
	t.Helper()
	r := s.call(t, first, svc+"group_msg_get_simple", fmt.Sprintf(`{"GroupId":"g","ReqMsgSeq":%d,"ReqMsgNumber":%d%s}`, newest, number, more))
	var page api.GroupMsgGetSimpleResponse
	if err := json.Unmarshal([]byte(r.text), &page); err != nil || r.ErrorCode != 0 {
		t.Fatalf("answered %s, error %v", r.text, err)
	}
	return page
}

func TestHistoryIsReadDownwards(t *testing.T) {
	t.Parallel()
	s := written(t, 25)
	tests := []struct {
		newest, number int
		from, to       int // 0: nothing
		finished       int64
	}{
		{0, 1, 25, 25, 1},
		{0, 20, 25, 6, 1},
		{0, 21, 25, 6, 0},
		{0, 1_000_000, 25, 6, 0},
		{25, 3, 25, 23, 1},
		{10, 3, 10, 8, 1},
		{3, 20, 3, 1, 1},
		{1, 1, 1, 1, 1},
		{26, 2, 25, 24, 1},
		{1 << 62, 2, 25, 24, 1},
	}
	for _, test := range tests {
		page := s.history(t, test.newest, test.number, "")
		if page.GroupId != "g" || page.IsFinished != test.finished || len(page.RspMsgList) != test.from-test.to+1 {
			t.Errorf("%+v: %d messages, IsFinished %d", test, len(page.RspMsgList), page.IsFinished)
			continue
		}
		for i, m := range page.RspMsgList {
			n := test.from - i
			want := api.StoredMessage{
				From_Account: "ann", MsgBody: json.RawMessage(fmt.Sprintf(`[{"MsgContent":{"Text":"text <%d>"},"MsgType":"TIMTextElem"}]`, n)),
				MsgPriority: int64([]int{1, 2, 3, 4}[n%4]), MsgRandom: uint32(n + 4294967000), MsgSeq: uint64(n), MsgTimeStamp: int64(start + n),
				CloudCustomData: fmt.Sprintf("cloud %d", n),
			}
			if fmt.Sprintf("%+v", m) != fmt.Sprintf("%+v", want) {
				t.Errorf("%+v: got %+v, want %+v", test, m, want)
			}
		}
	}
	s.play(t, []step{
		{does: "no number", command: svc + "group_msg_get_simple", body: `{"GroupId":"g"}`, code: 10004},
		{does: "negative number", command: svc + "group_msg_get_simple", body: `{"GroupId":"g","ReqMsgNumber":-1}`, code: 10004},
		{does: "number beyond 32 bits", command: svc + "group_msg_get_simple", body: `{"GroupId":"g","ReqMsgNumber":4294967297}`, has: []string{`"IsFinished":0`}},
		{does: "live room", command: svc + "group_msg_get_simple", body: `{"GroupId":"live","ReqMsgNumber":1}`, code: 10044},
		{does: "no group", command: svc + "group_msg_get_simple", body: `{"GroupId":"h","ReqMsgNumber":1}`, code: 10010},
		{does: "topic", command: svc + "group_msg_get_simple", body: `{"GroupId":"g","TopicId":"t","ReqMsgNumber":1}`, code: 10004},
	})
}

func TestRecall(t *testing.T) {
	t.Parallel()
	s := written(t, 3)
	recall := svc + "group_msg_recall"
	s.play(t, []step{
		{does: "recall", wait: 999_000, command: recall, body: `{"GroupId":"g","Reason":"r","MsgSeqList":[{"MsgSeq":2},{"MsgSeq":9},{"MsgSeq":0},{"MsgSeq":18446744073709551615}]}`, has: []string{
			`"RecallRetList":[{"MsgSeq":2,"RetCode":0},{"MsgSeq":9,"RetCode":10030},{"MsgSeq":0,"RetCode":10030},{"MsgSeq":18446744073709551615,"RetCode":10030}]`,
			`"Results":[{"MsgSeq":2,"RetCode":0},`,
		}},
		{does: "again", command: recall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":2}]}`, has: []string{`{"MsgSeq":2,"RetCode":0}`}},
		{does: "live room", command: recall, body: `{"GroupId":"live","MsgSeqList":[{"MsgSeq":1}]}`, has: []string{`{"MsgSeq":1,"RetCode":10033}`}},
		{does: "nothing", command: recall, body: `{"GroupId":"g"}`, code: 10004},
		{does: "10", command: recall, body: `{"GroupId":"g","MsgSeqList":` + list(`{"MsgSeq":1%d}`, 0, 9) + `}`},
		{does: "11", command: recall, body: `{"GroupId":"g","MsgSeqList":` + list(`{"MsgSeq":1%d}`, 0, 10) + `}`, code: 10004},
		{does: "no group", command: recall, body: `{"GroupId":"h","MsgSeqList":[{"MsgSeq":1}]}`, code: 10010},
		{does: "elsewhere", app: second, command: recall, body: `{"GroupId":"g","MsgSeqList":[{"MsgSeq":1}]}`, code: 10010},
	})
	for more, body := range map[string]string{"": `[]`, `,"WithRecalledMsg":1`: `[{"MsgContent":{"Text":"text <2>"},"MsgType":"TIMTextElem"}]`} {
		for i, m := range s.history(t, 0, 3, more).RspMsgList {
			place := int64(0)
			if m.MsgSeq == 2 {
				place = 2
			}
			if m.IsPlaceMsg != place || m.MsgSeq != uint64(3-i) || m.From_Account != "ann" {
				t.Errorf("%s: %+v", more, m)
			}
			if m.MsgSeq == 2 && string(m.MsgBody) != body {
				t.Errorf("%s: the recalled message says %s, want %s", more, m.MsgBody, body)
			}
		}
	}
}

// forgetful is a store whose messages 2 and 3 of each group are gone.
type forgetful struct{ chat.Store }

func (f forgetful) Messages(ctx context.Context, app chat.AppID, g chat.GroupKey, newest chat.MsgSeq, limit int) ([]chat.Message, error) {
	kept, err := f.Store.Messages(ctx, app, g, newest, limit+2)
	kept = slices.DeleteFunc(kept, func(m chat.Message) bool { return m.Seq == 2 || m.Seq == 3 })
	return kept[:min(limit, len(kept))], err
}

func TestHistoryShowsMessagesThatAreGoneAsHoles(t *testing.T) {
	t.Parallel()
	s := newServerOver(t, func(store chat.Store) chat.Store { return forgetful{store} })
	write(t, s, 4)
	for newest, places := range map[int][]int64{0: {0, 1, 1, 0}, 3: {1, 1, 0}, 2: {1, 0}} {
		page := s.history(t, newest, 20, "")
		if len(page.RspMsgList) != len(places) {
			t.Fatalf("from %d: %+v", newest, page.RspMsgList)
		}
		for i, place := range places {
			m := page.RspMsgList[i]
			if m.IsPlaceMsg != place || m.MsgSeq != uint64(len(places)-i) || (string(m.MsgBody) == "[]") != (place == 1) {
				t.Errorf("from %d, message %d: %+v", newest, i, m)
			}
		}
	}
}
