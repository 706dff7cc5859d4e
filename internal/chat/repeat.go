package chat

import (
	"crypto/sha256"
	"encoding/binary"
)

// RepeatWindow is how long an accepted send is remembered, in seconds.
const RepeatWindow = 5 * 60

// RepeatKey is what makes two sends of one app the same: group, sender, Random and
// content, hashed.
type RepeatKey [16]byte

// Repeat is an accepted send that is remembered.
type Repeat struct {
	Key     RepeatKey
	Attempt AttemptID
	Seq     MsgSeq // 0 for an online-only message
	Time    int64  // MsgTime, unix seconds
}

// repeatKey hashes what makes a send the same as another. Lengths are hashed
// with the fields, so that no two different sends look alike.
func repeatKey(s *Send) RepeatKey {
	h := sha256.New()
	var n [8]byte
	num := func(v uint64) {
		binary.BigEndian.PutUint64(n[:], v)
		h.Write(n[:])
	}
	text := func(s string) {
		num(uint64(len(s)))
		h.Write([]byte(s))
	}
	num(uint64(s.App))
	num(uint64(s.Random))
	text(string(s.Group))
	text(string(s.From))
	num(uint64(len(s.Content.Body)))
	h.Write(s.Content.Body)
	if s.Content.HasCloud {
		text(s.Content.Cloud)
	}
	var sum [32]byte
	return RepeatKey(h.Sum(sum[:0])[:16])
}
