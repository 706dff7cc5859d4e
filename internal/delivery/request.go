package delivery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// target is an endpoint's URL, taken apart once.
type target struct {
	base  *url.URL
	query string // the URL's own query with a trailing &, if it has one
	token string
	login string // value of Authorization; empty without a name in the URL
}

var errNoURL = errors.New("callback URL cannot be read")

func newTarget(text, token string) (*target, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errNoURL // the parser's words would show a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("callback URL %q must begin with http:// or https://", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Errorf("callback URL %q has no host", u.Redacted())
	case u.Fragment != "":
		return nil, fmt.Errorf("callback URL %q must not have a fragment", u.Redacted())
	}
	t := &target{base: u, token: token}
	if u.Path == "" {
		u.Path = "/"
	}
	if u.RawQuery != "" {
		t.query = strings.TrimSuffix(u.RawQuery, "&") + "&"
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.login = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return t, nil
}

// authorize sets the header that a name and password in the URL stand for.
func (t *target) authorize(h http.Header) {
	if t.login != "" {
		h["Authorization"] = []string{t.login}
	}
}

// url is the address of one attempt: the five parameters in the order of the
// callback's page (document 1047/49462), then, with a token, Sign and
// RequestTime, made anew for each attempt (document 1047/34354).
func (t *target) url(app chat.AppID, command, clientIP, platform string, now time.Time) *url.URL {
	q := make([]byte, 0, len(t.query)+256)
	q = append(q, t.query...)
	q = append(q, "SdkAppid="...)
	q = strconv.AppendInt(q, int64(app), 10)
	q = append(q, "&CallbackCommand="...)
	q = append(q, command...)
	q = append(q, "&contenttype=json&ClientIP="...)
	q = append(q, url.QueryEscape(clientIP)...)
	q = append(q, "&OptPlatform="...)
	q = append(q, url.QueryEscape(platform)...)
	if t.token != "" {
		at := strconv.FormatInt(now.Unix(), 10)
		sum := sha256.Sum256([]byte(t.token + at))
		q = append(q, "&Sign="...)
		q = hex.AppendEncode(q, sum[:])
		q = append(q, "&RequestTime="...)
		q = append(q, at...)
	}
	u := *t.base
	u.RawQuery = string(q)
	return &u
}
