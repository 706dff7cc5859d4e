//go:build !unix

package main

import (
	"io"

	"github.com/parley-im/parley/internal/demo"
)

// screen is nil here: the demonstration prints plain lines.
func screen(io.Writer) *demo.Screen { return nil }
