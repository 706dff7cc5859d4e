package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// turnEvery is how often a process asks for the turn, or makes sure that it
// still has it; turnWait is how long the answer may take.
const (
	turnEvery = time.Second
	turnWait  = 3 * time.Second
)

// Alone calls f while this process has the turn to deliver, and again whenever it
// has it anew, until ctx ends. The turn is a lock of a session of its own: it
// ends with the session, however that ends. Each turn has a term; what a process
// whose turn is over still reports is not written (see putProgress).
func (s *Store) Alone(ctx context.Context, f func(context.Context)) {
	for ctx.Err() == nil {
		if c := s.awaitTurn(ctx); c != nil {
			s.hold(ctx, c, f)
			s.give(c)
		}
	}
}

// awaitTurn returns the session that has the turn; nil to be called again.
func (s *Store) awaitTurn(ctx context.Context) *pgx.Conn {
	c, err := pgx.ConnectConfig(ctx, s.config.ConnConfig)
	if err != nil {
		sleep(ctx, turnEvery)
		return nil
	}
	for {
		var mine bool
		var term int64
		if err = ask(ctx, c, "SELECT pg_try_advisory_lock(hashtextextended('parley delivery ' || current_schema(), 0))", &mine); err == nil && mine {
			if err = ask(ctx, c, "UPDATE delivery SET term = term + 1 RETURNING term", &term); err == nil {
				s.term.Store(term)
				return c
			}
		}
		if err != nil || !sleep(ctx, turnEvery) {
			s.give(c)
			sleep(ctx, turnEvery)
			return nil
		}
	}
}

// hold runs f until ctx ends or the session is lost.
func (s *Store) hold(ctx context.Context, c *pgx.Conn, f func(context.Context)) {
	turn, end := context.WithCancel(ctx)
	defer end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(turn)
	}()
	var one int
	for sleep(turn, turnEvery) && ask(turn, c, "SELECT 1", &one) == nil {
	}
	end()
	<-done
}

// give closes the session, and with it gives the turn back.
func (s *Store) give(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.Close(ctx) // the server ends it in any case
}

func ask(ctx context.Context, c *pgx.Conn, sql string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	return c.QueryRow(ctx, sql).Scan(answer)
}

// sleep reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
