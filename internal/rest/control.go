package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/manage"
)

// controlled mounts an operation for an app's admins, who prove themselves as
// for the commands, and for whoever has a token of the app where reading is
// enough: 401 for anybody else.
func (h *handler) controlled(o *manage.Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			writeControl(w, http.StatusBadRequest, fault(chat.Fail(api.CodeHTTPParse)))
			return
		}
		c, token, refusal, err := h.identify(r, query)
		if err != nil { // it may be a good one: nobody is told that it is not
			h.log.Error("a token could not be looked up", "error", err)
			writeControl(w, http.StatusServiceUnavailable, fault(chat.Fail(api.CodeInternal)))
			return
		}
		if refusal != nil {
			h.reject(refusal)
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeControl(w, http.StatusUnauthorized, fault(refusal))
			return
		}
		c.Command = r.Pattern
		all := !token && h.manage.IsOperator(c.App.ID)
		app, status, refusal := target(r, query, c.App.ID, all)
		switch {
		case refusal != nil:
		case token && o.Access != manage.Reads:
			status, refusal = http.StatusForbidden, chat.Fail(api.CodePermissionDenied, "a token may read and nothing else")
		case o.Access == manage.Operates && !all:
			status, refusal = http.StatusForbidden, errNotOperator
		}
		if refusal != nil {
			writeControl(w, status, fault(refusal))
			return
		}
		h.operate(w, r, c, o, &manage.Call{App: app, All: all, Token: token, Query: query})
	}
}

// operate does an operation for somebody who may, and answers.
func (h *handler) operate(w http.ResponseWriter, r *http.Request, c call, o *manage.Operation, do *manage.Call) {
	if r.Method == http.MethodGet { // the request is here; its connection may stay for a while
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	do.Path = r.PathValue
	do.Body = func(into any) error {
		body, refusal := readBody(w, r)
		if refusal == nil {
			refusal = command.Decode(body, into)
		}
		if refusal != nil {
			return refusal
		}
		return nil
	}
	answer, err := o.Do(r.Context(), h.manage, do)
	if err != nil {
		h.writeControlError(w, r, c, err)
		return
	}
	writeControl(w, http.StatusOK, answer)
}

// identify finds out who calls: an admin, or a token. The error is one of the
// store.
func (h *handler) identify(r *http.Request, query url.Values) (c call, token bool, refusal *chat.Refusal, err error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		c, refusal = h.authorise(r, query)
		return c, false, refusal, nil
	}
	t, ok, err := h.backend.Reader().Token(r.Context(), chat.HashToken(secret))
	if err != nil {
		return c, true, nil, err
	}
	app, there := h.backend.App(t.App)
	if !ok || !there {
		return c, true, chat.Fail(api.CodeUserSigRevoked, "the token is unknown or was revoked"), nil
	}
	if id := query.Get("sdkappid"); id != "" && id != t.App.String() {
		return c, true, chat.Fail(api.CodeUserSigWrongApp, "the token is of another app"), nil
	}
	return call{App: app, ClientIP: caller.ClientIP(r, h.TrustedProxies)}, true, nil, nil
}

var errNotOperator = chat.Fail(api.CodePermissionDenied, "only admins of the server's operator app may do this")

// target is the app that a call is about: the one that the address or the
// parameter app names, else the caller's own. Other apps than that are the
// operator's alone; to anybody else they might not exist.
func target(r *http.Request, query url.Values, own chat.AppID, all bool) (app chat.AppID, status int, refusal *chat.Refusal) {
	named := r.PathValue("app")
	if named == "" {
		named = query.Get("app")
	}
	if named == "" {
		return own, 0, nil
	}
	id, err := strconv.ParseInt(named, 10, 64)
	switch {
	case err != nil || id <= 0:
		return 0, http.StatusBadRequest, chat.Fail(api.CodeInvalidParameter, "the address names no SDKAppID")
	case chat.AppID(id) != own && !all:
		return 0, http.StatusForbidden, errNotOperator
	}
	return chat.AppID(id), 0, nil
}

// fault is the body of a failed control call.
func fault(refusal *chat.Refusal) any {
	return struct {
		ErrorCode api.Code
		ErrorInfo string
	}{refusal.Code, refusal.Info}
}

func writeControl(w http.ResponseWriter, status int, v any) {
	text, err := command.Encode(v)
	if err != nil {
		panic(err) // shapes of package api alone are written here
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// writeControlError answers a control call that failed.
func (h *handler) writeControlError(w http.ResponseWriter, r *http.Request, c call, err error) {
	var moved *manage.Moved
	if errors.As(err, &moved) {
		writeControl(w, http.StatusConflict, moved.EpochMoved)
		return
	}
	var absent manage.Missing
	var crowded manage.Crowded
	var refusal *chat.Refusal
	status := http.StatusBadRequest
	switch {
	case errors.As(err, &absent):
		status, refusal = http.StatusNotFound, absent.Refusal
	case errors.As(err, &crowded):
		status, refusal = http.StatusServiceUnavailable, crowded.Refusal
	case errors.As(err, &refusal):
		switch refusal.Code {
		case api.CodeInternal:
			status = http.StatusServiceUnavailable
		case api.CodeAppNotFound:
			status = http.StatusNotFound
		}
	case errors.Is(err, chat.ErrBusy), errors.Is(err, chat.ErrStopped), errors.Is(err, chat.ErrUnknown):
		status, refusal = http.StatusServiceUnavailable, chat.Fail(api.CodeInternal)
	default:
		status, refusal = http.StatusInternalServerError, chat.Fail(api.CodeInternal)
		if r.Context().Err() == nil && !errors.Is(err, context.Canceled) {
			h.log.Error("a control call failed", "call", c.Command, "app", c.App.ID, "error", err)
		}
	}
	hintRetry(w, refusal)
	writeControl(w, status, fault(refusal))
}
