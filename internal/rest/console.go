package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/caller"
	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/manage"
)

// NewConsole makes the door of the console's pages. Who comes here has logged in
// to the console and may do everything with every app: the operations under
// /apps/{app}/v1/… and, as the app's first admin, the commands under
// /apps/{app}/v4/….
func NewConsole(c Config) http.Handler {
	c.Rejected = nil // its calls have a caller
	h := newHandler(c)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", h.showStatus)
	mux.HandleFunc("GET /apps", h.listStatus)
	for i := range manage.Operations {
		o := &manage.Operations[i]
		path := "/apps/{app}/v1" + o.Path
		switch {
		case o.Name == "ListApps":
			continue
		case strings.HasPrefix(o.Path, "/apps"):
			path = o.Path
		}
		mux.HandleFunc(o.Method+" "+path, h.consoled(o))
	}
	mux.HandleFunc("POST /apps/{app}/v4/{service}/{command}", h.consoleCommand)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, http.StatusNotFound, fault(chat.Fail(api.CodeUnknownCommand)))
	})
	return h.recovering(mux)
}

// consoled mounts an operation for who has logged in.
func (h *handler) consoled(o *manage.Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Del("app")
		app, status, refusal := target(r, query, 0, true)
		if refusal != nil {
			writeControl(w, status, fault(refusal))
			return
		}
		c := call{App: &chat.App{ID: app}, ClientIP: caller.ClientIP(r, h.TrustedProxies), Command: r.Pattern}
		h.operate(w, r, c, o, &manage.Call{App: app, All: true, Query: query})
	}
}

// consoleCommand calls a command in the name of the app's first admin.
func (h *handler) consoleCommand(w http.ResponseWriter, r *http.Request) {
	id, status, refusal := target(r, nil, 0, true)
	if refusal != nil {
		writeControl(w, status, fault(refusal))
		return
	}
	command := r.PathValue("service") + "/" + r.PathValue("command")
	found, ok := routes[command]
	app, there := h.backend.App(id)
	switch {
	case !ok:
		writeControl(w, http.StatusNotFound, fault(chat.Fail(api.CodeUnknownCommand)))
	case !there:
		writeControl(w, http.StatusNotFound, fault(chat.Fail(api.CodeAppNotFound)))
	default:
		found.answer(h, w, r, call{App: app, Caller: app.Admins[0], ClientIP: caller.ClientIP(r, h.TrustedProxies), Command: command})
	}
}

// listStatus shows all apps with what the first page tells of them.
func (h *handler) listStatus(w http.ResponseWriter, r *http.Request) {
	list, err := h.manage.Status(r.Context())
	if err != nil {
		h.writeControlError(w, r, call{App: &chat.App{}, Command: r.Pattern}, err)
		return
	}
	slices.SortFunc(list, func(a, b manage.AppStatus) int { return int(a.SDKAppID - b.SDKAppID) })
	writeControl(w, http.StatusOK, struct{ Apps []manage.AppStatus }{list})
}

// showStatus tells how the process is.
func (h *handler) showStatus(w http.ResponseWriter, r *http.Request) {
	s := struct {
		Ready   bool
		Fault   string // why it is not ready
		Trouble string // why sends are refused although it is
		Version string
	}{Ready: true, Version: version}
	for _, check := range []func(context.Context) error{h.Healthy, h.Ready} {
		if check == nil {
			continue
		}
		if err := check(r.Context()); err != nil {
			s.Ready, s.Fault = false, err.Error()
		}
	}
	if s.Ready && h.Trouble != nil {
		s.Trouble = h.Trouble()
	}
	writeControl(w, http.StatusOK, s)
}
