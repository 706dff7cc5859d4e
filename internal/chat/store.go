package chat

import (
	"context"
	"errors"
	"time"
)

// Errors of a store that say more than that it failed.
var (
	// ErrStoreAway: the store cannot work now: its connection is lost, or its
	// server is. Nothing of the transaction is stored, unless it was Commit that
	// failed.
	ErrStoreAway = errors.New("the store is away")
	// ErrStoreBusy: another process holds the app for longer than one waits for
	// it. Nothing is stored; the same again may succeed.
	ErrStoreBusy = errors.New("the app is held by another transaction")
)

// Uncommitted is an error of [Tx.Commit] that leaves nothing in doubt: the
// transaction was not committed, because one of its statements was refused or
// could not be sent.
type Uncommitted struct{ Err error }

func (e *Uncommitted) Error() string { return e.Err.Error() }
func (e *Uncommitted) Unwrap() error { return e.Err }

// Store keeps everything. Reads may come from any number of goroutines and see
// the last commit; the write side belongs to the [Backend]'s writers.
//
// A store translates its driver's errors at its own edge. It never decides a
// rule: two engines must not be able to disagree about one.
type Store interface {
	Reader
	// Concurrent says whether transactions of different apps may be open side by
	// side, and other processes may write to the same data. Then each app has a
	// writer of its own, and what other processes changed is looked for. Else
	// there is one writer, one transaction at a time, and Maintain is its to call.
	Concurrent() bool
	// Now is the store's time of day, for all that several processes must agree
	// about. With several of them it is one clock, if only to some milliseconds.
	Now() time.Time
	// Begin opens a write transaction. The transaction does not depend on any
	// caller's context.
	Begin() (Tx, error)
	// Reopen replaces the write side after an error from COMMIT, with recovery,
	// so that what it reads afterwards is what a restart would read. No file
	// handle that failed to sync is written again.
	Reopen() error
	// Found tells, for each trace, whether the attempt's row is stored. It is
	// asked after Reopen, about a transaction of this app whose COMMIT failed;
	// it waits until that one has ended, so that the answer is final.
	Found(ctx context.Context, app AppID, traces []Trace) ([]bool, error)
	// Maintain does at most a few milliseconds of housekeeping between two
	// batches: checkpoints, emptying of expired repeats, purging of dissolved
	// groups, blanking of what deleted users said, deletion of events that are not
	// to be kept (see [Keep]). more says that there is work left.
	Maintain() (more bool, err error)
	Close() error
}

// Trace is how an attempt of a batch, or a change, can be recognised in the store.
type Trace struct {
	Attempt AttemptID
	Event   Sequence  // the sequence its event was to have; 0 for none
	Repeat  RepeatKey // of an accepted send
	Stored  bool      // it was accepted: look for its repeat, not for its event
	Group   GroupKey  // and for its message, which outlives the repeat
	Message MsgSeq    // its number; 0 for none
	Version uint64    // of a change: the version it was to raise the app to
	Removed string    // of a change: it was to remove the app of this epoch
}

