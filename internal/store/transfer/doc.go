// Package transfer moves what a data folder holds into a PostgreSQL database:
// every app goes on there with the same epoch, the next sequence, the same group
// keys and cursors, so that neither members nor receivers can tell.
//
// The folder is the caller's alone meanwhile (its lock), and so is the database
// (the turn to deliver). Rows go over in the order of their keys, in batches;
// how far each table is stands in the table imports and is committed with the
// batch. Afterwards every row of every table is read from both sides and
// compared.
//
// Broken off at any point, the move is run again and goes on. What there is at
// each point:
//
//	folder (file "moved")    database (imports)    folder serves    database serves
//	-                        -                     yes              yes, something else
//	moving                   -                     yes              yes, something else
//	moving                   unfinished            yes, and voids   no
//	void                     unfinished            yes              no; the next run starts over
//	moved                    unfinished            no               no; the next run ends it
//	moved                    finished              no               yes
//
// The file names the id that stands in imports, and a run goes on only where
// both agree. The steps are in this order so that there is no point at which both
// are served, and none from which the next run does not go on.
//
// What is carried is one list, tables.go, with what is not and why.
package transfer
