package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Events reads a page of the app's events; with Wait it waits for the first one.
// The error is an *EpochMoved if Epoch is not the journal's.
func (c *Client) Events(ctx context.Context, request EventsRequest) (EventsPage, error) {
	var page EventsPage
	err := c.control(ctx, http.MethodGet, "/v1/events", parametersOf(request), nil, &page)
	return page, err
}

// Event shows everything about one event, named by its EventId or its sequence.
func (c *Client) Event(ctx context.Context, id string) (EventDetail, error) {
	var event EventDetail
	err := c.control(ctx, http.MethodGet, "/v1/events/"+url.PathEscape(id), nil, nil, &event)
	return event, err
}

// Replay has events sent again: one, a range, or dead letters.
func (c *Client) Replay(ctx context.Context, replay Replay) (ReplayStarted, error) {
	var started ReplayStarted
	err := c.control(ctx, http.MethodPost, "/v1/replay", nil, replay, &started)
	return started, err
}

// Explain tells what became of a send, or of the sends of a group or an account,
// newest first.
func (c *Client) Explain(ctx context.Context, request ExplainRequest) ([]Explanation, error) {
	var list struct{ Explanations []Explanation }
	err := c.control(ctx, http.MethodGet, "/v1/explain", parametersOf(request), nil, &list)
	return list.Explanations, err
}

// Endpoints lists the app's endpoints by their ids.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var list struct{ Endpoints []Endpoint }
	err := c.control(ctx, http.MethodGet, "/v1/endpoints", nil, nil, &list)
	return list.Endpoints, err
}

// Endpoint shows one endpoint.
func (c *Client) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	var endpoint Endpoint
	err := c.control(ctx, http.MethodGet, endpointPath(id), nil, nil, &endpoint)
	return endpoint, err
}

// AddEndpoint makes an endpoint. It gets the events from now on.
func (c *Client) AddEndpoint(ctx context.Context, endpoint NewEndpoint) (EndpointChanged, error) {
	var changed EndpointChanged
	err := c.control(ctx, http.MethodPost, "/v1/endpoints", nil, endpoint, &changed)
	return changed, err
}

// UpdateEndpoint changes an endpoint. The URL of the primary one is the app's
// CallbackURL.
func (c *Client) UpdateEndpoint(ctx context.Context, id string, change EndpointChange) (EndpointChanged, error) {
	var changed EndpointChanged
	err := c.control(ctx, http.MethodPatch, endpointPath(id), nil, change, &changed)
	return changed, err
}

// RemoveEndpoint removes an endpoint with all that is known of its deliveries.
func (c *Client) RemoveEndpoint(ctx context.Context, id string) error {
	return c.control(ctx, http.MethodDelete, endpointPath(id), nil, nil, &struct{}{})
}

// PauseEndpoint stops the delivery to an endpoint, which keeps its events.
func (c *Client) PauseEndpoint(ctx context.Context, id string) (Endpoint, error) {
	var endpoint Endpoint
	err := c.control(ctx, http.MethodPost, endpointPath(id)+"/pause", nil, struct{}{}, &endpoint)
	return endpoint, err
}

// ResumeEndpoint has delivered what a paused endpoint has kept.
func (c *Client) ResumeEndpoint(ctx context.Context, id string) (Endpoint, error) {
	var endpoint Endpoint
	err := c.control(ctx, http.MethodPost, endpointPath(id)+"/resume", nil, struct{}{}, &endpoint)
	return endpoint, err
}

// TestEndpoint sends a marked sample to an endpoint and tells what came back.
func (c *Client) TestEndpoint(ctx context.Context, id string) (TestResult, error) {
	var result TestResult
	err := c.control(ctx, http.MethodPost, endpointPath(id)+"/test", nil, struct{}{}, &result)
	return result, err
}

func endpointPath(id string) string { return "/v1/endpoints/" + url.PathEscape(id) }

// Tokens lists the app's tokens, oldest first, without their secrets.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var list struct{ Tokens []Token }
	err := c.control(ctx, http.MethodGet, "/v1/tokens", nil, nil, &list)
	return list.Tokens, err
}

// AddToken makes a read-only token with a name for people.
func (c *Client) AddToken(ctx context.Context, name string) (NewToken, error) {
	var token NewToken
	err := c.control(ctx, http.MethodPost, "/v1/tokens", nil, struct{ Name string }{name}, &token)
	return token, err
}

// RemoveToken revokes a token. It is refused from the answer on.
func (c *Client) RemoveToken(ctx context.Context, id string) error {
	return c.control(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(id), nil, nil, &struct{}{})
}

// parametersOf makes parameters of a request: its fields in lower case, or by
// their tag, without those that are zero.
func parametersOf(request any) url.Values {
	query := url.Values{}
	value := reflect.ValueOf(request)
	for f, v := range value.Fields() {
		if v.IsZero() {
			continue
		}
		name := f.Tag.Get("query")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		text := fmt.Sprint(v.Interface())
		if v.Kind() == reflect.Bool {
			text = "1"
		}
		query.Set(name, text)
	}
	return query
}

// control calls one of the server's own addresses. The error is an *Error or an
// *EpochMoved if the server says why it failed, else a *StatusError or a fault
// on the way.
func (c *Client) control(ctx context.Context, method, path string, query url.Values, request, response any) error {
	name := method + " " + path
	call, err := c.controlCall(ctx, method, path, query, request)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(call)
	if err != nil {
		return fmt.Errorf("%s: %w", name, withoutURL(err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", name, err)
	}
	if len(text) > maxAnswer {
		return fmt.Errorf("%s: %w", name, ErrAnswerTooLarge)
	}
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, response); err != nil {
			return fmt.Errorf("%s: decode answer: %w", name, err)
		}
		return nil
	}
	if answer.StatusCode == http.StatusConflict {
		var moved EpochMoved
		if json.Unmarshal(text, &moved) == nil && moved.Epoch != "" {
			return fmt.Errorf("%s: %w", name, &moved)
		}
	}
	var fault Answer
	if json.Unmarshal(text, &fault) == nil && fault.ErrorCode != CodeOK {
		return &Error{Command: name, Code: fault.ErrorCode, Info: fault.ErrorInfo, RetryAfter: retryAfter(answer.Header, time.Now())}
	}
	return &StatusError{name, answer.StatusCode, retryAfter(answer.Header, time.Now())}
}

// controlCall makes the request, with the token or the admin's UserSig.
func (c *Client) controlCall(ctx context.Context, method, path string, query url.Values, request any) (*http.Request, error) {
	var body io.Reader
	if request != nil {
		text, err := json.Marshal(request)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	if query == nil {
		query = url.Values{}
	}
	if c.SDKAppID != 0 {
		query.Set("sdkappid", strconv.FormatInt(c.SDKAppID, 10))
	}
	if c.OtherApp != 0 && c.OtherApp != c.SDKAppID && !strings.HasPrefix(path, "/v1/apps") {
		query.Set("app", strconv.FormatInt(c.OtherApp, 10))
	}
	if c.Token == "" {
		if c.UserSig == nil {
			return nil, errors.New("client has neither a Token nor a UserSig")
		}
		sig, err := c.UserSig(c.Identifier)
		if err != nil {
			return nil, fmt.Errorf("usersig: %w", err)
		}
		query.Set("identifier", c.Identifier)
		query.Set("usersig", sig)
	}
	target := strings.TrimRight(c.BaseURL, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	call, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, withoutURL(err)
	}
	if body != nil {
		call.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		call.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return call, nil
}