// Reader is the read side of a [Store]. Lists are read in pages by key; no
// read holds a snapshot between two pages. A thing that is not there is
// reported by ok = false, never by an error.
type Reader interface {
	Apps(ctx context.Context) ([]App, error)
	App(ctx context.Context, app AppID) (a App, ok bool, err error)
	Head(ctx context.Context, app AppID) (Head, error)
	// Heads reads the heads of all apps at once.
	Heads(ctx context.Context) (map[AppID]Head, error)
	// Changes lists what raised the app's version from after to upTo, as far as
	// it is known still.
	Changes(ctx context.Context, app AppID, after, upTo uint64) ([]Change, error)
	Words(ctx context.Context, app AppID) ([]string, error)
	Endpoints(ctx context.Context, app AppID) ([]Endpoint, error)

	Account(ctx context.Context, app AppID, user UserID) (a Account, ok bool, err error)
	Group(ctx context.Context, app AppID, id GroupID) (g Group, ok bool, err error)
	// Groups lists groups in key order after the given key, of one type or of
	// all (""), and the number of all that match.
	Groups(ctx context.Context, app AppID, t GroupType, after GroupKey, limit int) (page []Group, total int64, err error)
	Standing(ctx context.Context, app AppID, g GroupKey, user UserID) (Standing, error)
	Member(ctx context.Context, app AppID, g GroupKey, user UserID) (m Member, ok bool, err error)
	// Members lists members of some roles, or of all without any, in the order they
	// joined: at most limit after the first offset of them. Owner and admins are
	// found without reading ordinary members.
	Members(ctx context.Context, app AppID, g GroupKey, roles []Role, offset, limit int) ([]Member, error)
	// Joined lists the groups that user is a member of, by key.
	Joined(ctx context.Context, app AppID, user UserID) ([]Membership, error)
	// Muted lists who is muted in the group beyond now (unix seconds).
	Muted(ctx context.Context, app AppID, g GroupKey, now int64) ([]Muted, error)

	// GroupHeads reads the number that the next message of each of the groups gets.
	// A group that is gone, or is another app's, has none.
	GroupHeads(ctx context.Context, app AppID, groups []GroupKey) (map[GroupKey]MsgSeq, error)
	// Unread counts what user has not read in a group after a number, up to limit:
	// stored messages of others that count as unread.
	Unread(ctx context.Context, app AppID, g GroupKey, user UserID, after MsgSeq, limit int) (int, error)
	// Applications lists who asks to be let into a group, oldest first.
	Applications(ctx context.Context, app AppID, g GroupKey, limit int) ([]Application, error)
	// Messages lists messages of a group with numbers from newest downwards.
	Messages(ctx context.Context, app AppID, g GroupKey, newest MsgSeq, limit int) ([]Message, error)
	// Repeat looks for an accepted send of the last five minutes.
	Repeat(ctx context.Context, app AppID, key RepeatKey, now int64) (r Repeat, ok bool, err error)

	// Events lists the journal after a sequence, in order and without a hole,
	// at most limit events and not many more than maxBytes of bodies.
	Events(ctx context.Context, app AppID, after Sequence, limit, maxBytes int) ([]Event, error)
	// First is the oldest event of the app's journal that is kept; without any,
	// the sequence that the next one gets, 0 for an app that is not there.
	First(ctx context.Context, app AppID) (Sequence, error)
	// EventsBefore lists the journal before a sequence, newest first, as far as
	// Events does.
	EventsBefore(ctx context.Context, app AppID, before Sequence, limit, maxBytes int) ([]Event, error)
	// Event reads one event of the journal.
	Event(ctx context.Context, app AppID, seq Sequence) (e Event, ok bool, err error)
	// Pending lists the rows of events that stand apart from an endpoint's cursor,
	// by sequence after the given one: those that are dead letters, or the others.
	Pending(ctx context.Context, app AppID, endpoint string, dead bool, after Sequence, limit int) ([]Pending, error)
	// PendingOf reads an event's row at an endpoint.
	PendingOf(ctx context.Context, app AppID, endpoint string, seq Sequence) (p Pending, ok bool, err error)
	// CountPending counts an endpoint's rows, to at most limit each.
	CountPending(ctx context.Context, app AppID, endpoint string, limit int) (waiting, dead int, err error)
	// DeadRanges lists the dead letters of an endpoint that have no rows of their
	// own, by sequence.
	DeadRanges(ctx context.Context, app AppID, endpoint string) ([]DeadRange, error)
	// Attempts lists the attempts to deliver an event to an endpoint, oldest
	// first: of those that failed at most the last 32.
	Attempts(ctx context.Context, app AppID, endpoint string, seq Sequence) ([]Attempted, error)
	// Delivered tells which events of a range were delivered to an endpoint, at
	// most DeliveryChunk of them.
	Delivered(ctx context.Context, app AppID, endpoint string, first, last Sequence) (map[Sequence]bool, error)
	// Replays lists an endpoint's replays that are not done, oldest first.
	Replays(ctx context.Context, app AppID, endpoint string) ([]Replay, error)
	// Token finds a token by the hash of its secret, whatever app it is of.
	Token(ctx context.Context, hash []byte) (t Token, ok bool, err error)
	// Tokens lists an app's tokens, oldest first.
	Tokens(ctx context.Context, app AppID) ([]Token, error)
}

// Tx is one write transaction. After an error only Rollback may follow. In a
// concurrent store a transaction is of one app.
type Tx interface {
	// Lock reads the app's row and holds it until the end of the transaction,
	// and with it the heads of the groups named (absent: the group is gone)
	// and those of the repeats that are stored already.
	Lock(app AppID, groups []GroupKey, repeats []RepeatKey, now int64) (Head, error)
	// Put writes rows of a locked app. Some stores do so only in Commit, which
	// then answers what Put would have.
	Put(app AppID, rows *Rows) error
	// Records gives access to the state of an app, locking it.
	Records(app AppID) (Records, error)
	// Commit syncs and ends the transaction. After an error the outcome is
	// unknown, see [Store.Reopen], unless the error is [Uncommitted].
	Commit() error
	Rollback()
}

// Head is what orders an app's commits.
type Head struct {
	Epoch   string   // of the app's journal
	Next    Sequence // the sequence the next event gets
	Version uint64   // raised by every change of state, in its own transaction
	Time    int64    // EventTime of the newest event, unix milliseconds
	Totals  Totals
	Groups  map[GroupKey]GroupHead
	Repeats map[RepeatKey]Repeat
}

