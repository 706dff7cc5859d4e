package command

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

const (
	maxShownGroups = 50 // of one get_group_info
	// maxShownMembers bounds what one answer gathers: with any more its text
	// would exceed MaxAnswer, however short the members are written.
	maxShownMembers = MaxAnswer / len(`{"Member_Account":"a"},`)
)

func (s *Commands) createGroup(ctx context.Context, c Call, r *api.CreateGroupRequest) (a api.CreateGroupResponse, err error) {
	kind, ok := chat.ParseGroupType(r.Type)
	if !ok {
		return a, chat.Fail(api.CodeInvalidParameter, "Type is missing or not a group type")
	}
	if r.SupportTopic != 0 {
		return a, chat.Fail(api.CodePermissionDenied, "topics are not supported")
	}
	if len(r.AppDefinedData) > 0 {
		return a, chat.Fail(api.CodeInvalidParameter, api.InfoUndefinedKey)
	}
	spec := chat.GroupSpec{
		ID: chat.GroupID(r.GroupId), Type: kind, Owner: chat.UserID(r.Owner_Account),
		Name: r.Name, Introduction: r.Introduction, Notification: r.Notification, FaceURL: r.FaceUrl,
		ApplyJoinOption: r.ApplyJoinOption, InviteOption: r.InviteJoinOption,
	}
	if r.MaxMemberCount != nil {
		spec.MaxMembers = *r.MaxMemberCount
	}
	for _, m := range r.MemberList {
		if m.Role != "" && m.Role != api.RoleAdmin && m.Role != api.RoleMember {
			return a, chat.Fail(api.CodeInvalidParameter, "Role of a member is not Admin")
		}
		if len(m.AppMemberDefinedData) > 0 {
			return a, chat.Fail(api.CodeInvalidParameter, api.InfoUndefinedKey)
		}
		spec.Members = append(spec.Members, chat.MemberSpec{User: chat.UserID(m.Member_Account), Role: chat.Role(m.Role)})
	}
	g, err := s.backend.CreateGroup(ctx, c.App.ID, c.By, spec)
	return api.CreateGroupResponse{Answer: done, GroupId: string(g.ID), Type: wire.TypeWord(c.App, g.Type)}, err
}

func (s *Commands) destroyGroup(ctx context.Context, c Call, r *api.DestroyGroupRequest) (a api.DestroyGroupResponse, err error) {
	a.Answer = done
	return a, s.backend.DeleteGroup(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId))
}

func (s *Commands) getGroups(ctx context.Context, c Call, r *api.GetGroupInfoRequest) (a api.GetGroupInfoResponse, err error) {
	if len(r.GroupIdList) == 0 || len(r.GroupIdList) > maxShownGroups {
		return a, chat.Fail(api.CodeInvalidParameter, "GroupIdList must have 1 to 50 groups")
	}
	a.Answer, a.GroupInfo = done, make([]api.GroupInfo, len(r.GroupIdList))
	members := 0
	for i, id := range r.GroupIdList {
		info, err := s.groupInfo(ctx, c, id, r.ResponseFilter)
		if err != nil {
			return a, err
		}
		a.GroupInfo[i] = info
		if members += len(info.MemberList); members > maxShownMembers {
			return a, chat.Fail(api.CodeResponseTooLarge)
		}
	}
	return a, nil
}

// groupInfo shows one group, or why it cannot be shown. Members are listed when
// there is no filter at all, or one for members.
func (s *Commands) groupInfo(ctx context.Context, c Call, id string, filter *api.GroupFilter) (api.GroupInfo, error) {
	g, err := s.backend.GetGroup(ctx, c.App.ID, chat.GroupID(id))
	var refusal *chat.Refusal
	if errors.As(err, &refusal) {
		return api.GroupInfo{
			GroupProfile: api.GroupProfile{GroupId: id},
			ErrorCode:    refusal.Code, ErrorInfo: refusal.Info,
			Only: []string{},
		}, nil
	}
	if err != nil {
		return api.GroupInfo{}, err
	}
	info := api.GroupInfo{GroupProfile: profile(c.App, g)}
	var memberFilter []string
	if filter != nil {
		memberFilter = filter.MemberInfoFilter
		if len(filter.GroupBaseInfoFilter) > 0 {
			info.Only = append(slices.Clone(filter.GroupBaseInfoFilter), "MemberList")
		}
		if len(memberFilter) == 0 {
			return info, nil
		}
	}
	_, members, err := s.backend.ListMembers(ctx, c.App.ID, c.By, g.ID, nil, 0, 0)
	if errors.As(err, &refusal) { // dissolved in between, or not for the caller
		return info, nil
	}
	info.MemberList = memberInfos(c.ownAlone(members), memberFilter)
	return info, err
}

