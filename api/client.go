package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is the most a client reads of an answer, in bytes. The protocol's
// own limit is 1 MB.
const maxAnswer = 8 << 20

// ErrAnswerTooLarge tells of an answer of more than 8 MB.
var ErrAnswerTooLarge = errors.New("answer too large")

// Client calls the REST API in the name of an app's admin. It has a method for
// each command, and Call for all others. The error of a method is an *Error if
// the server says that the call failed, a *StatusError for an HTTP status
// other than 200, and else tells of a fault on the way. No error contains the
// UserSig or the Token. A client never repeats a call by itself.
//
// All fields but HTTP have to be set before the first call and left alone from
// then on. After that a client may be used by several goroutines at once.
type Client struct {
	// BaseURL is scheme, host and port, for example http://127.0.0.1:8080.
	BaseURL string
	// SDKAppID is the number of the app.
	SDKAppID int64
	// Identifier is the UserID of the admin.
	Identifier string
	// UserSig makes the admin's UserSig. It is asked for each call, from any
	// goroutine, and may answer with one it made before.
	UserSig func(userID string) (string, error)
	// Token is a token of the app, with which the server's own addresses (not the
	// commands) can be read without an admin's UserSig. SDKAppID may be left zero.
	Token string
	// OtherApp is the app that events, endpoints and tokens are of if it is not the
	// admin's own; for admins of the server's operator app.
	OtherApp int64
	// HTTP makes the connections; nil is http.DefaultClient, which has no
	// time-out of its own and keeps two idle connections to a server.
	HTTP *http.Client
}

// Call calls any command, named by service and command as in
// "group_open_http_svc/send_group_msg". The request is sent as JSON, the answer
// is read into response, a pointer to a struct that embeds Answer. As far as it
// could be read, response is filled for a failed call too.
func (c *Client) Call(ctx context.Context, command string, request any, response Response) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: encode request: %w", command, err)
	}
	target, err := c.url(command)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", command, withoutURL(err))
	}
	call.Header.Set("Content-Type", "application/json")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(call)
	if err != nil {
		return fmt.Errorf("%s: %w", command, withoutURL(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		// Reading the rest, if it is short, lets the connection be used again.
		_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
		return &StatusError{command, answer.StatusCode, retryAfter(answer.Header, time.Now())}
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", command, err)
	}
	if len(text) > maxAnswer {
		return fmt.Errorf("%s: %w", command, ErrAnswerTooLarge)
	}
	envelope, err := readAnswer(text, response)
	if err != nil {
		return fmt.Errorf("%s: decode answer: %w", command, err)
	}
	if envelope.Failed() {
		return &Error{command, envelope.ErrorCode, envelope.ErrorInfo,
			retryAfter(answer.Header, time.Now()), answer.Header.Get(HeaderEventID)}
	}
	return nil
}

// readAnswer fills response. A failed answer counts as one even if the rest of
// it has not the form of response.
func readAnswer(text []byte, response Response) (Answer, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		return Answer{}, errors.New("not a JSON object")
	}
	err := json.Unmarshal(text, response)
	if err == nil {
		return response.envelope(), nil
	}
	var envelope Answer
	if json.Unmarshal(text, &envelope) == nil && envelope.Failed() {
		return envelope, nil
	}
	return Answer{}, err
}

// url puts the parameters in the order that the protocol shows them in.
func (c *Client) url(command string) (string, error) {
	if c.UserSig == nil {
		return "", errors.New("client has no UserSig")
	}
	sig, err := c.UserSig(c.Identifier)
	if err != nil {
		return "", fmt.Errorf("usersig: %w", err)
	}
	// The asterisks of a UserSig need no escaping.
	sig = strings.ReplaceAll(url.QueryEscape(sig), "%2A", "*")
	return fmt.Sprintf("%s/v4/%s?sdkappid=%d&identifier=%s&usersig=%s&random=%d&contenttype=json",
		strings.TrimRight(c.BaseURL, "/"), command, c.SDKAppID, url.QueryEscape(c.Identifier), sig, rand.Uint32()), nil
}

// withoutURL takes the URL, and the UserSig in it, out of an error.
func withoutURL(err error) error {
	if fault, ok := errors.AsType[*url.Error](err); ok {
		return fault.Err
	}
	return err
}
