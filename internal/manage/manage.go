package manage

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Lanes are the deliveries to endpoints as they stand in this process.
type Lanes interface {
	// LaneOf is the delivery to an endpoint; ok is false if it is not this
	// process that delivers to it.
	LaneOf(ctx context.Context, app chat.AppID, endpoint string) (lane api.Lane, ok bool)
}

// Tester sends samples.
type Tester interface {
	// Test sends a marked sample to an endpoint and tells what came back. The
	// error is that of an endpoint that cannot be called at all.
	Test(ctx context.Context, app chat.AppID, endpoint string) (api.TestResult, error)
}

// Config is what a Manager needs.
type Config struct {
	Backend *chat.Backend
	// Operator is the app whose admins may manage the others; 0 is none.
	Operator chat.AppID
	// CheckURL says why callbacks may not go to a URL that is well formed; nil
	// allows every one.
	CheckURL func(url string) error
	// Feed tells of what is committed; nil is nobody, and who waits waits to the
	// end.
	Feed *Feed
	// Lanes and Tester are of the delivery; nil is none.
	Lanes  Lanes
	Tester Tester
	Log    *slog.Logger // nil throws away
}

// Manager does what the operations say. It keeps nothing between two calls.
type Manager struct {
	Config
	backend *chat.Backend
	bounds  bounds
}

// bounds are what one page may look at.
type bounds struct{ rows, batch int }

// New makes a manager.
func New(c Config) *Manager {
	if c.Feed == nil {
		c.Feed = NewFeed()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{Config: c, backend: c.Backend, bounds: bounds{maxRows, batchRows}}
}

func (m *Manager) reader() chat.Reader { return m.backend.Reader() }

// IsOperator says whether an app's admins may manage other apps.
func (m *Manager) IsOperator(app chat.AppID) bool { return m.Operator != 0 && app == m.Operator }

// Missing is a refusal because of something that the address names and that is
// not there.
type Missing struct{ *chat.Refusal }

// Unwrap is the refusal.
func (e Missing) Unwrap() error { return e.Refusal }

func missing(format string, args ...any) error { return Missing{invalid(format, args...)} }

// Crowded is a refusal because as many wait as there may; RetryAfter says when
// to come again.
type Crowded struct{ *chat.Refusal }

// Unwrap is the refusal.
func (e Crowded) Unwrap() error { return e.Refusal }

// Moved tells that sequences belong to a journal that is no more.
type Moved struct{ api.EpochMoved }

func (e *Moved) Error() string { return e.ErrorInfo }

func invalid(format string, args ...any) *chat.Refusal {
	return chat.Fail(api.CodeInvalidParameter, fmt.Sprintf(format, args...))
}

// there refuses an app that is not there.
func (m *Manager) there(app chat.AppID) error {
	if _, ok := m.backend.App(app); !ok {
		return Missing{chat.Fail(api.CodeAppNotFound)}
	}
	return nil
}
