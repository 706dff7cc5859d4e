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

// currentMute is the end of a mute without one that is over.
func currentMute(until, now int64) int64 {
	if mutedAt(until, now) {
		return until
	}
	return 0
}

// MuteMembers mutes accounts in a group for seconds from now; 0 unmutes,
// Forever has no end. A new mute replaces the old one. A mute belongs to the
// account and the group: the account need not be a member, and keeps the mute
// when it leaves (but not in a Community). Either all are muted or none. Over a
// connection the owner mutes anybody else, an admin ordinary members. Codes:
// 10005 for more than MaxMuted, 10007 in a Private group and for who may not,
// 10019 for who is no account, and those of a missing group.
func (b *Backend) MuteMembers(ctx context.Context, app AppID, by Actor, id GroupID, users []UserID, seconds uint32) error {
	switch {
	case len(users) == 0:
		return Fail(api.CodeInvalidParameter, "Members_Account is empty")
	case len(users) > MaxMuted:
		return Fail(api.CodeTooManyAccounts)
	}
	now := b.Now()
	until := muteEnd(now.Unix(), seconds)
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if !kinds[g.Type].memberMutes {
			return Fail(api.CodePermissionDenied, "group type does not support muting")
		}
		var self Role
		if err := by.allowed(r, &g, func(role Role) *Refusal { self = role; return mayMute(g.Type, role, "") }); err != nil {
			return err
		}
		n := by.about(NoticeMuted, &g, now)
		n.Until = until
		for _, user := range users {
			if err := mustBeAccount(r, user); err != nil {
				return err
			}
			m, member, err := r.Member(g.Key, user)
			if err != nil {
				return err
			}
			if err := by.may(mayMute(g.Type, self, m.Role)); err != nil {
				return err
			}
			if err := r.PutMute(g.Key, user, until); err != nil {
				return err
			}
			if member && currentMember(m, now.Unix()).MuteUntil != until {
				n.Users = append(n.Users, user)
			}
		}
		if len(n.Users) > 0 {
			tell(r, n)
		}
		return nil
	})
}

// MutedMembers lists who is muted in a group now, over a connection to its owner
// and admins. Codes: 10007 for others, and those of a missing group.
func (b *Backend) MutedMembers(ctx context.Context, app AppID, by Actor, id GroupID) ([]Muted, error) {
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return nil, err
	}
	self, err := b.seen(ctx, app, by, g.Key)
	if err != nil {
		return nil, err
	}
	if err := by.may(mayListMuted(self.Role)); err != nil {
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
	clock := b.Now()
	now := clock.Unix()
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
			until := muteEnd(now, *group)
			if currentMute(a.MuteUntil, now) != until {
				tell(r, Notice{Kind: NoticeMutedOut, Operator: by.User, Time: clock.UnixMilli(), Users: []UserID{user}, Until: until})
			}
			a.MuteUntil = until
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
