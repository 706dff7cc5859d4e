package chat

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// PrimaryEndpoint is the id of the endpoint of an app's callback URL. It alone
// is asked the before-send question.
const PrimaryEndpoint = "primary"

// Endpoint is a URL that an app's events go to.
type Endpoint struct {
	ID    string // "primary" for the app's callback URL
	App   AppID
	URL   string // empty: none; only of the primary one
	Token string // signs callbacks when not empty
	CA    string // PEM of the certificates to trust instead of the system's; empty for the system's
	// Commands are the switches: callback commands that are on.
	Commands []string
	EndpointSettings
	// Cursor: everything up to it is settled, or has a row of its own.
	Cursor Sequence
	// CursorPrevious is the last sequence at or below Cursor that was for this
	// endpoint, the Parley-Previous of the next one; 0 for none.
	CursorPrevious Sequence
	// Lane is what the lane noted of the endpoint when it last wrote.
	Lane LaneState
}

// EndpointSettings are what an endpoint has beside its address and switches. The
// zero value of each number is its default.
type EndpointSettings struct {
	Codes       []int        `json:",omitempty"` // only exceptions with these codes; empty is all
	Groups      []GroupID    `json:",omitempty"` // only events of these groups; empty is all
	Keys        []SigningKey `json:",omitempty"` // of Standard Webhooks, at most two of a kind
	ClientCert  string       `json:",omitempty"` // PEM
	ClientKey   string       `json:",omitempty"` // PEM
	MinTLS      string       `json:",omitempty"` // "1.2" (default) or "1.3"
	MaxInFlight int          `json:",omitempty"` // attempts at once, at most
	Rate        int          `json:",omitempty"` // requests a second; 0 is no limit
	InOrder     bool         `json:",omitempty"` // events of one group arrive in order
	GroupHold   int          `json:",omitempty"` // seconds that a failing event holds its group
	Timeout     int          `json:",omitempty"` // seconds of one attempt
	Retry       []int        `json:",omitempty"` // seconds: longest pauses before the second, third, … attempt
	MaxAge      int          `json:",omitempty"` // seconds until an event that fails is a dead letter
	Lenient     bool         `json:",omitempty"` // a 200 that objects counts as delivered
	Heartbeat   int          `json:",omitempty"` // seconds between heartbeats; 0 is none

	// Life tells an endpoint from another one of the same id before it.
	Life     string `json:",omitempty"`
	Paused   string `json:",omitempty"` // why nothing is sent; empty: it is active
	PausedAt int64  `json:",omitempty"` // unix milliseconds

	// Since: events up to it were committed before the endpoint was made, or
	// before its switches and filters were last changed. A chain of Previous
	// begins behind it.
	Since Sequence `json:",omitempty"`
	// Past are switches and filters that held for events up to a sequence beyond
	// the cursor, oldest first: an event is for an endpoint if it was when it was
	// committed.
	Past []PastSwitches `json:",omitempty"`
}

// Switches decide which events are for an endpoint.
type Switches struct {
	Commands []string
	Codes    []int     `json:",omitempty"` // of exceptions; empty is all
	Groups   []GroupID `json:",omitempty"` // empty is all
}

// PastSwitches are an endpoint's switches and filters up to a sequence.
type PastSwitches struct {
	UpTo Sequence
	Switches
}

// The kinds of signing keys, as they stand in the header.
const (
	KeyHMAC    = "v1"
	KeyEd25519 = "v1a"
)

// SigningKey is a key of Standard Webhooks.
type SigningKey struct {
	Kind   string
	Secret []byte // the HMAC key, or the seed of an ed25519 key
}

// LaneState is what a lane writes down of its endpoint, so that a restart knows.
type LaneState struct {
	FailingAt   int64  `json:",omitempty"` // since when it fails as a whole, unix milliseconds; 0: it does not
	Probes      int    `json:",omitempty"` // that failed since
	TriedFor    int64  `json:",omitempty"` // for how long it was tried since, milliseconds: without pauses and times when nobody ran
	ResumedAt   int64  `json:",omitempty"` // when its last pause ended, unix milliseconds
	TroubleAt   int64  `json:",omitempty"` // since when it has taken nothing that it was sent; 0: it has
	Alarmed     bool   `json:",omitempty"` // the alarm was raised, and not yet that it recovered
	LastError   string `json:",omitempty"`
	LastErrorAt int64  `json:",omitempty"` // unix milliseconds
	DeliveredAt int64  `json:",omitempty"` // of the last delivery
	Limit       int    `json:",omitempty"` // attempts at once
}

