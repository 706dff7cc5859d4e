package chat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
)

// Bounds of a group's profile, in bytes of UTF-8 (document 1047/34895).
const (
	maxGroupName    = 30
	maxIntroduction = 240
	maxNotification = 300
	maxFaceURL      = 100
	maxOwnGroupID   = 48 // of an id the app chose; ids of topics are longer
)

// MaxFirstMembers is the most members a group can be created with.
const MaxFirstMembers = 100

// MaxListedGroups is the most groups one page of [Backend.ListGroups] holds.
const MaxListedGroups = 10_000

// The beginnings of ids that the server makes (document 1047/33529).
const (
	systemGroupID    = "@TGS#"
	communityGroupID = "@TGS#_"
)

// GroupSpec is a group to be made. Empty fields take the default of the type.
type GroupSpec struct {
	ID           GroupID // empty: the server makes one
	Type         GroupType
	Owner        UserID // becomes a member; empty: a group without an owner, over a connection the user himself
	Name         string // required
	Introduction string
	Notification string
	FaceURL      string
	// MaxMembers is at most, and by default, what the type allows. An
	// AVChatRoom has no limit and ignores it.
	MaxMembers      int64
	ApplyJoinOption string
	InviteOption    string
	Members         []MemberSpec // at most MaxFirstMembers; none in an AVChatRoom
}

// MemberSpec is a member to be put into a new group.
type MemberSpec struct {
	User UserID
	Role Role // RoleAdmin, or anything else for an ordinary member
}

// GroupChange is a change of a group's profile; nil fields stay as they are.
type GroupChange struct {
	Operator        UserID // shown as who did it; must be an account when not empty
	Name            *string
	Introduction    *string
	Notification    *string
	FaceURL         *string
	MaxMembers      *int64 // ignored in an AVChatRoom, which has no limit
	ApplyJoinOption *string
	InviteOption    *string
	MuteAll         *bool
}

// CreateGroup makes a group; over a connection its owner is the user himself.
// Codes: 10004 for a field out of range, 10005 for too many first members, 10007
// for what the type does not have and for another owner, 10015 for a malformed
// id, 10019 for an owner or member who is no account, 10021 or, when the caller or
// the wanted owner has it already, 10025 for an id in use, 10037 for an owner or
// member who is in MaxJoined groups, 10038 for too high a limit, 80001 for a word
// of the filter.
func (b *Backend) CreateGroup(ctx context.Context, app AppID, by Actor, spec GroupSpec) (Group, error) {
	if by.Client && spec.Owner == "" {
		spec.Owner = by.User
	}
	if refusal := by.himself("Owner_Account", spec.Owner); refusal != nil {
		return Group{}, refusal
	}
	if refusal := spec.check(); refusal != nil {
		return Group{}, refusal
	}
	if refusal := b.checkGroupTexts(app, spec.Name, spec.Introduction, spec.Notification); refusal != nil {
		return Group{}, refusal
	}
	clock := b.Now()
	now := clock.Unix()
	g := Group{
		ID: spec.ID, Type: spec.Type, Owner: spec.Owner,
		Name: spec.Name, Introduction: spec.Introduction, Notification: spec.Notification, FaceURL: spec.FaceURL,
		MaxMembers: spec.MaxMembers, ApplyJoinOption: spec.ApplyJoinOption, InviteOption: spec.InviteOption,
		CreateTime: now, LastInfoTime: now, InfoSeq: 1, NextMsgSeq: 1,
	}
	kind := kinds[g.Type]
	if g.MaxMembers == 0 || kind.maxMembers == 0 {
		g.MaxMembers = kind.defaultMembers
	}
	if g.ApplyJoinOption == "" || !kind.applyCounts {
		g.ApplyJoinOption = kind.apply
	}
	if g.InviteOption == "" || !kind.inviteCounts {
		g.InviteOption = kind.invite
	}
	err := b.Change(ctx, app, func(r Records) error {
		if err := chooseGroupID(r, &g, by.User); err != nil {
			return err
		}
		members := firstMembers(&g, spec, now)
		for _, m := range members {
			if err := mustBeAccount(r, m.User); err != nil {
				return err
			}
			if n, err := r.CountJoined(m.User); err != nil {
				return err
			} else if n >= MaxJoined {
				return Fail(api.CodeTooManyGroups, fmt.Sprintf("%s is in too many groups", m.User))
			}
		}
		key, err := r.CreateGroup(g)
		if err != nil {
			return err
		}
		g.Key = key
		for _, m := range members {
			if err := r.PutMember(key, m); err != nil {
				return err
			}
		}
		g.Members = int64(len(members))
		if len(members) > 0 {
			n := by.about(NoticeJoined, &g, clock)
			n.Users, n.Invited = usersOf(members), true
			tell(r, n)
		}
		return nil
	})
	return g, err
}

