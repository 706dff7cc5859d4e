// Package monitor is an app backend: it receives the callbacks of a
// Tencent-Chat-compatible IM backend, keeps every group message that was not
// delivered, and shows them.
//
// What it guarantees: a callback is answered 200 only after its event was
// committed with a full sync, so that an acknowledged event survives a power
// cut. If the store takes no writes the answer is 503 and the sender tries
// again. An event that arrives again is acknowledged and kept once: it is
// recognised by app, epoch and event id when the sender gives an id, else by
// app, group, sender, Random, EventTime and ErrorCode. The same event through
// two senders of which only one gives ids is kept twice.
//
// What may be lost: the counters of refused and repeated callbacks begin anew
// with each start. Callbacks of other commands than the exception are kept
// raw, the newest [KeepOther] of them. Questions are answered "allow" at once
// and kept when the writer has room.
//
// How it runs: HTTP handlers hand records to one writer goroutine, which owns
// the only connection that writes, and commits what has gathered while the
// commit before was under way. After each commit it tells the streams and the
// hook, in the order of arrival. Readers have connections of their own that
// cannot write. [Monitor.Stop] ends streams first, then requests, then the
// writer, and last gives up the lock on the data folder.
package monitor
