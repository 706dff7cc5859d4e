package monitor

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/parley-im/parley/internal/promise"
)

// ErrNewerDatabase is returned by Start when the database was written by a
// newer version of the program.
var ErrNewerDatabase = errors.New("the database is newer than this program")

// newerDatabase gives an engine's own error the name it has here.
type newerDatabase struct{ error }

func (e newerDatabase) Is(target error) bool { return target == ErrNewerDatabase }
func (e newerDatabase) Unwrap() error        { return e.error }

// readSessions is how many queries of readers may run at once.
const readSessions = 4

// engine is a database that keeps callbacks: sqlite.go, postgres.go. Opened, it
// has the newest schema. What is read is the same SQL for both (read.go), with
// $1, $2 … for the arguments.
type engine interface {
	// place names the database for people, without a password.
	place() string
	// connect opens a session that writes. There is one at a time.
	connect(ctx context.Context) (session, error)
	// readers is a pool of readSessions sessions that cannot write.
	readers() *sql.DB
	// close gives everything back. The sessions that write are closed before.
	close() error
}

// session is a connection that writes, used by one goroutine. After an error
// other than a record's fault in commit it is closed and never used again.
type session interface {
	// commit stores records in one transaction, and sets the positions of those
	// that are new, which follow all that were committed before, also by other
	// programs. An error that is no *storeError is the fault of one of the
	// records: nothing is stored, and the session is well. After a *storeError
	// it is open whether the records are stored.
	commit(ctx context.Context, records []*record) (fresh []bool, err error)
	// exec runs a statement in a transaction of its own.
	exec(ctx context.Context, statement string, args ...any) error
	// one reads the only row of a query.
	one(ctx context.Context, query string, dest ...any) error
	// tidy does what the engine needs done now and then between two commits.
	tidy(ctx context.Context) error
	// promises tells what the settings of the session promise.
	promises(ctx context.Context) ([]promise.Promise, error)
	close() error
}

// addTally adds the exceptions that a transaction has inserted to the totals.
// %s names them: what stands behind FROM, up to a WHERE.
const addTally = `INSERT INTO tally (app, code, records, refusals, last_at)
	SELECT app, code, count(*), sum(refusals), max(received_at) FROM %s GROUP BY app, code
	ON CONFLICT (app, code) DO UPDATE SET records = tally.records + excluded.records, refusals = tally.refusals + excluded.refusals,
	last_at = CASE WHEN excluded.last_at > tally.last_at THEN excluded.last_at ELSE tally.last_at END`

// saveJournal replaces what is known of an app's journal.
const saveJournal = "INSERT INTO journal (app, state) VALUES ($1, $2) ON CONFLICT (app) DO UPDATE SET state = excluded.state"

// storeError marks a fault of the store, as opposed to one of a record.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

func ofStore(doing string, err error) error {
	return &storeError{fmt.Errorf("%s: %w", doing, err)}
}

//go:embed migrations
var embedded embed.FS

// migrations are the steps of an engine's schema, numbered from 1. A step that
// was released is never changed.
func migrations(engine string) fs.FS {
	sub, err := fs.Sub(embedded, "migrations/"+engine)
	if err != nil {
		panic(err) // the name is wrong
	}
	return sub
}

// blob keeps any bytes as they are.
func blob[T ~string](text T) []byte { return append([]byte{}, text...) }

// flag is a boolean as both engines keep it.
func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// whole is body, but never nil, which would be NULL.
func whole(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}
