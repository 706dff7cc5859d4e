package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/usersig"
)

// serverFlags say which server is called, and by whom.
type serverFlags struct {
	Server     string  `name:"server" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server."`
	App        string  `name:"app" placeholder:"SDKAPPID" help:"The caller's app."`
	AppKey     *string `name:"app-key" placeholder:"KEY" help:"Its key."`
	AppKeyFile string  `name:"app-key-file" placeholder:"FILE" help:"File that holds the key."`
	Admin      string  `name:"admin" default:"administrator" placeholder:"USERID" help:"The calling admin."`
	JSON       bool    `name:"json" help:"Print JSON."`
}

func (f serverFlags) caller() config.Caller {
	return config.Caller{App: f.App, AppKey: f.AppKey, AppKeyFile: f.AppKeyFile, Admin: f.Admin}
}

func (f serverFlags) client() (*api.Client, error) {
	id, key, admin, err := f.caller().Parse("admin")
	if err := joinFaults(err, f.checkServer()); err != nil {
		return nil, err
	}
	return f.admin(id, key, admin), nil
}

func (f serverFlags) admin(id int64, key, admin string) *api.Client {
	return &api.Client{
		BaseURL: f.Server, SDKAppID: id, Identifier: admin,
		UserSig: func(user string) (string, error) { return usersig.Make(id, key, user, 5*time.Minute) },
	}
}

func (f serverFlags) checkServer() error {
	if u, err := url.Parse(f.Server); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return config.Faults{fmt.Sprintf("--server: %q is not a URL with http or https", f.Server)}
	}
	return nil
}

// target is the app that a command is about: the one named, else the caller's.
func (f serverFlags) target(named int64) (int64, error) {
	if named != 0 {
		return named, nil
	}
	return strconv.ParseInt(f.App, 10, 64)
}

// ofFlag names another app than the caller's.
type ofFlag struct {
	Of int64 `name:"of" placeholder:"SDKAPPID" help:"Another app, for admins of the server's operator app."`
}

// writerFlags are for commands that change something of an app.
type writerFlags struct {
	serverFlags `embed:""`
	ofFlag      `embed:""`
}

func (f writerFlags) client() (*api.Client, error) {
	client, err := f.serverFlags.client()
	if err == nil {
		client.OtherApp = f.Of
	}
	return client, err
}

// readerFlags are for commands that change nothing: a token is enough.
type readerFlags struct {
	serverFlags `embed:""`
	ofFlag      `embed:""`
	Token       *string `name:"token" placeholder:"TOKEN" help:"Token of the app (parley apps token), instead of its key."`
	TokenFile   string  `name:"token-file" placeholder:"FILE" help:"File that holds the token."`
}

func (f readerFlags) client() (*api.Client, error) {
	id, key, admin, token, err := config.Reader{Caller: f.caller(), Token: f.Token, TokenFile: f.TokenFile}.Parse()
	if err := joinFaults(err, f.checkServer()); err != nil {
		return nil, err
	}
	if token != "" {
		return &api.Client{BaseURL: f.Server, SDKAppID: id, Token: token, OtherApp: f.Of}, nil
	}
	client := f.admin(id, key, admin)
	client.OtherApp = f.Of
	return client, nil
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// plain makes text that somebody else wrote fit for a terminal: what is not
// printable would move the cursor, or worse.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// cell is plain text of a table, which is never empty.
func cell(s string) string { return orNone(plain(s)) }

// moment writes a time of unix milliseconds, which may be none.
func moment(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
