package sqlite

import (
	"hash/maphash"

	"github.com/parley-im/parley/internal/chat"
)

// A slot tells in 32 bits where a repeat is stored: 12 bits of the key's hash,
// so that few others are taken for it, and the number of the row. Row 0 does not
// exist: such a slot is reserved by a transaction that has not ended. A slot
// that is 0 altogether is free.
const (
	rowBits  = 20
	maxRow   = 1<<rowBits - 1
	bucket   = 8 // slots; 32 bytes, within one line of a processor's cache
	slotSize = 4 // bytes
)

// Slots in the first segment of a chain, and in the largest. Each next segment
// is four times the last, as far as the memory allows.
const (
	firstSegment   = 16 << 10
	largestSegment = 1 << 20
	smallestGrowth = 1 << 10
)

// segment is a table of slots in buckets. A key belongs into either of two.
type segment []uint32

// chain holds the slots of one minute. A key goes into the first segment that
// has room in one of its two buckets, and slots are freed only together (or by
// the transaction that reserved them, while nothing else is added). So a key
// whose buckets in one segment are not both full is in no later segment.
type chain []segment

// locator gives out slots within a budget of memory.
type locator struct {
	seed maphash.Seed
	left int // bytes
}

// hash spreads a key. It differs from process to process, so that nobody can
// make up keys that meet in one bucket.
func (l *locator) hash(key *chat.RepeatKey) uint64 { return maphash.Bytes(l.seed, key[:]) }

// mark is the part of a hash that a slot keeps, never 0, in the slot's place.
func mark(h uint64) uint32 { return uint32(1+(h&0xfff)*0xfff>>12) << rowBits }

// buckets are the two places of a hash in a segment.
func (s segment) buckets(h uint64) (a, b segment) {
	mask := uint64(len(s)/bucket - 1)
	i, j := (h>>12)&mask*bucket, (h>>38)&mask*bucket
	return s[i : i+bucket : i+bucket], s[j : j+bucket : j+bucket]
}

// fill is how many slots of a bucket are taken; they are taken in order.
func (s segment) fill() int {
	for i, slot := range s {
		if slot == 0 {
			return i
		}
	}
	return len(s)
}

// free is the next free slot for a hash, in the emptier bucket; nil if there is none.
func (s segment) free(h uint64) *uint32 {
	a, b := s.buckets(h)
	na, nb := a.fill(), b.fill()
	if nb < na {
		a, na = b, nb
	}
	if na == bucket {
		return nil
	}
	return &a[na]
}

// reserve takes a slot in the chain, which grows if it must; nil if the budget
// is used up. The slot is to be given its row, or 0 to free it again.
func (l *locator) reserve(c *chain, h uint64) *uint32 {
	for _, s := range *c {
		if slot := s.free(h); slot != nil {
			*slot = mark(h)
			return slot
		}
	}
	size := firstSegment
	if n := len(*c); n > 0 {
		size = min(4*len((*c)[n-1]), largestSegment)
	}
	for size*slotSize > l.left {
		if size /= 4; size < smallestGrowth {
			return nil
		}
	}
	s := make(segment, size)
	l.left -= size * slotSize
	*c = append(*c, s)
	slot := s.free(h)
	*slot = mark(h)
	return slot
}

// drop frees a chain.
func (l *locator) drop(c *chain) {
	for _, s := range *c {
		l.left += len(s) * slotSize
	}
	*c = nil
}

// rows appends the rows that may hold the key with hash h.
func (c chain) rows(h uint64, to []uint32) []uint32 {
	m := mark(h)
	for _, s := range c {
		a, b := s.buckets(h)
		na, nb := a.fill(), b.fill()
		for _, slot := range a[:na] {
			if slot&^maxRow == m && slot&maxRow != 0 {
				to = append(to, slot&maxRow)
			}
		}
		if &a[0] != &b[0] {
			for _, slot := range b[:nb] {
				if slot&^maxRow == m && slot&maxRow != 0 {
					to = append(to, slot&maxRow)
				}
			}
		}
		if na < bucket || nb < bucket {
			break
		}
	}
	return to
}
