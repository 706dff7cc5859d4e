package chat

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-im/parley/api"
)

// Bounds of the member commands (documents 1047/34921, 34949, 34948, 34963).
const (
	MaxAddedMembers   = 300
	MaxDeletedMembers = 500
	MaxListedMembers  = 6000
	MaxListedJoined   = 5000
	MaxRoles          = 500

	// MaxJoined is in how many groups an account may be: as many as one answer can
	// list and one connection hears.
	MaxJoined = MaxListedJoined

	maxNameCard = 50 // bytes of UTF-8
)

// Adding is how adding one account to a group went.
type Adding int

// The results, numbered as add_group_member answers them.
const (
	NotAdded     Adding = 0
	Added        Adding = 1
	AddedAlready Adding = 2
)

// newMember is a membership that begins now: all that was said before counts as
// read, and can be seen only where the type shows it.
func newMember(g *Group, user UserID, role Role, now int64) Member {
	m := Member{User: user, Role: role, JoinTime: now, MsgFlag: "AcceptAndNotify", ReadSeq: g.NextMsgSeq - 1}
	if !kinds[g.Type].seesBefore {
		m.JoinSeq = g.NextMsgSeq
	}
	return m
}

func usersOf(members []Member) []UserID {
	users := make([]UserID, len(members))
	for i := range members {
		users[i] = members[i].User
	}
	return users
}

// AddMembers adds accounts to a group and tells of each how it went, in the
// order given: who is no account, is in MaxJoined groups, or found no room, was
// not added. Over a connection InviteJoinOption decides who may. Codes: 10005 for
// more than MaxAddedMembers, 10007 in an AVChatRoom and for who may not, 10014 when
// the group has no room for any of them, 10037 when nobody is added because of
// MaxJoined, and those of a missing group.
func (b *Backend) AddMembers(ctx context.Context, app AppID, by Actor, id GroupID, users []UserID) ([]Adding, error) {
	switch {
	case len(users) == 0:
		return nil, Fail(api.CodeInvalidParameter, "MemberList is empty")
	case len(users) > MaxAddedMembers:
		return nil, Fail(api.CodeTooManyAccounts)
	}
	now := b.Now()
	results := make([]Adding, len(users))
	err := b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if g.Type == AVChatRoom {
			return Fail(api.CodePermissionDenied, "group type does not support adding members")
		}
		if err := by.allowed(r, &g, func(role Role) *Refusal { return mayInvite(g.Type, g.InviteOption, role) }); err != nil {
			return err
		}
		n := by.about(NoticeJoined, &g, now)
		n.Invited = true
		var useful bool
		var why *Refusal // of the last who was not added although he has an account
		for i, user := range users {
			var refusal *Refusal
			results[i], refusal, err = addMember(r, &g, user, now.Unix())
			if err != nil {
				return err
			}
			if results[i] == Added {
				n.Users = append(n.Users, user)
			}
			useful = useful || results[i] != NotAdded
			if refusal != nil {
				why = refusal
			}
		}
		if why != nil && !useful {
			return why
		}
		if len(n.Users) > 0 {
			tell(r, n)
		}
		return nil
	})
	return results, err
}

func addMember(r Records, g *Group, user UserID, now int64) (Adding, *Refusal, error) {
	if ok, err := isAccount(r, user); err != nil || !ok {
		return NotAdded, nil, err
	}
	if _, ok, err := r.Member(g.Key, user); err != nil || ok {
		return AddedAlready, nil, err
	}
	if refusal, err := hasRoom(r, g, user); err != nil || refusal != nil {
		return NotAdded, refusal, err
	}
	return Added, nil, letIn(r, g, user, now)
}

// hasRoom says why a group cannot take a user in, or a user the group.
func hasRoom(r Records, g *Group, user UserID) (*Refusal, error) {
	if g.isFull() {
		return Fail(api.CodeGroupFull), nil
	}
	n, err := r.CountJoined(user)
	if err == nil && n >= MaxJoined {
		return Fail(api.CodeTooManyGroups), nil
	}
	return nil, err
}

func (g *Group) isFull() bool { return g.MaxMembers > 0 && g.Members >= g.MaxMembers }

// DeleteMembers takes members out of a group; who is none is passed over.
// Over a connection the owner removes anybody else, an admin ordinary members.
// Codes: 10004 in an AVChatRoom, 10005 for more than MaxDeletedMembers, 10007 for
// who may not, 10009 when an app admin removes the owner (from a Private group he
// may, and leaves it without an owner), and those of a missing group.
func (b *Backend) DeleteMembers(ctx context.Context, app AppID, by Actor, id GroupID, users []UserID) error {
	switch {
	case len(users) == 0:
		return Fail(api.CodeInvalidParameter, "MemberToDel_Account is empty")
	case len(users) > MaxDeletedMembers:
		return Fail(api.CodeTooManyAccounts)
	}
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if g.Type == AVChatRoom {
			return Fail(api.CodeInvalidParameter, "group type does not support deleting members")
		}
		var self Role
		if err := by.allowed(r, &g, func(role Role) *Refusal { self = role; return mayKick(g.Type, role, "") }); err != nil {
			return err
		}
		if !by.Client && g.Owner != "" && slices.Contains(users, g.Owner) {
			if g.Type != Private {
				return Fail(api.CodeOwnerMayNotQuit)
			}
			if err := passOn(r, by, g, "", now); err != nil {
				return err
			}
		}
		n := by.about(NoticeLeft, &g, now)
		n.Kicked = true
		for _, user := range users {
			m, ok, err := r.Member(g.Key, user)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := by.may(mayKick(g.Type, self, m.Role)); err != nil {
				return err
			}
			if err := takeOut(r, &g, user); err != nil {
				return err
			}
			n.Users = append(n.Users, user)
		}
		if len(n.Users) > 0 {
			tell(r, n)
		}
		return nil
	})
}

