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
