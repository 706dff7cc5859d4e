// Package pg is what the stores of server and monitor share of PostgreSQL:
// sessions whose waiting is bounded, migrations that several starting processes
// run once, what the errors of the driver mean, and what the server's settings
// promise.
//
// Every wait has a bound, on both ends: a lock 1 s, a statement 5 s, a session
// that holds a transaction open and is silent 2 s, a peer that does not
// acknowledge what was sent 5 s. So no process that hangs, is paused or is cut
// off can hold a lock for longer than a few seconds.
//
// The statements rely on the session's settings and on prepared statements; a
// pooler between must keep a session to itself (session mode).
package pg

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The bounds of a session.
const (
	LockTimeout      = time.Second
	StatementTimeout = 5 * time.Second
	IdleTimeout      = 2 * time.Second // of an open transaction
	UserTimeout      = 5 * time.Second // for what was sent to be acknowledged
	connectTimeout   = 3 * time.Second
)

// oldest is the oldest PostgreSQL that is supported.
const oldest = 130000

// Check says what is wrong with a database's URL, without its password.
func Check(database string) error {
	u, err := url.Parse(database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("it is no URL such as postgres://user@host/database")
	}
	if _, err := pgx.ParseConfig(database); err != nil {
		return err // redacted by the driver
	}
	return nil
}

// Config is how a pool of sessions with the database is made. Tables are looked
// for in the schema, unless the URL sets a search_path. name is shown by the
// server beside the session, unless the URL sets an application_name.
func Config(database, schema, name string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(database)
	if err != nil {
		return nil, err
	}
	for param, value := range map[string]string{
		"lock_timeout":                        millis(LockTimeout),
		"statement_timeout":                   millis(StatementTimeout),
		"idle_in_transaction_session_timeout": millis(IdleTimeout),
		"tcp_user_timeout":                    millis(UserTimeout),
	} {
		c.ConnConfig.RuntimeParams[param] = value
	}
	for param, value := range map[string]string{"search_path": quote(schema), "application_name": name} {
		if c.ConnConfig.RuntimeParams[param] == "" {
			c.ConnConfig.RuntimeParams[param] = value
		}
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{KeepAlive: 15 * time.Second, Control: bounded}
	c.ConnConfig.DialFunc = dialer.DialContext
	c.ConnConfig.StatementCacheCapacity = 256
	return c, nil
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Supported fails when the server is older than PostgreSQL 13.
func Supported(ctx context.Context, c *pgx.Conn) error {
	var number int
	var text string
	err := c.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_version')").Scan(&number, &text)
	if err == nil && number < oldest {
		err = fmt.Errorf("the server is PostgreSQL %s; 13 or newer is needed", text)
	}
	return err
}

// Place names a database for people: host, port and database, without user and
// password.
func Place(c *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres://%s/%s", net.JoinHostPort(c.Host, fmt.Sprint(c.Port)), c.Database)
}
