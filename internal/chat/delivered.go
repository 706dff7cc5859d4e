package chat

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// Deliveries are kept by chunks of sequences: what a lane reports at once of a
// chunk is one row, so that a delivery costs a few bytes and not a row.

// DeliveryChunk is how many sequences share a chunk.
const DeliveryChunk = 1024

// ChunkOf is the chunk of a sequence.
func ChunkOf(seq Sequence) int64 { return int64(seq / DeliveryChunk) }

// DeliveredChunk is what a lane reports of one chunk.
type DeliveredChunk struct {
	Chunk int64
	Body  []byte // see [DecodeDelivered]
}

const deliveredVersion = 1

// EncodeDelivered packs deliveries by chunk.
func EncodeDelivered(list []Attempted) (chunks []DeliveredChunk) {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b Attempted) int { return int(int64(a.Seq) - int64(b.Seq)) })
	for len(sorted) > 0 {
		chunk := ChunkOf(sorted[0].Seq)
		n := 0
		for n < len(sorted) && ChunkOf(sorted[n].Seq) == chunk {
			n++
		}
		chunks = append(chunks, DeliveredChunk{chunk, encodeDelivered(sorted[:n], chunk)})
		sorted = sorted[n:]
	}
	return chunks
}

func encodeDelivered(list []Attempted, chunk int64) []byte {
	b := []byte{deliveredVersion}
	seq, at := chunk*DeliveryChunk, int64(0)
	for i := range list {
		a := &list[i]
		b = binary.AppendUvarint(b, uint64(int64(a.Seq)-seq))
		back := uint64(0)
		if a.Previous > 0 {
			back = uint64(a.Seq - a.Previous)
		}
		b = binary.AppendUvarint(b, back)
		b = binary.AppendVarint(b, a.At-at)
		seq, at = int64(a.Seq), a.At
		b = binary.AppendUvarint(b, uint64(max(a.Duration, 0)))
		flags := uint64(a.Attempt) << 1
		if a.Replay {
			flags |= 1
		}
		b = binary.AppendUvarint(b, flags)
		b = binary.AppendUvarint(b, uint64(a.Status))
		b = binary.AppendUvarint(b, uint64(len(a.Answer)))
		b = append(b, a.Answer...)
	}
	return b
}

var errDelivered = errors.New("a record of deliveries cannot be read")

// DecodeDelivered unpacks what [EncodeDelivered] packed.
func DecodeDelivered(c DeliveredChunk) (list []Attempted, err error) {
	b := c.Body
	if len(b) == 0 || b[0] != deliveredVersion {
		return nil, errDelivered
	}
	b = b[1:]
	fail := false
	unsigned := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			fail = true
			return 0
		}
		b = b[size:]
		return n
	}
	seq, at := c.Chunk*DeliveryChunk, int64(0)
	for len(b) > 0 && !fail {
		seq += int64(unsigned())
		back := Sequence(unsigned())
		step, size := binary.Varint(b)
		if size <= 0 {
			return nil, errDelivered
		}
		b = b[size:]
		at += step
		a := Attempted{Seq: Sequence(seq), At: at, Duration: int64(unsigned())}
		if back > 0 {
			a.Previous = a.Seq - back
		}
		flags := unsigned()
		a.Attempt, a.Replay, a.Status = int(flags>>1), flags&1 == 1, int(unsigned())
		n := unsigned()
		if fail || n > uint64(len(b)) {
			return nil, errDelivered
		}
		if n > 0 {
			a.Answer = slices.Clone(b[:n])
		}
		b = b[n:]
		list = append(list, a)
	}
	if fail {
		return nil, errDelivered
	}
	return list, nil
}

// StripAnswers takes the receivers' words out of a record; nil if there are none
// in it.
func StripAnswers(c DeliveredChunk) ([]byte, error) {
	list, err := DecodeDelivered(c)
	if err != nil {
		return nil, err
	}
	found := false
	for i := range list {
		found = found || len(list[i].Answer) > 0
		list[i].Answer = nil
	}
	if !found {
		return nil, nil
	}
	return encodeDelivered(list, c.Chunk), nil
}

// SortAttempts puts attempts into the order in which they were made.
func SortAttempts(list []Attempted) {
	slices.SortStableFunc(list, func(a, b Attempted) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Attempt, b.Attempt))
	})
}
