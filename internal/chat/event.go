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
