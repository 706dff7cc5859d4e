package chat

import "slices"

// App is one tenant: its key, its admins and its settings. Values are not
// changed after they were published; a change makes a new one.
type App struct {
	ID       AppID
	Key      string   // the secret that UserSigs are made with
	Admins   []UserID // who may call the REST API; at least one
	Epoch    string   // the random id of the app's journal: sequences belong to it
	Settings Settings
}

// IsAdmin says whether user is one of the app's admins.
func (a *App) IsAdmin(user UserID) bool { return slices.Contains(a.Admins, user) }

// Policy is what to do where the protocol leaves a choice.
type Policy string

// The policies; which of them a setting takes stands with the setting.
const (
	Deliver Policy = "deliver"
	Refuse  Policy = "refuse"
	Drop    Policy = "drop"
)

// Settings are an app's switches and limits. The zero value is not the
// default; see [DefaultSettings].
type Settings struct {
	// EventTimeString quotes EventTime in callbacks, as the samples of the
	// callback's page do; the field tables say Integer, the default.
	EventTimeString bool `json:",omitempty"`
	// ModernTypes makes callbacks and answers say Work and Meeting instead of
	// Private and ChatRoom.
	ModernTypes bool `json:",omitempty"`
	// BeforeSendFailure decides a send whose before-send question was not
	// answered: Deliver or Refuse (80003).
	BeforeSendFailure Policy
	// LimitAfterBeforeSend counts frequency after the before-send question, as
	// Tencent does, instead of before it.
	LimitAfterBeforeSend bool `json:",omitempty"`
	// OnFrequency decides a send above a frequency limit: Refuse (10023) or
	// Drop (answered OK with MsgDropReason, an exception is left all the same).
	OnFrequency Policy
	// GroupRate and SenderRate are messages a second for one group and one
	// sender, APIRate is calls of send_group_msg a second, StormLimit is
	// exceptions a second above which records are shared. 0 is unlimited.
	GroupRate, SenderRate, APIRate, StormLimit int
	// MaxMessage is the most bytes of all string fields of the elements plus
	// CloudCustomData.
	MaxMessage int
	// MaxAt is the most members one message may mention.
	MaxAt int
	// MissingGroup is the code for a group that does not exist, 10010 or 10015.
	MissingGroup int
}

// DefaultSettings are the settings of an app that says nothing.
func DefaultSettings() Settings {
	return Settings{
		BeforeSendFailure: Deliver,
		OnFrequency:       Refuse,
		GroupRate:         40,
		MaxMessage:        12288,
		MaxAt:             30,
		MissingGroup:      10010,
	}
}
