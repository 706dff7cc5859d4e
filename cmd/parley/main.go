// Command parley is a group-messaging backend that tells the app about every
// group message it did not deliver, and the monitor that takes these reports.
//
// This package holds flags, environment, file, signals and exit codes, and
// nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/internal/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it could not be done
	exitUsage  = 2 // a flag, key, URL or secret is wrong
)

// cli is every command. Each flag is also an environment variable and a key of
// the file given with --config.
type cli struct {
	Config string `name:"config" placeholder:"FILE" help:"YAML file with flags by their names, and more apps under apps:."`

	Demo      demoCmd      `cmd:"" help:"Server, monitor and a simulated crowd on loopback, in one process."`
	Serve     serveCmd     `cmd:"" help:"The IM backend."`
	Monitor   monitorCmd   `cmd:"" help:"An app backend that takes callbacks, keeps them and shows them."`
	Usersig   usersigCmd   `cmd:"" help:"Print a UserSig."`
	Apps      appsCmd      `cmd:"" help:"List, add, change and remove apps of a running server."`
	Events    eventsCmd    `cmd:"" help:"Look at the events of a running server, and send them again."`
	Endpoints endpointsCmd `cmd:"" help:"Manage the endpoints that an app's events go to."`
	Explain   explainCmd   `cmd:"" help:"Tell what became of a send: which rule refused it, and how its event was delivered."`
	Backup    backupCmd    `cmd:"" help:"Make a backup of a data folder, while its server runs or not."`
	Restore   restoreCmd   `cmd:"" help:"Make a data folder of a backup."`
	Migrate   migrateCmd   `cmd:"" help:"Move a data folder into a PostgreSQL database."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signals()
	defer stop()
	var c cli
	file, err := loadFile(args)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	exited := -1
	k, err := kong.New(&c,
		kong.Name("parley"),
		kong.Description("A group-messaging backend that tells the app about every message it did not deliver."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.DefaultEnvars("PARLEY"),
		kong.Resolvers(file),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	parsed, err := k.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	// Some tell the faults of the file together with their own.
	if c := parsed.Command(); c != "serve" && c != "monitor" && c != "migrate" && len(file.faults) > 0 {
		return fail(stderr, exitUsage, file.faults)
	}
	err = parsed.Run(&env{ctx: ctx, stdout: stdout, stderr: stderr, file: file})
	var faults config.Faults
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &faults):
		return fail(stderr, exitUsage, err)
	}
	return fail(stderr, exitFailed, err)
}

// fail prints one line per fault.
func fail(stderr io.Writer, code int, err error) int {
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintln(stderr, "parley: "+line)
	}
	return code
}

// env is what a command gets from the process.
type env struct {
	ctx            context.Context // ends with the first interrupt or terminate
	stdout, stderr io.Writer
	file           *file
}

// logger writes to standard error.
func (e *env) logger(l config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // checked with the flags
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, options))
	}
	return slog.New(slog.NewTextHandler(e.stderr, options))
}

// signals gives a context that ends with the first interrupt or terminate; the
// second one ends the process at once.
func signals() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-ch:
			cancel()
		case <-done:
			return
		}
		select {
		case <-ch:
			os.Exit(exitFailed)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}
