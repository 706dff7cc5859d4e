package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/config"
)

// eventsCmd looks at the journal of an app.
type eventsCmd struct {
	List   eventsList   `cmd:"" help:"List events, the newest first."`
	Show   eventsShow   `cmd:"" help:"Show an event with every attempt to deliver it."`
	Replay eventsReplay `cmd:"" help:"Send events again: one, dead letters, or a range."`
}

type eventsList struct {
	readerFlags        `embed:""`
	config.EventsFlags `embed:""`
	Bodies             bool `name:"bodies" help:"With the bodies of the callbacks, in JSON."`
	Follow             bool `name:"follow" help:"Go on with what comes, oldest first, until it is interrupted."`
}

// Run lists events. In JSON it is a page, or with --follow an event a line.
func (c *eventsList) Run(e *env) error {
	client, err := c.client()
	q, qerr := c.Request(time.Now())
	if qerr == nil && c.Follow && (c.Before != nil || c.State != "" || c.Until != "") {
		qerr = config.Faults{"--follow: it does not go with --before, --state and --until"}
	}
	if err := joinFaults(err, qerr); err != nil {
		return err
	}
	q.NoBody = !c.Bodies
	if c.Follow {
		return c.follow(e, client, q)
	}
	page, err := client.Events(e.ctx, q)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, page)
	}
	w := newEventTable(e.stdout)
	for i := range page.Events {
		w.add(&page.Events[i])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Expired > 0 && !q.Newest && q.Before == 0 {
		fmt.Fprintf(e.stderr, "%d earlier events are kept no more; the oldest is %d\n", page.Expired, page.FirstSequence)
	}
	if page.More {
		flag := "--after"
		if q.Newest || q.Before > 0 {
			flag = "--before"
		}
		fmt.Fprintf(e.stderr, "there is more: %s %d\n", flag, page.Next)
	}
	return nil
}

// followWait is how long one call waits for events, in seconds.
const followWait = 25

func (c *eventsList) follow(e *env, client *api.Client, q api.EventsRequest) error {
	if q.Newest { // from now on
		q.Newest = false
		page, err := client.Events(e.ctx, api.EventsRequest{Newest: true, Limit: 1, NoBody: true})
		if err != nil {
			return err
		}
		q.After, q.Epoch = page.Head, page.Epoch
	}
	out := json.NewEncoder(e.stdout)
	out.SetEscapeHTML(false)
	for first := true; ; first = false {
		q.Wait = followWait
		page, err := client.Events(e.ctx, q)
		switch {
		case e.ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if page.Expired > 0 {
			fmt.Fprintf(e.stderr, "%d events are kept no more\n", page.Expired)
		}
		w := newEventTable(e.stdout)
		w.headed = !first
		for i := range page.Events {
			if c.JSON {
				err = errors.Join(err, out.Encode(page.Events[i]))
			} else {
				w.add(&page.Events[i])
			}
		}
		if !c.JSON {
			err = w.Flush()
		}
		if err != nil {
			return err
		}
		q.After, q.Epoch = page.Next, page.Epoch
	}
}

// eventTable prints events for people.
type eventTable struct {
	*tabwriter.Writer
	headed bool
}

func newEventTable(w io.Writer) *eventTable {
	return &eventTable{Writer: tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)}
}

func (t *eventTable) add(e *api.Event) {
	if !t.headed {
		t.headed = true
		fmt.Fprintln(t, "SEQUENCE\tTIME\tCOMMAND\tCODE\tRULE\tGROUP\tFROM\tRANDOM\tCOUNT\tEVENT ID")
	}
	command, random := strings.TrimPrefix(e.Command, "Group.Callback"), "-"
	if ofMessage(e) {
		random = strconv.FormatUint(uint64(e.Random), 10)
	}
	if e.Action != "" {
		command += " " + e.Action
	}
	fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", e.Sequence, moment(e.EventTime), command,
		orNone(number(e.ErrorCode)), orNone(e.Rule), cell(e.GroupId), cell(e.FromAccount), random, e.Count, e.EventId)
}

// ofMessage says whether an event is of a message.
func ofMessage(e *api.Event) bool { return strings.HasPrefix(e.Command, "Group.") }

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

