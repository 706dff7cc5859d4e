package config

import (
	"regexp"
	"strconv"
	"time"

	"github.com/parley-im/parley/api"
)

// EventFilters choose events of a journal, as texts.
type EventFilters struct {
	Code    *string `name:"code" placeholder:"CODE" help:"Only exceptions with this code."`
	Command string  `name:"command" placeholder:"COMMAND" help:"Only this callback command."`
	Group   string  `name:"group" placeholder:"GROUP" help:"Only of this group."`
	From    string  `name:"from" placeholder:"USERID" help:"Only of this sender."`
	Since   string  `name:"since" placeholder:"TIME" help:"Only from this time on: 2h (ago), or 2026-01-31T12:00:00Z."`
	Until   string  `name:"until" placeholder:"TIME" help:"Only before this time."`
}

// EventsFlags are the texts that `parley events list` is given.
type EventsFlags struct {
	EventFilters `embed:""`
	After        *string `name:"after" placeholder:"SEQUENCE" help:"Oldest first, after this sequence; without it the newest, newest first."`
	Before       *string `name:"before" placeholder:"SEQUENCE" help:"Newest first, before this sequence."`
	Limit        *string `name:"limit" placeholder:"N" help:"How many, 1 to 1000 (100)."`
	Endpoint     string  `name:"endpoint" placeholder:"ID" help:"Only those that this endpoint is to get."`
	State        string  `name:"state" placeholder:"delivered|waiting|dead" help:"Only those in this state at the endpoint."`
}

// Request checks the flags at a time. The error is [Faults].
func (r EventsFlags) Request(now time.Time) (api.EventsRequest, error) {
	var f Faults
	q := api.EventsRequest{
		After: f.sequence("after", r.After), Before: f.sequence("before", r.Before), Newest: r.After == nil && r.Before == nil,
		Endpoint: r.Endpoint, State: f.oneOf("state", r.State, api.StateDelivered, api.StateWaiting, api.StateDead),
		Command: r.Command, Group: r.Group, From: r.From,
		Since: f.moment("since", r.Since, now), Until: f.moment("until", r.Until, now),
	}
	if n := f.number("limit", r.Limit, 1); n != nil {
		if q.Limit = *n; *n > api.MaxEventsLimit {
			f.add("limit", "%d is more than %d", *n, api.MaxEventsLimit)
		}
	}
	if n := f.number("code", r.Code, 1); n != nil {
		q.Code = *n
	}
	if r.After != nil && r.Before != nil {
		f.add("after", "give it or --before, not both")
	}
	if r.State != "" && r.Endpoint == "" {
		f.add("state", "it goes with --endpoint alone")
	}
	return q, f.Err()
}

// ReplayFlags are the texts that `parley events replay` is given.
type ReplayFlags struct {
	Endpoint string  `name:"endpoint" placeholder:"ID" help:"Where they are sent; without it, to each endpoint that wants them."`
	Dead     bool    `name:"dead" help:"Dead letters alone."`
	First    *string `name:"first" placeholder:"SEQUENCE" help:"From this sequence on."`
	Last     *string `name:"last" placeholder:"SEQUENCE" help:"Up to this sequence."`
	Since    string  `name:"since" placeholder:"TIME" help:"From this time on: 2h (ago), or 2026-01-31T12:00:00Z."`
	Until    string  `name:"until" placeholder:"TIME" help:"Before this time."`
	Code     *string `name:"code" placeholder:"CODE" help:"Only exceptions with this code."`
	Group    string  `name:"group" placeholder:"GROUP" help:"Only of this group."`
}

// Replay checks the flags at a time, for one event or, without an id, for a
// range. The error is [Faults].
func (r ReplayFlags) Replay(event string, now time.Time) (api.Replay, error) {
	var f Faults
	q := api.Replay{
		Endpoint: r.Endpoint, EventId: event, Dead: r.Dead, First: f.sequence("first", r.First), Last: f.sequence("last", r.Last),
		Since: f.moment("since", r.Since, now), Until: f.moment("until", r.Until, now), Group: r.Group,
	}
	if n := f.number("code", r.Code, 1); n != nil {
		q.Code = *n
	}
	narrowed := r.First != nil || r.Last != nil || r.Since != "" || r.Until != "" || r.Code != nil || r.Group != ""
	switch {
	case event != "" && narrowed:
		f.add("first", "an event is named: it goes with no range and no filter")
	case event == "" && !narrowed && !r.Dead:
		f.add("dead", "say what is to be sent again: an event, --dead, or a range by --first, --last, --since, --until, --code or --group")
	}
	return q, f.Err()
}

// ExplainFlags are the texts that `parley explain` is given.
type ExplainFlags struct {
	Group  string  `name:"group" placeholder:"GROUP" help:"The group that it was sent to."`
	From   string  `name:"from" placeholder:"USERID" help:"Who sent it."`
	Random *string `name:"random" placeholder:"N" help:"Its Random."`
	After  string  `name:"after" default:"2h" placeholder:"TIME" help:"How far to look back: 2h, or 2026-01-31T12:00:00Z."`
	Limit  *string `name:"limit" placeholder:"N" help:"How many sends at most, 1 to 100 (20)."`
}

// Request checks the flags at a time. The error is [Faults].
func (r ExplainFlags) Request(event string, now time.Time) (api.ExplainRequest, error) {
	var f Faults
	q := api.ExplainRequest{EventId: event, Group: r.Group, From: r.From}
	if r.Random != nil {
		n, err := strconv.ParseUint(*r.Random, 10, 32)
		if err != nil {
			f.add("random", "%q is not 0 to 4294967295", *r.Random)
		}
		random := uint32(n)
		q.Random = &random
	}
	switch {
	case event == "" && r.Group == "" && r.From == "":
		f.add("group", "name a send by its event, or by --group, --from or both")
	case event != "" && (r.Group != "" || r.From != "" || r.Random != nil):
		f.add("group", "an event is named: it goes with no --group, --from and --random")
	case event == "":
		q.Since = f.moment("after", r.After, now)
	}
	if n := f.number("limit", r.Limit, 1); n != nil {
		q.Limit = *n
	}
	return q, f.Err()
}

// sequence reads a sequence; nil is 0.
func (f *Faults) sequence(flag string, text *string) uint64 {
	if text == nil {
		return 0
	}
	n, err := strconv.ParseUint(*text, 10, 62)
	if err != nil {
		f.add(flag, "%q is no sequence", *text)
	}
	return n
}

var daysAgo = regexp.MustCompile(`^(\d{1,5})d$`)

// moment reads a time, or how long ago it was, as unix milliseconds; "" is 0.
func (f *Faults) moment(flag, text string, now time.Time) int64 {
	if text == "" {
		return 0
	}
	if m := daysAgo.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // five digits
		return now.Add(-time.Duration(n) * 24 * time.Hour).UnixMilli()
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d).UnixMilli()
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UnixMilli() <= 0 {
		f.add(flag, "%q is neither a duration such as 2h or 7d nor a time such as 2026-01-31T12:00:00Z", text)
		return 0
	}
	return at.UnixMilli()
}
