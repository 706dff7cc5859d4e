package disk_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-im/parley/internal/disk"
)

func TestStatesFollowTheFreeRoom(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	usual := disk.Marks{Low: 512 * mb, Critical: 128 * mb}
	for name, c := range map[string]struct {
		marks disk.Marks
		now   disk.State
		free  int64
		want  disk.State
	}{
		"room":                                {usual, disk.OK, 512 * mb, disk.OK},
		"one byte below low":                  {usual, disk.OK, 512*mb - 1, disk.Low},
		"low lasts up to an eighth above":     {usual, disk.Low, 575 * mb, disk.Low},
		"low ends there":                      {usual, disk.Low, 576 * mb, disk.OK},
		"one byte below critical":             {usual, disk.Low, 128*mb - 1, disk.Critical},
		"from well to critical":               {usual, disk.OK, 0, disk.Critical},
		"critical lasts a little above":       {usual, disk.Critical, 143 * mb, disk.Critical},
		"critical becomes low":                {usual, disk.Critical, 144 * mb, disk.Low},
		"critical ends far above":             {usual, disk.Critical, 576 * mb, disk.OK},
		"critical with room just above low":   {usual, disk.Critical, 513 * mb, disk.Low},
		"less than nothing":                   {usual, disk.Critical, -64 * mb, disk.Critical},
		"switched off":                        {disk.Marks{}, disk.OK, 0, disk.OK},
		"switched off, but for the critical":  {disk.Marks{Critical: mb}, disk.OK, 0, disk.Critical},
		"that one ends without a low between": {disk.Marks{Critical: mb}, disk.Critical, 2 * mb, disk.OK},
		"switched off, but for the low":       {disk.Marks{Low: mb}, disk.OK, 0, disk.Low},
	} {
		if got := c.marks.Next(c.now, c.free); got != c.want {
			t.Errorf("%s: %v with %d free becomes %v, want %v", name, c.now, c.free, got, c.want)
		}
	}
}

// Whatever the room does within less than an eighth of a mark, a state changes
// but once.
func TestStatesDoNotFlap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := disk.Marks{Low: rapid.Int64Range(800, 10_000).Draw(t, "low")}
		m.Critical = rapid.Int64Range(80, m.Low/2).Draw(t, "critical")
		mark := rapid.SampledFrom([]int64{m.Low, m.Critical}).Draw(t, "mark")
		base := mark - rapid.Int64Range(0, mark/8).Draw(t, "below")
		state, changes := m.Next(disk.OK, mark*2), 0
		for range 50 {
			next := m.Next(state, base+rapid.Int64Range(0, mark/8-1).Draw(t, "free"))
			if next != state {
				changes++
			}
			state = next
		}
		if changes > 2 { // one past each mark
			t.Fatalf("%d changes", changes)
		}
	})
}
