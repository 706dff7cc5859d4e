package rest

import "github.com/parley-im/parley/internal/command"

// BuildOpenAPI makes the description of the server anew, where a door hands out
// the one that was made first.
func BuildOpenAPI() ([]byte, error) { return command.Encode(describe()) }
