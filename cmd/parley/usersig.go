package main

import (
	"fmt"

	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/usersig"
)

type usersigCmd struct {
	App        string  `name:"app" placeholder:"SDKAPPID" required:"" help:"SDKAppID."`
	AppKey     *string `name:"app-key" placeholder:"KEY" help:"The app's secret key."`
	AppKeyFile string  `name:"app-key-file" placeholder:"FILE" help:"File that holds the key."`
	User       string  `name:"user" placeholder:"USERID" required:"" help:"UserID."`
	Expire     string  `name:"expire" default:"180d" placeholder:"DURATION" help:"How long it holds: 180d, 24h, 90m, or seconds."`
}

// Run prints a UserSig.
func (c *usersigCmd) Run(e *env) error {
	caller := config.Caller{App: c.App, AppKey: c.AppKey, AppKeyFile: c.AppKeyFile, Admin: c.User}
	id, key, user, err := caller.Parse("user")
	expire, eerr := config.Duration(c.Expire)
	if eerr != nil {
		eerr = config.Faults{"--expire: " + eerr.Error()}
	}
	if err := joinFaults(err, eerr); err != nil {
		return err
	}
	sig, err := usersig.Make(id, key, user, expire)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, sig)
	return nil
}
