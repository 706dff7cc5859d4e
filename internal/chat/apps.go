package chat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-im/parley/api"
)

// Commands are the callback commands that an endpoint can have switched on.
var Commands = []string{CommandSendMsgException, CommandBeforeSendMsg, CommandAfterSendMsg, CommandStateChange}

// NewAppKey makes a secret key: 64 hexadecimal digits, as the vendor's are.
func NewAppKey() string { return randomHex(32) }

// NewEpoch makes the id of a new journal.
func NewEpoch() string { return randomHex(8) }

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// CreateApp makes an app, with a callback URL if the endpoint's is not empty.
// Its epoch is made here. Code: 10004 for what [App.Check] or [Endpoint.Check]
// finds, and for an id in use.
func (b *Backend) CreateApp(ctx context.Context, a App, e Endpoint) error {
	a.Epoch = NewEpoch()
	e.ID, e.App = PrimaryEndpoint, a.ID
	if refusal := checkApp(&a, &e); refusal != nil {
		return refusal
	}
	return b.Change(ctx, a.ID, func(r Records) error {
		_, taken, err := r.App()
		if err != nil {
			return err
		}
		if taken {
			return Fail(api.CodeInvalidParameter, "SDKAppID is in use")
		}
		if err := r.PutApp(a); err != nil || e.URL == "" {
			return err
		}
		return r.PutEndpoint(e)
	})
}

// UpdateApp changes an app and its callback URL; without a URL there are no
// callbacks. A URL that was not there before gets the events from now on; one
// that replaces another goes on where that one was. change must not keep what
// it is given. Codes: 70020 for an app that is not there, 10004 for what the
// change made wrong, and whatever change returns.
func (b *Backend) UpdateApp(ctx context.Context, id AppID, change func(*App, *Endpoint) error) error {
	return b.Change(ctx, id, func(r Records) error {
		a, ok, err := r.App()
		if err != nil {
			return err
		}
		if !ok {
			return Fail(api.CodeAppNotFound)
		}
		next, err := r.Next()
		if err != nil {
			return err
		}
		newest := next - 1
		e := Endpoint{ID: PrimaryEndpoint, App: id, Commands: []string{CommandSendMsgException}}
		e.begin(newest)
		had, known, err := r.Endpoint(PrimaryEndpoint)
		if err != nil {
			return err
		}
		if known {
			e = had
		}
		a.Admins, e.Commands = slices.Clone(a.Admins), slices.Clone(e.Commands)
		if err := change(&a, &e); err != nil {
			return err
		}
		if refusal := checkApp(&a, &e); refusal != nil {
			return refusal
		}
		if err := r.PutApp(a); err != nil {
			return err
		}
		if known && had.URL == "" && e.URL != "" { // it begins anew: with the events from now on
			if err := r.DeleteEndpoint(e.ID); err != nil {
				return err
			}
			e.begin(newest)
		} else if known {
			if refusal := e.replaces(&had, newest); refusal != nil {
				return refusal
			}
		}
		return r.PutEndpoint(e) // also without a URL, so that token and switches are kept
	})
}

// DeleteApp removes an app and everything of it. Code: 70020 for an app that is
// not there.
func (b *Backend) DeleteApp(ctx context.Context, id AppID) error {
	return b.Change(ctx, id, func(r Records) error {
		if _, ok, err := r.App(); err != nil {
			return err
		} else if !ok {
			return Fail(api.CodeAppNotFound)
		}
		return r.DeleteApp()
	})
}

func checkApp(a *App, e *Endpoint) *Refusal {
	err := a.Check()
	if err == nil {
		err = e.Check()
	}
	if err != nil {
		return Fail(api.CodeInvalidParameter, err.Error())
	}
	return nil
}

// Check says what is wrong with an app, naming the first field.
func (a *App) Check() error {
	switch {
	case a.ID <= 0:
		return fmt.Errorf("SDKAppID must be above 0")
	case a.Key == "":
		return fmt.Errorf("Key is required")
	case strings.ContainsFunc(a.Key, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fmt.Errorf("Key must be printable ASCII without spaces")
	case len(a.Admins) == 0:
		return fmt.Errorf("Admins must name at least one account")
	}
	for _, admin := range a.Admins {
		if !printable(string(admin), maxUserID) {
			return fmt.Errorf("Admins has a UserID that is not 1 to %d printable characters", maxUserID)
		}
	}
	return a.Settings.Check()
}

// maxMaxMessage is the highest limit of a message's size, in bytes: what a
// request can hold.
const maxMaxMessage = 1 << 20

// Check says what is wrong with the settings, naming the first field.
func (s *Settings) Check() error {
	for name, n := range map[string]int{
		"GroupRate": s.GroupRate, "SenderRate": s.SenderRate, "APIRate": s.APIRate,
		"StormLimit": s.StormLimit, "MaxAt": s.MaxAt,
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", name)
		}
	}
	switch {
	case s.BeforeSendFailure != Deliver && s.BeforeSendFailure != Refuse:
		return fmt.Errorf("BeforeSendFailure must be %s or %s", Deliver, Refuse)
	case s.OnFrequency != Refuse && s.OnFrequency != Drop:
		return fmt.Errorf("OnFrequency must be %s or %s", Refuse, Drop)
	case s.MaxMessage < 1 || s.MaxMessage > maxMaxMessage:
		return fmt.Errorf("MaxMessage must be 1 to %d", maxMaxMessage)
	case s.MissingGroup != int(api.CodeGroupNotFound) && s.MissingGroup != int(api.CodeInvalidGroupID):
		return fmt.Errorf("MissingGroup must be %d or %d", api.CodeGroupNotFound, api.CodeInvalidGroupID)
	}
	return nil
}