// Defaults and bounds of an endpoint.
const (
	DefaultMaxInFlight = 32
	MaxMaxInFlight     = 256
	DefaultGroupHold   = 10 * time.Minute
	DefaultTimeout     = 5 * time.Second
	DefaultMaxAge      = 3 * 24 * time.Hour
	maxKeysOfKind      = 2
	maxFilter          = 1000 // codes or groups
	maxPast            = 1000
	maxEndpoints       = 1000 // of an app
)

// DefaultRetry are the longest pauses before the second, third, … attempt; the
// last one repeats.
var DefaultRetry = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
}

// Wants says whether the endpoint has a URL and the command switched on now.
func (e *Endpoint) Wants(command string) bool {
	return e.URL != "" && slices.Contains(e.Commands, command)
}

// IsFor says whether an event is for the endpoint, by its switches and filters
// as they stood when the event was committed.
func (e *Endpoint) IsFor(ev *Event) bool {
	s, _ := e.SwitchesAt(ev.Seq)
	return e.URL != "" && s.Let(ev)
}

// SwitchesAt are the switches and filters that hold for the event of a sequence,
// and the last sequence that they hold for.
func (e *Endpoint) SwitchesAt(seq Sequence) (s Switches, upTo Sequence) {
	for i := range e.Past {
		if p := &e.Past[i]; seq <= p.UpTo {
			return p.Switches, p.UpTo
		}
	}
	return Switches{e.Commands, e.Codes, e.Groups}, ^Sequence(0)
}

// Let says whether an event passes the switches and filters.
func (s *Switches) Let(ev *Event) bool {
	return slices.Contains(s.Commands, ev.Command) &&
		(len(s.Codes) == 0 || ev.Command != CommandSendMsgException || slices.Contains(s.Codes, ev.Code)) &&
		(len(s.Groups) == 0 || slices.Contains(s.Groups, ev.Group))
}

// ChainStart is the sequence behind which the chain of Previous begins that the
// event with the given sequence is in: of the events up to it, none is its
// Previous.
func (e *Endpoint) ChainStart(seq Sequence) (start Sequence) {
	for i := range e.Past {
		if p := &e.Past[i]; p.UpTo < seq {
			start = p.UpTo
		}
	}
	if e.Since < seq {
		start = max(start, e.Since)
	}
	return start
}

// SameSwitches says whether two endpoints have the same switches and filters.
func (e *Endpoint) SameSwitches(o *Endpoint) bool {
	return slices.Equal(e.Commands, o.Commands) && slices.Equal(e.Codes, o.Codes) && slices.Equal(e.Groups, o.Groups)
}

// switched makes e, which replaces had, hold for events after head alone: up to
// it those of had do.
func (e *Endpoint) switched(had *Endpoint, head Sequence) {
	e.Past = nil
	if had.URL == "" {
		return // nothing waits for it
	}
	past := had.Past
	for len(past) > 1 && past[1].UpTo <= had.Cursor { // the last one before the cursor may begin a chain
		past = past[1:]
	}
	e.Past = slices.Clone(past)
	if e.SameSwitches(had) {
		return
	}
	if head > had.Cursor {
		e.Past = append(e.Past, PastSwitches{head, Switches{had.Commands, had.Codes, had.Groups}})
	}
	e.Since = head
}

// Limits of the settings with their defaults filled in.

// InFlightLimit is how many attempts may be under way at once.
func (s *EndpointSettings) InFlightLimit() int {
	if s.MaxInFlight == 0 {
		return DefaultMaxInFlight
	}
	return s.MaxInFlight
}

// HoldTime is how long a failing event holds its group.
func (s *EndpointSettings) HoldTime() time.Duration {
	return seconds(s.GroupHold, DefaultGroupHold)
}

// AttemptTime is how long an attempt may take.
func (s *EndpointSettings) AttemptTime() time.Duration { return seconds(s.Timeout, DefaultTimeout) }

// Lifetime is the age at which an event that fails becomes a dead letter.
func (s *EndpointSettings) Lifetime() time.Duration { return seconds(s.MaxAge, DefaultMaxAge) }

