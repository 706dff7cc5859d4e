package api

import (
	"context"
	"net/http"
	"strconv"
)

// App is an app as the server's control shows it: without its secrets.
type App struct {
	SDKAppID int64
	Admins   []string // who may call the REST API
	Epoch    string   // the journal's id; sequences belong to it
	Head     uint64   // sequence of the newest event, 0 for none
	Totals   AppTotals
	Settings AppSettings
}

// AppTotals count the outcomes of an app's sends since the app was made.
type AppTotals struct {
	Accepted, Refused, Dropped, Repeated uint64
}

// AppSettings are all settings of an app that are no secrets. AppChange tells
// what each means.
type AppSettings struct {
	CallbackURL          string // empty: no callbacks
	CallbackSigned       bool   // there is a token
	CallbackCA           string
	CallbackCommands     []string
	EventTime            string
	ModernTypes          bool
	BeforeSendFailure    string
	LimitAfterBeforeSend bool
	OnFrequency          string
	GroupRate            int
	SenderRate           int
	APIRate              int
	StormLimit           int
	MaxMessage           int
	MaxAt                int
	MissingGroup         int
}

// AppChange is a change of an app; what is nil stays as it is, or has its
// default in a new app.
type AppChange struct {
	Admins               []string `json:",omitempty"` // replaces the list
	CallbackURL          *string  `json:",omitempty"` // http or https; empty switches callbacks off
	CallbackToken        *string  `json:",omitempty"` // signs callbacks; empty does not
	CallbackCA           *string  `json:",omitempty"` // PEM of the certificates to trust; empty for the system's
	CallbackCommands     []string `json:",omitzero"`  // the switches, replaces the list; Group.CallbackSendMsgException alone
	EventTime            *string  `json:",omitempty"` // EventTimeInteger (default) or EventTimeString
	ModernTypes          *bool    `json:",omitempty"` // Work and Meeting instead of Private and ChatRoom
	BeforeSendFailure    *string  `json:",omitempty"` // "deliver" (default) or "refuse" when the before-send question has no answer
	LimitAfterBeforeSend *bool    `json:",omitempty"` // count frequency after the before-send question
	OnFrequency          *string  `json:",omitempty"` // "refuse" (default) or "drop" a send over a rate
	GroupRate            *int     `json:",omitempty"` // messages a second in one group, 0: no limit (40)
	SenderRate           *int     `json:",omitempty"` // messages a second of one sender, 0: no limit (0)
	APIRate              *int     `json:",omitempty"` // calls of send_group_msg a second, 0: no limit (0)
	StormLimit           *int     `json:",omitempty"` // exceptions a second above which records are shared, 0: never (0)
	MaxMessage           *int     `json:",omitempty"` // bytes of a message (12288)
	MaxAt                *int     `json:",omitempty"` // targets of one message's GroupAtInfo (30)
	MissingGroup         *int     `json:",omitempty"` // CodeGroupNotFound (default) or CodeInvalidGroupID
}

// The words of EventTime: the form of the field of that name in callbacks.
const (
	EventTimeInteger = "integer"
	EventTimeString  = "string"
)

// NewApp is an app to be added. Admins is required.
type NewApp struct {
	SDKAppID int64
	Key      string `json:",omitempty"` // empty: the server makes one
	AppChange
}

// AppKey is the secret key of an app, told when it is made and never again.
type AppKey struct {
	SDKAppID int64
	Key      string
}

// ListApps shows the client's own app; to an admin of the server's operator
// app, all apps.
func (c *Client) ListApps(ctx context.Context) ([]App, error) {
	var list struct{ Apps []App }
	err := c.control(ctx, http.MethodGet, "/v1/apps", nil, nil, &list)
	return list.Apps, err
}

// AddApp adds an app to the server. Only admins of the operator app may.
func (c *Client) AddApp(ctx context.Context, app NewApp) (AppKey, error) {
	var key AppKey
	err := c.control(ctx, http.MethodPost, "/v1/apps", nil, app, &key)
	return key, err
}

// UpdateApp changes an app, by default the client's own. It holds from the
// answer on.
func (c *Client) UpdateApp(ctx context.Context, id int64, change AppChange) (App, error) {
	var app App
	err := c.control(ctx, http.MethodPatch, appPath(id), nil, change, &app)
	return app, err
}

// RotateKey gives an app a new key. UserSigs made with the old one are refused
// from the answer on.
func (c *Client) RotateKey(ctx context.Context, id int64) (AppKey, error) {
	var key AppKey
	err := c.control(ctx, http.MethodPost, appPath(id)+"/rotate-key", nil, struct{}{}, &key)
	return key, err
}

// RemoveApp removes an app with everything of it, for good.
func (c *Client) RemoveApp(ctx context.Context, id int64) error {
	return c.control(ctx, http.MethodDelete, appPath(id), nil, nil, &struct{}{})
}

func appPath(id int64) string { return "/v1/apps/" + strconv.FormatInt(id, 10) }
