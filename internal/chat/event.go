package chat

// The callback commands that this server makes.
const (
	CommandSendMsgException = "Group.CallbackSendMsgException"
	CommandBeforeSendMsg    = "Group.CallbackBeforeSendMsg"
	CommandAfterSendMsg     = "Group.CallbackAfterSendMsg"
)

// Event is one callback to be made, as it stands in the journal. The event of
// an exception is also the exception's record: it exists whether or not any
// endpoint wants it.
type Event struct {
	App      AppID
	Seq      Sequence
	ID       AttemptID // the webhook-id
	Attempt  AttemptID // the attempt to send that it tells of
	Command  string
	Time     int64  // EventTime, unix milliseconds; never falls within an app
	ClientIP string // for the callback's URL, as is Platform
	Platform string
	Code     int // ErrorCode of an exception, else 0
	Group    GroupID
	From     UserID
	Random   uint32
	Rule     string // the rule that refused; empty for other commands
	Body     []byte // the callback's body, fixed at the commit
	Detail   []byte // JSON: what the rule compared and what else explains the outcome
	Count    int    // refusals that share this record; 1 unless above the storm limit
	Cut      int    // bytes of MsgBody that the record does not keep
}

// Pending is an event that an endpoint was not given yet, or never will be.
type Pending struct {
	Seq      Sequence
	Previous Sequence // the Parley-Previous fixed when it was first read
	Attempt  int      // the number of the next attempt, or of the last one of a dead letter
	NextAt   int64    // unix milliseconds
	Dead     bool
	Status   int    // HTTP status of the last attempt, 0 for none
	Reason   string // what went wrong, in a few words
}

// Attempted is one failed attempt to deliver, kept for people to look at.
type Attempted struct {
	Seq      Sequence
	Attempt  int
	At       int64 // unix milliseconds
	Duration int64 // milliseconds
	Status   int
	Reason   string
	Answer   []byte // its first bytes
}

// Progress is what a lane wants written: its cursor, and rows for the events
// that stand apart from it.
type Progress struct {
	Endpoint       string
	Epoch          string // of the journal that the sequences are of; not written to that of an app made again
	Cursor         Sequence
	CursorPrevious Sequence
	Put            []Pending  // made or replaced, by sequence
	Delete         []Sequence // delivered after all
	Failed         []Attempted
}
