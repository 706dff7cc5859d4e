package rest

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/wire"
)

// controlled lets an app's admins through to the control addresses, with the
// same parameters as the commands: 401 for anybody else.
func (h *handler) controlled(answer func(w http.ResponseWriter, r *http.Request, c call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			writeControl(w, http.StatusBadRequest, fault(chat.Fail(api.CodeHTTPParse)))
			return
		}
		c, refusal := h.authorise(r, query)
		if refusal != nil {
			h.reject(refusal)
			writeControl(w, http.StatusUnauthorized, fault(refusal))
			return
		}
		c.Command = r.Pattern
		answer(w, r, c)
	}
}

// fault is the body of a failed control call.
func fault(refusal *chat.Refusal) any {
	return struct {
		ErrorCode api.Code
		ErrorInfo string
	}{refusal.Code, refusal.Info}
}

func writeControl(w http.ResponseWriter, status int, v any) {
	text, err := encode(v)
	if err != nil {
		panic(err) // shapes of package api alone are written here
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// writeControlError answers a control call that failed.
func (h *handler) writeControlError(w http.ResponseWriter, c call, err error) {
	var refusal *chat.Refusal
	switch {
	case !errors.As(err, &refusal):
		h.log.Error("a control call failed", "call", c.Command, "app", c.App.ID, "error", err)
		writeControl(w, http.StatusInternalServerError, fault(chat.Fail(api.CodeInternal)))
	case refusal.Code == api.CodeInternal:
		writeControl(w, http.StatusServiceUnavailable, fault(refusal))
	case refusal.Code == api.CodeAppNotFound:
		writeControl(w, http.StatusNotFound, fault(refusal))
	default:
		writeControl(w, http.StatusBadRequest, fault(refusal))
	}
}

func (h *handler) isOperator(c call) bool { return h.Operator != 0 && c.App.ID == h.Operator }

var errNotOperator = chat.Fail(api.CodePermissionDenied, "only admins of the server's operator app may do this")

// target is the app that a control call names. Other apps than the caller's own
// are the operator's alone; to anybody else they might not exist.
func (h *handler) target(w http.ResponseWriter, r *http.Request, c call) (chat.AppID, bool) {
	id, err := strconv.ParseInt(r.PathValue("app"), 10, 64)
	switch {
	case err != nil || id <= 0:
		writeControl(w, http.StatusBadRequest, fault(chat.Fail(api.CodeInvalidParameter, "the address names no SDKAppID")))
		return 0, false
	case chat.AppID(id) != c.App.ID && !h.isOperator(c):
		writeControl(w, http.StatusForbidden, fault(errNotOperator))
		return 0, false
	}
	return chat.AppID(id), true
}

// request reads the body of a control call.
func (h *handler) request(w http.ResponseWriter, r *http.Request, v any) bool {
	body, refusal := readBody(w, r)
	if refusal == nil {
		refusal = decode(body, v)
	}
	if refusal != nil {
		writeControl(w, http.StatusBadRequest, fault(refusal))
	}
	return refusal == nil
}

func (h *handler) listApps(w http.ResponseWriter, r *http.Request, c call) {
	all, err := h.backend.Reader().Apps(r.Context())
	if err != nil {
		h.writeControlError(w, c, err)
		return
	}
	shown := []api.App{}
	for _, a := range all {
		if a.ID != c.App.ID && !h.isOperator(c) {
			continue
		}
		app, err := h.showApp(r, &a)
		if err != nil {
			h.writeControlError(w, c, err)
			return
		}
		shown = append(shown, app)
	}
	writeControl(w, http.StatusOK, struct{ Apps []api.App }{shown})
}

// showApp shows everything of an app but its secrets.
func (h *handler) showApp(r *http.Request, a *chat.App) (api.App, error) {
	head, err := h.backend.Reader().Head(r.Context(), a.ID)
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
	if e := h.backend.Endpoint(a.ID, chat.PrimaryEndpoint); e != nil {
		shown.Settings.CallbackURL, shown.Settings.CallbackSigned = e.URL, e.Token != ""
		shown.Settings.CallbackCA = e.CA
		shown.Settings.CallbackCommands = append(shown.Settings.CallbackCommands, e.Commands...)
	}
	return shown, nil
}

func (h *handler) addApp(w http.ResponseWriter, r *http.Request, c call) {
	if !h.isOperator(c) {
		writeControl(w, http.StatusForbidden, fault(errNotOperator))
		return
	}
	var request api.NewApp
	if !h.request(w, r, &request) {
		return
	}
	a := chat.App{ID: chat.AppID(request.SDKAppID), Key: request.Key, Settings: chat.DefaultSettings()}
	if a.Key == "" {
		a.Key = chat.NewAppKey()
	}
	e := chat.Endpoint{Commands: []string{chat.CommandSendMsgException}}
	err := h.applyChange(&request.AppChange, &a, &e)
	if err == nil {
		err = h.backend.CreateApp(r.Context(), a, e)
	}
	if err != nil {
		h.writeControlError(w, c, err)
		return
	}
	writeControl(w, http.StatusOK, api.AppKey{SDKAppID: int64(a.ID), Key: a.Key})
}

func (h *handler) changeApp(w http.ResponseWriter, r *http.Request, c call) {
	id, ok := h.target(w, r, c)
	if !ok {
		return
	}
	var request api.AppChange
	if !h.request(w, r, &request) {
		return
	}
	err := h.backend.UpdateApp(r.Context(), id, func(a *chat.App, e *chat.Endpoint) error {
		return h.applyChange(&request, a, e)
	})
	if err != nil {
		h.writeControlError(w, c, err)
		return
	}
	a, ok := h.backend.App(id)
	if !ok { // removed in between
		h.writeControlError(w, c, chat.Fail(api.CodeAppNotFound))
		return
	}
	shown, err := h.showApp(r, a)
	if err != nil {
		h.writeControlError(w, c, err)
		return
	}
	writeControl(w, http.StatusOK, shown)
}

// applyChange changes an app as asked, if the server allows its callback URL.
func (h *handler) applyChange(change *api.AppChange, a *chat.App, e *chat.Endpoint) error {
	if err := wire.ApplyAppChange(change, a, e); err != nil {
		return err
	}
	if e.URL != "" && change.CallbackURL != nil && h.CheckCallbackURL != nil {
		if err := h.CheckCallbackURL(e.URL); err != nil {
			return chat.Fail(api.CodeInvalidParameter, "CallbackURL is not allowed: "+err.Error())
		}
	}
	return nil
}

func (h *handler) rotateKey(w http.ResponseWriter, r *http.Request, c call) {
	id, ok := h.target(w, r, c)
	if !ok {
		return
	}
	key := chat.NewAppKey()
	err := h.backend.UpdateApp(r.Context(), id, func(a *chat.App, _ *chat.Endpoint) error {
		a.Key = key
		return nil
	})
	if err != nil {
		h.writeControlError(w, c, err)
		return
	}
	writeControl(w, http.StatusOK, api.AppKey{SDKAppID: int64(id), Key: key})
}

func (h *handler) removeApp(w http.ResponseWriter, r *http.Request, c call) {
	id, ok := h.target(w, r, c)
	if !ok {
		return
	}
	if id == h.Operator {
		writeControl(w, http.StatusBadRequest, fault(chat.Fail(api.CodeInvalidParameter, "the operator app can not be removed")))
		return
	}
	if err := h.backend.DeleteApp(r.Context(), id); err != nil {
		h.writeControlError(w, c, err)
		return
	}
	writeControl(w, http.StatusOK, struct{}{})
}
