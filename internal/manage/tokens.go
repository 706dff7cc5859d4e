package manage

import (
	"context"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Tokens lists an app's tokens, oldest first, without their secrets.
func (m *Manager) Tokens(ctx context.Context, app chat.AppID) ([]api.Token, error) {
	if err := m.there(app); err != nil {
		return nil, err
	}
	list, err := m.reader().Tokens(ctx, app)
	shown := make([]api.Token, len(list))
	for i := range list {
		shown[i] = showToken(&list[i])
	}
	return shown, err
}

// AddToken makes a read-only token and tells its secret, once.
func (m *Manager) AddToken(ctx context.Context, app chat.AppID, name string) (api.NewToken, error) {
	t, secret, err := m.backend.CreateToken(ctx, app, name)
	if err != nil {
		return api.NewToken{}, err
	}
	return api.NewToken{Token: showToken(&t), Secret: secret}, nil
}

// RemoveToken revokes a token.
func (m *Manager) RemoveToken(ctx context.Context, app chat.AppID, id string) error {
	list, err := m.Tokens(ctx, app)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Id == id {
			return m.backend.DeleteToken(ctx, app, id)
		}
	}
	return missing("the app has no token with this Id")
}

func showToken(t *chat.Token) api.Token {
	return api.Token{Id: t.ID, Name: t.Name, CreatedAt: t.CreatedAt}
}
