package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-im/parley/internal/chat"
	"github.com/parley-im/parley/internal/pgtest"
)

// The session of a failed COMMIT may be lost while the server still works on it.
// An answer before it has ended could be overtaken.
func TestDoubtfulTransactionIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{"that commits": "COMMIT", "that does not": "ROLLBACK"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := pgtest.Database(t)
			s := open(t, database)
			newApp(t, s)
			var id chat.AttemptID
			copy(id[:], "the doubtful one")
			c, err := pgx.Connect(t.Context(), database)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			for _, statement := range []string{
				"SET search_path = parley", "BEGIN", "SELECT 1 FROM heads FOR NO KEY UPDATE",
				`INSERT INTO events SELECT app, journal, 1, '` + id.String() + `', '` + id.String() + `', '', 0, '', '', 0, '', '', 0, '', '', '', 1, 0 FROM heads`,
			} {
				if _, err := c.Exec(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			type answer struct {
				found []bool
				err   error
			}
			asked := make(chan answer, 1)
			go func() {
				found, err := s.Found(context.Background(), app, []chat.Trace{{Attempt: id, Event: 1}})
				asked <- answer{found, err}
			}()
			for waits := 0; waits == 0; {
				if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waits); err != nil {
					t.Fatal(err)
				}
				select {
				case a := <-asked:
					t.Fatalf("answered before the transaction ended: %+v", a)
				default:
				}
			}
			if _, err := c.Exec(t.Context(), end); err != nil {
				t.Fatal(err)
			}
			if a := <-asked; a.err != nil || a.found[0] != (end == "COMMIT") {
				t.Errorf("%+v", a)
			}
		})
	}
}
