package command

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

func (s *Commands) importAccount(ctx context.Context, c Call, r *api.AccountImportRequest) (a api.AccountImportResponse, err error) {
	a.Answer = done
	return a, s.backend.ImportAccount(ctx, c.App.ID, accountSpec(*r))
}

func accountSpec(r api.AccountImportRequest) chat.AccountSpec {
	user, _ := r.Account()
	return chat.AccountSpec{User: chat.UserID(user), Nick: r.Nick, FaceURL: r.FaceUrl}
}

func (s *Commands) importAccounts(ctx context.Context, c Call, r *api.MultiaccountImportRequest) (a api.MultiaccountImportResponse, err error) {
	var specs []chat.AccountSpec
	for _, account := range r.All() {
		specs = append(specs, accountSpec(account))
	}
	failed, err := s.backend.ImportAccounts(ctx, c.App.ID, specs)
	a.Answer, a.FailAccounts = done, make([]string, len(failed))
	for i, user := range failed {
		a.FailAccounts[i] = string(user)
	}
	return a, err
}

func (s *Commands) checkAccounts(ctx context.Context, c Call, r *api.AccountCheckRequest) (a api.AccountCheckResponse, err error) {
	found, err := s.backend.CheckAccounts(ctx, c.App.ID, itemUsers(r.CheckItem))
	a.Answer, a.ResultItem = done, make([]api.AccountCheckResult, len(found))
	for i, ok := range found {
		a.ResultItem[i].UserID = r.CheckItem[i].UserID
		a.ResultItem[i].AccountStatus = api.AccountNotImported
		if ok {
			a.ResultItem[i].AccountStatus = api.AccountImported
		}
	}
	return a, err
}

func (s *Commands) deleteAccounts(ctx context.Context, c Call, r *api.AccountDeleteRequest) (a api.AccountDeleteResponse, err error) {
	results, err := s.backend.DeleteAccounts(ctx, c.App.ID, c.By, itemUsers(r.DeleteItem))
	a.Answer, a.ResultItem = done, make([]api.AccountResult, len(results))
	for i, refusal := range results {
		a.ResultItem[i].UserID = r.DeleteItem[i].UserID
		if refusal != nil {
			a.ResultItem[i].ResultCode, a.ResultItem[i].ResultInfo = refusal.Code, refusal.Info
		}
	}
	return a, err
}

func (s *Commands) kick(ctx context.Context, c Call, r *api.KickRequest) (a api.KickResponse, err error) {
	user, _ := r.Account()
	a.Answer = done
	return a, s.backend.Kick(ctx, c.App.ID, c.By, chat.UserID(user))
}

func itemUsers(items []api.AccountItem) []chat.UserID {
	ids := make([]chat.UserID, len(items))
	for i, item := range items {
		ids[i] = chat.UserID(item.UserID)
	}
	return ids
}

func userIDs(names []string) []chat.UserID {
	ids := make([]chat.UserID, len(names))
	for i, name := range names {
		ids[i] = chat.UserID(name)
	}
	return ids
}
