package chat

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/api"
)

// Bounds of applications to join a group.
const (
	MaxApplications    = 100  // that wait for one group
	MaxApplicationsAll = 1000 // that one answer lists, of all groups of a user

	maxApplyText = 300 // bytes of UTF-8, of an application and of the words it is answered with
)

// Apply asks for the actor to be let into a group, with some words. Whether he is
// a member at once (joined) or waits for the owner or an admin is up to the type
// and to ApplyJoinOption. Who asks again while he waits replaces his words.
// Codes: 10004 for too long a text, 10006 when too many wait, 10007 where nobody
// can apply, 10013 for a member, 10014 for a full group, 10019 for who is no
// account, 10037 for who is in MaxJoined groups, and those of a missing group.
func (b *Backend) Apply(ctx context.Context, app AppID, by Actor, id GroupID, text string) (joined bool, err error) {
	if len(text) > maxApplyText {
		return false, Fail(api.CodeInvalidParameter, "ApplyMsg is too long")
	}
	now := b.Now()
	err = b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if err := mustBeAccount(r, by.User); err != nil {
			return err
		}
		if _, member, err := r.Member(g.Key, by.User); err != nil {
			return err
		} else if member {
			return Fail(api.CodeAlreadyMember)
		}
		atOnce, refusal := mayApply(g.Type, g.ApplyJoinOption)
		if refusal == nil {
			if refusal, err = hasRoom(r, &g, by.User); err != nil {
				return err
			}
		}
		switch {
		case refusal != nil:
			return refusal
		case !atOnce:
			n := by.about(NoticeApplied, &g, now)
			n.Users, n.Text = []UserID{by.User}, text
			return apply(r, n)
		}
		joined = true
		n := by.about(NoticeJoined, &g, now)
		n.Users = []UserID{by.User}
		tell(r, n)
		return letIn(r, &g, by.User, now.Unix())
	})
	return joined, err
}

// apply keeps an application and tells of it. One that says nothing new changes
// nothing.
func apply(r Records, n Notice) error {
	user := n.Users[0]
	before, waits, err := r.Application(n.Key, user)
	if err != nil || waits && before.Text == n.Text {
		return err
	}
	at := n.Time / 1000
	if waits && at-before.Time < tellAgain { // other words, and nobody is told again
		return r.PutApplication(Application{Group: n.Key, User: user, Text: n.Text, Time: before.Time})
	}
	if !waits {
		count, err := r.CountApplications(n.Key)
		if err != nil {
			return err
		}
		if count >= MaxApplications {
			return Fail(api.CodeOperationTooOften, "too many applications to join wait for the group")
		}
	}
	tell(r, n)
	return r.PutApplication(Application{Group: n.Key, User: user, Text: n.Text, Time: at})
}

// tellAgain is how long owner and admins are not told of other words of one who
// waits already, in seconds.
const tellAgain = 60

// letIn makes a user a member, who waits no longer then.
func letIn(r Records, g *Group, user UserID, now int64) error {
	g.Members++
	if err := r.PutMember(g.Key, newMember(g, user, RoleMember, now)); err != nil || !kinds[g.Type].applyCounts {
		return err
	}
	return r.DeleteApplication(g.Key, user)
}

// HandleApplication ends the application of a user: agreed, he is a member. Over
// a connection owner and admins may. Codes: 10004 for too long a text, 10007 for
// who may not, 10014 for a group that is full by now and 10037 for a user who is
// in MaxJoined groups by now (the application stays), 10024 for a user who does not
// wait (any more), and those of a missing group.
func (b *Backend) HandleApplication(ctx context.Context, app AppID, by Actor, id GroupID, user UserID, agreed bool, text string) error {
	switch {
	case user == "":
		return Fail(api.CodeInvalidParameter, "Applicant_Account is required")
	case len(text) > maxApplyText:
		return Fail(api.CodeInvalidParameter, "ApprovalMsg is too long")
	}
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if err := by.allowed(r, &g, mayJudge); err != nil {
			return err
		}
		_, waits, err := r.Application(g.Key, user)
		switch {
		case err != nil:
			return err
		case !waits:
			return Fail(api.CodeAlreadyProcessed)
		}
		if agreed {
			if refusal, err := hasRoom(r, &g, user); err != nil {
				return err
			} else if refusal != nil {
				return refusal
			}
		}
		n := by.about(NoticeHandled, &g, now)
		n.Users, n.Agreed, n.Text = []UserID{user}, agreed, text
		tell(r, n)
		if !agreed {
			return r.DeleteApplication(g.Key, user)
		}
		n = by.about(NoticeJoined, &g, now)
		n.Users = []UserID{user}
		tell(r, n)
		return letIn(r, &g, user, now.Unix())
	})
}

// Waiting is an application with the group that it is for.
type Waiting struct {
	Group GroupID
	Application
}

// Applications lists who waits to be let into a group, oldest first; without an
// id into any group that the actor looks after, group by group in the order they
// were made, at most MaxApplicationsAll. Codes: 10007 for who does not look after
// the group, and those of a missing group.
func (b *Backend) Applications(ctx context.Context, app AppID, by Actor, id GroupID) ([]Waiting, error) {
	if id == "" && by.Client {
		return b.allApplications(ctx, app, by)
	}
	g, err := b.GetGroup(ctx, app, id)
	if err != nil {
		return nil, err
	}
	self, err := b.seen(ctx, app, by, g.Key)
	if err != nil {
		return nil, err
	}
	if err := by.may(mayJudge(self.Role)); err != nil {
		return nil, err
	}
	return b.applications(ctx, app, &g)
}

func (b *Backend) applications(ctx context.Context, app AppID, g *Group) ([]Waiting, error) {
	stored, err := b.Reader().Applications(ctx, app, g.Key, MaxApplications)
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	list := make([]Waiting, len(stored))
	for i, a := range stored {
		list[i] = Waiting{g.ID, a}
	}
	return list, nil
}

func (b *Backend) allApplications(ctx context.Context, app AppID, by Actor) ([]Waiting, error) {
	groups, err := b.Reader().Joined(ctx, app, by.User)
	if err != nil {
		return nil, fmt.Errorf("list joined groups: %w", err)
	}
	var all []Waiting
	for i := range groups {
		g := &groups[i].Group
		if !kinds[g.Type].applyCounts || mayJudge(groups[i].Self.Role) != nil {
			continue
		}
		list, err := b.applications(ctx, app, g)
		if err != nil {
			return nil, err
		}
		if all = append(all, list...); len(all) >= MaxApplicationsAll {
			return all[:MaxApplicationsAll], nil
		}
	}
	return all, nil
}

// Quit takes the actor out of a group. The owner may go from a Private group
// alone, and leaves it without an owner. Codes: 10007 for who is no member, 10009
// for the owner, and those of a missing group.
func (b *Backend) Quit(ctx context.Context, app AppID, by Actor, id GroupID) error {
	now := b.Now()
	return b.Change(ctx, app, func(r Records) error {
		g, err := existingGroup(r, id)
		if err != nil {
			return err
		}
		if err := by.allowed(r, &g, func(role Role) *Refusal { return mayQuit(g.Type, role) }); err != nil {
			return err
		}
		if g.Owner == by.User {
			if err := passOn(r, by, g, "", now); err != nil {
				return err
			}
		}
		n := by.about(NoticeLeft, &g, now)
		n.Users = []UserID{by.User}
		tell(r, n)
		return takeOut(r, &g, by.User)
	})
}
