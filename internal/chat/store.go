package chat

import "context"

// Store keeps everything. Reads may come from any number of goroutines and see
// the last commit; the write side belongs to the [Backend]'s writer alone, one
// transaction at a time.
//
// A store translates its driver's errors at its own edge. It never decides a
// rule: two engines must not be able to disagree about one.
type Store interface {
	Reader
	// Begin opens a write transaction. The transaction does not depend on any
	// caller's context.
	Begin() (Tx, error)
	// Reopen replaces the write side after an error from COMMIT, with recovery,
	// so that what it reads afterwards is what a restart would read. No file
	// handle that failed to sync is written again.
	Reopen() error
	// Found tells, for each trace, whether the attempt's row is stored. It is
	// asked after Reopen, about the attempts of a batch whose COMMIT failed.
	Found(ctx context.Context, app AppID, traces []Trace) ([]bool, error)
	// Maintain does at most a few milliseconds of housekeeping between two
	// batches: checkpoints, emptying of expired repeats, purging of dissolved
	// groups. more says that there is work left.
	Maintain() (more bool, err error)
	Close() error
}

// Trace is how an attempt of a batch can be recognised in the store.
type Trace struct {
	Attempt AttemptID
	Event   Sequence  // the sequence its event was to have; 0 for none
	Repeat  RepeatKey // of an accepted send
	Stored  bool      // it was accepted: look for its repeat, not for its event
}

// Reader is the read side of a [Store]. Lists are read in pages by key; no
// read holds a snapshot between two pages. A thing that is not there is
// reported by ok = false, never by an error.
type Reader interface {
	Apps(ctx context.Context) ([]App, error)
	Head(ctx context.Context, app AppID) (Head, error)
	Words(ctx context.Context, app AppID) ([]string, error)
	Endpoints(ctx context.Context, app AppID) ([]Endpoint, error)

	Account(ctx context.Context, app AppID, user UserID) (a Account, ok bool, err error)
	Group(ctx context.Context, app AppID, id GroupID) (g Group, ok bool, err error)
	// Groups lists groups in key order after the given key, of one type or of
	// all (""), and the number of all that match.
	Groups(ctx context.Context, app AppID, t GroupType, after GroupKey, limit int) (page []Group, total int64, err error)
	Standing(ctx context.Context, app AppID, g GroupKey, user UserID) (Standing, error)
	Member(ctx context.Context, app AppID, g GroupKey, user UserID) (m Member, ok bool, err error)
	// Members lists members in the order they joined.
	Members(ctx context.Context, app AppID, g GroupKey, offset, limit int) ([]Member, error)
	// Joined lists the groups that user is a member of, by key.
	Joined(ctx context.Context, app AppID, user UserID) ([]Group, error)
	// Muted lists who is muted in the group beyond now (unix seconds).
	Muted(ctx context.Context, app AppID, g GroupKey, now int64) ([]Muted, error)

	// Messages lists messages of a group with numbers from newest downwards.
	Messages(ctx context.Context, app AppID, g GroupKey, newest MsgSeq, limit int) ([]Message, error)
	// Repeat looks for an accepted send of the last five minutes.
	Repeat(ctx context.Context, app AppID, key RepeatKey, now int64) (r Repeat, ok bool, err error)

	// Events lists the journal after a sequence, in order and without a hole,
	// at most limit events and not many more than maxBytes of bodies.
	Events(ctx context.Context, app AppID, after Sequence, limit, maxBytes int) ([]Event, error)
	// Event reads one event of the journal.
	Event(ctx context.Context, app AppID, seq Sequence) (e Event, ok bool, err error)
	// Pending lists the events that an endpoint could not be given yet, by
	// sequence after the given one.
	Pending(ctx context.Context, app AppID, endpoint string, after Sequence, limit int) ([]Pending, error)
}

// Tx is one write transaction. After an error other than from Lock's or
// Records' lookups, only Rollback may follow.
type Tx interface {
	// Lock reads the app's row and holds it until the end of the transaction,
	// and with it the heads of the groups named (absent: the group is gone)
	// and those of the repeats that are stored already.
	Lock(app AppID, groups []GroupKey, repeats []RepeatKey, now int64) (Head, error)
	// Put writes rows of a locked app.
	Put(app AppID, rows *Rows) error
	// Records gives access to the state of an app, locking it.
	Records(app AppID) (Records, error)
	// Commit syncs and ends the transaction. After an error the outcome is
	// unknown: see [Store.Reopen].
	Commit() error
	Rollback()
}

// Head is what orders an app's commits.
type Head struct {
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
	// Next, Time and Totals are the new values of the app's row.
	Next   Sequence
	Time   int64
	Totals Totals
	Now    int64 // unix seconds: the minute the repeats belong to
}

// Spoken is when a member last sent to a group. Who is no member is passed over.
type Spoken struct {
	Group GroupKey
	User  UserID
	Time  int64 // unix seconds
}

// Records reads and changes an app's state within a transaction. The version
// is raised by the caller's transaction, once, whatever was changed.
type Records interface {
	App() (App, bool, error)
	PutApp(App) error // made when it is new
	DeleteApp() error // and everything of it
	PutEndpoint(Endpoint) error
	DeleteEndpoint(id string) error

	Words() ([]string, error)
	AddWords([]string) error
	DeleteWords([]string) error

	Account(UserID) (Account, bool, error)
	PutAccount(Account) error
	DeleteAccount(UserID) error // and its memberships and mutes

	Group(GroupID) (Group, bool, error)
	CreateGroup(Group) (GroupKey, error)
	// UpdateGroup writes the profile; members and message numbers stay.
	UpdateGroup(Group) error
	DeleteGroup(GroupKey) error // messages are purged later, in slices
	CountGroups() (int64, error)

	Member(GroupKey, UserID) (Member, bool, error)
	PutMember(GroupKey, Member) error // keeps the group's count
	DeleteMember(GroupKey, UserID) error
	Joined(UserID) ([]Group, error)
	PutMute(g GroupKey, u UserID, until int64) error // 0 removes it

	Messages(g GroupKey, newest MsgSeq, limit int) ([]Message, error)
	RecallMessage(g GroupKey, seq MsgSeq) error

	// RaiseVersion is called once by the writer when the change succeeded.
	RaiseVersion() (uint64, error)
}

// Muted is one entry of a group's list of muted accounts.
type Muted struct {
	User  UserID
	Until int64 // unix seconds, or Forever
}