// check finds what is wrong with the spec in itself.
func (s *GroupSpec) check() *Refusal {
	kind, ok := kinds[s.Type]
	if !ok {
		return Fail(api.CodeInvalidParameter, "Type is not a group type")
	}
	if s.ID != "" && !validOwnGroupID(s.ID, s.Type) {
		return Fail(api.CodeInvalidGroupID)
	}
	if refusal := checkProfile(&s.Name, &s.Introduction, &s.Notification, &s.FaceURL); refusal != nil {
		return refusal
	}
	if refusal := checkOptions(s.ApplyJoinOption, s.InviteOption); refusal != nil {
		return refusal
	}
	if refusal := kind.checkMaxMembers(s.MaxMembers); refusal != nil {
		return refusal
	}
	if len(s.Members) > MaxFirstMembers {
		return Fail(api.CodeTooManyAccounts)
	}
	if len(s.Members) > 0 && s.Type == AVChatRoom {
		return Fail(api.CodePermissionDenied, "group type does not take a member list")
	}
	for _, m := range s.Members {
		if m.Role == RoleAdmin && !kind.admins {
			return Fail(api.CodePermissionDenied, "group type has no admins")
		}
	}
	return nil
}

// firstMembers is the owner followed by the others, nobody twice.
func firstMembers(g *Group, spec GroupSpec, now int64) []Member {
	seen := make(map[UserID]bool, len(spec.Members)+1)
	var members []Member
	add := func(user UserID, role Role) {
		if !seen[user] {
			seen[user] = true
			members = append(members, newMember(g, user, role, now))
		}
	}
	if spec.Owner != "" {
		add(spec.Owner, RoleOwner)
	}
	for _, m := range spec.Members {
		role := RoleMember
		if m.Role == RoleAdmin {
			role = RoleAdmin
		}
		add(m.User, role)
	}
	return members
}

// chooseGroupID gives the group an id of the server's making, or refuses the
// chosen one if a living group has it.
func chooseGroupID(r Records, g *Group, caller UserID) error {
	if g.ID == "" {
		for {
			g.ID = makeGroupID(g.Type)
			if _, taken, err := r.Group(g.ID); err != nil || !taken {
				return err
			}
		}
	}
	other, taken, err := r.Group(g.ID)
	if err != nil || !taken {
		return err
	}
	if other.Owner != "" && (other.Owner == caller || other.Owner == g.Owner) {
		return Fail(api.CodeGroupIDOwned)
	}
	return Fail(api.CodeGroupIDInUse)
}

func makeGroupID(t GroupType) GroupID {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	text := make([]byte, 12)
	for i := range text {
		text[i] = letters[rand.IntN(len(letters))]
	}
	id := systemGroupID + string(text)
	if t == Community {
		id = communityGroupID + id
	}
	return GroupID(id)
}

// validOwnGroupID says whether an app may choose this id for such a group.
func validOwnGroupID(id GroupID, t GroupType) bool {
	text := string(id)
	if !printable(text, maxOwnGroupID) {
		return false
	}
	if t == Community {
		own, ok := strings.CutPrefix(text, communityGroupID)
		return ok && own != "" && !strings.HasPrefix(own, systemGroupID)
	}
	return !strings.HasPrefix(text, systemGroupID)
}

// DeleteGroup dissolves a group; its messages cannot be read any more and its
// id is free at once. Over a connection it is the owner's to do, but not in a
// Private group. Codes: 10007 for who may not, and those of a missing group.
func (b *Backend) DeleteGroup(ctx context.Context, app AppID, by Actor, id GroupID) error {
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if err := by.allowed(r, &g, func(role Role) *Refusal { return mayDissolve(g.Type, role) }); err != nil {
			return err
		}
		tell(r, by.about(NoticeDissolved, &g, now))
		return r.DeleteGroup(g.Key)
	})
}

// GetGroup reads a group. Codes: 10004 without an id, 10015 for a malformed
// one, and the app's code for a missing group (10010 unless set otherwise).
func (b *Backend) GetGroup(ctx context.Context, app AppID, id GroupID) (Group, error) {
	a, ok := b.App(app)
	if !ok {
		return Group{}, Fail(api.CodeAppNotFound)
	}
	if refusal := checkGroupID(id); refusal != nil {
		return Group{}, refusal
	}
	g, ok, err := b.Reader().Group(ctx, app, id)
	if err != nil {
		return Group{}, fmt.Errorf("read group: %w", err)
	}
	if !ok {
		return Group{}, checkGroup(nil, &a.Settings)
	}
	return g, nil
}

// ListGroups lists the groups of one type, or of all (""), in the order they
// were made, after the group with the given key; 0 begins. next is 0 at the
// end. total counts all groups of the type. limit 0 is MaxListedGroups, more
// is 10004.
func (b *Backend) ListGroups(ctx context.Context, app AppID, t GroupType, after GroupKey, limit int) (page []Group, total int64, next GroupKey, err error) {
	if limit < 0 || limit > MaxListedGroups {
		return nil, 0, 0, Fail(api.CodeInvalidParameter, fmt.Sprintf("Limit must be 1 to %d", MaxListedGroups))
	}
	if limit == 0 {
		limit = MaxListedGroups
	}
	page, total, err = b.Reader().Groups(ctx, app, t, after, limit+1)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("list groups: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Key
	}
	return page, total, next, nil
}

