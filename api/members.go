package api

// The words of Role.
const (
	RoleOwner     = "Owner"
	RoleAdmin     = "Admin"
	RoleMember    = "Member"
	RoleNotMember = "NotMember" // get_role_in_group alone
)

// The words of MsgFlag: how a member wants to hear of messages.
const (
	AcceptAndNotify         = "AcceptAndNotify"
	AcceptNotNotify         = "AcceptNotNotify"
	AcceptNotNotifyExceptAt = "AcceptNotNotifyExceptAt"
	DiscardMessages         = "Discard"
)

// MemberInfo is what is known of a member.
type MemberInfo struct {
	Member_Account       string
	Role                 string
	JoinTime             int64  // Unix seconds
	MsgSeq               uint64 // last message read
	MsgFlag              string
	LastSendMsgTime      int64 // Unix seconds, 0 before the first message
	NameCard             string
	MuteUntil            int64 // Unix seconds, 0 for not muted, Forever for good
	ShutUpUntil          int64 // older name of MuteUntil
	AppMemberDefinedData []KeyValue

	// Only restricts what is written to these fields besides Member_Account;
	// nil is no restriction. It is not filled by reading.
	Only []string `json:"-"`
}

// MarshalJSON writes the fields that Only asks for.
func (m MemberInfo) MarshalJSON() ([]byte, error) {
	type plain MemberInfo
	return onlyFields(plain(m), m.Only, "Member_Account")
}

// AddGroupMemberRequest adds up to 300 members (document 1047/34921).
type AddGroupMemberRequest struct {
	GroupId    string
	Silence    int64 `json:",omitempty"` // 1: nobody is told
	MemberList []MemberItem
}

// MemberItem names an account in a list.
type MemberItem struct{ Member_Account string }

// AddGroupMemberResponse has one result for each account, in the order of the
// request.
type AddGroupMemberResponse struct {
	Answer
	MemberList []AddMemberResult
}

// AddMemberResult is the outcome for one account.
type AddMemberResult struct {
	Member_Account string
	Result         int // MemberNotAdded and the following
}

// The values of Result.
const (
	MemberNotAdded   = 0
	MemberAdded      = 1
	MemberAlready    = 2 // was a member before
	MemberAskedFirst = 3 // has to consent first
)

// DeleteGroupMemberRequest removes up to 500 members (document 1047/34949).
// Somebody who is no member is removed as well.
type DeleteGroupMemberRequest struct {
	GroupId             string
	Silence             int64  `json:",omitempty"` // 1: only those removed are told
	Reason              string `json:",omitempty"`
	MemberToDel_Account []string
}

// DeleteGroupMemberResponse has nothing of its own.
type DeleteGroupMemberResponse struct{ Answer }

// GetGroupMemberInfoRequest pages through the members (document 1047/34948).
// A nil filter asks for everything.
type GetGroupMemberInfoRequest struct {
	GroupId                          string
	Limit                            *int64   `json:",omitempty"` // at most 6000; absent or 0: all of them, if they fit
	Offset                           int64    `json:",omitempty"`
	MemberInfoFilter                 []string `json:",omitempty"`
	MemberRoleFilter                 []string `json:",omitempty"`
	AppDefinedDataFilter_GroupMember []string `json:",omitempty"`
	Next                             *string  `json:",omitempty"` // Community: empty first, then Next of the answer
}

// GetGroupMemberInfoResponse is one page.
type GetGroupMemberInfoResponse struct {
	Answer
	MemberNum  int64 // of the whole group
	MemberList []MemberInfo
	Next       *string `json:",omitempty"` // Community: empty at the end
}

// ModifyGroupMemberInfoRequest changes those fields of a member that are given
// (document 1047/34900).
type ModifyGroupMemberInfoRequest struct {
	GroupId              string
	Member_Account       string
	Role                 *string    `json:",omitempty"` // RoleAdmin or RoleMember
	MsgFlag              *string    `json:",omitempty"`
	NameCard             *string    `json:",omitempty"` // at most 50 bytes
	AppMemberDefinedData []KeyValue `json:",omitempty"`
	MuteTime             *uint32    `json:",omitempty"` // seconds from now, 0 ends a mute
	ShutUpTime           *uint32    `json:",omitempty"` // older name of MuteTime
	ShutUpUntil          *uint32    `json:",omitempty"` // name of MuteTime in an SDK: seconds from now, despite the word
}

