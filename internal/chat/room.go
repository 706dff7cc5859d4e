package chat

import (
	"context"

	"github.com/parley-im/parley/api"
)

// RoomState is how much room is left for what is stored.
type RoomState uint8

// The states, from the best.
const (
	RoomEnough   RoomState = iota
	RoomLow                // sends are refused, while there is room to record these refusals
	RoomCritical           // no send begins, and no change that makes something new is taken
)

// Room is how much room is left.
type Room struct {
	State RoomState
	Free  int64 // bytes
	Mark  int64 // below which the state begins
}

// Space knows the room of the disk that the store is on.
type Space interface {
	// Room is what was last seen. It is asked for every send and must not block.
	Room() Room
	// Look has the disk looked at soon, because a write failed. It must not block.
	Look()
}

// anySpace is a disk of which nobody knows anything.
type anySpace struct{}

func (anySpace) Room() Room { return Room{} }
func (anySpace) Look()      {}

// diskRule comes before all rules that a repeat need not pass: nothing else is
// worth finding out about a message that there is no room for.
var diskRule = rule{RuleDisk, func(_ context.Context, b *Backend, _ *attempt) *Refusal {
	return checkDisk(b.space.Room())
}}

// checkDisk refuses what there is no room for.
func checkDisk(room Room) *Refusal {
	if room.State == RoomEnough {
		return nil
	}
	return compared(Fail(api.CodeInternal), "free", room.Free, "mark", room.Mark)
}

// checkGrowth refuses a change for which there is no room: one that makes apps,
// accounts, groups, members or words and removes nothing. What changes what is
// there passes, mutes above all.
func checkGrowth(n *noted) *Refusal {
	if !n.tight || !n.grows || n.frees {
		return nil
	}
	return Fail(api.CodeInternal, "the server's disk is full; what changes or removes something is still done")
}
