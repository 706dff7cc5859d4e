package config

import (
	"strconv"
	"strings"
)

// Caller is who calls a running server, as texts.
type Caller struct {
	App        string
	AppKey     *string
	AppKeyFile string
	Admin      string
}

// Parse checks the caller. user is the name of the flag that holds the UserID.
func (c Caller) Parse(user string) (id int64, key, userID string, err error) {
	var f Faults
	id, perr := strconv.ParseInt(c.App, 10, 64)
	if perr != nil || id <= 0 {
		f.add("app", "%q is no SDKAppID, a number above 0", c.App)
	}
	if k := f.secret("app-key", c.AppKey, c.AppKeyFile); k != nil {
		key = *k
	}
	if key == "" && c.AppKeyFile == "" {
		f.add("app-key", "the key is missing")
	}
	if c.Admin == "" || len(c.Admin) > 32 || strings.ContainsFunc(c.Admin, func(r rune) bool { return r < ' ' || r > '~' }) {
		f.add(user, "%q is no UserID of 1 to 32 printable characters", c.Admin)
	}
	return id, key, c.Admin, f.Err()
}

// Reader is who reads from a running server, as texts: a token, or else an admin.
type Reader struct {
	Caller
	Token     *string
	TokenFile string
}

// Parse checks the reader. With a token the app may be left out, and is 0 then;
// key and userID are empty. A token comes before a key.
func (r Reader) Parse() (id int64, key, userID, token string, err error) {
	var f Faults
	if t := f.secret("token", r.Token, r.TokenFile); t != nil && *t != "" {
		token = *t
	}
	if len(f) > 0 {
		return 0, "", "", "", f
	}
	if token == "" {
		id, key, userID, err = r.Caller.Parse("admin")
		return id, key, userID, "", err
	}
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		f.add("token", "it has characters that are not printable ASCII")
	}
	if r.App != "" {
		if id, err = strconv.ParseInt(r.App, 10, 64); err != nil || id <= 0 {
			f.add("app", "%q is no SDKAppID, a number above 0", r.App)
		}
	}
	return id, "", "", token, f.Err()
}
