package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-im/parley/internal/store/transfer"
)

func TestMoveShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	reports := []transfer.Report{ // one a second
		{Step: transfer.Copying, Table: "messages", Done: 1000, Rows: 9000},
		{Step: transfer.Copying, Table: "messages", Done: 3000, Rows: 9000},
		{Step: transfer.Copying, Table: "messages", Done: 5000, Rows: 9000},
		{Step: transfer.Checking, Table: "messages", Done: 5000, Rows: 9000},
		{Step: transfer.Marking},
	}
	for name, c := range map[string]struct {
		every time.Duration
		width int
		want  string
	}{
		"lines": {2 * time.Second, 0, "copying messages: 3000 of 9000 rows, 2000 rows/s\nchecking messages: 5000 of 9000 rows\n"},
		"a terminal": {time.Second, 31, "\r\x1b[Kcopying messages: 1000 of 9000 \r\x1b[Kcopying messages: 3000 of 9000 \r\x1b[Kcopying messages: 5000 of 9000 " +
			"\r\x1b[Kchecking messages: 5000 of 9000\r\x1b[Kmarking\r\x1b[K"},
	} {
		var out bytes.Buffer
		now := time.Unix(0, 0)
		p := &moveProgress{out: &out, every: c.every, now: func() time.Time { return now }, shown: now}
		if c.width > 0 {
			p.columns = func() int { return c.width + 1 }
		}
		for _, r := range reports {
			now = now.Add(time.Second)
			p.report(r)
		}
		p.end()
		if out.String() != c.want {
			t.Errorf("%s: %q, want %q", name, out.String(), c.want)
		}
	}
}

func TestMoveTellsHowManyRowsOfEachTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := printTables(&out, []transfer.Table{{Name: "apps", Rows: 2}, {Name: "messages", Rows: 200000}}); err != nil {
		t.Fatal(err)
	}
	const want = "     table  rows moved  rows compared\n      apps           2              2\n  messages      200000         200000\n       all      200002         200002\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
