package api

import (
	"encoding/json"
	"fmt"
)

// The words of MsgPriority. History answers have their place in this list
// instead, from 1.
const (
	PriorityHigh   = "High"
	PriorityNormal = "Normal" // the default
	PriorityLow    = "Low"
	PriorityLowest = "Lowest"
)

// Element is a part of a message body (document 1047/33527).
type Element struct {
	MsgType    string
	MsgContent json.RawMessage // an object whose fields depend on MsgType
}

// The types of elements.
const (
	ElementText     = "TIMTextElem"
	ElementLocation = "TIMLocationElem"
	ElementFace     = "TIMFaceElem"
	ElementCustom   = "TIMCustomElem"
	ElementSound    = "TIMSoundElem"
	ElementImage    = "TIMImageElem"
	ElementFile     = "TIMFileElem"
	ElementVideo    = "TIMVideoFileElem"
	ElementRelay    = "TIMRelayElem"
)

// Text returns an element of text. Bytes that are not UTF-8 are replaced.
func Text(s string) Element {
	return element(ElementText, struct{ Text string }{s})
}

// Custom returns an element of the app's own making: the data, a description
// for notifications, an extension and the name of a sound. A message may have
// one of them at most.
func Custom(data, desc, ext, sound string) Element {
	return element(ElementCustom, struct{ Data, Desc, Ext, Sound string }{data, desc, ext, sound})
}

func element(kind string, content any) Element {
	raw, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("api: %s of strings alone: %v", kind, err))
	}
	return Element{kind, raw}
}

// SendGroupMsgRequest sends a message to a group (document 1047/34959).
type SendGroupMsgRequest struct {
	GroupId string
	// Random is required. The same message sent again with the same Random
	// within 5 minutes is recognised as a repeat.
	Random                  *uint32
	MsgBody                 []Element
	From_Account            string          `json:",omitempty"` // empty: the calling admin
	MsgPriority             string          `json:",omitempty"` // empty: PriorityNormal
	CloudCustomData         *string         `json:",omitempty"`
	OnlineOnlyFlag          *int64          `json:",omitempty"` // 1: only to those online, not stored
	MsgOnlineOnlyFlag       *int64          `json:",omitempty"` // older name of OnlineOnlyFlag
	GroupAtInfo             []GroupAt       `json:",omitempty"` // at most 30
	SendMsgControl          []string        `json:",omitempty"` // NoUnread, NoLastMsg, WithMuteNotifications, NoMsgCheck
	ForbidCallbackControl   []string        `json:",omitempty"` // ForbidBeforeSendMsgCallback, ForbidAfterSendMsgCallback
	To_Account              []string        `json:",omitempty"` // at most 50 members, the only ones to get it
	OfflinePushInfo         json.RawMessage `json:",omitempty"`
	SupportMessageExtension int64           `json:",omitempty"` // 0 or 1
	NeedReadReceipt         int64           `json:",omitempty"` // 0 or 1
	TopicId                 string          `json:",omitempty"`
}

// OnlineOnly returns the online flag under either of its names, and whether it
// was given.
func (r SendGroupMsgRequest) OnlineOnly() (int64, bool) {
	return firstOf(r.OnlineOnlyFlag, r.MsgOnlineOnlyFlag)
}

// GroupAt mentions one member, or all of them.
type GroupAt struct {
	GroupAtAllFlag  int64  // 1: everybody
	GroupAt_Account string `json:",omitempty"`
}

// SendGroupMsgResponse tells the place of the message in its group.
type SendGroupMsgResponse struct {
	Answer
	MsgTime int64  // Unix seconds
	MsgSeq  uint64 // from 1 within the group
	// MsgDropReason is DropFrequency if the message was answered as sent but
	// given up because of a rate limit, else empty.
	MsgDropReason string `json:",omitempty"`
}

// DropFrequency is the MsgDropReason of a message over a rate limit.
const DropFrequency = "MsgFreqCtrl"

// GroupMsgGetSimpleRequest asks for stored messages, newest first (document
// 1047/34971).
type GroupMsgGetSimpleRequest struct {
	GroupId         string
	ReqMsgNumber    int64  // at most 20
	ReqMsgSeq       uint64 `json:",omitempty"` // the newest MsgSeq wanted, 0: the latest
	WithRecalledMsg int64  `json:",omitempty"` // 1: also recalled ones
	TopicId         string `json:",omitempty"`
}

// GroupMsgGetSimpleResponse has the messages in descending order of MsgSeq.
type GroupMsgGetSimpleResponse struct {
	Answer
	GroupId    string
	IsFinished int64 // 1: all of the range asked for, 0: not all, 2: not all and the rest has expired
	RspMsgList []StoredMessage
}

// StoredMessage is one message of the history.
type StoredMessage struct {
	From_Account    string
	IsPlaceMsg      int64           // 0: a message, 1: one that was deleted or expired, 2: one that was recalled
	IsSystemMsg     int64           `json:",omitempty"` // 1: a notice of the system
	MsgBody         json.RawMessage // a list of elements; other servers may give an object for a notice
	MsgPriority     int64           // 1 High, 2 Normal, 3 Low, 4 Lowest
	MsgRandom       uint32
	MsgSeq          uint64
	MsgTimeStamp    int64  // Unix seconds
	CloudCustomData string `json:",omitempty"`

	// PlaceReason says over a user's own connection why IsPlaceMsg is 1:
	// PlaceDeleted, PlaceNotForYou or PlaceBeforeJoin.
	PlaceReason string    `json:",omitempty"`
	To_Account  []string  `json:",omitempty"` // over a user's own connection: the members it was for alone
	GroupAtInfo []GroupAt `json:",omitempty"` // over a user's own connection: who is mentioned
}

// The words of PlaceReason.
const (
	PlaceDeleted    = "Deleted"    // not stored any more
	PlaceNotForYou  = "NotForYou"  // for other members
	PlaceBeforeJoin = "BeforeJoin" // from before the member joined
)

// Elements returns the body as a list of elements, or an error if it is
// something else.
func (m StoredMessage) Elements() ([]Element, error) {
	if len(m.MsgBody) == 0 {
		return nil, nil
	}
	var elements []Element
	if err := json.Unmarshal(m.MsgBody, &elements); err != nil {
		return nil, fmt.Errorf("api: body of message %d: %w", m.MsgSeq, err)
	}
	return elements, nil
}

// GroupMsgRecallRequest takes up to 10 messages back (document 1047/34965).
type GroupMsgRecallRequest struct {
	GroupId    string
	MsgSeqList []MsgSeqItem
	Reason     string `json:",omitempty"` // at most 100 bytes
	TopicId    string `json:",omitempty"`
}

// MsgSeqItem names a message in a list.
type MsgSeqItem struct{ MsgSeq uint64 }

// GroupMsgRecallResponse has one result for each message, in the order of the
// request, under two names.
type GroupMsgRecallResponse struct {
	Answer
	RecallRetList []RecallResult
	Results       []RecallResult // name of RecallRetList in an SDK
}

// NewRecallResults returns a successful answer with both lists filled alike.
func NewRecallResults(results []RecallResult) GroupMsgRecallResponse {
	return GroupMsgRecallResponse{NewAnswer(CodeOK, ""), results, results}
}

// Recalled returns the results under either of their names.
func (r GroupMsgRecallResponse) Recalled() []RecallResult {
	if len(r.RecallRetList) > 0 {
		return r.RecallRetList
	}
	return r.Results
}

// RecallResult is the outcome for one message.
type RecallResult struct {
	MsgSeq  uint64
	RetCode Code // CodeOK, or one of the CodeRecall codes
}
