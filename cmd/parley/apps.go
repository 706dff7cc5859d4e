package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
)

// appsCmd manages the apps of a running server. The caller's app is the one of
// --app; other apps than that need the server's operator app.
type appsCmd struct {
	List      appsList   `cmd:"" help:"List the apps that the caller may see."`
	Add       appsAdd    `cmd:"" help:"Add an app."`
	Set       appsSet    `cmd:"" help:"Change an app."`
	RotateKey appsRotate `cmd:"" name:"rotate-key" help:"Give an app a new key."`
	Remove    appsRemove `cmd:"" help:"Remove an app with everything of it."`
	Token     appsToken  `cmd:"" help:"Make, list and revoke tokens that may read what belongs to an app."`
}

type appsList struct {
	readerFlags `embed:""`
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
