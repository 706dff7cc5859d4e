package command

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

func (s *Commands) muteMembers(ctx context.Context, c Call, r *api.ForbidSendMsgRequest) (a api.ForbidSendMsgResponse, err error) {
	seconds, given := r.Seconds()
	if !given {
		return a, chat.Fail(api.CodeInvalidParameter, "MuteTime is required")
	}
	if refusal := noTopic(r.TopicId); refusal != nil {
		return a, refusal
	}
	a.Answer = done
	return a, s.backend.MuteMembers(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), userIDs(r.Members_Account), seconds)
}

func (s *Commands) listMuted(ctx context.Context, c Call, r *api.GetGroupMutedAccountRequest) (a api.GetGroupMutedAccountResponse, err error) {
	if refusal := noTopic(r.TopicId); refusal != nil {
		return a, refusal
	}
	muted, err := s.backend.MutedMembers(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId))
	list := make([]api.MutedAccount, len(muted))
	for i, m := range muted {
		list[i] = api.MutedAccount{Member_Account: string(m.User), MutedUntil: m.Until}
	}
	return api.NewMutedAccounts(r.GroupId, list), err
}

func (s *Commands) muteAccount(ctx context.Context, c Call, r *api.SetNoSpeakingRequest) (a api.SetNoSpeakingResponse, err error) {
	a.Answer = done
	return a, s.backend.MuteAccount(ctx, c.App.ID, c.By, userOf(r.Set_Account), r.GroupmsgNospeakingTime, r.C2CmsgNospeakingTime)
}

func (s *Commands) getAccountMutes(ctx context.Context, c Call, r *api.GetNoSpeakingRequest) (a api.GetNoSpeakingResponse, err error) {
	group, c2c, err := s.backend.AccountMutes(ctx, c.App.ID, userOf(r.Get_Account))
	a.Answer, a.GroupmsgNospeakingTime, a.C2CmsgNospeakingTime = done, uint32(group), uint32(c2c)
	return a, err
}

func userOf(name *string) chat.UserID {
	if name == nil {
		return ""
	}
	return chat.UserID(*name)
}

// noTopic refuses a topic: no group of this server has any.
func noTopic(id string) *chat.Refusal {
	if id != "" {
		return chat.Fail(api.CodeInvalidParameter, "TopicId is not supported")
	}
	return nil
}
