package callbacktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/callback"
)

// Config says whom the receiver under test expects.
type Config struct {
	SdkAppid int64                 // the app the receiver knows
	Token    string                // its callback token; empty leaves out everything about Sign
	Keys     []callback.WebhookKey // sign every sample as Standard Webhooks does; none leaves that out
	Now      func() time.Time      // the receiver's clock; nil is time.Now
}

func (c Config) now() int64 {
	if c.Now == nil {
		return time.Now().Unix()
	}
	return c.Now().Unix()
}

// Sample is one request and what it must be answered.
type Sample struct {
	Name     string
	Method   string // empty is POST
	Query    string // encoded
	Header   http.Header
	Body     []byte
	Chunked  bool // send the body without announcing its length
	Question bool // the receiver may also answer with a refusal
	Status   int  // the HTTP status it must get
	Times    int  // how often it is sent, each time with the same answer; 0 is once
}

// Answer is what a receiver answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most 64 KB
}

// Send makes the sample's request to target, the receiver's address. A query
// that target has already stays in front of the sample's.
func (s Sample) Send(ctx context.Context, client *http.Client, target string) (Answer, error) {
	u, err := url.Parse(target)
	if err != nil {
		return Answer{}, fmt.Errorf("send sample %q: %w", s.Name, err)
	}
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+s.Query, "&")
	if u.Path == "" {
		u.Path = "/"
	}
	method := s.Method
	if method == "" {
		method = http.MethodPost
	}
	var body io.Reader = bytes.NewReader(s.Body)
	if s.Chunked {
		body = io.MultiReader(body) // hides the length
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return Answer{}, fmt.Errorf("send sample %q: %w", s.Name, err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, values := range s.Header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("send sample %q: %w", s.Name, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer to sample %q: %w", s.Name, err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, nil
}

// Check returns an error that says what is wrong with the answer to s, or nil.
// A good sample wants 200 and a JSON object with ActionStatus OK, an ErrorInfo
// and ErrorCode 0 (for a question also a code that refuses); a bad one wants
// its status, and 405 wants an Allow header beside it.
func (s Sample) Check(got Answer) error {
	if got.Status != s.Status {
		return fmt.Errorf("%s: answered %d, want %d; body %.200q", s.Name, got.Status, s.Status, got.Body)
	}
	if s.Status == http.StatusMethodNotAllowed && !strings.Contains(got.Header.Get("Allow"), http.MethodPost) {
		return fmt.Errorf("%s: 405 without an Allow header that names POST", s.Name)
	}
	if s.Status != http.StatusOK {
		return nil
	}
	var body *struct {
		ActionStatus string
		ErrorCode    *int
		ErrorInfo    *string
	}
	if err := json.Unmarshal(got.Body, &body); err != nil || body == nil {
		return fmt.Errorf("%s: the answer is not a JSON object: %.200q", s.Name, got.Body)
	}
	if body.ActionStatus != "OK" || body.ErrorCode == nil || body.ErrorInfo == nil {
		return fmt.Errorf("%s: the answer is not OK with ErrorCode and ErrorInfo: %.200q", s.Name, got.Body)
	}
	if code := *body.ErrorCode; code != callback.CodeAllow && !(s.Question && refuses(code)) {
		return fmt.Errorf("%s: answered with ErrorCode %d", s.Name, code)
	}
	return nil
}

func refuses(code int) bool {
	return code == callback.CodeRefuse || code == callback.CodeDrop ||
		code >= callback.CodeCustomMin && code <= callback.CodeCustomMax
}

// signed gives every sample of list the headers of Standard Webhooks, if c has
// keys, and leaves alone what a sample has of its own.
func (c Config) signed(list ...Sample) []Sample {
	if len(c.Keys) == 0 {
		return list
	}
	for i, s := range list {
		h := s.Header.Clone()
		if h == nil {
			h = http.Header{}
		}
		if h.Get(callback.HeaderWebhookID) == "" {
			h.Set(callback.HeaderWebhookID, fmt.Sprintf("evt-callbacktest-%x", sha256.Sum256(append([]byte(s.Name), s.Body...))))
		}
		c.sign(h, c.now(), s.Body, c.Keys...)
		list[i].Header = h
	}
	return list
}

func (c Config) sign(h http.Header, at int64, body []byte, keys ...callback.WebhookKey) {
	h.Set(callback.HeaderTimestamp, strconv.FormatInt(at, 10))
	h.Set(callback.HeaderSignature, callback.SignWebhook(h.Get(callback.HeaderWebhookID), at, body, keys...))
}

// query returns the encoded parameters of a callback in the protocol's order,
// signed if c has a token.
func (c Config) query(command string, edit ...func(*params)) string {
	p := params{appid: strconv.FormatInt(c.SdkAppid, 10), command: command, time: c.now(), token: c.Token}
	for _, e := range edit {
		e(&p)
	}
	text := "SdkAppid=" + url.QueryEscape(p.appid)
	if p.command != "" {
		text += "&CallbackCommand=" + url.QueryEscape(p.command)
	}
	text += "&contenttype=json&ClientIP=203.0.113.9&OptPlatform=Android"
	if p.token == "" {
		return text
	}
	sign := callback.Sign(p.token, p.time)
	if p.sign != nil {
		sign = *p.sign
	}
	if sign != "" {
		text += "&Sign=" + url.QueryEscape(sign)
	}
	if !p.timeless {
		text += "&RequestTime=" + strconv.FormatInt(p.time, 10)
	}
	return text
}

type params struct {
	appid, command, token string
	time                  int64
	timeless              bool
	sign                  *string
}
