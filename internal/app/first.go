package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/parley-im/parley/internal/chat"
)

// firstAppFile keeps the first app's key in the data folder, for its owner
// alone.
const firstAppFile = "first-app.json"

// makeFirst makes an app with a key of its own, keeps the key in the data
// folder, if there is one, and remembers it to be printed once.
func (s *Server) makeFirst(ctx context.Context) error {
	f := FirstApp{ID: chat.AppID(1_600_000_000 + rand.N(99_999_999)), Key: chat.NewAppKey(), Admin: defaultAdmin}
	if s.cfg.Data != "" {
		text, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return fmt.Errorf("keep the first app's key: %w", err)
		}
		if err := os.WriteFile(s.path(firstAppFile), append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("keep the first app's key: %w", err)
		}
	}
	err := s.backend.CreateApp(ctx, chat.App{ID: f.ID, Key: f.Key, Admins: []chat.UserID{f.Admin}, Settings: chat.DefaultSettings()},
		chat.Endpoint{Commands: []string{chat.CommandSendMsgException}})
	if err != nil {
		return fmt.Errorf("make the first app: %w", err)
	}
	s.first = &f
	return nil
}

// FirstPlace names where the first app's key is kept.
func (s *Server) FirstPlace() string {
	if s.cfg.Data == "" {
		return "the database"
	}
	return s.path(firstAppFile)
}
