package api

// PrimaryEndpoint is the id of the endpoint of an app's callback URL.
const PrimaryEndpoint = "primary"

// The orders of an endpoint.
const (
	OrderNone  = "none"  // events are sent in order, several at a time
	OrderGroup = "group" // events of one group arrive in order
)

// The states of an endpoint.
const (
	EndpointActive = "active"
	EndpointPaused = "paused" // by somebody, or by an answer 410; it keeps its events
)

// Endpoint is a URL that an app's events go to, without its secrets.
type Endpoint struct {
	Id          string
	URL         string
	Commands    []string // switched on
	ErrorCodes  []int    // only exceptions with these codes; empty is all
	GroupIds    []string // only events of these groups; empty is all
	Signed      bool     // has a token: Sign and RequestTime
	SigningKeys []SigningKey
	CA          string // PEM of the certificates to trust; empty for the system's
	ClientCert  string // PEM; empty: none
	MinTLS      string // "1.2" or "1.3"
	MaxInFlight int    // attempts at once, at most
	Rate        int    // requests a second; 0 is no limit
	Order       string
	GroupHold   int   // seconds that a failing event holds its group, with OrderGroup
	Timeout     int   // seconds of one attempt
	Retry       []int // seconds: the longest pauses before the second, third, … attempt; the last repeats
	MaxAge      int   // seconds until an event that fails is a dead letter
	Objection   string
	Heartbeat   int // seconds between heartbeats; 0 is none
	State       string
	Reason      string `json:",omitempty"` // why it is paused
	Lane        Lane
}

// The words of Objection: what becomes of an event that the receiver got and
// objects to (200 with FAIL).
const (
	ObjectionDead      = "dead" // three attempts, then a dead letter
	ObjectionDelivered = "delivered"
)

// SigningKey is a key of Standard Webhooks, without its secret.
type SigningKey struct {
	Id     string // tells it from others; made of a hash of the key
	Kind   string // "v1" (HMAC-SHA256) or "v1a" (ed25519)
	Public string `json:",omitempty"` // of a v1a key: "whpk_…", which receivers verify with
}

// Lane is how the delivery to an endpoint stands.
type Lane struct {
	Here        bool   // this process delivers; else the rest is as last written
	Cursor      uint64 // all up to it are settled, or have a row of their own
	Settled     uint64 // all up to it were delivered or are dead letters
	Backlog     uint64 // events after Cursor
	Waiting     uint64 // events that failed and wait for their next attempt
	Dead        uint64 // dead letters
	OldestAt    int64  `json:",omitempty"` // EventTime of the oldest event that is not settled, unix milliseconds
	Limit       int    // attempts at once now
	InFlight    int
	FailingAt   int64       `json:",omitempty"` // since when the endpoint fails as a whole, unix milliseconds
	DeliveredAt int64       `json:",omitempty"` // of the last delivery, unix milliseconds
	LastError   string      `json:",omitempty"` // of the last attempt that failed
	Replays     []ReplayJob `json:",omitempty"`
}

// EndpointChange makes or changes an endpoint; what is nil stays as it is, or
// has its default in a new one.
type EndpointChange struct {
	URL         *string   `json:",omitempty"`
	Commands    []string  `json:",omitzero"` // replaces the list; Group.CallbackSendMsgException alone
	ErrorCodes  []int     `json:",omitzero"`
	GroupIds    []string  `json:",omitzero"`
	Token       *string   `json:",omitempty"` // of Sign and RequestTime; empty is none
	SigningKeys *[]string `json:",omitempty"` // secrets "whsec_…" or "whsk_…", at most two of a kind; replaces those there are
	AddKey      *string   `json:",omitempty"` // a kind, "v1" or "v1a": the server makes a key beside the others, and drops the oldest of two
	CA          *string   `json:",omitempty"`
	ClientCert  *string   `json:",omitempty"` // PEM, together with ClientKey
	ClientKey   *string   `json:",omitempty"`
	MinTLS      *string   `json:",omitempty"` // "1.2" (default) or "1.3"
	MaxInFlight *int      `json:",omitempty"` // 1 to 256 (32)
	Rate        *int      `json:",omitempty"` // 0 (default) is no limit
	Order       *string   `json:",omitempty"` // OrderNone (default) or OrderGroup
	GroupHold   *int      `json:",omitempty"` // 1 to 86400 (600)
	Timeout     *int      `json:",omitempty"` // 1 to 30 (5)
	Retry       []int     `json:",omitzero"`  // 1 to 20 pauses, each 1 to 86400; the first at most 5, the second at most 30
	MaxAge      *int      `json:",omitempty"` // 60 to 2592000 (259200: 3 days)
	Objection   *string   `json:",omitempty"` // ObjectionDead (default) or ObjectionDelivered
	Heartbeat   *int      `json:",omitempty"` // 0 (default) or 5 to 3600
}

// NewEndpoint is an endpoint to be made. It gets the events from now on.
type NewEndpoint struct {
	Id string // 1 to 64 of a-z, 0-9, - and _
	EndpointChange
}

// EndpointChanged is an endpoint after a change. NewKey is the secret that
// AddKey made, told here and never again.
type EndpointChanged struct {
	Endpoint
	NewKey string `json:",omitempty"`
}

// TestResult is what came back from an endpoint that was sent a marked sample.
type TestResult struct {
	EventId   string // of the sample, which is in no journal
	URL       string // as called, without Sign
	Delivered bool   // it would count as delivered
	Next      string // what would follow: "delivered", "retry", "paused" or "dead"
	Attempt
}
