package config

import (
	"os"
	"strings"

	"github.com/parley-im/parley/api"
)

// EndpointSettings are what an endpoint's owner may set, as texts. What is absent
// keeps what the endpoint has, or its default in a new one.
type EndpointSettings struct {
	URL               *string `name:"url" placeholder:"URL" help:"Where its events go."`
	Commands          *string `name:"commands" placeholder:"COMMAND,…" help:"The switches: callback commands that are on (Group.CallbackSendMsgException)."`
	Codes             *string `name:"codes" placeholder:"CODE,…" help:"Only exceptions with these codes; empty is all."`
	Groups            *string `name:"groups" placeholder:"GROUP,…" help:"Only events of these groups; empty is all."`
	CallbackToken     *string `name:"callback-token" placeholder:"TOKEN" help:"Token that callbacks are signed with (Sign and RequestTime); empty is none."`
	CallbackTokenFile string  `name:"callback-token-file" placeholder:"FILE" help:"File that holds it."`
	SigningKeys       *string `name:"signing-keys" placeholder:"SECRET,…" help:"Secrets of Standard Webhooks, whsec_… or whsk_…, instead of those there are; empty is none."`
	SigningKeysFile   string  `name:"signing-keys-file" placeholder:"FILE" help:"File that holds them, a line each."`
	AddKey            string  `name:"add-key" placeholder:"v1|v1a" help:"Have the server make a signing key beside the others, and print it once."`
	CA                *string `name:"ca" placeholder:"FILE" help:"PEM file of the authorities to trust, instead of the system's; empty is the system's."`
	ClientCert        *string `name:"client-cert" placeholder:"FILE" help:"PEM file of the certificate to show; empty is none."`
	ClientKeyFile     *string `name:"client-key-file" placeholder:"FILE" help:"PEM file of its key."`
	MinTLS            string  `name:"min-tls" placeholder:"1.2|1.3" help:"Oldest version of TLS (1.2)."`
	MaxInFlight       *string `name:"max-in-flight" placeholder:"N" help:"Attempts at once, at most, 1 to 256 (32)."`
	Rate              *string `name:"rate" placeholder:"N" help:"Requests a second; 0 is unlimited (0)."`
	Order             string  `name:"order" placeholder:"none|group" help:"group: events of one group arrive in order (none)."`
	GroupHold         *string `name:"group-hold" placeholder:"SECONDS" help:"How long a failing event holds its group (600)."`
	Timeout           *string `name:"timeout" placeholder:"SECONDS" help:"Of one attempt, 1 to 30 (5)."`
	Retry             *string `name:"retry" placeholder:"SECONDS,…" help:"Longest pauses before the second, third, … attempt; the last repeats."`
	MaxAge            *string `name:"max-age" placeholder:"SECONDS" help:"Age at which an event that fails is a dead letter (259200)."`
	Objection         string  `name:"objection" placeholder:"dead|delivered" help:"What becomes of an event that the receiver got and objects to (dead)."`
	Heartbeat         *string `name:"heartbeat" placeholder:"SECONDS" help:"Between heartbeats; 0 is none (0)."`
}

// Change checks the settings. The error is [Faults]. What only the server knows
// is left to it.
func (r EndpointSettings) Change() (c api.EndpointChange, err error) {
	var f Faults
	c.URL = r.URL
	if r.Commands != nil {
		c.Commands = append([]string{}, split(*r.Commands)...)
	}
	c.ErrorCodes = f.numbers("codes", r.Codes, 1)
	if r.Groups != nil {
		c.GroupIds = append([]string{}, split(*r.Groups)...)
	}
	c.Token = f.secret("callback-token", r.CallbackToken, r.CallbackTokenFile)
	if keys := f.secret("signing-keys", r.SigningKeys, r.SigningKeysFile); keys != nil {
		list := append([]string{}, split(strings.ReplaceAll(*keys, "\n", ","))...)
		c.SigningKeys = &list
	}
	c.AddKey = f.word("add-key", r.AddKey, "v1", "v1a")
	c.CA = f.content("ca", r.CA)
	c.ClientCert = f.content("client-cert", r.ClientCert)
	c.ClientKey = f.content("client-key-file", r.ClientKeyFile)
	if (c.ClientCert == nil) != (c.ClientKey == nil) {
		f.add("client-cert", "give --client-cert and --client-key-file, or neither")
	}
	c.MinTLS = f.word("min-tls", r.MinTLS, "1.2", "1.3")
	c.MaxInFlight = f.number("max-in-flight", r.MaxInFlight, 1)
	c.Rate = f.number("rate", r.Rate, 0)
	c.Order = f.word("order", r.Order, api.OrderNone, api.OrderGroup)
	c.GroupHold = f.number("group-hold", r.GroupHold, 1)
	c.Timeout = f.number("timeout", r.Timeout, 1)
	c.Retry = f.numbers("retry", r.Retry, 1)
	c.MaxAge = f.number("max-age", r.MaxAge, 1)
	c.Objection = f.word("objection", r.Objection, api.ObjectionDead, api.ObjectionDelivered)
	c.Heartbeat = f.number("heartbeat", r.Heartbeat, 0)
	return c, f.Err()
}

// numbers reads integers of at least least, comma separated; nil keeps what is
// there.
func (f *Faults) numbers(flag string, text *string, least int) []int {
	if text == nil {
		return nil
	}
	list := []int{}
	for _, word := range split(*text) {
		if n := f.number(flag, &word, least); n != nil {
			list = append(list, *n)
		}
	}
	return list
}

// content is what is in a file; nil keeps what is there, and no name is nothing.
func (f *Faults) content(flag string, name *string) *string {
	if name == nil || *name == "" {
		return name
	}
	text, err := os.ReadFile(*name)
	if err != nil {
		f.add(flag, "%v", err)
	}
	content := string(text)
	return &content
}
