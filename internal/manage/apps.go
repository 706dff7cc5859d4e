package manage

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// Apps lists the app own, or, where own is 0, all apps. What stands before the @
// of a callback URL is left out unless it is asked for.
func (m *Manager) Apps(ctx context.Context, own chat.AppID, login bool) ([]api.App, error) {
	all, err := m.reader().Apps(ctx)
	if err != nil {
		return nil, err
	}
	shown := []api.App{}
	for i := range all {
		if own != 0 && all[i].ID != own {
			continue
		}
		app, err := m.showApp(ctx, &all[i])
		if err != nil {
			return nil, err
		}
		if !login {
			app.Settings.CallbackURL = withoutLogin(app.Settings.CallbackURL)
		}
		shown = append(shown, app)
	}
	return shown, nil
}

// showApp shows everything of an app but its secrets.
func (m *Manager) showApp(ctx context.Context, a *chat.App) (api.App, error) {
	head, err := m.reader().Head(ctx, a.ID)
	if err != nil {
		return api.App{}, err
	}
	s := &a.Settings
	shown := api.App{
		SDKAppID: int64(a.ID), Epoch: a.Epoch, Head: uint64(max(head.Next, 1) - 1), Totals: api.AppTotals(head.Totals),
		Settings: api.AppSettings{
			CallbackCommands: []string{}, EventTime: api.EventTimeInteger, ModernTypes: s.ModernTypes,
			BeforeSendFailure: string(s.BeforeSendFailure), LimitAfterBeforeSend: s.LimitAfterBeforeSend,
			OnFrequency: string(s.OnFrequency), GroupRate: s.GroupRate, SenderRate: s.SenderRate, APIRate: s.APIRate,
			StormLimit: s.StormLimit, MaxMessage: s.MaxMessage, MaxAt: s.MaxAt, MissingGroup: s.MissingGroup,
		},
	}
	if s.EventTimeString {
		shown.Settings.EventTime = api.EventTimeString
	}
	for _, admin := range a.Admins {
		shown.Admins = append(shown.Admins, string(admin))
	}
	if e := m.backend.Endpoint(a.ID, chat.PrimaryEndpoint); e != nil {
		shown.Settings.CallbackURL, shown.Settings.CallbackSigned = e.URL, e.Token != ""
		shown.Settings.CallbackCA = e.CA
		shown.Settings.CallbackCommands = append(shown.Settings.CallbackCommands, e.Commands...)
	}
	return shown, nil
}

// AddApp makes an app and tells its key.
func (m *Manager) AddApp(ctx context.Context, n api.NewApp) (api.AppKey, error) {
	a := chat.App{ID: chat.AppID(n.SDKAppID), Key: n.Key, Settings: chat.DefaultSettings()}
	if a.Key == "" {
		a.Key = chat.NewAppKey()
	}
	e := chat.Endpoint{Commands: []string{chat.CommandSendMsgException}}
	err := m.applyApp(&n.AppChange, &a, &e)
	if err == nil {
		err = m.backend.CreateApp(ctx, a, e)
	}
	if err != nil {
		return api.AppKey{}, err
	}
	return api.AppKey{SDKAppID: n.SDKAppID, Key: a.Key}, nil
}

// UpdateApp changes an app.
func (m *Manager) UpdateApp(ctx context.Context, id chat.AppID, c api.AppChange) (api.App, error) {
	err := m.backend.UpdateApp(ctx, id, func(a *chat.App, e *chat.Endpoint) error { return m.applyApp(&c, a, e) })
	if err != nil {
		return api.App{}, err
	}
	a, ok := m.backend.App(id)
	if !ok { // removed in between
		return api.App{}, Missing{chat.Fail(api.CodeAppNotFound)}
	}
	return m.showApp(ctx, a)
}

// applyApp changes an app as asked, if the server allows its callback URL.
func (m *Manager) applyApp(c *api.AppChange, a *chat.App, e *chat.Endpoint) error {
	if err := wire.ApplyAppChange(c, a, e); err != nil {
		return err
	}
	if e.URL != "" && c.CallbackURL != nil && m.CheckURL != nil {
		if err := m.CheckURL(e.URL); err != nil {
			return invalid("CallbackURL is not allowed: %v", err)
		}
	}
	return nil
}

// RotateKey gives an app a new key and tells it.
func (m *Manager) RotateKey(ctx context.Context, id chat.AppID) (api.AppKey, error) {
	key := chat.NewAppKey()
	err := m.backend.UpdateApp(ctx, id, func(a *chat.App, _ *chat.Endpoint) error {
		a.Key = key
		return nil
	})
	return api.AppKey{SDKAppID: int64(id), Key: key}, err
}

// RemoveApp removes an app with everything of it; the operator's stays.
func (m *Manager) RemoveApp(ctx context.Context, id chat.AppID) error {
	if m.IsOperator(id) {
		return invalid("the operator app can not be removed")
	}
	return m.backend.DeleteApp(ctx, id)
}

// AppStatus is an app as the console shows it first.
type AppStatus struct {
	SDKAppID int64
	Admins   []string
	Epoch    string
	Head     uint64 // sequence of the newest event, 0 for none
	Settings api.AppSettings
	// Sends of this life of the process.
	Attempts, Accepted, Refused, Dropped, Repeated, Unanswered uint64
	Waiting                                                    uint64 // events that some endpoint has not settled yet, summed over endpoints
}

// Status shows all apps as the console shows them first.
func (m *Manager) Status(ctx context.Context) ([]AppStatus, error) {
	apps, err := m.Apps(ctx, 0, true)
	if err != nil {
		return nil, err
	}
	list := make([]AppStatus, len(apps))
	for i, a := range apps {
		c, _ := m.backend.Counts(chat.AppID(a.SDKAppID))
		s := AppStatus{
			SDKAppID: a.SDKAppID, Admins: a.Admins, Epoch: a.Epoch, Head: a.Head, Settings: a.Settings,
			Attempts: c.Attempts, Accepted: c.Accepted, Refused: c.Refused, Dropped: c.Dropped, Repeated: c.Repeated, Unanswered: c.Unanswered,
		}
		endpoints, err := m.reader().Endpoints(ctx, chat.AppID(a.SDKAppID))
		if err != nil {
			return nil, err
		}
		for j := range endpoints {
			if endpoints[j].URL == "" {
				continue
			}
			lane, err := m.lane(ctx, &endpoints[j])
			if err != nil {
				return nil, err
			}
			s.Waiting += lane.Backlog + lane.Waiting
		}
		list[i] = s
	}
	return list, nil
}
