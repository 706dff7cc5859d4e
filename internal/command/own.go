package command

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

func (s *Commands) applyJoin(ctx context.Context, c Call, r *api.ApplyJoinGroupRequest) (a api.ApplyJoinGroupResponse, err error) {
	joined, err := s.backend.Apply(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), r.ApplyMsg)
	a.Answer, a.JoinedStatus = done, api.WaitAdminApprove
	if joined {
		a.JoinedStatus = api.JoinedSuccess
	}
	return a, err
}

func (s *Commands) listApplications(ctx context.Context, c Call, r *api.GetGroupApplicationListRequest) (a api.GetGroupApplicationListResponse, err error) {
	waiting, err := s.backend.Applications(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId))
	a.Answer, a.ApplicationList = done, make([]api.GroupApplication, len(waiting))
	for i, w := range waiting {
		a.ApplicationList[i] = api.GroupApplication{GroupId: string(w.Group), Applicant_Account: string(w.User), ApplyMsg: w.Text, Time: w.Time}
	}
	return a, err
}

func (s *Commands) handleApplication(ctx context.Context, c Call, r *api.HandleApplyJoinGroupRequest) (a api.HandleApplyJoinGroupResponse, err error) {
	if r.HandleMsg != api.ApplicationAgreed && r.HandleMsg != api.ApplicationRejected {
		return a, chat.Fail(api.CodeInvalidParameter, "HandleMsg must be Agree or Reject")
	}
	a.Answer = done
	return a, s.backend.HandleApplication(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), chat.UserID(r.Applicant_Account),
		r.HandleMsg == api.ApplicationAgreed, r.ApprovalMsg)
}

func (s *Commands) quit(ctx context.Context, c Call, r *api.QuitGroupRequest) (a api.QuitGroupResponse, err error) {
	a.Answer = done
	return a, s.backend.Quit(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId))
}

func (s *Commands) read(ctx context.Context, c Call, r *api.MsgReadRequest) (a api.MsgReadResponse, err error) {
	seq, err := s.backend.Read(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId), chat.MsgSeq(r.MsgReadedSeq))
	a.Answer, a.MsgReadedSeq = done, uint64(seq)
	return a, err
}

func (s *Commands) getSelfMute(ctx context.Context, c Call, r *api.GetSelfMuteRequest) (a api.GetSelfMuteResponse, err error) {
	m, err := s.backend.SelfMutes(ctx, c.App.ID, c.By, chat.GroupID(r.GroupId))
	a.Answer, a.MuteUntil, a.AccountMuteUntil, a.MuteAllMember = done, m.Member, m.Account, onOff(m.All)
	return a, err
}
