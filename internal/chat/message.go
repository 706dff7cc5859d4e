package chat

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Priority is a message's priority, numbered as the history answers it.
type Priority uint8

// The priorities, in the history's numbers (document 1047/34971).
const (
	High   Priority = 1
	Normal Priority = 2
	Low    Priority = 3
	Lowest Priority = 4
)

var priorityWords = [...]string{High: "High", Normal: "Normal", Low: "Low", Lowest: "Lowest"}

func (p Priority) String() string {
	if int(p) < len(priorityWords) {
		return priorityWords[p]
	}
	return ""
}

// ParsePriority understands the four words; "" is Normal.
func ParsePriority(word string) (Priority, bool) {
	switch word {
	case "High":
		return High, true
	case "", "Normal":
		return Normal, true
	case "Low":
		return Low, true
	case "Lowest":
		return Lowest, true
	}
	return 0, false
}

// Content is what a message says. Body is the MsgBody array in canonical form:
// compact, raw UTF-8, keys in alphabetical order on every level.
type Content struct {
	Body     []byte
	Cloud    string // CloudCustomData
	HasCloud bool   // CloudCustomData was sent, even if empty
	Size     int    // bytes of all string fields of the elements plus CloudCustomData
	Texts    []string
}

// Flags are the marks a stored message carries.
type Flags uint32

// The flags of a message.
const (
	FlagRecalled   Flags = 1 << iota // taken back
	FlagHasCloud                     // CloudCustomData was sent, even if empty
	FlagUnanswered                   // delivered although the before-send question was not answered
	FlagRewritten                    // the before-send answer replaced the content
	FlagNoUnread
	FlagNoLastMsg
	FlagOnlineOnly
	FlagErased   // its sender was deleted, and with him what he said
	FlagTargeted // for some of the group alone
)

// Message is an accepted message as stored.
type Message struct {
	Group    GroupKey
	Seq      MsgSeq
	From     UserID
	Random   uint32
	Time     int64 // MsgTime, unix seconds
	Priority Priority
	Flags    Flags
	Body     []byte // canonical MsgBody
	Cloud    string
	To       []UserID  `json:",omitempty"` // targeted receivers; empty for the whole group
	Mentions []Mention `json:",omitempty"` // GroupAtInfo
	Attempt  AttemptID
}

// extra is what few messages have, in the form in which it is stored.
type extra struct {
	To       []UserID  `json:"to,omitempty"`
	Mentions []Mention `json:"at,omitempty"`
}

// Extra is To and Mentions as they are stored; empty without either.
func (m *Message) Extra() []byte {
	if len(m.To) == 0 && len(m.Mentions) == 0 {
		return nil
	}
	text, err := json.Marshal(extra{m.To, m.Mentions})
	if err != nil {
		panic(err) // texts alone
	}
	return text
}

// SetExtra reads what Extra wrote.
func (m *Message) SetExtra(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var x extra
	if err := json.Unmarshal(text, &x); err != nil {
		return fmt.Errorf("message %d of group %d: %w", m.Seq, m.Group, err)
	}
	m.To, m.Mentions = x.To, x.Mentions
	return nil
}

// VisibleTo says whether a user may see the message, who is in the group since
// the number first.
func (m *Message) VisibleTo(user UserID, first MsgSeq) bool {
	return (m.Seq == 0 || m.Seq >= first) && (len(m.To) == 0 || m.From == user || slices.Contains(m.To, user))
}

// AttemptID names one attempt to send, stored with its row: 48 bits of
// milliseconds and 74 random bits, laid out as a UUID of version 7. The event
// of a refusal has its attempt's id; see [AttemptID.Event] for the others.
type AttemptID [16]byte

// NewAttemptID makes an id.
func NewAttemptID(now time.Time) (id AttemptID) {
	binary.BigEndian.PutUint64(id[0:], uint64(now.UnixMilli())<<16|rand.Uint64()&0xffff)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// Event is the id of the event for an accepted send, another one than that of
// a refusal of the same attempt.
func (id AttemptID) Event() AttemptID {
	id[15] ^= 1
	return id
}

// String is the id in the usual form of a UUID; it is the webhook-id of events.
func (id AttemptID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Time is when the id was made, to the millisecond.
func (id AttemptID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
}
