package pg

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/promise"
)

// Promise is something that the server's settings promise to everything that is
// stored in it, or do not.
type Promise = promise.Promise

// Promises reads what the settings of a session promise:
//
//   - crash: what was committed outlives a crash of the database's processes
//     and of the machine (fsync, synchronous_commit)
//   - torn_pages: a page that was half written when the power failed is mended
//     (full_page_writes)
//   - failover: what was committed is on a second machine as well, so that the
//     loss of one loses nothing (synchronous_commit, synchronous_standby_names)
//
// Source: PostgreSQL documentation, chapters "Write Ahead Log" and
// "Replication" of the runtime configuration.
func Promises(ctx context.Context, c *pgx.Conn) ([]Promise, error) {
	set := map[string]string{}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "synchronous_standby_names"} {
		var value string
		if err := c.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
			return nil, err
		}
		set[name] = value
	}
	why := func(names ...string) string {
		for i, name := range names {
			names[i] = name + "=" + set[name]
			if set[name] == "" {
				names[i] = name + " is empty"
			}
		}
		return strings.Join(names, ", ")
	}
	waits := set["synchronous_commit"] != "off"
	synced := set["fsync"] == "on" && waits
	standby := waits && set["synchronous_commit"] != "local" && set["synchronous_standby_names"] != ""
	return []Promise{
		{Name: promise.Crash, Holds: synced, Why: why("fsync", "synchronous_commit")},
		{Name: promise.TornPages, Holds: set["full_page_writes"] == "on", Why: why("full_page_writes")},
		{Name: promise.Failover, Holds: synced && standby, Why: why("synchronous_commit", "synchronous_standby_names")},
	}, nil
}
