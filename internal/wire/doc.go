// Package wire is the one place where the values of package chat meet the
// shapes of the protocol: it reads the body of a send, writes the bodies of
// callbacks and reads the answer to a before-send question.
//
// Bodies of callbacks are compact, raw UTF-8, with keys in alphabetical order
// on every level, as captured callbacks of the service are.
package wire
