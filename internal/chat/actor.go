package chat

import (
	"context"
	"fmt"
	"time"
)

// Actor is who asks for something: an app admin, who may do everything, or a
// user by his own connection, whose role in the group decides.
type Actor struct {
	User   UserID
	Client bool
}

// Admin is an admin of the app. It may be nobody in particular.
func Admin(user UserID) Actor { return Actor{User: user} }

// Client is a user by his own connection.
func Client(user UserID) Actor { return Actor{User: user, Client: true} }

// allowed asks a right of the actor within a change, so that a role that was
// taken away before gives none. An app admin is not asked.
func (by Actor) allowed(r Records, g *Group, right func(Role) *Refusal) error {
	if !by.Client {
		return nil
	}
	m, ok, err := r.Member(g.Key, by.User)
	if err != nil {
		return err
	}
	if !ok {
		return notMember()
	}
	return by.may(right(m.Role))
}

// may is the refusal of a right as an error. An app admin is not refused.
func (by Actor) may(refusal *Refusal) error {
	if !by.Client || refusal == nil {
		return nil
	}
	return refusal
}

// himself refuses a user who asks in the name of another one, in a field of a
// request that is absent or himself. An app admin names whom he wants.
func (by Actor) himself(field string, user UserID) *Refusal {
	if by.Client && user != by.User {
		return denied(field + " must be the connection's user")
	}
	return nil
}

// seen reads the actor's membership of a group that he asks about: without one
// he is told nothing of it. An app admin sees all; his is empty.
func (b *Backend) seen(ctx context.Context, app AppID, by Actor, g GroupKey) (Member, error) {
	if !by.Client {
		return Member{}, nil
	}
	m, ok, err := b.Reader().Member(ctx, app, g, by.User)
	if err != nil {
		return m, fmt.Errorf("read membership: %w", err)
	}
	if !ok {
		return m, notMember()
	}
	return m, nil
}

// about begins what is told of a group: who did it, where and when.
func (by Actor) about(kind NoticeKind, g *Group, now time.Time) Notice {
	return Notice{Kind: kind, Key: g.Key, Group: g.ID, Operator: by.User, Time: now.UnixMilli(), Next: g.NextMsgSeq}
}