func (s *Commands) listGroups(ctx context.Context, c Call, r *api.GetAppidGroupListRequest) (a api.GetAppidGroupListResponse, err error) {
	kind, refusal := typeFilter(r.Kind())
	if refusal != nil {
		return a, refusal
	}
	if r.Next > math.MaxInt64 {
		return a, chat.Fail(api.CodeInvalidParameter, "Next is not from an earlier answer")
	}
	page, total, next, err := s.backend.ListGroups(ctx, c.App.ID, kind, chat.GroupKey(r.Next), bounded(r.Limit))
	a.Answer, a.TotalCount, a.Next = done, total, uint64(next)
	a.GroupIdList = make([]api.GroupIDItem, len(page))
	for i, g := range page {
		a.GroupIdList[i].GroupId = string(g.ID)
	}
	return a, err
}

func (s *Commands) updateGroup(ctx context.Context, c Call, r *api.ModifyGroupBaseInfoRequest) (a api.ModifyGroupBaseInfoResponse, err error) {
	if len(r.AppDefinedData) > 0 {
		return a, chat.Fail(api.CodeInvalidParameter, api.InfoUndefinedKey)
	}
	change := chat.GroupChange{
		Name: r.Name, Introduction: r.Introduction, Notification: r.Notification, FaceURL: r.FaceUrl,
		MaxMembers: r.MaxMemberNum, ApplyJoinOption: r.ApplyJoinOption, InviteOption: r.InviteJoinOption,
	}
	if r.From_Account != nil {
		change.Operator = chat.UserID(*r.From_Account)
	}
	switch word, given := r.MuteAll(); {
	case !given || word == "":
	case word == api.On || word == api.Off:
		on := word == api.On
		change.MuteAll = &on
	default:
		return a, chat.Fail(api.CodeInvalidParameter, "MuteAllMember must be On or Off")
	}
	a.Answer = done
	return a, s.backend.UpdateGroup(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), change)
}

func (s *Commands) changeOwner(ctx context.Context, c Call, r *api.ChangeGroupOwnerRequest) (a api.ChangeGroupOwnerResponse, err error) {
	if c.By.Client && r.From_Account != nil && chat.UserID(*r.From_Account) != c.By.User {
		return a, chat.Fail(api.CodePermissionDenied, "From_Account must be the connection's user")
	}
	a.Answer = done
	return a, s.backend.ChangeOwner(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), chat.UserID(r.NewOwner_Account))
}

// profile shows a group, with both names of what was renamed.
func profile(app *chat.App, g chat.Group) api.GroupProfile {
	muteAll := onOff(g.MuteAll)
	return api.GroupProfile{
		GroupId: string(g.ID), Type: wire.TypeWord(app, g.Type), Name: g.Name,
		Introduction: g.Introduction, Notification: g.Notification, FaceUrl: g.FaceURL,
		Owner_Account: string(g.Owner), Appid: int64(app.ID),
		CreateTime: g.CreateTime, InfoSeq: uint64(g.InfoSeq), LastInfoTime: g.LastInfoTime, LastMsgTime: g.LastMsgTime,
		NextMsgSeq: uint64(g.NextMsgSeq), MemberNum: g.Members, MaxMemberNum: g.MaxMembers,
		ApplyJoinOption: g.ApplyJoinOption, InviteJoinOption: g.InviteOption,
		MuteAllMember: muteAll, ShutUpAllMember: muteAll, AppDefinedData: []api.KeyValue{},
	}
}

func onOff(on bool) string {
	if on {
		return api.On
	}
	return api.Off
}

// typeFilter reads the group type of a list command; none given is all.
func typeFilter(word string, given bool) (chat.GroupType, *chat.Refusal) {
	if !given || word == "" {
		return "", nil
	}
	t, ok := chat.ParseGroupType(word)
	if !ok {
		return "", chat.Fail(api.CodeInvalidParameter, "GroupType is not a group type")
	}
	return t, nil
}

// bounded brings a number of a request into the range of int; absent is 0.
func bounded(n *int64) int {
	if n == nil {
		return 0
	}
	return int(max(math.MinInt32, min(*n, math.MaxInt32)))
}
