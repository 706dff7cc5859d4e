// Package delivery brings the journal's events to the endpoints of their apps,
// and puts the before-send question.
//
// An endpoint has one lane. A lane reads the app's journal in the order of its
// sequences, posts what the endpoint has switched on, several at once, and
// moves a cursor behind which everything is settled: delivered, or set apart in
// a row of its own because it failed. What is committed is offered to the lane,
// which takes an offer only if it directly follows what it has read; otherwise
// it reads pages from the journal until it has caught up. The offer is a cache,
// the cursor is the truth.
//
// Guarantee: each event reaches each endpoint that wants it at least once.
// Cursor and rows are written with the batches of the sends, 100 ms later at
// most; a crash repeats at most the attempts of that window. From the second
// attempt on, its number and time are on disk before it leaves.
//
// Order: attempts begin in the order of the journal, but several are under way
// at once and failed ones come again, so arrivals are not in order.
//
// Bounds: a lane reads at most maxBuffered events ahead, has at most
// maxInFlight requests under way, maxWindow settled events behind an unsettled
// one and maxApart rows; a backlog stays in the journal. A slow or dead endpoint costs
// the senders and the other lanes nothing. Nothing here blocks the writer:
// Offer appends to a bounded buffer or drops.
//
// An endpoint that fails as a whole (refused, time-out, 5xx, TLS, DNS) is only
// probed, with one event at a time, in turn one that failed and a new one; what
// waits uses up no attempts and does not die of age. When the endpoint answers
// again, all that failed because of it comes within the next 10 seconds,
// whatever its schedule said.
package delivery
