package callback

// Heartbeat is a sign of life that Parley sends to an endpoint at even
// intervals, so that a receiver can tell "no exceptions" from "callbacks are
// broken". The headers beside it give the epoch and how far the endpoint is
// settled; it has no sequence. [Tracker.Heartbeat] draws the conclusions.
type Heartbeat struct {
	CallbackCommand Command `json:"CallbackCommand"`
	EventTime       Millis  `json:"EventTime"`
	HeadSequence    uint64  `json:"HeadSequence"` // newest of the app, also if it is not for this endpoint
	Interval        int     `json:"Interval"`     // seconds until the next one
	LastSequence    uint64  `json:"LastSequence"` // newest that is for this endpoint; 0 for none
}
