package chat

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// MaxMuted is the most accounts one call of [Backend.MuteMembers] takes.
const MaxMuted = 500

// muteEnd is the end of a mute that lasts seconds from now: 0 for none, Forever
// for one without an end or with one that the protocol's number cannot hold.
func muteEnd(now int64, seconds uint32) int64 {
	if seconds == 0 {
		return 0
	}
	if seconds == Forever {
		return Forever
	}
	return min(now+int64(seconds), Forever)
}

// muteLeft is the seconds until a mute ends: 0 for none, Forever for one
// without an end.
func muteLeft(until, now int64) int64 {
	switch {
	case !mutedAt(until, now):
		return 0
	case until == Forever:
		return Forever
	}
	return until - now
}

// MuteMembers mutes accounts in a group for seconds from now; 0 unmutes,
// Forever has no end. A new mute replaces the old one. A mute belongs to the
// account and the group: the account need not be a member, and keeps the mute
// when it leaves (but not in a Community). Either all are muted or none. Codes:
// 10005 for more than MaxMuted, 10007 in a Private group, 10019 for who is no
// account, and those of a missing group.
func (b *Backend) MuteMembers(ctx context.Context, app AppID, by Actor, id GroupID, users []UserID, seconds uint32) error {
	switch {
	case len(users) == 0:
		return Fail(api.CodeInvalidParameter, "Members_Account is empty")
	case len(users) > MaxMuted:
		return Fail(api.CodeTooManyAccounts)
	}
	until := muteEnd(b.Now().Unix(), seconds)
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if !kinds[g.Type].memberMutes {
			return Fail(api.CodePermissionDenied, "group type does not support muting")
		}
		for _, user := range users {
			if err := mustBeAccount(r, user); err != nil {
				return err
			}
			if err := r.PutMute(g.Key, user, until); err != nil {
				return err
			}
		}
		return nil
	})
}

// MutedMembers lists who is muted in a group now. Codes: those of a missing
// group.
func (b *Backend) MutedMembers(ctx context.Context, app AppID, by Actor, id GroupID) ([]Muted, error) {
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return nil, err
	}
	muted, err := b.Reader().Muted(ctx, app, g.Key, b.Now().Unix())
	if err != nil {
		return nil, fmt.Errorf("list muted accounts: %w", err)
	}
	return muted, nil
}

// MuteAccount mutes an account everywhere, for messages to groups and to other
// accounts, each for seconds from now; 0 unmutes, Forever has no end, nil keeps
// what is. Codes: 130004 without an account, 130005 for who is none, 130008
// when both times are nil.
func (b *Backend) MuteAccount(ctx context.Context, app AppID, by Actor, user UserID, group, c2c *uint32) error {
	switch {
	case user == "":
		return Fail(api.CodeMuteSetMissing)
	case group == nil && c2c == nil:
		return Fail(api.CodeMuteTimesMissing)
	}
	now := b.Now().Unix()
	return b.Change(ctx, app, func(r Records) error {
		ok, err := isAccount(r, user)
		if err != nil {
			return err
		}
		if !ok {
			return Fail(api.CodeMuteSetInvalid)
		}
		a, ok, err := r.Account(user)
		if err != nil {
			return err
		}
		if !ok { // an admin who was never imported
			a = Account{User: user, CreateTime: now}
		}
		if group != nil {
			a.MuteUntil = muteEnd(now, *group)
		}
		if c2c != nil {
			a.C2CMute = muteEnd(now, *c2c)
		}
		return r.PutAccount(a)
	})
}

// AccountMutes tells how many seconds an account is still muted, for messages
// to groups and to other accounts: 0 for not, Forever for without an end.
// Codes: 130002 without an account, 130003 for who is none.
func (b *Backend) AccountMutes(ctx context.Context, app AppID, user UserID) (group, c2c int64, err error) {
	if user == "" {
		return 0, 0, Fail(api.CodeMuteGetMissing)
	}
	if ok, err := b.accountExists(ctx, app, user); err != nil {
		return 0, 0, err
	} else if !ok {
		return 0, 0, Fail(api.CodeMuteGetInvalid)
	}
	a, _, err := b.Reader().Account(ctx, app, user)
	if err != nil {
		return 0, 0, fmt.Errorf("read account: %w", err)
	}
	now := b.Now().Unix()
	return muteLeft(a.MuteUntil, now), muteLeft(a.C2CMute, now), nil
}
