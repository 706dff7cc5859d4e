// Package chat is the heart of the server: apps, accounts, groups, members and
// messages, the rules a send must pass, the exception that a refused send
// leaves, and the writer that commits all of it.
//
// It knows no protocol and no database. A door (REST, a client connection)
// makes a [Send] and calls [Backend.Send]; a store implements [Store]; what is
// committed is offered to the delivery lanes through [Offers].
//
// What the package promises:
//
//   - Every attempt that reaches Backend.Send ends in exactly one outcome:
//     accepted, refused, dropped, repeated, or unknown to the caller (the store
//     failed in mid-commit and could not be asked in time).
//   - An accepted message and a refusal's exception are on disk before Send
//     returns. The one exception is a refusal with code 10002 while the store
//     itself fails; see [Unrecorded].
//   - Sequence numbers of an app's events have no gap and follow the order of
//     commits; so do the message numbers within a group.
//   - The rules on state (group, member, mutes) hold at the moment of the
//     commit, not only at admission.
//
// Locks are taken in this order and never the other way round: writer queue,
// then cache shard. No lock is held while a store is called, except by the
// writer, which owns the store's write side alone.
package chat

import (
	"strconv"
)

// AppID is an SDKAppID, the number of one tenant.
type AppID int64

func (id AppID) String() string { return strconv.FormatInt(int64(id), 10) }

// UserID names an account within an app: 1 to 32 bytes, as the app chose it.
type UserID string

// GroupID names a group within an app: at most 48 bytes, as the protocol
// spells it. A dissolved group's id can be used again; [GroupKey] cannot.
type GroupID string

// GroupKey is one life of a group within the store, never used twice, so that
// a group made anew under an old id does not see the old one's messages.
type GroupKey int64

// MsgSeq numbers the messages of one group from 1.
type MsgSeq uint64

// Sequence numbers the events of one app from 1, without a gap.
type Sequence uint64

// Forever is a mute without an end, in the protocol's spelling (the largest
// unsigned 32-bit number, used for durations and end times alike).
const Forever = 4294967295
