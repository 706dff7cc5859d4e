package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/parley-im/parley/internal/config"
	"github.com/parley-im/parley/internal/store/transfer"
)

type migrateCmd struct {
	config.MigrateFlags `embed:""`
}

// Run moves a data folder into a database.
func (c *migrateCmd) Run(e *env) error {
	cfg, err := c.Parse()
	if err := joinFaults(e.file.faults.Err(), err); err != nil {
		return err
	}
	began := time.Now()
	p := newMoveProgress(e.stderr)
	result, err := transfer.Run(e.ctx, transfer.Options{From: cfg.From, To: cfg.To, Report: p.report})
	p.end()
	if err != nil {
		if e.ctx.Err() != nil {
			return errors.New("broken off; run it again to go on")
		}
		return err
	}
	if !result.Before.IsZero() {
		fmt.Fprintf(e.stdout, "%s was moved to %s at %s already; there is nothing to do\n", cfg.From, result.Place, result.Before.Format(time.RFC3339))
		return nil
	}
	took := time.Since(began).Round(10 * time.Millisecond)
	if err := printTables(e.stderr, result.Tables); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s is moved to %s, in %s; serve it with --database from now on\n", cfg.From, result.Place, took)
	return err
}

// printTables tells what was moved.
func printTables(out io.Writer, tables []transfer.Table) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "table\trows moved\trows compared\t")
	var all int64
	for _, t := range tables {
		fmt.Fprintf(w, "%s\t%d\t%[2]d\t\n", t.Name, t.Rows)
		all += t.Rows
	}
	fmt.Fprintf(w, "all\t%d\t%[1]d\t\n", all)
	return w.Flush()
}

// moveProgress shows how far a move is: on a terminal a line that is written
// anew, else a line from time to time.
type moveProgress struct {
	out     io.Writer
	columns func() int // nil: no terminal
	every   time.Duration
	now     func() time.Time

	last  transfer.Report
	since time.Time // the table's first report in this step
	first int64     // rows that were there then
	shown time.Time
	open  bool // the line on the terminal is to be written over
}

func newMoveProgress(stderr io.Writer) *moveProgress {
	p := &moveProgress{out: stderr, every: 3 * time.Second, now: time.Now}
	if s := screen(stderr); s != nil {
		p.every = 100 * time.Millisecond
		p.columns = func() int {
			columns, _ := s.Size()
			return columns
		}
	}
	p.shown = p.now()
	return p
}

func (p *moveProgress) report(r transfer.Report) {
	now := p.now()
	if r.Step != p.last.Step || r.Table != p.last.Table {
		p.since, p.first = now, r.Done // what came before says nothing about the pace
	}
	p.last = r
	if now.Sub(p.shown) < p.every {
		return
	}
	p.shown = now
	p.show(p.line(now))
}

// line is one line about the last report.
func (p *moveProgress) line(now time.Time) string {
	r := p.last
	if r.Table == "" {
		return string(r.Step)
	}
	line := fmt.Sprintf("%s %s: %d of %d rows", r.Step, r.Table, r.Done, r.Rows)
	if took := now.Sub(p.since).Seconds(); took >= 0.5 && r.Done > p.first {
		line += fmt.Sprintf(", %.0f rows/s", float64(r.Done-p.first)/took)
	}
	return line
}

func (p *moveProgress) show(line string) {
	if p.columns == nil {
		fmt.Fprintln(p.out, line)
		return
	}
	if most := p.columns() - 1; len(line) > most && most > 0 {
		line = line[:most]
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	p.open = true
}

// end takes the line on the terminal away.
func (p *moveProgress) end() {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
