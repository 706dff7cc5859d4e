// Package e2e tests the program from outside: it builds cmd/parley once, starts
// it as a process of its own on free ports, calls it as an app backend would
// (package api, or plain HTTP where a fault is wanted), and takes its callbacks
// with package callback. A process is only ever ended by its own id.
//
// The short form runs with `go test ./...` and needs nothing but Go. Tests that
// look at system calls need strace and the right to trace, and skip without.
// PARLEY_E2E_LONG=1 kills more often and sends more.
package e2e