type eventsShow struct {
	readerFlags `embed:""`
	ID          string `arg:"" name:"event" help:"Its EventId, or its sequence."`
}

// Run shows an event.
func (c *eventsShow) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	d, err := client.Event(e.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, d)
	}
	return printEvent(e.stdout, &d)
}

// printEvent prints everything about an event for people.
func printEvent(out io.Writer, d *api.EventDetail) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, plain(value))
		}
	}
	line("event", d.EventId)
	line("sequence", fmt.Sprintf("%d of epoch %s", d.Sequence, d.Epoch))
	line("command", d.Command)
	line("action", d.Action)
	line("reason", d.Reason)
	line("time", moment(d.EventTime))
	if d.ErrorCode != 0 {
		line("code", fmt.Sprintf("%d %s", d.ErrorCode, d.ErrorInfo))
	}
	line("rule", d.Rule)
	line("compared", string(d.Compared))
	line("before-send", string(d.BeforeSend))
	line("group", d.GroupId)
	line("from", d.FromAccount)
	if ofMessage(&d.Event) {
		line("random", strconv.FormatUint(uint64(d.Random), 10))
	}
	line("client", strings.TrimSpace(d.ClientIP+" "+d.OptPlatform))
	if d.Count > 1 {
		line("count", strconv.Itoa(d.Count))
	}
	if d.Truncated > 0 {
		line("truncated", fmt.Sprintf("%d bytes of the message are not kept", d.Truncated))
	}
	line("body", string(d.Body))
	for i := range d.Deliveries {
		to := &d.Deliveries[i]
		fmt.Fprintf(w, "\nendpoint %s\t%s", plain(to.Endpoint), to.State)
		if to.Replay {
			fmt.Fprint(w, ", to be sent again")
		}
		if to.NextAt != 0 {
			fmt.Fprintf(w, ", next attempt %s", moment(to.NextAt))
		}
		if to.Reason != "" {
			fmt.Fprintf(w, ": %s", plain(to.Reason))
		}
		fmt.Fprintln(w)
		if err := w.Flush(); err != nil {
			return err
		}
		for j := range to.Attempts {
			printAttempt(w, &to.Attempts[j])
		}
	}
	return w.Flush()
}

func printAttempt(w io.Writer, a *api.Attempt) {
	status := "no answer"
	if a.Status != 0 {
		status = "HTTP " + strconv.Itoa(a.Status)
	}
	fmt.Fprintf(w, "  attempt %d\t%s\t%d ms\t%s\t%s", a.Attempt, moment(a.At), a.Duration, status, a.Result)
	if a.Replay {
		fmt.Fprint(w, " (replay)")
	}
	if a.Reason != "" {
		fmt.Fprintf(w, ": %s", plain(a.Reason))
	}
	if a.Answer != "" {
		fmt.Fprintf(w, "\t%q", a.Answer)
	}
	fmt.Fprintln(w)
}

type eventsReplay struct {
	writerFlags        `embed:""`
	config.ReplayFlags `embed:""`
	ID                 string `arg:"" optional:"" name:"event" help:"One event, by its EventId or its sequence."`
}

// Run has events sent again.
func (c *eventsReplay) Run(e *env) error {
	client, err := c.client()
	replay, rerr := c.Replay(c.ID, time.Now())
	if err := joinFaults(err, rerr); err != nil {
		return err
	}
	started, err := client.Replay(e.ctx, replay)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, started)
	}
	if len(started.Replays) == 0 {
		fmt.Fprintln(e.stdout, "there is nothing to send again")
	}
	for _, r := range started.Replays {
		fmt.Fprintf(e.stdout, "replay %d: %s to endpoint %s\n", r.Id, replayed(&r), plain(r.Endpoint))
	}
	return nil
}

// replayed says in words which events a replay sends again.
func replayed(r *api.ReplayJob) string {
	what := "events"
	if r.Dead {
		what = "dead letters"
	}
	what += fmt.Sprintf(" %d to %d", r.First, r.Last)
	if r.First == r.Last {
		what = fmt.Sprintf("event %d", r.First)
	}
	if r.Code != 0 {
		what += fmt.Sprintf(" with code %d", r.Code)
	}
	if r.Group != "" {
		what += " of group " + plain(r.Group)
	}
	return what
}
