package main

import (
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/config"
)

type explainCmd struct {
	readerFlags         `embed:""`
	config.ExplainFlags `embed:""`
	ID                  string `arg:"" optional:"" name:"event" help:"The event of a refusal, by its EventId or its sequence."`
}

// Run explains what became of sends: a paragraph each, the newest first, and
// with one event named also every attempt to deliver it.
func (c *explainCmd) Run(e *env) error {
	client, err := c.client()
	request, rerr := c.Request(c.ID, time.Now())
	if err := joinFaults(err, rerr); err != nil {
		return err
	}
	list, err := client.Explain(e.ctx, request)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, list)
	}
	for i, x := range list {
		if i > 0 {
			fmt.Fprintln(e.stdout)
		}
		fmt.Fprintln(e.stdout, plain(x.Text))
		if x.Exception == nil {
			continue
		}
		if c.ID == "" {
			fmt.Fprintf(e.stdout, "  event %s\n", x.Exception.EventId)
			continue
		}
		fmt.Fprintln(e.stdout)
		if err := printEvent(e.stdout, x.Exception); err != nil {
			return err
		}
	}
	return nil
}
