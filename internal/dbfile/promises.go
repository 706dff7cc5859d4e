package dbfile

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/parley-im/parley/internal/promise"
)

// Promises reads what the settings of a connection that writes promise.
//
// Source: SQLite documentation, "PRAGMA synchronous" and "Write-Ahead Logging".
func Promises(ctx context.Context, c *sql.Conn) ([]promise.Promise, error) {
	var synchronous int
	var journal string
	if err := c.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return nil, err
	}
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return nil, err
	}
	const full = 2
	return []promise.Promise{
		{Name: promise.Crash, Holds: synchronous >= full, Why: fmt.Sprintf("synchronous=%d", synchronous)},
		{Name: promise.TornPages, Holds: journal == "wal", Why: "journal_mode=" + journal},
		{Name: promise.Failover, Holds: false, Why: "a SQLite file is on one machine"},
	}, nil
}