// takeOut ends a membership. A mute outlives it, but not in a Community.
func takeOut(r Records, g *Group, user UserID) error {
	if err := r.DeleteMember(g.Key, user); err != nil || g.Type != Community {
		return err
	}
	return r.PutMute(g.Key, user, 0)
}

// ListMembers lists members in the order they joined: at most limit after the
// first offset, of the roles given or of all. limit 0 is MaxListedMembers; more
// is 10054. A mute that is over is not told. Over a connection it is for members
// alone, else 10007.
func (b *Backend) ListMembers(ctx context.Context, app AppID, by Actor, id GroupID, roles []Role, offset, limit int) (Group, []Member, error) {
	switch {
	case limit > MaxListedMembers:
		return Group{}, nil, Fail(api.CodeMemberPageTooLarge)
	case limit < 0 || offset < 0:
		return Group{}, nil, Fail(api.CodeInvalidParameter, "Limit and Offset must not be negative")
	case limit == 0:
		limit = MaxListedMembers
	}
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return g, nil, err
	}
	if _, err := b.seen(ctx, app, by, g.Key); err != nil {
		return g, nil, err
	}
	members, err := b.Reader().Members(ctx, app, g.Key, roles, offset, limit)
	if err != nil {
		return g, nil, fmt.Errorf("list members: %w", err)
	}
	now := b.Now().Unix()
	for i := range members {
		members[i] = currentMember(members[i], now)
	}
	return g, members, nil
}

// currentMember is the member without a mute that is over.
func currentMember(m Member, now int64) Member {
	m.MuteUntil = currentMute(m.MuteUntil, now)
	return m
}

// MemberChange is a change of a membership; nil fields stay as they are.
type MemberChange struct {
	Role     *Role // RoleAdmin or RoleMember
	MsgFlag  *string
	NameCard *string // at most 50 bytes
	MuteTime *uint32 // seconds from now; 0 unmutes, Forever has no end
}

// UpdateMember changes one membership. Codes: 10004 for a field out of range,
// 10007 in an AVChatRoom, for what the type does not have, for the owner's role,
// for who is no member, and for who may not, over a connection, 80001 for a word
// of the filter in the name card, and those of a missing group.
func (b *Backend) UpdateMember(ctx context.Context, app AppID, by Actor, id GroupID, user UserID, c MemberChange) error {
	if user == "" {
		return Fail(api.CodeInvalidParameter, "Member_Account is required")
	}
	if refusal := c.check(); refusal != nil {
		return refusal
	}
	if refusal := b.checkGroupTexts(app, value(c.NameCard)); refusal != nil {
		return refusal
	}
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if g.Type == AVChatRoom {
			return Fail(api.CodePermissionDenied, "group type does not support member profiles")
		}
		m, ok, err := r.Member(g.Key, user)
		if err != nil {
			return err
		}
		if err := by.allowed(r, &g, func(role Role) *Refusal { return mayEditMember(g.Type, role, m.Role, user == by.User, &c) }); err != nil {
			return err
		}
		if !ok {
			return Fail(api.CodePermissionDenied, "account is not a group member")
		}
		before := m
		if refusal := c.apply(&m, kinds[g.Type]); refusal != nil {
			return refusal
		}
		if c.MuteTime != nil {
			until := muteEnd(now.Unix(), *c.MuteTime)
			if err := r.PutMute(g.Key, user, until); err != nil {
				return err
			}
			if currentMember(before, now.Unix()).MuteUntil != until {
				n := by.about(NoticeMuted, &g, now)
				n.Users, n.Until = []UserID{user}, until
				tell(r, n)
			}
		}
		if m == before {
			return nil
		}
		if m.Role != before.Role || m.NameCard != before.NameCard {
			n := by.about(NoticeMember, &g, now)
			n.Users, n.NameCard = []UserID{user}, changed(before.NameCard, m.NameCard)
			n.Role = value(changed(before.Role, m.Role))
			tell(r, n)
		}
		return r.PutMember(g.Key, m)
	})
}

