package api

// The five group types by their REST words. Client SDKs call a private group
// Work and a chat room Meeting.
const (
	TypePrivate    = "Private"
	TypePublic     = "Public"
	TypeChatRoom   = "ChatRoom"
	TypeAVChatRoom = "AVChatRoom"
	TypeCommunity  = "Community"
)

// RESTGroupType returns the REST word for a group type in either spelling, and
// whether it is a group type at all. Case counts.
func RESTGroupType(word string) (string, bool) {
	switch word {
	case TypePrivate, TypePublic, TypeChatRoom, TypeAVChatRoom, TypeCommunity:
		return word, true
	case "Work":
		return TypePrivate, true
	case "Meeting":
		return TypeChatRoom, true
	}
	return "", false
}

// Words of the options of a group.
const (
	On             = "On"             // MuteAllMember
	Off            = "Off"            // MuteAllMember
	FreeAccess     = "FreeAccess"     // ApplyJoinOption, InviteJoinOption
	NeedPermission = "NeedPermission" // ApplyJoinOption (default), InviteJoinOption
	DisableApply   = "DisableApply"   // ApplyJoinOption
	DisableInvite  = "DisableInvite"  // InviteJoinOption
)

// CreateGroupRequest makes a group (document 1047/34895).
type CreateGroupRequest struct {
	Type             string              // in either spelling
	Name             string              // 1 to 30 bytes
	GroupId          string              `json:",omitempty"` // empty: the server chooses
	Owner_Account    string              `json:",omitempty"` // empty: a group without an owner
	Introduction     string              `json:",omitempty"` // at most 240 bytes
	Notification     string              `json:",omitempty"` // at most 300 bytes
	FaceUrl          string              `json:",omitempty"` // at most 100 bytes
	MaxMemberCount   *int64              `json:",omitempty"` // absent: as many as the app may have
	ApplyJoinOption  string              `json:",omitempty"`
	InviteJoinOption string              `json:",omitempty"`
	AppDefinedData   []KeyValue          `json:",omitempty"`
	MemberList       []CreateGroupMember `json:",omitempty"` // at most 100
	SupportTopic     int64               `json:",omitempty"` // Community: 1 for topics
}

// CreateGroupMember is a member of the first hour.
type CreateGroupMember struct {
	Member_Account       string
	Role                 string     `json:",omitempty"` // RoleAdmin, or empty for an ordinary member
	AppMemberDefinedData []KeyValue `json:",omitempty"`
}

// CreateGroupResponse tells the GroupId, given or chosen.
type CreateGroupResponse struct {
	Answer
	GroupId string
	Type    string `json:",omitempty"`
}

// DestroyGroupRequest dissolves a group for good (document 1047/34896).
type DestroyGroupRequest struct{ GroupId string }

// DestroyGroupResponse has nothing of its own.
type DestroyGroupResponse struct{ Answer }

// GroupProfile is what is known of a group.
type GroupProfile struct {
	GroupId          string
	Type             string
	Name             string
	Introduction     string
	Notification     string
	FaceUrl          string
	Owner_Account    string
	Appid            int64
	CreateTime       int64  // Unix seconds
	InfoSeq          uint64 // grows with every change of the profile
	LastInfoTime     int64  // last change of the profile, Unix seconds
	LastMsgTime      int64  // Unix seconds, 0 before the first message
	NextMsgSeq       uint64 // MsgSeq of the next message, from 1
	MemberNum        int64
	MaxMemberNum     int64
	ApplyJoinOption  string
	InviteJoinOption string
	MuteAllMember    string // On or Off
	ShutUpAllMember  string // older name of MuteAllMember
	AppDefinedData   []KeyValue
}

// MutedAll reports whether the whole group is muted.
func (p GroupProfile) MutedAll() bool { return p.MuteAllMember == On || p.ShutUpAllMember == On }

