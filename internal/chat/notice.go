package chat

// NoticeKind says what happened.
type NoticeKind string

// The kinds of notices.
const (
	NoticeJoined     NoticeKind = "joined"      // Users are members now; also the first ones of a new group
	NoticeLeft       NoticeKind = "left"        // Users are none any more; Kicked says whether by somebody else
	NoticeMember     NoticeKind = "member"      // Role or NameCard of Users[0] changed
	NoticeOwner      NoticeKind = "owner"       // from Users[0] to Users[1]; either may be empty
	NoticeMuted      NoticeKind = "muted"       // Users are muted in the group until Until
	NoticeProfile    NoticeKind = "profile"     // Changed of the group's profile
	NoticeRecalled   NoticeKind = "recalled"    // the messages Seqs
	NoticeDissolved  NoticeKind = "dissolved"   // the group is gone
	NoticeApplied    NoticeKind = "applied"     // Users[0] asks to be let in, with the words Text
	NoticeHandled    NoticeKind = "handled"     // Agreed says how the application of Users[0] ended, with the words Text
	NoticeMutedOut   NoticeKind = "muted_out"   // Users[0] is muted everywhere until Until
	NoticeKickedOut  NoticeKind = "kicked_out"  // the connections of Users[0] are to end
	NoticeDeletedOut NoticeKind = "deleted_out" // the accounts Users are gone, with all their memberships
	NoticeRead       NoticeKind = "read"        // Users[0] has read up to Seqs[0]
)

// Notice tells connected users of a change. It is stored with the change, so
// that each process hears of it, and is nothing to rely on: who was not
// connected, or behind, asks for the state.
type Notice struct {
	Kind     NoticeKind
	Key      GroupKey     `json:",omitempty"`
	Group    GroupID      `json:",omitempty"`
	Operator UserID       `json:",omitempty"` // who did it
	Users    []UserID     `json:",omitempty"`
	Time     int64        `json:",omitempty"` // unix milliseconds
	Next     MsgSeq       `json:",omitempty"` // of a group: the number of its next message; those below were committed before
	Role     Role         `json:",omitempty"`
	NameCard *string      `json:",omitempty"`
	Until    int64        `json:",omitempty"` // unix seconds, 0 not muted, Forever without end
	Seqs     []MsgSeq     `json:",omitempty"`
	Changed  *GroupChange `json:",omitempty"`
	Text     string       `json:",omitempty"`
	Invited  bool         `json:",omitempty"` // joined: not by the user's own wish
	Kicked   bool         `json:",omitempty"`
	Agreed   bool         `json:",omitempty"`
}

// Audience is told of what concerns connected users, in the order of an app's
// commits, as far as this process made or saw them. Neither method may block.
type Audience interface {
	// Sent hands over messages that were committed here: a hint, which may be
	// dropped. Who wants all messages of a group reads them by number. Those to be
	// shown only to who is online have no number, and nobody can read them again.
	Sent(app AppID, messages []Message)
	// Noticed hands over what changes told. complete is false when others may have
	// been missed: then any membership may be another one.
	Noticed(app AppID, notices []Notice, complete bool)
}

// Memory holds what groups said last. It may answer what [Reader.Messages] would,
// or that it does not have all of it.
type Memory interface {
	Recent(app AppID, g GroupKey, newest MsgSeq, limit int) ([]Message, bool)
}

// tell notes what a change tells, to be handed out when it is committed.
func tell(r Records, n Notice) {
	if t, ok := r.(*noted); ok {
		t.notices = append(t.notices, n)
	}
}
