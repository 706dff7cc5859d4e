package pg

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Kind is what an error means for whoever asked.
type Kind uint8

// The kinds of errors.
const (
	// Refused: the server refused this statement because of what is in it; the
	// transaction is over, the session is well.
	Refused Kind = iota
	// Busy: a lock was not to be had in time, or transactions were in each
	// other's way. The same again may succeed.
	Busy
	// Away: the session is lost, or the server cannot work: it is shutting down,
	// starting, read-only, out of room. Nothing of this transaction is stored,
	// unless it was COMMIT that failed.
	Away
)

// KindOf tells what an error of the driver means.
func KindOf(err error) Kind {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return Away
	}
	if severity := e.SeverityUnlocalized; severity == "FATAL" || severity == "PANIC" {
		return Away
	}
	switch e.Code {
	case "55P03", // lock_not_available
		"40001", "40P01": // serialization_failure, deadlock_detected
		return Busy
	case "57014", // query_canceled: the statement's time was over
		"25006", // read_only_sql_transaction: a standby
		"25P02": // in_failed_sql_transaction
		return Away
	}
	// Insufficient resources, operator intervention, system error, internal
	// error, connection exception.
	switch class := e.Code[:min(2, len(e.Code))]; class {
	case "53", "57", "58", "XX", "08":
		return Away
	}
	return Refused
}

// NotCommitted says whether an error that COMMIT answered means that nothing
// was committed: the server said so itself, and lives on. After any other error
// the outcome is unknown.
func NotCommitted(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && strings.EqualFold(e.SeverityUnlocalized, "ERROR")
}