// UpdateGroup changes a group's profile. Codes: 10004 for a field out of range,
// 10007 for who may not change it, over a connection, or names another operator
// than himself, 10019 for an operator who is no account, 10038 for too high a
// limit, 80001 for a word of the filter, and those of a missing group.
func (b *Backend) UpdateGroup(ctx context.Context, app AppID, by Actor, id GroupID, c GroupChange) error {
	if refusal := checkProfile(c.Name, c.Introduction, c.Notification, c.FaceURL); refusal != nil {
		return refusal
	}
	if refusal := checkOptions(value(c.ApplyJoinOption), value(c.InviteOption)); refusal != nil {
		return refusal
	}
	if refusal := b.checkGroupTexts(app, value(c.Name), value(c.Introduction), value(c.Notification)); refusal != nil {
		return refusal
	}
	if c.Operator != "" {
		if refusal := by.himself("From_Account", c.Operator); refusal != nil {
			return refusal
		}
	}
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if err := by.allowed(r, &g, func(role Role) *Refusal { return mayEditGroup(g.Type, role, &c) }); err != nil {
			return err
		}
		if c.Operator != "" {
			if err := mustBeAccount(r, c.Operator); err != nil {
				return err
			}
		}
		before := g
		if refusal := c.apply(&g); refusal != nil {
			return refusal
		}
		if g == before {
			return nil
		}
		n := by.about(NoticeProfile, &g, now)
		n.Changed = changedOf(&before, &g)
		if c.Operator != "" {
			n.Operator = c.Operator
		}
		tell(r, n)
		g.InfoSeq++
		g.LastInfoTime = now.Unix()
		return r.UpdateGroup(g)
	})
}

// changedOf is what a change made of a profile, and nothing else.
func changedOf(before, after *Group) *GroupChange {
	return &GroupChange{
		Name:            changed(before.Name, after.Name),
		Introduction:    changed(before.Introduction, after.Introduction),
		Notification:    changed(before.Notification, after.Notification),
		FaceURL:         changed(before.FaceURL, after.FaceURL),
		MaxMembers:      changed(before.MaxMembers, after.MaxMembers),
		ApplyJoinOption: changed(before.ApplyJoinOption, after.ApplyJoinOption),
		InviteOption:    changed(before.InviteOption, after.InviteOption),
		MuteAll:         changed(before.MuteAll, after.MuteAll),
	}
}

// changed is the new value if it is another one.
func changed[T comparable](before, after T) *T {
	if before == after {
		return nil
	}
	return &after
}

func (c *GroupChange) apply(g *Group) *Refusal {
	kind := kinds[g.Type]
	set(&g.Name, c.Name)
	set(&g.Introduction, c.Introduction)
	set(&g.Notification, c.Notification)
	set(&g.FaceURL, c.FaceURL)
	set(&g.MuteAll, c.MuteAll)
	if kind.applyCounts && value(c.ApplyJoinOption) != "" {
		set(&g.ApplyJoinOption, c.ApplyJoinOption)
	}
	if kind.inviteCounts && value(c.InviteOption) != "" {
		set(&g.InviteOption, c.InviteOption)
	}
	if c.MaxMembers != nil && *c.MaxMembers != 0 && kind.maxMembers != 0 {
		if refusal := kind.checkMaxMembers(*c.MaxMembers); refusal != nil {
			return refusal
		}
		g.MaxMembers = *c.MaxMembers
	}
	return nil
}

// ChangeOwner makes another member the owner; the former owner becomes an
// ordinary member. Codes: 10007 in an AVChatRoom, for who is not the owner, over
// a connection, or when the new owner is no member, 10019 when he is no account,
// and those of a missing group.
func (b *Backend) ChangeOwner(ctx context.Context, app AppID, by Actor, id GroupID, user UserID) error {
	if user == "" {
		return Fail(api.CodeInvalidParameter, "NewOwner_Account is required")
	}
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if g.Type == AVChatRoom {
			return Fail(api.CodePermissionDenied, "group type does not support a change of owner")
		}
		if err := by.allowed(r, &g, mayHandOver); err != nil {
			return err
		}
		if err := mustBeAccount(r, user); err != nil {
			return err
		}
		m, ok, err := r.Member(g.Key, user)
		if err != nil {
			return err
		}
		if !ok {
			return Fail(api.CodePermissionDenied, "new owner is not a group member")
		}
		if g.Owner == user {
			return nil
		}
		former, ok, err := r.Member(g.Key, g.Owner)
		if err != nil {
			return err
		}
		if ok {
			former.Role = RoleMember
			if err := r.PutMember(g.Key, former); err != nil {
				return err
			}
		}
		m.Role = RoleOwner
		if err := r.PutMember(g.Key, m); err != nil {
			return err
		}
		return passOn(r, by, g, user, now)
	})
}

// passOn gives the group another owner; empty leaves it without one.
func passOn(r Records, by Actor, g Group, to UserID, now time.Time) error {
	n := by.about(NoticeOwner, &g, now)
	n.Users = []UserID{g.Owner, to}
	tell(r, n)
	g.Owner = to
	g.InfoSeq++
	g.LastInfoTime = now.Unix()
	return r.UpdateGroup(g)
}