// Pauses are the longest pauses before the second, third, … attempt.
func (s *EndpointSettings) Pauses() []time.Duration {
	if len(s.Retry) == 0 {
		return DefaultRetry
	}
	list := make([]time.Duration, len(s.Retry))
	for i, n := range s.Retry {
		list[i] = seconds(n, 0)
	}
	return list
}

func seconds(n int, zero time.Duration) time.Duration {
	if n == 0 {
		return zero
	}
	return time.Duration(n) * time.Second
}

// Check says what is wrong with an endpoint, naming the first field. The primary
// one may have no URL: it is none at all then.
func (e *Endpoint) Check() error {
	url, ca, commands := "URL", "CA", "Commands"
	if e.ID == PrimaryEndpoint || e.ID == "" {
		url, ca, commands = "CallbackURL", "CallbackCA", "CallbackCommands"
	}
	if err := checkURL(e.URL); err != nil && (e.URL != "" || url == "URL") {
		return fmt.Errorf("%s %w", url, err)
	}
	if e.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(e.CA)) {
		return fmt.Errorf("%s has no certificate in PEM", ca)
	}
	for _, command := range e.Commands {
		if !slices.Contains(Commands, command) {
			return fmt.Errorf("%s has %q, which is no callback of this server", commands, command)
		}
		if command == CommandBeforeSendMsg && url == "URL" {
			return fmt.Errorf("Commands has %q, which only the app's callback URL is asked", command)
		}
	}
	return e.EndpointSettings.check()
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" || !validPort(u.Port()) {
		return fmt.Errorf("must be a URL with http or https, a host, a port up to 65535 and no fragment")
	}
	return nil
}

// validPort accepts a port of a URL; none is well.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func (s *EndpointSettings) check() error {
	for _, n := range []struct {
		name             string
		n, lowest, above int
	}{
		{"MaxInFlight", s.MaxInFlight, 1, MaxMaxInFlight},
		{"Rate", s.Rate, 1, 100_000},
		{"GroupHold", s.GroupHold, 1, 86_400},
		{"Timeout", s.Timeout, 1, 30},
		{"MaxAge", s.MaxAge, 60, 30 * 86_400},
		{"Heartbeat", s.Heartbeat, 5, 3600},
	} {
		if n.n != 0 && (n.n < n.lowest || n.n > n.above) {
			return fmt.Errorf("%s must be %d to %d", n.name, n.lowest, n.above)
		}
	}
	switch {
	case len(s.Codes) > maxFilter:
		return fmt.Errorf("ErrorCodes names more than %d codes", maxFilter)
	case len(s.Groups) > maxFilter:
		return fmt.Errorf("GroupIds names more than %d groups", maxFilter)
	case s.MinTLS != "" && s.MinTLS != "1.2" && s.MinTLS != "1.3":
		return fmt.Errorf("MinTLS must be 1.2 or 1.3")
	case (s.ClientCert == "") != (s.ClientKey == ""):
		return fmt.Errorf("ClientCert and ClientKey belong together")
	case len(s.Retry) > 20:
		return fmt.Errorf("Retry has more than 20 pauses")
	}
	if s.ClientCert != "" {
		if _, err := tls.X509KeyPair([]byte(s.ClientCert), []byte(s.ClientKey)); err != nil {
			return fmt.Errorf("ClientCert and ClientKey are no certificate with its key in PEM")
		}
	}
	for i, n := range s.Retry {
		longest := 86_400
		if i < 2 { // contract §4: the first retry within 5 s, the second within 30 s
			longest = []int{5, 30}[i]
		}
		if n < 1 || n > longest {
			return fmt.Errorf("Retry: pause %d must be 1 to %d seconds", i+1, longest)
		}
	}
	kinds := make(map[string]int)
	for _, k := range s.Keys {
		kinds[k.Kind]++
		switch {
		case k.Kind == KeyHMAC && (len(k.Secret) < 24 || len(k.Secret) > 64):
			return fmt.Errorf("SigningKeys: an HMAC key has 24 to 64 bytes")
		case k.Kind == KeyEd25519 && len(k.Secret) != 32:
			return fmt.Errorf("SigningKeys: an ed25519 key has 32 bytes")
		case k.Kind != KeyHMAC && k.Kind != KeyEd25519:
			return fmt.Errorf("SigningKeys has a key of an unknown kind")
		case kinds[k.Kind] > maxKeysOfKind:
			return fmt.Errorf("SigningKeys has more than %d keys of kind %s", maxKeysOfKind, k.Kind)
		}
	}
	return nil
}
