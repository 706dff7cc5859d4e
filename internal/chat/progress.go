package chat

// Pending is an event that an endpoint was not given yet, or never will be.
type Pending struct {
	Seq      Sequence
	Previous Sequence // the Parley-Previous fixed when it was first read
	Attempt  int      // the number of the next attempt, or of the last one of a dead letter
	NextAt   int64    // unix milliseconds
	Dead     bool
	Status   int     // HTTP status of the last attempt, 0 for none
	Reason   string  // what went wrong, in a few words
	Since    int64   // unix milliseconds: since when it stands apart
	Group    GroupID // that it holds, or waits behind; only at an endpoint in order
	Replay   bool    // it is sent again on somebody's request
}

// DeadRange are events that became dead letters together, because the endpoint
// failed for longer than they live. Those in it that the switches do not let
// pass, or that have rows of their own, are none.
type DeadRange struct {
	First, Last Sequence
	Previous    Sequence // the Parley-Previous of the first of them that is for the endpoint
	At          int64    // unix milliseconds
	Reason      string
	Switches    Switches
}

// Attempted is one attempt to deliver, kept for people to look at.
type Attempted struct {
	Seq      Sequence
	Attempt  int
	At       int64 // unix milliseconds
	Duration int64 // milliseconds
	Status   int
	Reason   string // empty: delivered
	Answer   []byte // its first bytes; none for the usual answer of a delivery
	Replay   bool
	Previous Sequence // the Parley-Previous; of a delivery alone, whose row is gone
}

// Replay is somebody's request to send events of an endpoint again: the lane
// goes through them in order, beside new ones.
type Replay struct {
	ID          int64 // given by the store, greater than those before
	Endpoint    string
	First, Last Sequence
	Next        Sequence // looked at next
	Dead        bool     // dead letters alone
	Since, Till int64    // EventTime from and before; 0 is no bound
	Code        int      // 0 is any
	Group       GroupID  // empty is any
}

// Fits says whether the filters of a replay let an event through; the range and
// Dead are looked at elsewhere.
func (r *Replay) Fits(e *Event) bool {
	return (r.Since == 0 || e.Time >= r.Since) && (r.Till == 0 || e.Time < r.Till) &&
		(r.Code == 0 || e.Code == r.Code) && (r.Group == "" || e.Group == r.Group)
}

// Progress is what a lane wants written: its cursor, and rows for the events
// that stand apart from it.
type Progress struct {
	Endpoint       string
	Life           string // of the endpoint; not written to another one that has its id since
	Epoch          string // of the journal that the sequences are of; not written to that of an app made again
	Cursor         Sequence
	CursorPrevious Sequence
	Put            []Pending   // made or replaced, by sequence
	Delete         []Sequence  // delivered after all
	Failed         []Attempted // attempts that were not delivered
	Delivered      []Attempted // and that were
	Dead           []DeadRange
	Replays        []Replay   // how far they are; Next beyond Last: done with
	Lane           *LaneState // nil: as it was
	At             int64      // unix nanoseconds: tells reports of a lane apart
}
