package callback

// BeforeApplyJoinGroup asks whether a user may apply to join; Requestor is
// the protocol's own spelling (Tencent Cloud Chat, document 1047/34370).
type BeforeApplyJoinGroup struct {
	CallbackCommand  Command   `json:"CallbackCommand"`
	EventTime        Millis    `json:"EventTime"`
	GroupID          string    `json:"GroupId"`
	RequestorAccount string    `json:"Requestor_Account"`
	Type             GroupType `json:"Type"`
}

// BeforeInviteJoinGroup asks whether users may be added to a group
// (Tencent Cloud Chat, document 1047/34371).
type BeforeInviteJoinGroup struct {
	CallbackCommand    Command   `json:"CallbackCommand"`
	DestinationMembers []Member  `json:"DestinationMembers"`
	EventTime          Millis    `json:"EventTime"`
	GroupID            string    `json:"GroupId"`
	OperatorAccount    string    `json:"Operator_Account"`
	Type               GroupType `json:"Type"`
}

// AfterNewMemberJoin tells that users joined a group
// (Tencent Cloud Chat, document 1047/34372).
type AfterNewMemberJoin struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	GroupID         string    `json:"GroupId"`
	JoinType        string    `json:"JoinType"` // Apply or Invited
	NewMemberList   []Member  `json:"NewMemberList"`
	OperatorAccount string    `json:"Operator_Account"`
	Type            GroupType `json:"Type"`
}

// AfterMemberExit tells that users left a group or were removed. Whether
// OperatorAccount is then the leaving user or who removed it, the documents
// contradict (Tencent Cloud Chat, document 1047/34373).
type AfterMemberExit struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	ExitMemberList  []Member  `json:"ExitMemberList"`
	ExitType        string    `json:"ExitType"` // Kicked or Quit
	GroupID         string    `json:"GroupId"`
	OperatorAccount string    `json:"Operator_Account"`
	Type            GroupType `json:"Type"`
}

// AfterMemberFieldChanged tells that a member's role or name card changed
// (Tencent Cloud Chat, document 1047/60393). Senders name the member in one of
// two keys; Account reads both.
type AfterMemberFieldChanged struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventTime       Millis    `json:"EventTime"`
	GroupID         string    `json:"GroupId"`
	MemberAccount   string    `json:"Member_Account,omitempty"`
	ModifiedAccount string    `json:"Modified_Account,omitempty"`
	NameCard        *string   `json:"NameCard,omitempty"` // nil is unchanged
	OperatorAccount string    `json:"Operator_Account"`
	Role            *string   `json:"Role,omitempty"` // Admin or Member; nil is unchanged
	Type            GroupType `json:"Type"`
}

// Account returns the member whose profile changed, whichever key names it.
func (b *AfterMemberFieldChanged) Account() string {
	if b.MemberAccount != "" {
		return b.MemberAccount
	}
	return b.ModifiedAccount
}

// OnMemberStateChange tells that the audience of an AVChatRoom came or went
// (Tencent Cloud Chat, document 1047/48734).
type OnMemberStateChange struct {
	CallbackCommand Command   `json:"CallbackCommand"`
	EventCause      string    `json:"EventCause,omitempty"` // HeartbeatInterrupt, HeartbeatRecover, Join or Quit; since 2025
	EventTime       Millis    `json:"EventTime"`
	EventType       string    `json:"EventType"` // Offline or Online
	GroupID         string    `json:"GroupId"`
	MemberList      []Member  `json:"MemberList"`
	Type            GroupType `json:"Type,omitempty"`
}
