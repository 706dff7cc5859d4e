package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/monitor"
)

type monitorCmd struct {
	config.MonitorFlags `embed:""`
}

// Run takes callbacks until it is told to stop.
func (c *monitorCmd) Run(e *env) error {
	more, err := apps[config.MonitorApp](e.file)
	cfg, perr := c.Parse(more)
	if err := joinFaults(err, perr); err != nil {
		return err
	}
	log := e.logger(cfg.Log)
	mc := monitor.Config{Listen: cfg.Listen, Data: cfg.Data, Database: cfg.Database, TLSCert: cfg.TLSCert, TLSKey: cfg.TLSKey, Keep: cfg.Keep, Logger: log}
	for _, id := range slices.Sorted(maps.Keys(cfg.Apps)) {
		app := cfg.Apps[id]
		mc.Apps = append(mc.Apps, monitor.App{SdkAppid: id, CallbackTokens: app.Tokens, WebhookKeys: app.Keys,
			Server: monitor.Server{URL: app.Server, Token: app.ServerToken, Endpoint: app.ServerEndpoint}})
	}
	m, err := monitor.New(mc)
	if err != nil {
		return err
	}
	if err := m.Start(e.ctx); err != nil {
		return err
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(e.stdout, "parley monitor: page on %s://%s/, callbacks to %[1]s://%[2]s/callback\n", scheme, m.Addr())
	<-e.ctx.Done()
	log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	return m.Stop(ctx)
}
