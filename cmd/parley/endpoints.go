package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
)

// endpointsCmd manages the endpoints of an app.
type endpointsCmd struct {
	List   endpointsList   `cmd:"" help:"List the endpoints and how the delivery to each stands."`
	Add    endpointsAdd    `cmd:"" help:"Add an endpoint; it gets the events from now on."`
	Set    endpointsSet    `cmd:"" help:"Change an endpoint."`
	Test   endpointsTest   `cmd:"" help:"Send a marked sample and say what came back."`
	Pause  endpointsPause  `cmd:"" help:"Stop the delivery to an endpoint, which keeps its events."`
	Resume endpointsResume `cmd:"" help:"Have delivered what a paused endpoint has kept."`
	Remove endpointsRemove `cmd:"" help:"Remove an endpoint with all that is known of its deliveries."`
}

type endpointsList struct {
	readerFlags `embed:""`
}

// Run lists endpoints.
func (c *endpointsList) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	list, err := client.Endpoints(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tURL\tSWITCHED ON\tCURSOR\tBACKLOG\tWAITING\tDEAD\tOLDEST\tFAILING SINCE\tLAST ERROR")
	for i := range list {
		p, lane := &list[i], &list[i].Lane
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", plain(p.Id), state(p), cell(p.URL), cell(strings.Join(p.Commands, ",")),
			lane.Cursor, lane.Backlog, lane.Waiting, lane.Dead, moment(lane.OldestAt), moment(lane.FailingAt), cell(lane.LastError))
	}
	return w.Flush()
}

func state(e *api.Endpoint) string {
	if e.Reason != "" {
		return e.State + " (" + plain(e.Reason) + ")"
	}
	return e.State
}

type endpointsAdd struct {
	writerFlags             `embed:""`
	config.EndpointSettings `embed:""`
	ID                      string `arg:"" name:"id" help:"Its id: 1 to 64 of a-z, 0-9, - and _."`
}

// Run adds an endpoint.
func (c *endpointsAdd) Run(e *env) error {
	client, err := c.client()
	change, cerr := c.Change()
	if c.URL == nil || *c.URL == "" {
		cerr = joinFaults(cerr, config.Faults{"--url: an endpoint needs a URL"})
	}
	if err := joinFaults(err, cerr); err != nil {
		return err
	}
	made, err := client.AddEndpoint(e.ctx, api.NewEndpoint{Id: c.ID, EndpointChange: change})
	if err != nil {
		return err
	}
	return printEndpoint(e, c.JSON, &made)
}

type endpointsSet struct {
	writerFlags             `embed:""`
	config.EndpointSettings `embed:""`
	ID                      string `arg:"" name:"id" help:"The endpoint; primary is the app's callback URL."`
}

// Run changes an endpoint.
func (c *endpointsSet) Run(e *env) error {
	client, err := c.client()
	change, cerr := c.Change()
	if err := joinFaults(err, cerr); err != nil {
		return err
	}
	changed, err := client.UpdateEndpoint(e.ctx, c.ID, change)
	if err != nil {
		return err
	}
	return printEndpoint(e, c.JSON, &changed)
}

// printEndpoint prints an endpoint that was changed, and the key that was made
// for it, which is told this once.
func printEndpoint(e *env, asJSON bool, c *api.EndpointChanged) error {
	if asJSON {
		return printJSON(e.stdout, c)
	}
	if err := printJSON(e.stdout, c.Endpoint); err != nil {
		return err
	}
	if c.NewKey != "" {
		fmt.Fprintf(e.stdout, "new signing key, shown this once: %s\n", c.NewKey)
	}
	return nil
}

type endpointsTest struct {
	writerFlags `embed:""`
	ID          string `arg:"" name:"id" help:"The endpoint."`
}

// errNotDelivered is the outcome of a test that would not count as delivered.
type errNotDelivered struct{ endpoint, next string }

func (e errNotDelivered) Error() string {
	return fmt.Sprintf("a real event would not be delivered to endpoint %s; what would follow: %s", plain(e.endpoint), e.next)
}

// Run sends a sample.
func (c *endpointsTest) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	r, err := client.TestEndpoint(e.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(e.stdout, r)
	} else {
		err = printTest(e.stdout, &r)
	}
	if err == nil && !r.Delivered {
		return errNotDelivered{c.ID, r.Next}
	}
	return err
}

func printTest(w io.Writer, r *api.TestResult) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "called\t%s\nsample\t%s\n", plain(r.URL), r.EventId)
	printAttempt(t, &r.Attempt)
	return t.Flush()
}

type endpointsPause struct {
	writerFlags `embed:""`
	ID          string `arg:"" name:"id" help:"The endpoint."`
}

// Run pauses an endpoint.
func (c *endpointsPause) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	p, err := client.PauseEndpoint(e.ctx, c.ID)
	return printState(e, c.JSON, &p, err)
}

type endpointsResume struct {
	writerFlags `embed:""`
	ID          string `arg:"" name:"id" help:"The endpoint."`
}

// Run resumes an endpoint.
func (c *endpointsResume) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	p, err := client.ResumeEndpoint(e.ctx, c.ID)
	return printState(e, c.JSON, &p, err)
}

func printState(e *env, asJSON bool, p *api.Endpoint, err error) error {
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(e.stdout, p)
	}
	_, err = fmt.Fprintf(e.stdout, "endpoint %s is %s; %d events wait for it\n", plain(p.Id), state(p), p.Lane.Backlog+p.Lane.Waiting)
	return err
}

type endpointsRemove struct {
	writerFlags `embed:""`
	ID          string `arg:"" name:"id" help:"The endpoint."`
}

// Run removes an endpoint.
func (c *endpointsRemove) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.RemoveEndpoint(e.ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "endpoint %s is removed\n", plain(c.ID))
	return nil
}
