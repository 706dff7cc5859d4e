package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/demo"
)

type demoCmd struct {
	Listen        string `name:"listen" placeholder:"HOST:PORT" help:"Address of the server; any free port on loopback by default."`
	AdminListen   string `name:"admin-listen" placeholder:"HOST:PORT" help:"Address of the server's console; likewise."`
	MonitorListen string `name:"monitor-listen" placeholder:"HOST:PORT" help:"Address of the monitor; likewise."`
	ChatListen    string `name:"chat-listen" placeholder:"HOST:PORT" help:"Address of the chat page, which must be on loopback; likewise."`
	Duration      string `name:"duration" placeholder:"DURATION" help:"End by itself after 30s, 5m, …; without it, Ctrl-C ends it."`
	Log           string `name:"log" placeholder:"FILE" help:"File that the logs of server and monitor are added to; else only warnings and errors are shown."`
}

// Run gives a demonstration.
func (c *demoCmd) Run(e *env) (err error) {
	d, err := c.parse()
	if err != nil {
		return err
	}
	if c.Log != "" {
		file, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("--log: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		d.Log = file
	}
	d.Out, d.Screen = e.stdout, screen(e.stdout)
	// A closed terminal or pipe ends the demonstration in the ordinary way, so
	// that its data is removed.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(e.ctx, syscall.SIGHUP)
	defer stop()
	return demo.Run(ctx, d)
}

// parse checks the flags. The error is [config.Faults].
func (c *demoCmd) parse() (demo.Config, error) {
	d := demo.Config{Listen: c.Listen, AdminListen: c.AdminListen, MonitorListen: c.MonitorListen, ChatListen: c.ChatListen}
	var faults config.Faults
	for _, a := range []struct{ flag, text string }{
		{"listen", c.Listen}, {"admin-listen", c.AdminListen}, {"monitor-listen", c.MonitorListen}, {"chat-listen", c.ChatListen},
	} {
		if a.text == "" {
			continue
		}
		_, port, err := net.SplitHostPort(a.text)
		if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
			faults = append(faults, fmt.Sprintf("--%s: %q is not host:port", a.flag, a.text))
		}
	}
	if c.ChatListen != "" && !demo.OnLoopback(c.ChatListen) {
		faults = append(faults, fmt.Sprintf("--chat-listen: %q is not on loopback, and the chat page lets anybody in", c.ChatListen))
	}
	if c.Duration != "" {
		var err error
		if d.Duration, err = config.Duration(c.Duration); err != nil {
			faults = append(faults, "--duration: "+err.Error())
		}
	}
	return d, faults.Err()
}
