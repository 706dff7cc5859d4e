// Package dbfile is what the stores of server and monitor share of SQLite: how
// a file is named to the driver, how its schema is brought up to date, and what
// the settings of a connection promise. It is to SQLite what package pg is to
// PostgreSQL.
package dbfile

import (
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// DSN names the file at an absolute path, whatever characters are in it, with
// the pragmas that every connection to it starts with.
func DSN(path string, pragmas ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}
