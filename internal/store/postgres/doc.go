// Package postgres is the store at scale: a PostgreSQL database that any number
// of processes write to.
//
// What it guarantees:
//
//   - Order. One row for each app (heads) holds the next sequence, the state
//     version and the totals. A transaction is of one app and locks this row
//     first. PostgreSQL releases locks after a commit has become visible, so
//     whoever sees event n+1 sees event n, and no hole can be seen. There is no
//     database sequence behind any number that is promised to have no gap.
//   - Two round trips for a batch: BEGIN, the lock, and what is read under it; then
//     all rows and COMMIT. Between the two the process only computes. A change of
//     state takes one round trip for each question it asks.
//   - A transaction whose Commit returned nil is as safe as the server's settings
//     say; [Store.Promises] tells. After an error from Commit the outcome is
//     unknown until [Store.Found] has held the app's row: then the transaction has
//     ended, one way or the other. If the server itself said that it did not
//     commit, the error is a chat.Uncommitted.
//   - State. A change raises the version in the app's row in its own transaction
//     and leaves a row in changes that names what it touched. Every batch of every
//     process sees the version with its lock.
//   - Erasures. What a deleted user said is what was committed under no later
//     version than that of the deletion; each message has the version of its
//     commit. It is found by a scan that goes on in slices (erase.go).
//   - Repeats are found by whoever holds the app's row: a send that another
//     process accepted is never stored twice.
//
// Nobody holds an app for long: a session that is silent within a transaction is
// ended by the server after two seconds, and who waits for a lock gives up after
// one and tries again. See package pg for the bounds.
//
// Sessions are never trusted after an error of the connection: they are closed,
// and the pool makes others. A session with a server on another timeline, or
// with another system identifier, is not let in before every app has begun a new
// epoch (origin.go): nobody can prove then that nothing committed is missing.
//
// Every string is stored as bytea, so that U+0000 and bytes that are no UTF-8
// come back as they were.
package postgres
