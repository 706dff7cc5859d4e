// Package api holds what a caller of Parley's REST API needs: the requests and
// answers of its commands as they look on the wire, the error codes, and a
// client. It speaks the REST API of Tencent Cloud Chat (document 1047/34620),
// so the client works against that service as well.
//
// Field names in Go are those of the wire, underscores included. Where editions
// of the protocol renamed a field, a request has both names and a method that
// tells which of them was given; an answer has both names filled alike.
//
// The package uses the standard library only and keeps no state.
package api
