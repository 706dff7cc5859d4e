package live

import (
	"encoding/json"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// The shapes of what is pushed. Event comes first and says which it is. Fields
// are named as the protocol's callbacks name them.

type pushedMessage struct {
	Event           string // "Message"
	GroupId         string
	Type            string
	From_Account    string
	MsgSeq          uint64 `json:",omitempty"` // none for a message to those online alone
	MsgTime         int64  // unix seconds
	Random          uint32
	MsgPriority     string
	MsgBody         json.RawMessage
	CloudCustomData *string `json:",omitempty"`
	OnlineOnlyFlag  int
	GroupAtInfo     []api.GroupAt `json:",omitempty"`
	To_Account      []string      `json:",omitempty"`
}

// Why there is nothing at a number.
const (
	placeDeleted   = "Deleted"
	placeNotForYou = "NotForYou"
)

type pushedPlaceholder struct {
	Event       string // "Placeholder"
	GroupId     string
	MsgSeq      uint64
	PlaceReason string
}

type pushedRecent struct {
	Event       string // "Recent"
	GroupId     string
	MessageList []pushedMessage
}

type account struct{ Member_Account string }

type pushedNotice struct {
	Event            string
	GroupId          string           `json:",omitempty"`
	Operator_Account string           `json:",omitempty"`
	JoinType         string           `json:",omitempty"` // MemberJoined: Apply, Invited
	ExitType         string           `json:",omitempty"` // MemberLeft: Quit, Kicked
	MemberList       []account        `json:",omitempty"`
	Member_Account   string           `json:",omitempty"` // MemberChanged
	Role             string           `json:",omitempty"`
	NameCard         *string          `json:",omitempty"`
	OldOwner_Account *string          `json:",omitempty"` // OwnerChanged
	NewOwner_Account *string          `json:",omitempty"`
	MuteUntil        *int64           `json:",omitempty"` // MemberMuted, AccountMuted: unix seconds
	MsgSeqList       []api.MsgSeqItem `json:",omitempty"` // MsgRecalled

	// GroupChanged: what changed.
	Name             *string `json:",omitempty"`
	Introduction     *string `json:",omitempty"`
	Notification     *string `json:",omitempty"`
	FaceUrl          *string `json:",omitempty"`
	MaxMemberNum     *int64  `json:",omitempty"`
	ApplyJoinOption  *string `json:",omitempty"`
	InviteJoinOption *string `json:",omitempty"`
	MuteAllMember    string  `json:",omitempty"` // On, Off

	Applicant_Account string  `json:",omitempty"` // Application, ApplicationHandled
	ApplyMsg          *string `json:",omitempty"`
	HandleMsg         string  `json:",omitempty"` // Agree, Reject
	ApprovalMsg       string  `json:",omitempty"`
	MsgReadedSeq      uint64  `json:",omitempty"` // Read
	EventTime         int64   `json:",omitempty"` // unix milliseconds
}

func shown(h *hall, m *chat.Message) pushedMessage {
	p := pushedMessage{
		Event: "Message", GroupId: string(h.id), Type: h.typeWord(), From_Account: string(m.From), MsgSeq: uint64(m.Seq), MsgTime: m.Time,
		Random: m.Random, MsgPriority: m.Priority.String(), MsgBody: m.Body,
	}
	if m.Flags&chat.FlagHasCloud != 0 {
		p.CloudCustomData = &m.Cloud
	}
	if m.Flags&chat.FlagOnlineOnly != 0 {
		p.OnlineOnlyFlag = 1
	}
	for _, at := range m.Mentions {
		p.GroupAtInfo = append(p.GroupAtInfo, groupAt(at))
	}
	for _, user := range m.To {
		p.To_Account = append(p.To_Account, string(user))
	}
	return p
}

func groupAt(at chat.Mention) api.GroupAt {
	if at.All {
		return api.GroupAt{GroupAtAllFlag: 1}
	}
	return api.GroupAt{GroupAt_Account: string(at.User)}
}

func messageFrame(h *hall, m *chat.Message) []byte { return encode(shown(h, m)) }

func placeholderFrame(h *hall, seq chat.MsgSeq, reason string) []byte {
	return encode(pushedPlaceholder{"Placeholder", string(h.id), uint64(seq), reason})
}

// frameFor is what one user is pushed at a message's number.
func frameFor(h *hall, m *chat.Message, user chat.UserID) []byte {
	switch {
	case m.Flags&(chat.FlagRecalled|chat.FlagErased) != 0:
		return placeholderFrame(h, m.Seq, placeDeleted)
	case !m.VisibleTo(user, 0):
		return placeholderFrame(h, m.Seq, placeNotForYou)
	}
	return messageFrame(h, m)
}

func recentFrame(h *hall, list []chat.Message) []byte {
	p := pushedRecent{"Recent", string(h.id), make([]pushedMessage, 0, len(list))}
	for i := range list {
		p.MessageList = append(p.MessageList, shown(h, &list[i]))
	}
	return encode(p)
}

// noticeFrame is what a notice says to those who hear it; nil for one that says
// nothing.
func noticeFrame(n *chat.Notice) []byte {
	p := pushedNotice{GroupId: string(n.Group), Operator_Account: string(n.Operator), EventTime: n.Time}
	first := func(i int) string {
		if i < len(n.Users) {
			return string(n.Users[i])
		}
		return ""
	}
	switch n.Kind {
	case chat.NoticeJoined:
		p.Event, p.MemberList, p.JoinType = "MemberJoined", accounts(n.Users), pick(n.Invited, "Invited", "Apply")
	case chat.NoticeLeft:
		p.Event, p.MemberList, p.ExitType = "MemberLeft", accounts(n.Users), pick(n.Kicked, "Kicked", "Quit")
	case chat.NoticeMember:
		p.Event, p.Member_Account, p.Role, p.NameCard = "MemberChanged", first(0), string(n.Role), n.NameCard
	case chat.NoticeOwner:
		before, after := first(0), first(1)
		p.Event, p.OldOwner_Account, p.NewOwner_Account = "OwnerChanged", &before, &after
	case chat.NoticeMuted:
		p.Event, p.MemberList, p.MuteUntil = "MemberMuted", accounts(n.Users), &n.Until
	case chat.NoticeProfile:
		p.profile(n.Changed)
	case chat.NoticeRecalled:
		p.Event = "MsgRecalled"
		for _, seq := range n.Seqs {
			p.MsgSeqList = append(p.MsgSeqList, api.MsgSeqItem{MsgSeq: uint64(seq)})
		}
	case chat.NoticeDissolved:
		p.Event = "GroupDissolved"
	case chat.NoticeApplied:
		p.Event, p.Applicant_Account, p.ApplyMsg = "Application", first(0), &n.Text
	case chat.NoticeHandled:
		p.Event, p.Applicant_Account, p.HandleMsg, p.ApprovalMsg = "ApplicationHandled", first(0), pick(n.Agreed, "Agree", "Reject"), n.Text
	case chat.NoticeMutedOut:
		p.Event, p.MuteUntil = "AccountMuted", &n.Until
	case chat.NoticeRead:
		p.Event = "Read"
		if len(n.Seqs) > 0 {
			p.MsgReadedSeq = uint64(n.Seqs[0])
		}
	default:
		return nil
	}
	return encode(p)
}

func (p *pushedNotice) profile(c *chat.GroupChange) {
	p.Event = "GroupChanged"
	if c == nil {
		return
	}
	p.Name, p.Introduction, p.Notification, p.FaceUrl = c.Name, c.Introduction, c.Notification, c.FaceURL
	p.MaxMemberNum, p.ApplyJoinOption, p.InviteJoinOption = c.MaxMembers, c.ApplyJoinOption, c.InviteOption
	if c.MuteAll != nil {
		p.MuteAllMember = pick(*c.MuteAll, api.On, api.Off)
	}
}

func accounts(users []chat.UserID) []account {
	list := make([]account, len(users))
	for i, user := range users {
		list[i].Member_Account = string(user)
	}
	return list
}

func pick(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

// typeWord is the group's type in the spelling of the app's choice.
func (h *hall) typeWord() string {
	if app, ok := h.shard.door.backend.App(h.app); ok {
		return wire.TypeWord(app, h.kind)
	}
	return string(h.kind)
}

// stateChange is the event of a login or a logout.
func stateChange(c *conn, action, reason string, kicked []string) chat.Announcement {
	return chat.Announcement{
		Command: chat.CommandStateChange, From: c.user, ClientIP: c.arrival.address, Platform: wire.StatePlatform(c.platform),
		Body: func(eventTime int64) []byte { return wire.StateChange(action, reason, c.user, kicked, eventTime) },
	}
}
