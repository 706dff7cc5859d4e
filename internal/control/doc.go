// Package control is how a command on the same machine reaches the server of a
// data folder: HTTP on the Unix socket "control" in that folder, which only the
// folder's owner can connect to. A backup needs it, because the pages of a
// database that is written can be copied only by who writes it.
//
// Only the holder of the folder's lock listens. A socket that a killed server
// left is removed by the next one.
//
//	POST /backup   the backup as a tar archive. While it is made come responses
//	               102 with the header Parley-Progress: DONE/TOTAL, in bytes.
//	               503: none can be made, for the reason in the body.
package control
