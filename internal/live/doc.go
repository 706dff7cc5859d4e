// Package live is the client door: app users hold a connection, send by it and
// hear what their groups say. The connection itself, with its fall-backs and
// reconnects, is the centrifuge library's; what goes over it is ours.
//
//	connecting.go   who is it, and what may he hear
//	conn.go, rpc.go one connection and its calls
//	shard.go        a worker that follows the groups of one shard and alone
//	                pushes to them
//	hall.go         one group with connections on this node
//	recent.go       the newest messages of groups, from memory
//	tick.go         once a second: is anything missing
//	budget.go       who does not read fast enough
//	frame.go        what is pushed, as JSON
//
// # Who pushes
//
// A group belongs to one shard, whose worker does everything for it in order:
// it takes up messages and notices as they were committed, subscribes who joined,
// pushes, and unsubscribes who left. Nobody else pushes to a group. What the
// backend hands over after a commit is a hint: a message whose number does not
// follow is read from the store with those before it, and once a second the store
// is asked for the heads of all groups that have connections here.
//
// # Who hears
//
// A connection is subscribed to the groups that its user was a member of when it
// was made. A change in between is found by the app's version: when it has moved,
// the membership is read again after the subscription. Users and channels of the
// library are global in its node, so both carry the SDKAppID.
package live
