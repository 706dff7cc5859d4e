package command

import (
	"context"
	"slices"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

func (s *Commands) addMembers(ctx context.Context, c Call, r *api.AddGroupMemberRequest) (a api.AddGroupMemberResponse, err error) {
	users := make([]chat.UserID, len(r.MemberList))
	for i, m := range r.MemberList {
		users[i] = chat.UserID(m.Member_Account)
	}
	results, err := s.backend.AddMembers(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), users)
	a.Answer, a.MemberList = done, make([]api.AddMemberResult, len(results))
	for i, result := range results {
		a.MemberList[i] = api.AddMemberResult{Member_Account: string(users[i]), Result: int(result)}
	}
	return a, err
}

func (s *Commands) deleteMembers(ctx context.Context, c Call, r *api.DeleteGroupMemberRequest) (a api.DeleteGroupMemberResponse, err error) {
	a.Answer = done
	return a, s.backend.DeleteMembers(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), userIDs(r.MemberToDel_Account))
}

func (s *Commands) listMembers(ctx context.Context, c Call, r *api.GetGroupMemberInfoRequest) (a api.GetGroupMemberInfoResponse, err error) {
	var roles []chat.Role
	for _, word := range r.MemberRoleFilter {
		switch word {
		case api.RoleOwner, api.RoleAdmin, api.RoleMember:
			if role := chat.Role(word); !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		default:
			return a, chat.Fail(api.CodeInvalidParameter, "MemberRoleFilter has a word that is no role")
		}
	}
	g, members, err := s.backend.ListMembers(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), roles, bounded(&r.Offset), bounded(r.Limit))
	a.Answer, a.MemberNum = done, g.Members
	a.MemberList = memberInfos(c.ownAlone(members), r.MemberInfoFilter)
	return a, err
}

// ownAlone leaves of other members, to who calls by his connection, what is not
// his to know: how far they have read, and what they want to be told of.
func (c Call) ownAlone(members []chat.Member) []chat.Member {
	if !c.By.Client {
		return members
	}
	for i := range members {
		if members[i].User != c.By.User {
			members[i].ReadSeq, members[i].MsgFlag = 0, ""
		}
	}
	return members
}

// memberInfos shows members with both names of what was renamed; a filter that
// is empty keeps every field.
func memberInfos(members []chat.Member, filter []string) []api.MemberInfo {
	if len(filter) == 0 {
		filter = nil
	}
	infos := make([]api.MemberInfo, len(members))
	for i, m := range members {
		infos[i] = api.MemberInfo{
			Member_Account: string(m.User), Role: string(m.Role), JoinTime: m.JoinTime,
			MsgSeq: uint64(m.ReadSeq), MsgFlag: m.MsgFlag, LastSendMsgTime: m.LastMsgTime, NameCard: m.NameCard,
			MuteUntil: m.MuteUntil, ShutUpUntil: m.MuteUntil,
			AppMemberDefinedData: []api.KeyValue{}, Only: filter,
		}
	}
	return infos
}

func (s *Commands) updateMember(ctx context.Context, c Call, r *api.ModifyGroupMemberInfoRequest) (a api.ModifyGroupMemberInfoResponse, err error) {
	if len(r.AppMemberDefinedData) > 0 {
		return a, chat.Fail(api.CodeInvalidParameter, api.InfoUndefinedKey)
	}
	change := chat.MemberChange{MsgFlag: r.MsgFlag, NameCard: r.NameCard}
	if r.Role != nil {
		role := chat.Role(*r.Role)
		change.Role = &role
	}
	if seconds, given := r.Seconds(); given {
		change.MuteTime = &seconds
	}
	a.Answer = done
	return a, s.backend.UpdateMember(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), chat.UserID(r.Member_Account), change)
}

func (s *Commands) listJoined(ctx context.Context, c Call, r *api.GetJoinedGroupListRequest) (a api.GetJoinedGroupListResponse, err error) {
	kind, refusal := typeFilter(r.Kind())
	if refusal != nil {
		return a, refusal
	}
	page, total, err := s.backend.ListJoined(ctx, c.App.ID, c.By, chat.UserID(r.Member_Account), chat.JoinedQuery{
		Type: kind, Live: r.WithHugeGroups == 1, Inactive: r.WithNoActiveGroups == 1,
		Offset: bounded(&r.Offset), Limit: bounded(r.Limit),
	})
	a.Answer, a.TotalCount = done, int64(total)
	a.GroupIdList = make([]api.JoinedGroup, len(page))
	for i, joined := range page {
		a.GroupIdList[i] = joinedGroup(c, joined, r.ResponseFilter)
	}
	if err == nil && c.By.Client {
		a.GroupIdList = fitting(a.GroupIdList, c.room())
	}
	return a, err
}

// envelopeRoom is what an answer has beside its list, with a margin.
const envelopeRoom = 4096

// fitting is the groups that an answer has room for, at least one. Who may be
// put into groups by others must be able to read his list; he asks on from where
// it ends.
func fitting(groups []api.JoinedGroup, room int) []api.JoinedGroup {
	size := envelopeRoom
	for i := range groups {
		text, err := Encode(&groups[i])
		if err != nil {
			panic(err) // shapes of package api alone are written here
		}
		if size += len(text) + 1; size > room && i > 0 {
			return groups[:i]
		}
	}
	return groups
}

// joinedGroup shows a group and the account's part in it. Each of the filters
// that is absent asks for everything.
func joinedGroup(c Call, j chat.Joined, filter *api.JoinedFilter) api.JoinedGroup {
	shown := api.JoinedGroup{
		GroupProfile: profile(c.App, j.Group),
		SelfInfo: &api.SelfInfo{
			Role: string(j.Self.Role), JoinTime: j.Self.JoinTime, MsgFlag: j.Self.MsgFlag, MsgSeq: uint64(j.Self.ReadSeq),
		},
	}
	if c.By.Client {
		join, unread := uint64(j.Self.JoinSeq), int64(j.Unread)
		shown.SelfInfo.JoinSeq, shown.SelfInfo.UnreadMsgNum, shown.SelfInfo.MuteUntil = &join, &unread, &j.Self.MuteUntil
	}
	if filter != nil && len(filter.GroupBaseInfoFilter) > 0 {
		shown.Only = filter.GroupBaseInfoFilter
	}
	if filter != nil && len(filter.SelfInfoFilter) > 0 {
		shown.SelfInfo.Only = filter.SelfInfoFilter
	}
	return shown
}

func (s *Commands) getRoles(ctx context.Context, c Call, r *api.GetRoleInGroupRequest) (a api.GetRoleInGroupResponse, err error) {
	roles, err := s.backend.Roles(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), userIDs(r.User_Account))
	a.Answer, a.UserIdList = done, make([]api.MemberRole, len(roles))
	for i, role := range roles {
		if role == "" {
			role = api.RoleNotMember
		}
		a.UserIdList[i] = api.MemberRole{Member_Account: r.User_Account[i], Role: string(role)}
	}
	return a, err
}
