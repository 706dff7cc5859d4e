// Package disk watches the free room of a folder's disk, so that a server stops
// taking what needs room while it can still write what must be written.
//
// There are two marks. Below the low one a store still takes writes, and the
// server refuses what it can refuse, on record. Below the critical one nothing
// is begun any more, and the ballast, a file that does nothing but take up room,
// is removed: cursors, checkpoints and deletions can still be written then. When
// there is room again, all of it is undone.
//
// States change by [Marks.Next] alone, a pure function. A state is left only when
// there is an eighth more room than its mark, and after the ballast was removed
// what that gave does not count, so that no state flaps.
package disk
