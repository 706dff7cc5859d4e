package chat

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// The words of the join options (document 1047/34895).
const (
	freeAccess     = "FreeAccess"
	needPermission = "NeedPermission"
	disableApply   = "DisableApply"
	disableInvite  = "DisableInvite"
)

// groupKind is what sets the groups of one type apart (document 1047/33529).
type groupKind struct {
	admins         bool  // members can be made admins
	memberMutes    bool  // single members can be muted
	maxMembers     int64 // highest limit an app may set; 0: there is none, and none to set
	defaultMembers int64
	apply, invite  string // the defaults of the join options
	applyCounts    bool   // the app may set ApplyJoinOption
	inviteCounts   bool   // the app may set InviteJoinOption
	seesBefore     bool   // a member may see what was said before he joined
	unread         bool   // unread messages are counted
}

var kinds = map[GroupType]groupKind{
	Private: {
		maxMembers: 6000, defaultMembers: 6000,
		apply: disableApply, invite: freeAccess, inviteCounts: true, unread: true,
	},
	Public: {
		admins: true, memberMutes: true, maxMembers: 6000, defaultMembers: 6000,
		apply: needPermission, invite: disableInvite, applyCounts: true, inviteCounts: true, unread: true,
	},
	ChatRoom: {
		admins: true, memberMutes: true, maxMembers: 6000, defaultMembers: 6000,
		apply: freeAccess, invite: disableInvite, applyCounts: true, inviteCounts: true, seesBefore: true,
	},
	AVChatRoom: {
		memberMutes: true,
		apply:       freeAccess, invite: disableInvite, seesBefore: true, // there is no history; what it shows of the last minutes is for all
	},
	Community: {
		admins: true, memberMutes: true, maxMembers: 1_000_000, defaultMembers: 100_000,
		apply: freeAccess, invite: freeAccess, applyCounts: true, inviteCounts: true, unread: true,
	},
}

func (k groupKind) checkMaxMembers(n int64) *Refusal {
	switch {
	case n < 0:
		return Fail(api.CodeInvalidParameter, "member limit is negative")
	case k.maxMembers != 0 && n > k.maxMembers:
		return Fail(api.CodeMemberLimit)
	}
	return nil
}

// checkProfile looks at the texts of a profile; nil is one that is not given.
func checkProfile(name, introduction, notification, faceURL *string) *Refusal {
	switch {
	case name != nil && *name == "":
		return Fail(api.CodeInvalidParameter, "Name is required")
	case len(value(name)) > maxGroupName:
		return Fail(api.CodeInvalidParameter, api.InfoGroupNameTooLong)
	case len(value(introduction)) > maxIntroduction:
		return Fail(api.CodeInvalidParameter, api.InfoIntroductionTooLong)
	case len(value(notification)) > maxNotification:
		return Fail(api.CodeInvalidParameter, "notification is too long")
	case len(value(faceURL)) > maxFaceURL:
		return Fail(api.CodeInvalidParameter, "face url is too long")
	}
	return nil
}

func checkOptions(apply, invite string) *Refusal {
	switch apply {
	case "", freeAccess, needPermission, disableApply:
	default:
		return Fail(api.CodeInvalidParameter, "ApplyJoinOption is invalid")
	}
	switch invite {
	case "", freeAccess, needPermission, disableInvite:
	default:
		return Fail(api.CodeInvalidParameter, "InviteJoinOption is invalid")
	}
	return nil
}

// checkGroupTexts refuses a profile with a word of the app's filter.
func (b *Backend) checkGroupTexts(app AppID, texts ...string) *Refusal {
	a, ok := b.tenant(app)
	if !ok {
		return Fail(api.CodeAppNotFound)
	}
	if word, hit := a.words.Load().Find(texts); hit {
		return Fail(api.CodeSensitiveText, api.InfoDirtyGroupInfo+word)
	}
	return nil
}

func checkGroupID(id GroupID) *Refusal {
	switch {
	case id == "":
		return Fail(api.CodeInvalidParameter, "GroupId is required")
	case !printable(string(id), maxGroupID):
		return Fail(api.CodeInvalidGroupID)
	}
	return nil
}

// existingGroup reads a group within a change, or refuses.
func existingGroup(r Records, id GroupID) (Group, error) {
	if refusal := checkGroupID(id); refusal != nil {
		return Group{}, refusal
	}
	g, ok, err := r.Group(id)
	if err != nil || ok {
		return g, err
	}
	a, _, err := r.App()
	if err != nil {
		return Group{}, err
	}
	return Group{}, checkGroup(nil, &a.Settings)
}

// isAccount says whether user is an account of the app. The app's admins are,
// imported or not.
func isAccount(r Records, user UserID) (bool, error) {
	if _, ok, err := r.Account(user); ok || err != nil {
		return ok, err
	}
	a, _, err := r.App()
	return err == nil && a.IsAdmin(user), err
}

func mustBeAccount(r Records, user UserID) error {
	ok, err := isAccount(r, user)
	if err == nil && !ok {
		return Fail(api.CodeAccountNotFound)
	}
	return err
}

// accountExists is isAccount outside of a change.
func (b *Backend) accountExists(ctx context.Context, app AppID, user UserID) (bool, error) {
	if a, ok := b.App(app); ok && a.IsAdmin(user) {
		return true, nil
	}
	_, ok, err := b.Reader().Account(ctx, app, user)
	if err != nil {
		return false, fmt.Errorf("read account: %w", err)
	}
	return ok, nil
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func set[T any](field, p *T) {
	if p != nil {
		*field = *p
	}
}
