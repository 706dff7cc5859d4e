package manage

import (
	"context"
	"net/url"
	"reflect"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/chat"
)

// Access is who may call an operation.
type Access int

// The kinds of access.
const (
	Reads    Access = iota // admins of the app, and whoever has one of its tokens
	Writes                 // admins of the app
	Operates               // admins of the operator app
)

// Call is one call of an operation, by somebody who may make it.
type Call struct {
	App   chat.AppID // that it is about
	All   bool       // the caller manages all apps
	Token bool       // the caller is a token, which is shown no secrets of others
	Path  func(name string) string
	Query url.Values
	Body  func(into any) error // reads the request's JSON
}

// Operation is one thing that can be done, at one address.
type Operation struct {
	Method, Path string // below /v1; a path with {app} names the app, else it is the caller's
	Name         string // of the method of api.Client that calls it
	Access       Access
	// Query is the shape whose fields are the parameters, in lower case or by
	// their tag; nil for none.
	Query             reflect.Type
	Request, Response reflect.Type // Request is nil if no body is read
	do                func(context.Context, *Manager, *Call) (any, error)
}

// Do does it. What it returns is to be shown as JSON; see the package's comment
// for its errors.
func (o *Operation) Do(ctx context.Context, m *Manager, c *Call) (any, error) { return o.do(ctx, m, c) }

func operation[Response any](method, path, name string, access Access, do func(context.Context, *Manager, *Call) (Response, error)) Operation {
	return Operation{
		Method: method, Path: path, Name: name, Access: access, Response: reflect.TypeFor[Response](),
		do: func(ctx context.Context, m *Manager, c *Call) (any, error) { return do(ctx, m, c) },
	}
}

// reading is an operation that is asked by parameters.
func reading[Query, Response any](path, name string, do func(context.Context, *Manager, *Call, Query) (Response, error)) Operation {
	o := operation("GET", path, name, Reads, func(ctx context.Context, m *Manager, c *Call) (answer Response, err error) {
		var q Query
		if err := readQuery(c.Query, &q); err != nil {
			return answer, err
		}
		return do(ctx, m, c, q)
	})
	o.Query = reflect.TypeFor[Query]()
	return o
}

// writing is an operation that is asked by a body.
func writing[Request, Response any](method, path, name string, access Access, do func(context.Context, *Manager, *Call, Request) (Response, error)) Operation {
	o := operation(method, path, name, access, func(ctx context.Context, m *Manager, c *Call) (answer Response, err error) {
		var r Request
		if err := c.Body(&r); err != nil {
			return answer, err
		}
		return do(ctx, m, c, r)
	})
	o.Request = reflect.TypeFor[Request]()
	return o
}

// The shapes of lists, and of nothing.
type (
	appList         = struct{ Apps []api.App }
	endpointList    = struct{ Endpoints []api.Endpoint }
	tokenList       = struct{ Tokens []api.Token }
	explanationList = struct{ Explanations []api.Explanation }
	tokenName       = struct{ Name string }
	nothing         = struct{}
)

// Operations are all of them.
var Operations = []Operation{
	operation("GET", "/apps", "ListApps", Reads, func(ctx context.Context, m *Manager, c *Call) (l appList, err error) {
		own := c.App
		if c.All {
			own = 0
		}
		l.Apps, err = m.Apps(ctx, own, !c.Token)
		return l, err
	}),
	writing("POST", "/apps", "AddApp", Operates, func(ctx context.Context, m *Manager, _ *Call, r api.NewApp) (api.AppKey, error) {
		return m.AddApp(ctx, r)
	}),
	writing("PATCH", "/apps/{app}", "UpdateApp", Writes, func(ctx context.Context, m *Manager, c *Call, r api.AppChange) (api.App, error) {
		return m.UpdateApp(ctx, c.App, r)
	}),
	operation("DELETE", "/apps/{app}", "RemoveApp", Writes, func(ctx context.Context, m *Manager, c *Call) (nothing, error) {
		return nothing{}, m.RemoveApp(ctx, c.App)
	}),
	operation("POST", "/apps/{app}/rotate-key", "RotateKey", Writes, func(ctx context.Context, m *Manager, c *Call) (api.AppKey, error) {
		return m.RotateKey(ctx, c.App)
	}),

	reading("/events", "Events", func(ctx context.Context, m *Manager, c *Call, q api.EventsRequest) (api.EventsPage, error) {
		return m.Events(ctx, c.App, q)
	}),
	operation("GET", "/events/{id}", "Event", Reads, func(ctx context.Context, m *Manager, c *Call) (api.EventDetail, error) {
		return m.Event(ctx, c.App, c.Path("id"))
	}),
	writing("POST", "/replay", "Replay", Writes, func(ctx context.Context, m *Manager, c *Call, r api.Replay) (api.ReplayStarted, error) {
		return m.Replay(ctx, c.App, r)
	}),
	reading("/explain", "Explain", func(ctx context.Context, m *Manager, c *Call, q api.ExplainRequest) (l explanationList, err error) {
		l.Explanations, err = m.Explain(ctx, c.App, q)
		return l, err
	}),

	operation("GET", "/endpoints", "Endpoints", Reads, func(ctx context.Context, m *Manager, c *Call) (l endpointList, err error) {
		l.Endpoints, err = m.Endpoints(ctx, c.App, !c.Token)
		return l, err
	}),
	writing("POST", "/endpoints", "AddEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call, r api.NewEndpoint) (api.EndpointChanged, error) {
		return m.AddEndpoint(ctx, c.App, r)
	}),
	operation("GET", "/endpoints/{id}", "Endpoint", Reads, func(ctx context.Context, m *Manager, c *Call) (api.Endpoint, error) {
		return m.Endpoint(ctx, c.App, c.Path("id"), !c.Token)
	}),
	writing("PATCH", "/endpoints/{id}", "UpdateEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call, r api.EndpointChange) (api.EndpointChanged, error) {
		return m.UpdateEndpoint(ctx, c.App, c.Path("id"), r)
	}),
	operation("DELETE", "/endpoints/{id}", "RemoveEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call) (nothing, error) {
		return nothing{}, m.RemoveEndpoint(ctx, c.App, c.Path("id"))
	}),
	operation("POST", "/endpoints/{id}/pause", "PauseEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call) (api.Endpoint, error) {
		return m.PauseEndpoint(ctx, c.App, c.Path("id"))
	}),
	operation("POST", "/endpoints/{id}/resume", "ResumeEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call) (api.Endpoint, error) {
		return m.ResumeEndpoint(ctx, c.App, c.Path("id"))
	}),
	operation("POST", "/endpoints/{id}/test", "TestEndpoint", Writes, func(ctx context.Context, m *Manager, c *Call) (api.TestResult, error) {
		return m.TestEndpoint(ctx, c.App, c.Path("id"))
	}),

	operation("GET", "/tokens", "Tokens", Writes, func(ctx context.Context, m *Manager, c *Call) (l tokenList, err error) {
		l.Tokens, err = m.Tokens(ctx, c.App)
		return l, err
	}),
	writing("POST", "/tokens", "AddToken", Writes, func(ctx context.Context, m *Manager, c *Call, r tokenName) (api.NewToken, error) {
		return m.AddToken(ctx, c.App, r.Name)
	}),
	operation("DELETE", "/tokens/{id}", "RemoveToken", Writes, func(ctx context.Context, m *Manager, c *Call) (nothing, error) {
		return nothing{}, m.RemoveToken(ctx, c.App, c.Path("id"))
	}),
}
