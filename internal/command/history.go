package command

import (
	"context"
	"encoding/json"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// The values of IsPlaceMsg.
const (
	lostMessage     = 1 // only its number is left, or all but its content
	recalledMessage = 2
)

func (s *Commands) getHistory(ctx context.Context, c Call, r *api.GroupMsgGetSimpleRequest) (a api.GroupMsgGetSimpleResponse, err error) {
	if refusal := noTopic(r.TopicId); refusal != nil {
		return a, refusal
	}
	page, err := s.backend.History(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), chat.MsgSeq(r.ReqMsgSeq), bounded(&r.ReqMsgNumber))
	a.Answer, a.GroupId = done, r.GroupId
	if page.Complete {
		a.IsFinished = 1
	}
	a.RspMsgList = make([]api.StoredMessage, len(page.Messages))
	for i, m := range page.Messages {
		if c.By.Client {
			a.RspMsgList[i] = ownMessage(m)
			continue
		}
		a.RspMsgList[i] = storedMessage(m.Message, r.WithRecalledMsg == 1)
	}
	return a, err
}

// storedMessage shows a message of the history. The content of a recalled one
// is shown only if it was asked for.
func storedMessage(m chat.Message, withRecalled bool) api.StoredMessage {
	shown := api.StoredMessage{
		From_Account: string(m.From), MsgBody: json.RawMessage("[]"), MsgPriority: int64(m.Priority),
		MsgRandom: m.Random, MsgSeq: uint64(m.Seq), MsgTimeStamp: m.Time,
	}
	switch {
	case len(m.Body) == 0:
		shown.IsPlaceMsg = lostMessage
		return shown
	case m.Flags&chat.FlagRecalled != 0:
		shown.IsPlaceMsg = recalledMessage
		if !withRecalled {
			return shown
		}
	case m.Flags&chat.FlagErased != 0:
		shown.IsPlaceMsg = lostMessage
	}
	shown.MsgBody, shown.CloudCustomData = m.Body, m.Cloud
	return shown
}

// ownMessage shows a number of the history to a member: what was recalled is
// nobody's to read again, and what is not there has its reason.
func ownMessage(m chat.Item) api.StoredMessage {
	shown := storedMessage(m.Message, false)
	switch {
	case m.Place != "":
		shown.PlaceReason = string(m.Place)
	case shown.IsPlaceMsg == lostMessage:
		shown.PlaceReason = api.PlaceDeleted
	case shown.IsPlaceMsg == 0:
		for _, user := range m.To {
			shown.To_Account = append(shown.To_Account, string(user))
		}
		for _, at := range m.Mentions {
			item := api.GroupAt{GroupAt_Account: string(at.User)}
			if at.All {
				item = api.GroupAt{GroupAtAllFlag: 1}
			}
			shown.GroupAtInfo = append(shown.GroupAtInfo, item)
		}
	}
	return shown
}

func (s *Commands) recall(ctx context.Context, c Call, r *api.GroupMsgRecallRequest) (a api.GroupMsgRecallResponse, err error) {
	if refusal := noTopic(r.TopicId); refusal != nil {
		return a, refusal
	}
	if len(r.Reason) > 100 {
		return a, chat.Fail(api.CodeInvalidParameter, "Reason is too long")
	}
	seqs := make([]chat.MsgSeq, len(r.MsgSeqList))
	for i, m := range r.MsgSeqList {
		seqs[i] = chat.MsgSeq(m.MsgSeq)
	}
	codes, err := s.backend.Recall(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), seqs)
	results := make([]api.RecallResult, len(codes))
	for i, code := range codes {
		results[i] = api.RecallResult{MsgSeq: uint64(seqs[i]), RetCode: code}
	}
	return api.NewRecallResults(results), err
}
