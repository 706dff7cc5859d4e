package rest

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
)

// call is who calls, and what.
type call struct {
	App      *chat.App
	Caller   chat.UserID // an admin of the app
	ClientIP string
	Command  string // service and command
}

// serveCommand takes a call of /v4/ through the door.
func (h *handler) serveCommand(w http.ResponseWriter, r *http.Request, command string) {
	c, answer, refusal := h.admit(r, command)
	if refusal != nil {
		h.reject(refusal)
		writeFailure(w, refusal)
		return
	}
	answer(h, w, r, c)
}

// admit checks everything up to the caller's rank. A send with a wrong method
// is let in if the rest is well: it is a refused send then. HEAD and OPTIONS ask
// about an address and call nothing.
func (h *handler) admit(r *http.Request, command string) (call, route, *chat.Refusal) {
	broken := chat.Fail(api.CodeHTTPParse)
	query, err := url.ParseQuery(r.URL.RawQuery)
	wrongMethod := r.Method != http.MethodPost
	asksOnly := r.Method == http.MethodHead || r.Method == http.MethodOptions
	if err != nil || asksOnly || wrongMethod && command != api.CommandSendGroupMsg {
		return call{}, nil, broken
	}
	found, ok := routes[command]
	if !ok {
		return call{}, nil, chat.Fail(api.CodeUnknownCommand)
	}
	c, refusal := h.authorise(r, query)
	if refusal != nil && wrongMethod {
		refusal = broken
	}
	c.Command = command
	return c, found.answer, refusal
}

// authorise finds out who calls: an admin of an app of this server, with a
// UserSig that proves it.
func (h *handler) authorise(r *http.Request, query url.Values) (call, *chat.Refusal) {
	if query.Get("sdkappid") == "" {
		return call{}, chat.Fail(api.CodeNoSDKAppID)
	}
	id, err := strconv.ParseInt(query.Get("sdkappid"), 10, 64)
	if err != nil || id <= 0 {
		return call{}, chat.Fail(api.CodeURLParameter, "sdkappid is not a number")
	}
	identifier := query.Get("identifier")
	if !caller.ValidUserID(identifier) {
		return call{}, chat.Fail(api.CodeURLParameter, "identifier is missing or malformed")
	}
	if query.Has("contenttype") && query.Get("contenttype") != "json" {
		return call{}, chat.Fail(api.CodeURLParameter, "contenttype is not json")
	}
	app, ok := h.backend.App(chat.AppID(id))
	if !ok {
		return call{}, chat.Fail(api.CodeAppNotFound)
	}
	if refusal := h.verified.Check(app, identifier, query.Get("usersig"), h.backend.Now()); refusal != nil {
		return call{}, refusal
	}
	if !app.IsAdmin(chat.UserID(identifier)) {
		return call{}, chat.Fail(api.CodeNotAdmin)
	}
	return call{App: app, Caller: chat.UserID(identifier), ClientIP: caller.ClientIP(r, h.TrustedProxies)}, nil
}
