// Package monitor is an app backend: it receives the callbacks of a
// Tencent-Chat-compatible IM backend, keeps every group message that was not
// delivered, and shows them.
//
// What it guarantees: a callback is answered 200 only after its event was
// committed, in SQLite with a full sync, in PostgreSQL as its settings promise
// (the log and parley_store_promise tell), so that an acknowledged event
// survives a power cut. If the store takes no writes the answer is 503 and the
// sender tries again. An event that arrives again is acknowledged and kept once:
// it is recognised by app, epoch and event id when the sender gives an id, else
// by app, group, sender, Random, EventTime and ErrorCode. The same event through
// two senders of which only one gives ids is kept twice.
//
// Of a sender that sets Parley's headers it knows what is missing, and with a
// server to ask it fetches that (journal.go). Of the journals' state it may lose
// what changed in the last seconds; then it fetches again, and recognises what it
// has. Heartbeats and samples are not stored.
//
// With Config.Keep the writer also removes what is too old, between two commits,
// a slice at a time (retention.go).
//
// What may be lost: the counters of refused and repeated callbacks begin anew
// with each start. Callbacks of other commands than the exception are kept
// raw, the newest [KeepOther] of them. Questions are answered "allow" at once
// and kept when the writer has room.
//
// How it runs: HTTP handlers hand records to one writer goroutine, which owns
// the only session that writes, and commits what has gathered while the commit
// before was under way. After each commit it tells the streams and the hook, in
// the order of arrival. Readers have sessions of their own that cannot write.
// [Monitor.Stop] ends streams first, then requests, then the writer, and last
// gives up the database.
//
// Two engines keep the callbacks, SQLite in a data folder (sqlite.go) and
// PostgreSQL (postgres.go, postgres_commit.go). They connect, commit a batch and
// read; everything else is there once. After an error that is not one record's
// fault, a commit's above all, a session is closed and never used again, and the
// callbacks of the batch are answered 503 although they may be stored: they come
// again, and are recognised.
//
// Several monitors may share a PostgreSQL database, for the same apps or for
// different ones. Then /api/exceptions and the totals of /api/summary of each
// tell of all that is stored, an event that reaches two of them is kept once,
// and a cursor of one is a cursor of the other. A position that a reader has
// seen is never followed by a smaller one: a batch locks the row of head before
// it inserts and until it has committed. /api/stream begins with the latest of
// all, and goes on with what its own monitor stores, as do the hook, the count
// of the last minute and all other metrics. [KeepOther] may be exceeded by a
// tenth for each monitor. After a failover to a standby that lacks commits
// (parley_store_promise{promise="failover"} is 0), positions of the lost ones
// are given out again, so a reader should start again from the beginning.
package monitor