// GroupFilter names the fields an answer shall have; a nil list asks for all.
type GroupFilter struct {
	GroupBaseInfoFilter              []string `json:",omitempty"`
	MemberInfoFilter                 []string `json:",omitempty"`
	AppDefinedDataFilter_Group       []string `json:",omitempty"`
	AppDefinedDataFilter_GroupMember []string `json:",omitempty"`
}

// GetGroupInfoRequest asks for up to 50 groups (document 1047/34961).
type GetGroupInfoRequest struct {
	GroupIdList    []string
	ResponseFilter *GroupFilter `json:",omitempty"`
}

// GetGroupInfoResponse has one entry for each group of the request.
type GetGroupInfoResponse struct {
	Answer
	GroupInfo []GroupInfo
}

// GroupInfo is one group, or the reason why it cannot be shown: the ErrorCode
// of the answer as a whole does not tell.
type GroupInfo struct {
	GroupProfile
	ErrorCode  Code
	ErrorInfo  string
	MemberList []MemberInfo `json:",omitempty"`

	// Only restricts what is written to these fields besides GroupId, ErrorCode
	// and ErrorInfo; nil is no restriction. It is not filled by reading.
	Only []string `json:"-"`
}

// MarshalJSON writes the fields that Only asks for.
func (g GroupInfo) MarshalJSON() ([]byte, error) {
	type plain GroupInfo
	return onlyFields(plain(g), g.Only, "GroupId", "ErrorCode", "ErrorInfo")
}

// GetAppidGroupListRequest pages through the groups of the app (document
// 1047/34960).
type GetAppidGroupListRequest struct {
	Limit     *int64  `json:",omitempty"` // at most and by default 10000
	Next      uint64  `json:",omitempty"` // 0 first, then Next of the answer
	GroupType *string `json:",omitempty"` // absent: all types
	Type      *string `json:",omitempty"` // older name of GroupType
}

// Kind returns the group type asked for under either of its names, and whether
// one was given.
func (r GetAppidGroupListRequest) Kind() (string, bool) { return firstOf(r.GroupType, r.Type) }

// GetAppidGroupListResponse is one page.
type GetAppidGroupListResponse struct {
	Answer
	TotalCount  int64 // of the type asked for
	GroupIdList []GroupIDItem
	Next        uint64 // 0 at the end
}

// GroupIDItem names a group in a list.
type GroupIDItem struct{ GroupId string }

// ModifyGroupBaseInfoRequest changes those fields of a group's profile that
// are given (document 1047/34962).
type ModifyGroupBaseInfoRequest struct {
	GroupId          string
	Name             *string    `json:",omitempty"`
	Introduction     *string    `json:",omitempty"`
	Notification     *string    `json:",omitempty"`
	FaceUrl          *string    `json:",omitempty"`
	MaxMemberNum     *int64     `json:",omitempty"`
	ApplyJoinOption  *string    `json:",omitempty"`
	InviteJoinOption *string    `json:",omitempty"`
	MuteAllMember    *string    `json:",omitempty"` // On or Off
	ShutUpAllMember  *string    `json:",omitempty"` // older name of MuteAllMember
	AppDefinedData   []KeyValue `json:",omitempty"`
	From_Account     *string    `json:",omitempty"` // shown as the one who changed it
}

// MuteAll returns the word given for the mute of the whole group under either
// of its names, and whether one was given.
func (r ModifyGroupBaseInfoRequest) MuteAll() (string, bool) {
	return firstOf(r.MuteAllMember, r.ShutUpAllMember)
}

// ModifyGroupBaseInfoResponse has nothing of its own.
type ModifyGroupBaseInfoResponse struct{ Answer }

// ChangeGroupOwnerRequest hands a group over to one of its members (document
// 1047/34966).
type ChangeGroupOwnerRequest struct {
	GroupId          string
	NewOwner_Account string
	From_Account     *string `json:",omitempty"`
}

// ChangeGroupOwnerResponse has nothing of its own.
type ChangeGroupOwnerResponse struct{ Answer }