func (c *MemberChange) check() *Refusal {
	switch value(c.Role) {
	case "", RoleAdmin, RoleMember:
	default:
		return Fail(api.CodeInvalidParameter, "Role must be Admin or Member")
	}
	switch value(c.MsgFlag) {
	case "", "AcceptAndNotify", "AcceptNotNotify", "Discard", "AcceptNotNotifyExceptAt":
	default:
		return Fail(api.CodeInvalidParameter, "MsgFlag is invalid")
	}
	if len(value(c.NameCard)) > maxNameCard {
		return Fail(api.CodeInvalidParameter, "name card is too long")
	}
	return nil
}

func (c *MemberChange) apply(m *Member, kind groupKind) *Refusal {
	if role := value(c.Role); role != "" && role != m.Role {
		if m.Role == RoleOwner {
			return Fail(api.CodePermissionDenied, "role of the owner can not be changed")
		}
		if role == RoleAdmin && !kind.admins {
			return Fail(api.CodePermissionDenied, "group type has no admins")
		}
		m.Role = role
	}
	if c.MuteTime != nil && !kind.memberMutes {
		return Fail(api.CodePermissionDenied, "group type does not support muting")
	}
	if flag := value(c.MsgFlag); flag != "" {
		m.MsgFlag = flag
	}
	set(&m.NameCard, c.NameCard)
	return nil
}

// JoinedQuery says which of an account's groups are asked for.
type JoinedQuery struct {
	Type GroupType // one type, or all ("")
	// Live includes the AVChatRooms.
	Live bool
	// Inactive includes the Private groups without a message yet that somebody
	// else owns; until its first message such a group is hidden.
	Inactive      bool
	Offset, Limit int // Limit 0 is MaxListedJoined
}

// Joined is a group that an account is in.
type Joined struct {
	Membership
	Unread int // at most MaxUnread; counted over a connection alone, and only where the type counts them
}

// ListJoined lists an account's groups in the order they were made, and how
// many match in all. Over a connection it is the user's own list. Codes: 10004
// for a limit above MaxListedJoined, 10007 for another user's list, 10019 for who
// is no account.
func (b *Backend) ListJoined(ctx context.Context, app AppID, by Actor, user UserID, q JoinedQuery) (page []Joined, total int, err error) {
	if by.Client && user == "" {
		user = by.User
	}
	if refusal := by.himself("Member_Account", user); refusal != nil {
		return nil, 0, refusal
	}
	switch {
	case user == "":
		return nil, 0, Fail(api.CodeInvalidParameter, "Member_Account is required")
	case q.Limit < 0 || q.Limit > MaxListedJoined || q.Offset < 0:
		return nil, 0, Fail(api.CodeInvalidParameter, fmt.Sprintf("Limit must be 1 to %d and Offset not negative", MaxListedJoined))
	}
	if ok, err := b.accountExists(ctx, app, user); err != nil {
		return nil, 0, err
	} else if !ok {
		return nil, 0, Fail(api.CodeAccountNotFound)
	}
	groups, err := b.Reader().Joined(ctx, app, user)
	if err != nil {
		return nil, 0, fmt.Errorf("list joined groups: %w", err)
	}
	groups = slices.DeleteFunc(groups, func(m Membership) bool { return !q.wants(&m.Group, user) })
	total = len(groups)
	groups = groups[min(q.Offset, total):]
	if q.Limit == 0 {
		q.Limit = MaxListedJoined
	}
	now := b.Now().Unix()
	for _, m := range groups[:min(q.Limit, len(groups))] {
		j := Joined{Membership: m}
		j.Self = currentMember(m.Self, now)
		if by.Client {
			if j.Unread, err = b.unread(ctx, app, &m.Group, &m.Self); err != nil {
				return nil, 0, err
			}
		}
		page = append(page, j)
	}
	return page, total, nil
}

func (q *JoinedQuery) wants(g *Group, user UserID) bool {
	switch {
	case q.Type != "" && g.Type != q.Type:
		return false
	case g.Type == AVChatRoom:
		return q.Live || q.Type == AVChatRoom
	case g.Type == Private && g.NextMsgSeq <= 1 && g.Owner != user:
		return q.Inactive
	}
	return true
}

// Roles tells the role of each account in a group, in the order given; empty
// for who is no member. Codes: 10005 for more than MaxRoles, 10007 in an
// AVChatRoom and, over a connection, for who is no member himself, and those of a
// missing group.
func (b *Backend) Roles(ctx context.Context, app AppID, by Actor, id GroupID, users []UserID) ([]Role, error) {
	switch {
	case len(users) == 0:
		return nil, Fail(api.CodeInvalidParameter, "User_Account is empty")
	case len(users) > MaxRoles:
		return nil, Fail(api.CodeTooManyAccounts)
	}
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return nil, err
	}
	if g.Type == AVChatRoom {
		return nil, Fail(api.CodePermissionDenied, "group type does not support roles")
	}
	if _, err := b.seen(ctx, app, by, g.Key); err != nil {
		return nil, err
	}
	roles := make([]Role, len(users))
	for i, user := range users {
		s, err := b.Reader().Standing(ctx, app, g.Key, user)
		if err != nil {
			return nil, fmt.Errorf("read role: %w", err)
		}
		if s.Member {
			roles[i] = s.Role
		}
	}
	return roles, nil
}
