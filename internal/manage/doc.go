// Package manage is what operators and programs may do with a running server
// beside sending: look at the journal, send events again, manage endpoints,
// apps and tokens, and have it explained what became of a send.
//
// It knows no HTTP. [Operations] is the one table of all of it, with the shapes
// of requests and answers; doors mount it where they like and say who calls.
// What a caller is told is made of values of package api. An error is a
// *[chat.Refusal] for a fault of the caller, a [Missing] around one for
// something that is not there, a *[Moved] for a journal that is no more, a
// [Crowded] around one when too many wait already, or else a fault of the server.
//
// No operation holds a read of the store while it waits, and each is bounded in
// the rows that it looks at.
package manage
