package chat

// Entry is the door a send came through.
type Entry uint8

// The doors.
const (
	EntryREST   Entry = iota // an app admin's call
	EntryClient              // a user's own connection
)

// Mention is one entry of GroupAtInfo.
type Mention struct {
	All  bool
	User UserID
}

// Send is one attempt to send a group message, as a door understood it. What a
// door could not read is the empty value of its type, and Fault says so.
type Send struct {
	App      AppID
	Caller   UserID // Operator_Account: the REST admin, or the user of the connection
	Entry    Entry
	Platform string // OptPlatform
	ClientIP string

	Group      GroupID
	From       UserID
	Random     uint32
	Priority   Priority
	OnlineOnly bool
	Content    Content
	Mentions   []Mention
	To         []UserID // targeted receivers; empty for the whole group

	NoBeforeSend bool // ForbidCallbackControl
	NoAfterSend  bool
	NoUnread     bool // SendMsgControl
	NoLastMsg    bool
	NoMsgCheck   bool // skips the content filter

	// Fault is what the door found wrong while reading the request; the rule
	// "parameters" refuses with it.
	Fault *Refusal
}
