package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/usersig"
)

// appsCmd manages the apps of a running server. The caller's app is the one of
// --app; other apps than that need the server's operator app.
type appsCmd struct {
	List      appsList   `cmd:"" help:"List the apps that the caller may see."`
	Add       appsAdd    `cmd:"" help:"Add an app."`
	Set       appsSet    `cmd:"" help:"Change an app."`
	RotateKey appsRotate `cmd:"" name:"rotate-key" help:"Give an app a new key."`
	Remove    appsRemove `cmd:"" help:"Remove an app with everything of it."`
}

// serverFlags say which server is called, and by whom.
type serverFlags struct {
	Server     string  `name:"server" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server."`
	App        string  `name:"app" placeholder:"SDKAPPID" required:"" help:"The caller's app."`
	AppKey     *string `name:"app-key" placeholder:"KEY" help:"Its key."`
	AppKeyFile string  `name:"app-key-file" placeholder:"FILE" help:"File that holds the key."`
	Admin      string  `name:"admin" default:"administrator" placeholder:"USERID" help:"The calling admin."`
	JSON       bool    `name:"json" help:"Print JSON."`
}

func (f serverFlags) client() (*api.Client, error) {
	id, key, admin, err := config.Caller{App: f.App, AppKey: f.AppKey, AppKeyFile: f.AppKeyFile, Admin: f.Admin}.Parse("admin")
	var more config.Faults
	if u, perr := url.Parse(f.Server); perr != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		more = append(more, fmt.Sprintf("--server: %q is not a URL with http or https", f.Server))
	}
	if err := joinFaults(err, more.Err()); err != nil {
		return nil, err
	}
	return &api.Client{
		BaseURL: f.Server, SDKAppID: id, Identifier: admin,
		UserSig: func(user string) (string, error) { return usersig.Make(id, key, user, 5*time.Minute) },
	}, nil
}

// target is the app that a command is about: the one named, else the caller's.
func (f serverFlags) target(named int64) (int64, error) {
	if named != 0 {
		return named, nil
	}
	return strconv.ParseInt(f.App, 10, 64)
}

type appsList struct {
	serverFlags `embed:""`
}

// Run lists apps.
func (c *appsList) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	list, err := client.ListApps(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "APP\tADMINS\tCALLBACK URL\tSWITCHED ON\tEVENTS\tACCEPTED\tREFUSED\tDROPPED\tREPEATED")
	for _, a := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", a.SDKAppID, strings.Join(a.Admins, ","), orNone(a.Settings.CallbackURL),
			orNone(strings.Join(a.Settings.CallbackCommands, ",")), a.Head, a.Totals.Accepted, a.Totals.Refused, a.Totals.Dropped, a.Totals.Repeated)
	}
	return w.Flush()
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type appsAdd struct {
	serverFlags        `embed:""`
	ID                 int64    `arg:"" name:"sdkappid" help:"The new app."`
	NewKey             string   `name:"new-key" placeholder:"KEY" help:"Its key; without it one is made and printed once."`
	Admins             []string `name:"admins" placeholder:"USERID" default:"administrator" help:"Its admins."`
	config.AppSettings `embed:""`
}

// Run adds an app.
func (c *appsAdd) Run(e *env) error {
	client, err := c.client()
	change, cerr := c.Change()
	if err := joinFaults(err, cerr); err != nil {
		return err
	}
	change.Admins = c.Admins
	key, err := client.AddApp(e.ctx, api.NewApp{SDKAppID: c.ID, Key: c.NewKey, AppChange: change})
	if err != nil {
		return err
	}
	return printKey(e.stdout, c.JSON, key)
}

type appsSet struct {
	serverFlags        `embed:""`
	ID                 int64    `arg:"" optional:"" name:"sdkappid" help:"The app; the caller's own by default."`
	Admins             []string `name:"admins" placeholder:"USERID" help:"Its admins from now on."`
	config.AppSettings `embed:""`
}

// Run changes an app.
func (c *appsSet) Run(e *env) error {
	client, err := c.client()
	change, cerr := c.Change()
	if err := joinFaults(err, cerr); err != nil {
		return err
	}
	change.Admins = c.Admins
	id, err := c.target(c.ID)
	if err != nil {
		return err
	}
	app, err := client.UpdateApp(e.ctx, id, change)
	if err != nil {
		return err
	}
	return printJSON(e.stdout, app)
}

type appsRotate struct {
	serverFlags `embed:""`
	ID          int64 `arg:"" optional:"" name:"sdkappid" help:"The app; the caller's own by default."`
}

// Run gives an app a new key.
func (c *appsRotate) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	id, err := c.target(c.ID)
	if err != nil {
		return err
	}
	key, err := client.RotateKey(e.ctx, id)
	if err != nil {
		return err
	}
	return printKey(e.stdout, c.JSON, key)
}

type appsRemove struct {
	serverFlags `embed:""`
	ID          int64 `arg:"" name:"sdkappid" help:"The app."`
}

// Run removes an app.
func (c *appsRemove) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.RemoveApp(e.ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "app %d is removed\n", c.ID)
	return nil
}

func printKey(w io.Writer, asJSON bool, key api.AppKey) error {
	if asJSON {
		return printJSON(w, key)
	}
	_, err := fmt.Fprintf(w, "--app %d --app-key %s\n", key.SDKAppID, key.Key)
	return err
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
