package chat

// GroupType is the kind of a group. Its text is the word the REST protocol
// uses; see [ParseGroupType] for the newer spellings.
type GroupType string

// The five group types (Tencent Cloud Chat, document 1047/33529).
const (
	Private    GroupType = "Private"    // newer name: Work
	Public     GroupType = "Public"     //
	ChatRoom   GroupType = "ChatRoom"   // newer name: Meeting
	AVChatRoom GroupType = "AVChatRoom" // live rooms: no member list kept by REST, no history
	Community  GroupType = "Community"  //
)

// ParseGroupType understands the older and the newer word of a type.
func ParseGroupType(word string) (GroupType, bool) {
	switch word {
	case "Private", "Work":
		return Private, true
	case "ChatRoom", "Meeting":
		return ChatRoom, true
	case "Public", "AVChatRoom", "Community":
		return GroupType(word), true
	}
	return "", false
}

// Modern is the newer spelling of the type: Work for Private, Meeting for
// ChatRoom, else the same word.
func (t GroupType) Modern() string {
	switch t {
	case Private:
		return "Work"
	case ChatRoom:
		return "Meeting"
	}
	return string(t)
}

// Group is a group's profile.
type Group struct {
	Key             GroupKey
	ID              GroupID
	Type            GroupType
	Name            string
	Introduction    string
	Notification    string
	FaceURL         string
	Owner           UserID // empty: a group without an owner
	ApplyJoinOption string // FreeAccess, NeedPermission, DisableApply
	InviteOption    string // FreeAccess, NeedPermission, DisableInvite
	MaxMembers      int64
	Members         int64 // how many there are now
	MuteAll         bool  // only owner, admins and app admins may send
	CreateTime      int64 // unix seconds, as all times below
	LastInfoTime    int64
	LastMsgTime     int64  // 0 before the first message
	InfoSeq         int64  // raised by each change of the profile
	NextMsgSeq      MsgSeq // from 1
}

// Role is a member's rank in a group, spelled as on the wire.
type Role string

// The roles of a member.
const (
	RoleOwner  Role = "Owner"
	RoleAdmin  Role = "Admin"
	RoleMember Role = "Member"
)

// Member is one account's membership of one group.
type Member struct {
	User        UserID
	Role        Role
	JoinTime    int64 // unix seconds
	ReadSeq     MsgSeq
	JoinSeq     MsgSeq `json:",omitempty"` // the first number the member may see; 0 is all
	MsgFlag     string // AcceptAndNotify, AcceptNotNotify, Discard, AcceptNotNotifyExceptAt
	NameCard    string // at most 50 bytes
	MuteUntil   int64  // unix seconds, 0 not muted, Forever without end; filled from the mutes
	LastMsgTime int64  // unix seconds of the last message sent here, 0 for none
}

// Membership is a group with what it has of one of its members.
type Membership struct {
	Group Group
	Self  Member
}

// Account is a user of an app.
type Account struct {
	User       UserID
	Nick       string
	FaceURL    string
	CreateTime int64 // unix seconds
	MuteUntil  int64 // group messages: unix seconds, 0 not muted, Forever without end
	C2CMute    int64 // one-to-one messages, likewise; kept for getnospeaking
	AdminOfApp bool  // filled from the app's settings, never stored
}

// Standing is what the rules want to know of a sender in a group: membership
// and mute. A mute outlives leaving and rejoining, so it stands apart from the
// membership.
type Standing struct {
	Member    bool
	Role      Role
	MuteUntil int64 // unix seconds, 0 not muted, Forever without end
}
