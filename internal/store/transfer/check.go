package transfer

import (
	stdbytes "bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
)

// errDiffers begins every error about a row that is not the same on both sides.
var errDiffers = errors.New("the check found a difference")

// checkEvery is how many rows are compared between two reports.
const checkEvery = 5000

// checkTable reads a table from both sides and compares every column of every
// row. It returns how many rows there are.
func (m *move) checkTable(ctx context.Context, t *table) (n int64, err error) {
	total := m.to.at(t.name).Rows
	want, err := m.from.after(ctx, t, nil, m.journals)
	if err != nil {
		return 0, err
	}
	defer want.close()
	got, err := m.to.conn.Query(ctx, t.readBack())
	if err != nil {
		return 0, fmt.Errorf("read %s back: %w", t.name, err)
	}
	defer got.Close()
	for {
		more, there := want.next(), got.Next()
		if err := errors.Join(want.err, got.Err()); err != nil {
			return n, fmt.Errorf("compare %s: %w", t.name, err)
		}
		if !more && !there {
			m.tell(Checking, t.name, n, total)
			return n, nil
		}
		var have []any
		if there {
			if have, err = got.Values(); err != nil {
				return n, fmt.Errorf("read %s back: %w", t.name, err)
			}
		}
		if err := differ(t, more, want.values, there, have); err != nil {
			return n, err
		}
		if n++; n%checkEvery == 0 {
			m.tell(Checking, t.name, n, total)
		}
	}
}

// differ compares the next row of both sides. more and there say whether there is
// one.
func differ(t *table, more bool, want []any, there bool, have []any) error {
	order := 0
	if more && there {
		order = compare(want[:t.keys], have[:t.keys])
	}
	switch {
	case !there || order < 0:
		return fmt.Errorf("%w: %s is missing in the database", errDiffers, t.describe(want))
	case !more || order > 0:
		return fmt.Errorf("%w: %s is in the database only", errDiffers, t.describe(have))
	}
	for i, c := range t.columns {
		if compare(want[i:i+1], have[i:i+1]) != 0 {
			return fmt.Errorf("%w: %s has another %s in the database", errDiffers, t.describe(want), c.name)
		}
	}
	return nil
}

// compare orders values of the same types.
func compare(a, b []any) int {
	for i := range a {
		order := 1
		switch x := a[i].(type) {
		case int64:
			if y, ok := b[i].(int64); ok {
				order = cmp.Compare(x, y)
			}
		case int32:
			if y, ok := b[i].(int32); ok {
				order = cmp.Compare(x, y)
			}
		case []byte:
			if y, ok := b[i].([]byte); ok {
				order = stdbytes.Compare(x, y)
			}
		default: // int16, bool, [16]byte: never in a key
			if a[i] == b[i] {
				order = 0
			}
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
