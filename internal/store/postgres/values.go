package postgres

import (
	"time"

	"github.com/parley-im/parley/internal/chat"
)

// into is where a bytea column is scanned to that a string keeps, byte for byte.
type into[T ~string] struct{ to *T }

// ScanBytes makes into a target for a bytea column.
func (i into[T]) ScanBytes(v []byte) error {
	*i.to = T(v)
	return nil
}

func str[T ~string](p *T) into[T] { return into[T]{p} }

// blob is how a string or bytes are stored: never NULL.
func blob[T ~string | ~[]byte](v T) []byte {
	if b := []byte(v); b != nil {
		return b
	}
	return []byte{}
}

// numbers are the values of a bigint array.
func numbers[T ~int64 | ~uint64](list []T) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

// ids are the values of a uuid array.
func ids[T ~[16]byte](list []T) [][16]byte {
	out := make([][16]byte, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// column makes the array of one column from rows.
func column[R, V any](rows []R, value func(*R) V) []V {
	out := make([]V, len(rows))
	for i := range rows {
		out[i] = value(&rows[i])
	}
	return out
}

// slots is how many tables of repeats there are: the two that the window can
// reach into, and one that is being emptied.
const slots = 3

// slotOf is where repeats of that moment of the database's clock go.
func slotOf(at time.Time) int64 { return at.Unix() / chat.RepeatWindow % slots }
