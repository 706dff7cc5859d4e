// Package sqlite is the default store: one SQLite file in the data folder,
// written by one connection and read by a small pool.
//
// What it guarantees:
//
//   - A transaction whose Commit returned nil is on disk: the journal is
//     synced before (synchronous=FULL). What a reader sees is committed.
//   - After an error from Commit nothing more is written through the same file
//     handles. [Store.Reopen] closes all of them, recovers as a start would,
//     and moves what it found into the database file with a sync of its own, so
//     that a later start cannot come to another result.
//   - One process at a time: an operating system's lock on the file "lock",
//     which ends with the process however it ends.
//
// Files of the data folder: parley.db (with -wal and -shm beside it while it is
// open), lock, parley.db.before-N, the copy made before the schema was brought to
// version N, and moved, which tells that everything went to another database and
// keeps the folder from being served (move.go).
//
// What a send costs is the pages it makes dirty. Events are stored in the order
// of their sequence; messages in the order they came, with one narrow index by
// group and number, because a page of messages for each group of a batch costs
// more than a page of index. Neither has another index. Accepted sends that must be recognised when they
// are repeated are therefore kept in one row a batch, in one table a minute; a
// bounded table in memory knows the row (see repeats.go).
//
// What a deleted user said is found by a scan that goes on in slices (erase.go),
// and what is freed is overwritten: bytes always, whole pages where words are
// erased or a group is purged.
//
// Every string is stored as a BLOB, so that U+0000 and bytes that are no UTF-8
// come back as they were.
//
// Locks, in the order in which they are taken: Store.mu, which reads share and
// Reopen, Close and the end of a checkpoint take alone; then repeats.mu, never
// held during a query. The write side belongs to one goroutine, the caller of
// Begin, Maintain and Reopen.
package sqlite