// GroupHead is what orders a group's messages.
type GroupHead struct {
	Key  GroupKey
	Next MsgSeq
	Time int64 // MsgTime of the newest message, unix seconds
}

// Totals count the outcomes of an app's sends since the app was made.
type Totals struct {
	Accepted, Refused, Dropped, Repeated uint64
}

// Rows are what one batch writes for one app.
type Rows struct {
	Messages []Message
	Groups   []GroupHead // new values
	Events   []Event
	Repeats  []Repeat
	Progress []Progress
	Spoken   []Spoken
	Read     []Read
	// Next, Time and Totals are the new values of the app's row.
	Next   Sequence
	Time   int64
	Totals Totals
	Now    int64 // unix seconds: the minute the repeats belong to
}

// EventBytes is by how much the events make the journal larger.
func (r *Rows) EventBytes() (n int64) {
	for i := range r.Events {
		n += r.Events[i].Size()
	}
	return n
}

// Spoken is when a member last sent to a group. Who is no member is passed over.
type Spoken struct {
	Group GroupKey
	User  UserID
	Time  int64 // unix seconds
}

// Read is up to which number a member has read. It never falls, and who is no
// member is passed over.
type Read struct {
	Group GroupKey
	User  UserID
	Seq   MsgSeq
}

// Application is somebody's wish to be let into a group.
type Application struct {
	Group GroupKey
	User  UserID
	Text  string
	Time  int64 // unix seconds
}

// Records reads and changes an app's state within a transaction. The version
// is raised by the caller's transaction, once, whatever was changed.
type Records interface {
	App() (App, bool, error)
	PutApp(App) error // made when it is new
	DeleteApp() error // and everything of it; no version is raised then
	// Next is the sequence that the next event gets.
	Next() (Sequence, error)
	Endpoint(id string) (Endpoint, bool, error)
	CountEndpoints() (int64, error)
	// PutEndpoint leaves cursor and lane of an endpoint that exists as they are:
	// they belong to the lane, which reports them as progress.
	PutEndpoint(Endpoint) error
	DeleteEndpoint(id string) error // and all that its lane wrote
	// AddReplay returns the id that the replay was given.
	AddReplay(Replay) (int64, error)
	CountReplays(endpoint string) (int64, error)
	AddToken(Token) error
	DeleteToken(id string) (ok bool, err error)
	CountTokens() (int64, error)

	Words() ([]string, error)
	AddWords([]string) error
	DeleteWords([]string) error

	Account(UserID) (Account, bool, error)
	PutAccount(Account) error
	// DeleteAccount deletes the account with its memberships and mutes. What is
	// stored of the user in messages and events is blanked later, in slices:
	// bodies go, numbers, codes and times stay. What he sends after the version
	// was raised, as an account made anew, stays.
	DeleteAccount(UserID) error

	Group(GroupID) (Group, bool, error)
	CreateGroup(Group) (GroupKey, error)
	// UpdateGroup writes the profile; members and message numbers stay.
	UpdateGroup(Group) error
	DeleteGroup(GroupKey) error // messages are purged later, in slices
	CountGroups() (int64, error)

	Member(GroupKey, UserID) (Member, bool, error)
	PutMember(GroupKey, Member) error // keeps the group's count
	DeleteMember(GroupKey, UserID) error
	Joined(UserID) ([]Membership, error)
	CountJoined(UserID) (int64, error)               // the groups that he is a member of
	PutMute(g GroupKey, u UserID, until int64) error // 0 removes it

	// Applications go with the group, the account and the app.
	Application(GroupKey, UserID) (Application, bool, error)
	PutApplication(Application) error // one that is there keeps its place
	DeleteApplication(GroupKey, UserID) error
	CountApplications(GroupKey) (int64, error)

	Messages(g GroupKey, newest MsgSeq, limit int) ([]Message, error)
	RecallMessage(g GroupKey, seq MsgSeq) error

	// RaiseVersion is called once by the writer when the change succeeded.
	RaiseVersion(Change) (uint64, error)
}

// Change is what somebody who remembers an app's state has to forget when its
// version is raised.
type Change struct {
	ID      AttemptID // of this change alone
	Version uint64    // which it raised the app to; filled by the store
	Touched Touched
	Notices []Notice // for those who are connected
}

// Touched names what a change may have touched.
type Touched struct {
	App       bool         `json:",omitempty"` // settings, key, admins, words, endpoints
	Groups    []GroupID    `json:",omitempty"`
	Accounts  []UserID     `json:",omitempty"`
	Standings []StandingID `json:",omitempty"`
	// Everything: more than is named, or more than is worth naming.
	Everything bool `json:",omitempty"`
}

// StandingID names a user's standing in a group.
type StandingID struct {
	Group GroupKey
	User  UserID
}

// Muted is one entry of a group's list of muted accounts.
type Muted struct {
	User  UserID
	Until int64 // unix seconds, or Forever
}
