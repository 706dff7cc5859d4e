package wire

import (
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// ApplyAppChange brings an app and its callback URL to what a change says; what
// it leaves out stays. The error is a refusal with 10004 for a word of EventTime
// that is none; the other values are checked by [chat.App.Check].
func ApplyAppChange(change *api.AppChange, a *chat.App, e *chat.Endpoint) error {
	if change.Admins != nil {
		a.Admins = make([]chat.UserID, len(change.Admins))
		for i, admin := range change.Admins {
			a.Admins[i] = chat.UserID(admin)
		}
	}
	if change.CallbackCommands != nil {
		e.Commands = change.CallbackCommands
	}
	set(&e.URL, change.CallbackURL)
	set(&e.Token, change.CallbackToken)
	set(&e.CA, change.CallbackCA)
	s := &a.Settings
	if form := change.EventTime; form != nil {
		if *form != api.EventTimeInteger && *form != api.EventTimeString {
			return invalid("EventTime must be integer or string")
		}
		s.EventTimeString = *form == api.EventTimeString
	}
	set(&s.ModernTypes, change.ModernTypes)
	set(&s.BeforeSendFailure, (*chat.Policy)(change.BeforeSendFailure))
	set(&s.LimitAfterBeforeSend, change.LimitAfterBeforeSend)
	set(&s.OnFrequency, (*chat.Policy)(change.OnFrequency))
	set(&s.GroupRate, change.GroupRate)
	set(&s.SenderRate, change.SenderRate)
	set(&s.APIRate, change.APIRate)
	set(&s.StormLimit, change.StormLimit)
	set(&s.MaxMessage, change.MaxMessage)
	set(&s.MaxAt, change.MaxAt)
	set(&s.MissingGroup, change.MissingGroup)
	return nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}
