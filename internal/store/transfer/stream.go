package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
)

// stream is the rows of one of the folder's tables, in order, as the database
// takes them.
type stream struct {
	table    *table
	journals map[int64]int64
	rows     *sql.Rows
	raw      []any // of the current row, as the folder has them
	values   []any // the same, as the database has them
	size     int   // bytes of the current row, about
	err      error
	targets  []any
}

// after opens the stream behind a key; nil is the beginning.
func (s *source) after(ctx context.Context, t *table, key []any, journals map[int64]int64) (*stream, error) {
	rows, err := s.db.QueryContext(ctx, t.read(key != nil), key...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.name, err)
	}
	n := len(t.columns)
	st := &stream{table: t, journals: journals, rows: rows, raw: make([]any, n), values: make([]any, n), targets: make([]any, n)}
	for i := range st.raw {
		st.targets[i] = &st.raw[i]
	}
	return st, nil
}

// next reads a row; false at the end, and after an error.
func (s *stream) next() bool {
	if s.err != nil || !s.rows.Next() {
		if s.err == nil {
			s.err = s.rows.Err()
		}
		return false
	}
	if s.err = s.rows.Scan(s.targets...); s.err != nil {
		return false
	}
	s.size = 0
	for i := range s.raw {
		if s.values[i], s.err = s.value(i); s.err != nil {
			s.err = fmt.Errorf("%s, column %s: %w", s.describe(), s.table.columns[i].name, s.err)
			return false
		}
	}
	return true
}

func (s *stream) close() error { return s.rows.Close() }

// value gives a column's value as the database has it.
func (s *stream) value(i int) (any, error) {
	k := s.table.columns[i].kind
	if k == bytes || k == id {
		b, ok := s.raw[i].([]byte)
		if !ok {
			return nil, fmt.Errorf("bytes expected, got %T", s.raw[i])
		}
		if b == nil { // to the driver of the database that would be NULL
			b = []byte{}
			s.raw[i] = b
		}
		s.size += len(b) + 8
		if k == bytes {
			return b, nil
		}
		if len(b) != 16 {
			return nil, fmt.Errorf("an id has 16 bytes, this one %d", len(b))
		}
		return [16]byte(b), nil
	}
	n, ok := s.raw[i].(int64)
	if !ok {
		return nil, fmt.Errorf("a number expected, got %T", s.raw[i])
	}
	s.size += 12
	switch k {
	case small:
		if n == int64(int16(n)) {
			return int16(n), nil
		}
	case integer:
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			return int32(n), nil
		}
	case truth:
		if n == 0 || n == 1 {
			return n == 1, nil
		}
	case journal:
		j, ok := s.journals[n]
		if !ok {
			return nil, fmt.Errorf("there is no app %d", n)
		}
		return j, nil
	default:
		return n, nil
	}
	return nil, fmt.Errorf("%d is out of range", n)
}

// key is the current row's key, as the folder has it.
func (s *stream) key() (key []any) {
	for _, at := range s.table.sourceKey() {
		key = append(key, s.raw[at])
	}
	return key
}

// describe names the current row by its key.
func (s *stream) describe() string { return s.table.describe(s.raw) }

// describe names a row by the values of its key.
func (t *table) describe(values []any) string {
	words := make([]string, 0, t.keys)
	for i, c := range t.columns[:t.keys] {
		switch v := values[i].(type) {
		case []byte:
			words = append(words, fmt.Sprintf("%s %q", c.name, v))
		default:
			if c.kind != journal {
				words = append(words, fmt.Sprintf("%s %v", c.name, v))
			}
		}
	}
	return t.name + ", row with " + strings.Join(words, ", ")
}
