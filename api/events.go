package api

import (
	"encoding/json"
	"fmt"
)

// Limits of one page of events.
const (
	MaxEventsLimit     = 1000 // events of one page
	DefaultEventsLimit = 100
	MaxEventsWait      = 60 // seconds
)

// Event is one event of an app's journal: a callback that was or is to be made.
type Event struct {
	Sequence    uint64 // of the app, from 1, without a gap
	EventId     string // the webhook-id
	Command     string // the callback command
	EventTime   int64  // unix milliseconds
	ErrorCode   int    // of an exception, else 0
	Rule        string `json:",omitempty"` // that refused the send; "" for other commands
	GroupId     string
	FromAccount string `json:"From_Account"`
	Random      uint32
	ClientIP    string
	OptPlatform string
	Count       int             // refusals that share this record, at least 1
	Action      string          `json:",omitempty"` // of State.StateChange: Login, Logout or Disconnect
	Reason      string          `json:",omitempty"` // of State.StateChange, why: Register, Unregister, LinkClose or TimeOut
	Truncated   int             `json:",omitempty"` // bytes that were cut from MsgBody
	Body        json.RawMessage `json:",omitempty"` // of the callback, as it is sent; not in lists without bodies
}

// EventsRequest asks for a page of events.
type EventsRequest struct {
	After    uint64 // events with greater sequences, oldest first
	Before   uint64 // instead: events with smaller sequences, newest first; 0 is no such page
	Newest   bool   // instead: the newest events, newest first
	Limit    int    // 1 to 1000; 0 is 100
	Wait     int    // seconds to wait for the first event, up to 60
	Epoch    string // the journal that After belongs to; another one is answered with 409
	Endpoint string // only those that this endpoint is to get
	State    string // with Endpoint: "delivered", "waiting" or "dead"
	NoBody   bool   // without bodies

	// Filters; what is zero fits all.
	Code         int    // ErrorCode
	Command      string // the callback command
	Group        string // GroupId
	From         string // From_Account
	Since, Until int64  // EventTime from and before, unix milliseconds
}

// EventsPage is one page of a journal. With After, Events have no gap and no
// repeat: an event is not shown before all with smaller sequences are.
type EventsPage struct {
	Epoch         string  // the journal that sequences belong to
	Head          uint64  // sequence of the newest event, 0 for none
	FirstSequence uint64  // the oldest event that is kept; Head+1 if none is
	Expired       uint64  // how many events after After are kept no more
	Next          uint64  // After (or Before) of the next page: how far this one looked
	More          bool    // there is more to look at now
	Events        []Event // never null
}

// EpochMoved is the body of a 409, and an error of the client: the sequences
// asked for belong to a journal that is no more.
type EpochMoved struct {
	ErrorCode     Code
	ErrorInfo     string
	Epoch         string // the journal that is there now
	FirstSequence uint64 // its oldest event that is kept; those with smaller sequences are of the one before
}

// Error tells of the journal that is there now.
func (e *EpochMoved) Error() string {
	return fmt.Sprintf("%s: it is now %s, from event %d on", e.ErrorInfo, e.Epoch, e.FirstSequence)
}

// Attempt is one attempt to deliver an event to an endpoint.
type Attempt struct {
	Attempt  int    // its number, from 1
	At       int64  // when it began, unix milliseconds
	Duration int64  // milliseconds
	Status   int    // of the HTTP answer; 0 for none
	Result   string // "delivered" or "failed"
	Reason   string `json:",omitempty"` // what went wrong
	Answer   string `json:",omitempty"` // its first bytes
	Replay   bool   `json:",omitempty"`
}

// The states of an event at an endpoint.
const (
	StateDelivered = "delivered"
	StateWaiting   = "waiting"  // for its first or its next attempt
	StateDead      = "dead"     // a dead letter
	StateUnwanted  = "unwanted" // not switched on there, or filtered out
	StateEarlier   = "earlier"  // committed before the endpoint was made
)

// EventDelivery tells how an event fares at one endpoint.
type EventDelivery struct {
	Endpoint string
	State    string
	NextAt   int64     `json:",omitempty"` // of the next attempt, unix milliseconds; 0 if it is due or not known
	Reason   string    `json:",omitempty"` // of the last failure, or why it waits
	Replay   bool      `json:",omitempty"` // it waits to be sent again
	Attempts []Attempt // oldest first, the last 32 failed ones; never null
}

// EventDetail is everything about one event.
type EventDetail struct {
	Event
	Epoch      string
	ErrorInfo  string          `json:",omitempty"`
	Compared   json.RawMessage `json:",omitempty"` // JSON object: what the rule compared
	BeforeSend json.RawMessage `json:",omitempty"` // JSON object: what the before-send question answered; absent if it was not put
	Deliveries []EventDelivery // never null
}

// Replay asks that events are sent again: with Dead all dead letters, else those
// of the range. Filters narrow both.
type Replay struct {
	Endpoint     string // "" is each that wants them
	EventId      string `json:",omitempty"` // this one alone
	Dead         bool   `json:",omitempty"` // dead letters alone
	First, Last  uint64 `json:",omitempty"` // sequences; 0 is the first kept, the newest at the call
	Since, Until int64  `json:",omitempty"` // EventTime from and before, unix milliseconds
	Code         int    `json:",omitempty"`
	Group        string `json:",omitempty"`
}

// ReplayStarted is what a replay was understood as. The events are sent one
// after the other, beside new ones.
type ReplayStarted struct {
	Replays []ReplayJob // one for each endpoint
}

// ReplayJob is a replay that is under way.
type ReplayJob struct {
	Id          int64
	Endpoint    string
	First, Last uint64
	Next        uint64 // the sequence it looks at next
	Dead        bool   `json:",omitempty"`
	Code        int    `json:",omitempty"`
	Group       string `json:",omitempty"`
}

// The outcomes of an Explanation.
const (
	OutcomeRefused  = "refused"
	OutcomeDropped  = "dropped"  // the sender was told that all is well
	OutcomeAccepted = "accepted" // stored, and answered OK
	OutcomeUnknown  = "unknown"  // nothing was found, not everything was looked at, or the event is of no send; Text says which
)

// Explanation tells what became of a send.
type Explanation struct {
	Outcome   string       // "refused", "dropped", "accepted" or "unknown"
	Exception *EventDetail `json:",omitempty"` // of a refusal
	Message   *SentMessage `json:",omitempty"` // of an accepted send
	Text      string       // in plain sentences
}

// SentMessage is an accepted send, as far as it explains one.
type SentMessage struct {
	GroupId     string
	FromAccount string `json:"From_Account"`
	MsgSeq      uint64
	MsgTime     int64
	Random      uint32
	Recalled    bool `json:",omitempty"`
	Unanswered  bool `json:",omitempty"` // the before-send question had no answer
	Rewritten   bool `json:",omitempty"` // the app changed it
}

// ExplainRequest names a send: by the event of its exception, or by where and by
// whom it was sent.
type ExplainRequest struct {
	EventId string  `query:"event"` // of the exception, or its sequence; it goes with nothing else
	Group   string  // GroupId
	From    string  // From_Account
	Random  *uint32 // of the send
	Since   int64   // unix milliseconds; 0 is two hours ago
	Limit   int     // 0 is 20
}

// Token is a read-only token of an app, without the token itself.
type Token struct {
	Id        string
	Name      string
	CreatedAt int64 // unix seconds
}

// NewToken is a token that was just made; Token is told here and never again.
type NewToken struct {
	Token
	Secret string
}