// Seconds returns the duration of a mute under any of its names, and whether
// one was given. 0 ends a mute, Forever has no end.
func (r ModifyGroupMemberInfoRequest) Seconds() (uint32, bool) {
	return firstOf(r.MuteTime, r.ShutUpTime, r.ShutUpUntil)
}

// ModifyGroupMemberInfoResponse has nothing of its own.
type ModifyGroupMemberInfoResponse struct{ Answer }

// GetJoinedGroupListRequest asks for the groups of an account (document
// 1047/34925).
type GetJoinedGroupListRequest struct {
	Member_Account     string
	Limit              *int64        `json:",omitempty"` // at most 5000; absent or 0: all of them
	Offset             int64         `json:",omitempty"`
	GroupType          *string       `json:",omitempty"` // absent: all types
	Type               *string       `json:",omitempty"` // older name of GroupType
	WithHugeGroups     int64         `json:",omitempty"` // 1: also AVChatRoom
	WithNoActiveGroups int64         `json:",omitempty"` // 1: also private groups without a message
	ResponseFilter     *JoinedFilter `json:",omitempty"` // absent: everything
}

// Kind returns the group type asked for under either of its names, and whether
// one was given.
func (r GetJoinedGroupListRequest) Kind() (string, bool) { return firstOf(r.GroupType, r.Type) }

// JoinedFilter names the fields an answer of get_joined_group_list shall have.
type JoinedFilter struct {
	GroupBaseInfoFilter []string `json:",omitempty"`
	SelfInfoFilter      []string `json:",omitempty"`
}

// GetJoinedGroupListResponse is one page.
type GetJoinedGroupListResponse struct {
	Answer
	TotalCount  int64
	GroupIdList []JoinedGroup
}

// JoinedGroup is a group and what the account is in it.
type JoinedGroup struct {
	GroupProfile
	SelfInfo *SelfInfo `json:",omitempty"`

	// Only restricts what is written to these fields besides GroupId and
	// SelfInfo; nil is no restriction. It is not filled by reading.
	Only []string `json:"-"`
}

// MarshalJSON writes the fields that Only asks for.
func (g JoinedGroup) MarshalJSON() ([]byte, error) {
	type plain JoinedGroup
	return onlyFields(plain(g), g.Only, "GroupId", "SelfInfo")
}

// SelfInfo is what an account is in a group.
type SelfInfo struct {
	Role     string
	JoinTime int64 // Unix seconds
	MsgFlag  string
	MsgSeq   uint64 // last message read

	// JoinSeq, UnreadMsgNum and MuteUntil are told to the account itself alone,
	// over its own connection.
	JoinSeq      *uint64 `json:",omitempty"` // the first message that it may see, 0: all
	UnreadMsgNum *int64  `json:",omitempty"` // what others said, among the newest 2000 numbers, at most 999; 0 in a ChatRoom and an AVChatRoom, which do not count
	MuteUntil    *int64  `json:",omitempty"` // Unix seconds, 0 for not muted, Forever for good

	// Only restricts what is written to these fields; nil is no restriction.
	// It is not filled by reading.
	Only []string `json:"-"`
}

// MarshalJSON writes the fields that Only asks for.
func (s SelfInfo) MarshalJSON() ([]byte, error) {
	type plain SelfInfo
	return onlyFields(plain(s), s.Only)
}

// GetRoleInGroupRequest asks for the roles of up to 500 accounts (document
// 1047/34963).
type GetRoleInGroupRequest struct {
	GroupId      string
	User_Account []string
}

// GetRoleInGroupResponse has one entry for each account, in the order of the
// request.
type GetRoleInGroupResponse struct {
	Answer
	UserIdList []MemberRole
}

// MemberRole is the role of one account.
type MemberRole struct {
	Member_Account string
	Role           string // RoleNotMember for an account outside the group
}
