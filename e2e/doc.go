// Package e2e tests the program from outside: it builds cmd/parley once, starts
// it as a process of its own on free ports, calls it as an app backend would
// (package api, or plain HTTP where a fault is wanted), and takes its callbacks
// with package callback. A process is only ever ended by its own id.
//
// What does not depend on the engine runs on each of them: in a data folder and
// in a PostgreSQL database (onBoth). Tests about the files of a data folder, and
// about servers, sessions and processes of PostgreSQL, have one engine only.
//
// The short form runs with `go test ./...` and needs nothing but Go. Tests that
// look at system calls need strace and the right to trace, those of the other
// engine a PostgreSQL (internal/pgtest), that of the console a Chromium; they
// skip without.
// PARLEY_E2E_LONG=1 kills more often and sends more.
//
// The ledger (ledger_*.go, `make ledger`) accounts for every single send: what
// senders were told, the app's totals, what is stored and what each endpoint saw
// must agree. Its audit reads books alone, so a test can spoil them. A run is
// drawn from PARLEY_LEDGER_SEED, which it prints.
package e2e
