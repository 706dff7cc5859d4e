package chat

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// MaxUnread is how far unread messages are counted; more are as many.
const MaxUnread = 999

// unreadReach is among how many of a group's newest numbers they are counted.
const unreadReach = 2000

// Login makes an account of a user who connects, if he is none yet. Who is one
// costs no write. Codes: 70402 for a malformed UserID, 70020 for an app that is
// not there.
func (b *Backend) Login(ctx context.Context, app AppID, user UserID) error {
	spec := AccountSpec{User: user}
	if refusal := spec.check(); refusal != nil {
		return refusal
	}
	if _, ok := b.tenant(app); !ok {
		return Fail(api.CodeAppNotFound)
	}
	// Not kept in memory, which is for those who send.
	if known, err := b.accountExists(ctx, app, user); err != nil || known {
		return err
	}
	now := b.Now().Unix()
	return b.Change(ctx, app, func(r Records) error {
		if _, ok, err := r.Account(user); err != nil || ok { // made meanwhile, perhaps with a profile
			return err
		}
		return r.PutAccount(Account{User: user, CreateTime: now})
	})
}

// HasAccount says whether a user is an account now. The app's admins are.
func (b *Backend) HasAccount(ctx context.Context, app AppID, user UserID) (bool, error) {
	return b.accountExists(ctx, app, user)
}

// Kick ends the connections of an account as they are now; it may come back at
// once. Codes: 70107 for who is no account, 70402 without a UserID.
func (b *Backend) Kick(ctx context.Context, app AppID, by Actor, user UserID) error {
	if user == "" {
		return Fail(api.CodeAccountParameter, "UserID is required")
	}
	now := b.Now().UnixMilli()
	return b.Change(ctx, app, func(r Records) error {
		ok, err := isAccount(r, user)
		if err != nil {
			return err
		}
		if !ok {
			return Fail(api.CodeAccountMissing)
		}
		tell(r, Notice{Kind: NoticeKickedOut, Operator: by.User, Users: []UserID{user}, Time: now})
		return nil
	})
}

// Read notes that the actor has read a group's messages up to a number, and tells
// his other connections to this process. A number not yet given out counts as the
// newest; what was noted never falls. It returns what is noted now. Codes: 10007
// for who is no member, and those of a missing group.
//
// Of two that are noted at once the lower may be told last: who hears of it keeps
// the higher.
func (b *Backend) Read(ctx context.Context, app AppID, by Actor, id GroupID, seq MsgSeq) (MsgSeq, error) {
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return 0, err
	}
	self, err := b.seen(ctx, app, by, g.Key)
	if err != nil {
		return 0, err
	}
	if seq = min(seq, g.NextMsgSeq-1); seq <= self.ReadSeq {
		return self.ReadSeq, nil
	}
	if err := b.MarkRead(ctx, app, g.Key, by.User, seq); err != nil {
		return 0, err
	}
	if b.audience != nil {
		n := by.about(NoticeRead, &g, b.Now())
		n.Users, n.Seqs = []UserID{by.User}, []MsgSeq{seq}
		b.audience.Noticed(app, []Notice{n}, true)
	}
	return seq, nil
}

// unread counts what a member has not read of what he may see.
func (b *Backend) unread(ctx context.Context, app AppID, g *Group, m *Member) (int, error) {
	after := m.ReadSeq
	if m.JoinSeq > 0 {
		after = max(after, m.JoinSeq-1)
	}
	if !kinds[g.Type].unread || g.NextMsgSeq <= after+1 {
		return 0, nil
	}
	if g.NextMsgSeq > unreadReach { // who reads nothing may have said all that there is himself
		after = max(after, g.NextMsgSeq-1-unreadReach)
	}
	n, err := b.Reader().Unread(ctx, app, g.Key, m.User, after, MaxUnread)
	if err != nil {
		return 0, fmt.Errorf("count unread messages: %w", err)
	}
	return n, nil
}

// SelfMutes is what keeps a member from sending to a group.
type SelfMutes struct {
	Member  int64 // mute in the group: unix seconds, 0 not muted, Forever without end
	Account int64 // mute in all groups, likewise
	All     bool  // the whole group is muted, but for owner and admins
}

// SelfMutes tells the actor how he is muted in a group. Codes: 10007 for who is
// no member, and those of a missing group.
func (b *Backend) SelfMutes(ctx context.Context, app AppID, by Actor, id GroupID) (SelfMutes, error) {
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return SelfMutes{}, err
	}
	m, err := b.seen(ctx, app, by, g.Key)
	if err != nil {
		return SelfMutes{}, err
	}
	a, _, err := b.Reader().Account(ctx, app, by.User)
	if err != nil {
		return SelfMutes{}, fmt.Errorf("read account: %w", err)
	}
	now := b.Now().Unix()
	return SelfMutes{Member: currentMute(m.MuteUntil, now), Account: currentMute(a.MuteUntil, now), All: g.MuteAll}, nil
}
