package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/parley-im/parley/internal/app"
	"github.com/parley-im/parley/internal/config"
)

type serveCmd struct {
	config.ServeFlags `embed:""`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(e *env) error {
	more, err := apps[config.AppFlags](e.file)
	cfg, perr := c.Parse(more)
	if err := joinFaults(err, perr); err != nil {
		return err
	}
	log := e.logger(cfg.Log)
	if os.Getenv("GOGC") == "" {
		// The heap is small and most of it short-lived: collecting it a third as
		// often is worth some ten megabytes.
		debug.SetGCPercent(300)
	}
	s := app.NewServer(cfg, log, nil)
	if err := s.Start(e.ctx); err != nil {
		return err
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(e.stdout, "parley serves on %s://%s\n", scheme, s.Addr())
	if a := s.AdminAddr(); a != "" {
		fmt.Fprintf(e.stdout, "console: http://%s/admin/\n", a)
	}
	if t := s.AdminToken(); t != "" {
		fmt.Fprintf(e.stdout, "console token: %s\n", t)
	}
	if f := s.First(); f != nil {
		fmt.Fprintf(e.stdout, "first app made: --app %d --app-key %s --admin %s\nIts key is kept in %s and is not printed again.\n", f.ID, f.Key, f.Admin, s.FirstPlace())
	}
	log.Info("started", "listen", s.Addr(), "admin", s.AdminAddr(), "store", s.Place(), "apps", len(s.Backend().AppIDs()))
	<-e.ctx.Done()
	log.Info("stopping")
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	select {
	case err := <-stopped:
		log.Info("stopped")
		return err
	case <-time.After(stopTime):
		// What was answered is on disk; what hangs is the disk, or a bug.
		return fmt.Errorf("the server did not stop within %v", stopTime)
	}
}

// stopTime is when the process ends even if something hangs.
const stopTime = 9500 * time.Millisecond

// joinFaults puts the faults of several checks together.
func joinFaults(errs ...error) error {
	var all config.Faults
	for _, err := range errs {
		var f config.Faults
		switch {
		case err == nil:
		case errors.As(err, &f):
			all = append(all, f...)
		default:
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
