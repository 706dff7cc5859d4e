//go:build !darwin && !freebsd && !linux

package disk

import "math"

// Free does not know, and says that there is room.
func Free(string) (int64, error) { return math.MaxInt64, nil }
