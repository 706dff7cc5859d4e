package callback

// SendMsgException tells that a group message was not delivered, and why
// (Tencent Cloud Chat, document 1047/49462).
type SendMsgException struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	CloudCustomData string    `json:"CloudCustomData,omitempty"` // absent when the sender set none
	ErrorCode       int       `json:"ErrorCode"`                 // why: 10017 muted, 10023 too often, 80001 filtered, …
	ErrorInfo       string    `json:"ErrorInfo"`                 // the same in words
	EventTime       Millis    `json:"EventTime"`                 // absent in the oldest version of the protocol
	FromAccount     string    `json:"From_Account"`              // the sender
	GroupID         string    `json:"GroupId"`                   // also of a group that does not exist
	MsgBody         []Element `json:"MsgBody"`
	OnlineOnlyFlag  int       `json:"OnlineOnlyFlag"`   // 1: only for members who are online; 0 in an AVChatRoom
	OperatorAccount string    `json:"Operator_Account"` // who called: the sender, or an admin over REST
	Random          int64     `json:"Random"`           // the send's random number, 0 to 4294967295
	Type            GroupType `json:"Type"`             // empty if there is no such group
}

// BeforeSendMsg asks whether a group message may be delivered
// (Tencent Cloud Chat, document 1047/34374).
type BeforeSendMsg struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	CloudCustomData string    `json:"CloudCustomData,omitempty"`
	EventTime       Millis    `json:"EventTime"`
	FromAccount     string    `json:"From_Account"`
	GroupID         string    `json:"GroupId"`
	MsgBody         []Element `json:"MsgBody"`
	MsgID           string    `json:"MsgId,omitempty"`       // sent by some products only
	MsgPriority     string    `json:"MsgPriority,omitempty"` // High, Normal or Low; undocumented but sent
	OnlineOnlyFlag  int       `json:"OnlineOnlyFlag"`
	OperatorAccount string    `json:"Operator_Account"`
	Random          int64     `json:"Random"`
	TopicID         string    `json:"TopicId,omitempty"` // only for a message in a topic
	Type            GroupType `json:"Type"`
}

// AfterSendMsg tells that a group message was delivered
// (Tencent Cloud Chat, document 1047/34375).
type AfterSendMsg struct {
	CallbackCommand Command    `json:"CallbackCommand"`
	CloudCustomData string     `json:"CloudCustomData,omitempty"`
	EventTime       Millis     `json:"EventTime"`
	FromAccount     string     `json:"From_Account"`
	GroupAtInfo     []AtTarget `json:"GroupAtInfo,omitempty"`
	GroupID         string     `json:"GroupId"`
	MsgBody         []Element  `json:"MsgBody"`
	MsgID           string     `json:"MsgId,omitempty"`
	MsgPriority     string     `json:"MsgPriority,omitempty"`
	MsgSeq          int64      `json:"MsgSeq"`  // the message's number in its group; larger is later
	MsgTime         int64      `json:"MsgTime"` // Unix seconds
	OnlineOnlyFlag  int        `json:"OnlineOnlyFlag"`
	OperatorAccount string     `json:"Operator_Account"`
	Random          int64      `json:"Random"`
	TopicID         string     `json:"TopicId,omitempty"`
	Type            GroupType  `json:"Type"`
}

// AtTarget is somebody a message is addressed to with an @.
type AtTarget struct {
	GroupAtAllFlag int    `json:"GroupAtAllFlag"`            // 1: everybody
	GroupAtAccount string `json:"GroupAt_Account,omitempty"` // else this user
}

// AfterRecallMsg tells that messages were recalled.
type AfterRecallMsg struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	GroupID         string    `json:"GroupId"`
	MsgSeqList      []MsgSeq  `json:"MsgSeqList"`
	OperatorAccount string    `json:"Operator_Account"`
	TopicID         string    `json:"TopicId,omitempty"`
	Type            GroupType `json:"Type"`
}

// MsgSeq is the number of one message in its group.
type MsgSeq struct {
	MsgSeq int64 `json:"MsgSeq"`
}

// AfterReadReceipt tells that a message that wants receipts was sent or read
// (Tencent Cloud Chat, document 1047/60395).
type AfterReadReceipt struct {
	CallbackCommand     Command      `json:"CallbackCommand"`
	EventTime           Millis       `json:"EventTime"`
	GroupID             string       `json:"GroupId"`
	GroupMsgReceiptList []MsgReceipt `json:"GroupMsgReceiptList"`
	Type                GroupType    `json:"Type"`
}

// MsgReceipt is how far one message has been read.
type MsgReceipt struct {
	MsgSeq             int64    `json:"MsgSeq"`
	ReadNum            int64    `json:"ReadNum"`
	ReadReceiptMembers []Member `json:"ReadReceiptMembers,omitempty"` // who read it now
	UnreadNum          int64    `json:"UnreadNum"`
}

// AfterGroupMsgExtension tells that the extensions of a message changed
// (Tencent Cloud Chat, document 1047/76007).
type AfterGroupMsgExtension struct {
	CallbackCommand Command        `json:"CallbackCommand"`
	EventTime       Millis         `json:"EventTime"`
	ExtensionList   []MsgExtension `json:"ExtensionList"` // empty after a clear
	GroupID         string         `json:"GroupId"`
	MsgSeq          int64          `json:"MsgSeq"`
	OperateType     int            `json:"OperateType"` // 1 set, 2 delete, 3 clear
	Seq             int64          `json:"Seq"`         // version of the message's extensions as a whole
}

// MsgExtension is one key of a message's extensions.
type MsgExtension struct {
	Key   string `json:"Key"`
	Seq   int64  `json:"Seq"`   // version of this key
	Value string `json:"Value"` // empty after a delete
}
