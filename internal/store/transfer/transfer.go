package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/internal/pg"
	"github.com/parley-im/parley/internal/store/sqlite"
)

// Options say what goes where.
type Options struct {
	From string // data folder
	To   string // URL of the database
	// Batch is how many rows are committed at once, at most; 0 is 5000.
	Batch int
	// Report is told how far the move is: after each batch, while the check goes
	// on, and before each of the last two steps. Nil is nobody.
	Report func(Report)
}

// Step is a part of the move.
type Step string

// The steps, in order.
const (
	Copying   Step = "copying"
	Checking  Step = "checking"
	Marking   Step = "marking"   // the folder is about to be marked as moved
	Finishing Step = "finishing" // the database is about to be opened for servers
)

// Report is how far a table is in a step.
type Report struct {
	Step       Step
	Table      string
	Done, Rows int64 // of the table's rows
}

// Result is what was moved.
type Result struct {
	Place  string    // the database, without user and password
	Before time.Time // when an earlier run had moved everything; else zero
	Tables []Table
}

// Table is how many rows of a table went over; each of them was compared.
type Table struct {
	Name string
	Rows int64
}

// move is a move that is under way.
type move struct {
	from     *source
	to       *target
	batch    int
	report   func(Report)
	journals map[int64]int64 // by app

	since   int64 // accepted sends from then on go over, unix seconds
	repeats int64 // how many
}

func (m *move) tell(step Step, table string, done, rows int64) {
	if m.report != nil {
		m.report(Report{step, table, done, rows})
	}
}

// Run moves everything, or goes on with a move that was broken off. After an
// error it can be run again. If an earlier run had moved everything already, the
// result says when.
func Run(ctx context.Context, o Options) (result Result, err error) {
	m := &move{batch: o.Batch, report: o.Report}
	if m.batch <= 0 {
		m.batch = 5000
	}
	if m.from, err = openSource(ctx, o.From); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, m.from.close()) }()
	if m.to, err = openTarget(ctx, o.To); err != nil {
		return result, pg.OneLine(err)
	}
	defer func() { err = errors.Join(err, m.to.close()) }()
	result.Place = m.to.place
	before, err := m.begin(ctx)
	if err != nil || before != nil {
		if before != nil {
			result.Before = *before
		}
		return result, pg.OneLine(err)
	}
	for _, step := range []func(context.Context) error{m.copy, m.check(&result), m.finish} {
		if err := step(ctx); err != nil {
			return result, pg.OneLine(err)
		}
	}
	return result, nil
}

// begin finds out whether this is a new move, one that goes on, or one that is
// done, and then when. What the folder and the database know of each other is in
// the package's comment.
func (m *move) begin(ctx context.Context) (finished *time.Time, err error) {
	there, err := m.to.imported(ctx)
	if err != nil {
		return nil, err
	}
	here := m.from.move
	switch {
	case there != nil && there.id == here.ID && there.finished != nil:
		return there.finished, nil
	case there != nil && there.id == here.ID && here.State == sqlite.Void:
		if err := m.to.startOver(ctx); err != nil {
			return nil, err
		}
		return nil, m.from.note(here.ID, m.to.place, sqlite.Moving)
	case there != nil && there.id == here.ID:
		return nil, nil
	case here.State == sqlite.Moved:
		return nil, fmt.Errorf("%s was moved to %s already", m.from.dir, here.To)
	case there != nil && there.finished == nil:
		return nil, fmt.Errorf("%s holds an unfinished move of another data folder (or of a copy of this one); finish that, or empty the database", m.to.place)
	}
	id := rand.Text()
	if err := m.from.note(id, m.to.place, sqlite.Moving); err != nil {
		return nil, err
	}
	return nil, m.to.begin(ctx, id)
}

func (m *move) copy(ctx context.Context) (err error) {
	for i := range carried {
		t := &carried[i]
		if err := m.copyTable(ctx, t); err != nil {
			return err
		}
		if t.name == "heads" {
			if m.journals, err = m.to.journals(ctx); err != nil {
				return fmt.Errorf("read journals: %w", err)
			}
		}
	}
	if m.since, m.repeats, err = m.surveyRepeats(ctx); err != nil {
		return err
	}
	if err := m.copyRepeats(ctx); err != nil {
		return err
	}
	// Whoever asks next, the check or a server, is to know how much there is.
	for _, name := range append(tableNames(), repeatsName) {
		if _, err := m.to.conn.Exec(ctx, "ANALYZE "+name); err != nil {
			return fmt.Errorf("analyze %s: %w", name, err)
		}
	}
	return nil
}

func (m *move) check(result *Result) func(context.Context) error {
	return func(ctx context.Context) error {
		for i := range carried {
			n, err := m.checkTable(ctx, &carried[i])
			if err != nil {
				return err
			}
			result.Tables = append(result.Tables, Table{carried[i].name, n})
		}
		n, err := m.checkRepeats(ctx)
		result.Tables = append(result.Tables, Table{repeatsName, n})
		return err
	}
}

// finish closes the folder, then opens the database: between the two neither is
// served, and the next run comes here again.
func (m *move) finish(ctx context.Context) error {
	groups, err := m.from.number(ctx, `SELECT max(coalesce((SELECT max(key) FROM groups), 0),
		coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'groups'), 0))`)
	if err != nil {
		return fmt.Errorf("read the last group's key: %w", err)
	}
	members, err := m.from.number(ctx, "SELECT coalesce(max(ord), 0) FROM members")
	if err != nil {
		return fmt.Errorf("read the last member's place: %w", err)
	}
	replays, err := m.from.number(ctx, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'replays'), 0)")
	if err != nil {
		return fmt.Errorf("read the last replay's id: %w", err)
	}
	m.tell(Marking, "", 0, 0)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.from.note(m.from.move.ID, m.to.place, sqlite.Moved); err != nil {
		return err
	}
	m.tell(Finishing, "", 0, 0)
	if err := m.to.finish(ctx, groups, members, replays); err != nil {
		return fmt.Errorf("finish the move: %w", err)
	}
	return nil
}
