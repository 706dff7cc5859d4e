package chat

// epochGap is how far beyond the head of a journal a new epoch of it starts.
// What was committed after a backup was made, and told to receivers, has
// numbers that no event of the restored journal will get.
const epochGap Sequence = 1_000_000

// EpochShift is by how much [FirstOfEpoch] lifts the next sequence.
const EpochShift = epochGap - 1

// FirstOfEpoch is the sequence of the first event of a new epoch of a journal
// whose next event would have had the sequence next: its head, which is the
// last one in use, and a million.
func FirstOfEpoch(next Sequence) Sequence { return next + EpochShift }
