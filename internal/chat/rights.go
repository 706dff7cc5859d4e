package chat

import "github.com/parley-im/parley/api"

// What a user may do in a group by his own connection: pure functions of the
// group's type and of roles. nil is that he may; the refusal says who may
// instead. A role that is empty is that of who is no member. An app admin's call
// over REST is not asked here. (Document 1047/33529; where it leaves something
// open, docs/decisions.md.)

func denied(why string) *Refusal { return Fail(api.CodePermissionDenied, why) }

func notMember() *Refusal { return denied("only members of the group may do this") }

// manages says whether a role is one of those that look after a group.
func manages(r Role) bool { return r == RoleOwner || r == RoleAdmin }

// outranks says whether one member has power over another: the owner over all,
// an admin over ordinary members and those who left. Nobody has it over himself.
func outranks(r, target Role) bool {
	switch r {
	case RoleOwner:
		return target != RoleOwner
	case RoleAdmin:
		return !manages(target)
	}
	return false
}

func mayDissolve(t GroupType, r Role) *Refusal {
	switch {
	case t == Private:
		return denied("a group of this type is dissolved by an admin of the app")
	case r != RoleOwner:
		return denied("only the owner may dissolve the group")
	}
	return nil
}

// mayApply says whether one who is no member may ask to be let in, and whether
// he is let in at once.
func mayApply(t GroupType, option string) (atOnce bool, refusal *Refusal) {
	switch {
	case t == Private:
		return false, denied("nobody can apply to join a group of this type")
	case t == AVChatRoom, option == freeAccess:
		return true, nil
	case option == needPermission:
		return false, nil
	}
	return false, denied("the group takes no applications to join")
}

// mayJudge is about the applications of others.
func mayJudge(r Role) *Refusal {
	if !manages(r) {
		return denied("only owner and admins see to applications to join")
	}
	return nil
}

func mayQuit(t GroupType, r Role) *Refusal {
	switch {
	case r == "":
		return notMember()
	case r == RoleOwner && t != Private:
		return Fail(api.CodeOwnerMayNotQuit)
	}
	return nil
}

// mayInvite goes by the group's InviteJoinOption, which the type fills when the
// app does not.
func mayInvite(t GroupType, option string, r Role) *Refusal {
	switch {
	case r == "":
		return notMember()
	case t != AVChatRoom && option == freeAccess:
		return nil
	case t != AVChatRoom && option == needPermission:
		if !manages(r) {
			return denied("only owner and admins may invite to the group")
		}
		return nil
	}
	return denied("nobody can be invited to the group")
}

func mayKick(t GroupType, r, target Role) *Refusal {
	switch {
	case t == AVChatRoom:
		return denied("nobody can be removed from a group of this type")
	case !outranks(r, target):
		return denied("only the owner may remove any member, an admin ordinary ones")
	}
	return nil
}

func mayMute(t GroupType, r, target Role) *Refusal {
	switch {
	case !kinds[t].memberMutes:
		return denied("group type does not support muting")
	case !outranks(r, target):
		return denied("only the owner may mute any member, an admin ordinary ones")
	}
	return nil
}

func mayListMuted(r Role) *Refusal {
	if !manages(r) {
		return denied("only owner and admins see who is muted")
	}
	return nil
}

func mayHandOver(r Role) *Refusal {
	if r != RoleOwner {
		return denied("only the owner may hand over the group")
	}
	return nil
}

// mayEditGroup looks at each part of a change: texts and face, the mute of all,
// and the rest, which is options and limits.
func mayEditGroup(t GroupType, r Role, c *GroupChange) *Refusal {
	if r == "" {
		return notMember()
	}
	texts := c.Name != nil || c.Introduction != nil || c.Notification != nil || c.FaceURL != nil
	rest := value(c.MaxMembers) != 0 || value(c.ApplyJoinOption) != "" || value(c.InviteOption) != ""
	if t == Private {
		if rest || c.MuteAll != nil {
			return denied("members of a group of this type may change name, introduction, notification and face only")
		}
		return nil
	}
	if c.MuteAll != nil && !manages(r) {
		return denied("only owner and admins may mute the whole group")
	}
	if !texts && !rest {
		return nil
	}
	if t == ChatRoom || t == AVChatRoom {
		if r != RoleOwner {
			return denied("only the owner may change the group's profile")
		}
		return nil
	}
	if !manages(r) {
		return denied("only owner and admins may change the group's profile")
	}
	return nil
}

// mayEditMember looks at each part of a change of a membership; self says that
// it is one's own.
func mayEditMember(t GroupType, r, target Role, self bool, c *MemberChange) *Refusal {
	switch {
	case r == "":
		return notMember()
	case value(c.Role) != "" && r != RoleOwner:
		return denied("only the owner may change roles")
	case value(c.MsgFlag) != "" && !self:
		return denied("MsgFlag is each member's own")
	case c.NameCard != nil && !self && !outranks(r, target):
		return denied("only the owner may change any member's name card, an admin those of ordinary ones")
	case c.MuteTime != nil:
		return mayMute(t, r, target)
	}
	return nil
}

// mayRecall decides who may take a message back, whatever its age; self says
// that it is one's own.
func mayRecall(r, sender Role, self bool) *Refusal {
	switch {
	case r == "":
		return notMember()
	case !self && !outranks(r, sender):
		return Fail(api.CodeRecallDenied)
	}
	return nil
}
