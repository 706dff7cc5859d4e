package sqlite

import (
	"fmt"

	"github.com/parley-im/parley/internal/chat"
)

// RepeatTables names the tables of accepted sends. Each has a row for a batch;
// the column body holds its records, see [Records].
func RepeatTables() []string {
	names := make([]string, tables)
	for i := range names {
		names[i] = fmt.Sprintf("repeats_%d", i)
	}
	return names
}

// Records takes the accepted sends out of a body of a table of repeats.
func Records(body []byte) ([]chat.Repeat, error) {
	if len(body)%recordSize != 0 {
		return nil, fmt.Errorf("sqlite: %d bytes are no records of %d", len(body), recordSize)
	}
	list := make([]chat.Repeat, 0, len(body)/recordSize)
	for ; len(body) > 0; body = body[recordSize:] {
		list = append(list, readRecord(body))
	}
	return list, nil
}
