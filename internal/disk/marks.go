package disk

// State is how much room there is.
type State uint8

// The states, from the best.
const (
	OK       State = iota
	Low            // below the low mark
	Critical       // below the critical mark
)

func (s State) String() string {
	switch s {
	case Low:
		return "low"
	case Critical:
		return "critical"
	}
	return "ok"
}

// Marks are the bytes of free room below which a state begins; 0 switches it off.
type Marks struct{ Low, Critical int64 }

// Next is the state that follows now with so many bytes free.
func (m Marks) Next(now State, free int64) State {
	switch {
	case m.below(m.Critical, now == Critical, free):
		return Critical
	case m.below(m.Low, now != OK, free):
		return Low
	}
	return OK
}

// below says whether a state begins, or lasts when it is the present one.
func (m Marks) below(mark int64, lasts bool, free int64) bool {
	if mark > 0 && lasts {
		mark += mark / 8
	}
	return free < mark
}
