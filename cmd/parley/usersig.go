package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

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
	expire, eerr := parseDuration(c.Expire)
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

var days = regexp.MustCompile(`^(\d{1,5})d$`)

// parseDuration understands days and plain seconds besides Go's durations.
func parseDuration(text string) (time.Duration, error) {
	var d time.Duration
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // five digits
		d = time.Duration(n) * 24 * time.Hour
	} else if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if d, err = time.ParseDuration(text); err != nil {
		return 0, fmt.Errorf("%q is no duration such as 180d or 24h", text)
	}
	if d < time.Second {
		return 0, fmt.Errorf("%q is shorter than a second", text)
	}
	return d, nil
}
