//go:build unix

package main

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/parley-im/parley/internal/demo"
)

// screen returns the terminal that out is, or nil if it is none or one that
// understands no control sequences.
func screen(out io.Writer) *demo.Screen {
	file, ok := out.(*os.File)
	if term := os.Getenv("TERM"); !ok || term == "" || term == "dumb" {
		return nil
	}
	fd := int(file.Fd())
	if _, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err != nil {
		return nil
	}
	return &demo.Screen{Colours: os.Getenv("NO_COLOR") == "", Size: func() (columns, rows int) {
		columns, rows = 80, 24
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil && size.Col > 0 && size.Row > 0 {
			columns, rows = int(size.Col), int(size.Row)
		}
		if n := columnsOf(); n > 0 {
			columns = n
		}
		return columns, rows
	}}
}

// columnsOf is the width that the environment demands; 0 if it demands none.
func columnsOf() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n <= 0 {
		return 0
	}
	return n
}
